//! Events as they are stored, for whoever is watching.
//!
//! # Where they come from
//!
//! From the tables, not from the receiver: ingest and gateway may be different processes on different machines, and
//! there may be several of each. One task a process ([`follower`]) looks into `stored_inserts`, a small table with a row
//! for each insert into `otel_logs`, reads the rows of inserts that it has not seen, once, and hands them to every
//! client that wants them ([`Queue`]). It runs only while somebody listens.
//!
//! # Why not a cursor on a time
//!
//! Inserts run beside one another, from several receivers. One that began earlier may become visible later, so
//! whoever asks for "everything since the newest that I saw" loses it, and whoever asks for a little more gets things
//! twice. And no time that a receiver writes will do: events that waited in a log while ClickHouse was away are stored
//! hours after they were received, and each machine has a clock of its own. Hence:
//!
//! - The time is the server's, when the insert began ([`granary_archive::StoredInsert::stored_ms`]).
//! - Each look goes back behind the newest by the [`follower::NEAR`] window, and now and then by the
//!   [`follower::FAR`] one, which is longer than an insert may take; an insert that is known is passed over. It is known
//!   as a whole, by time, tenant and key, so the memory of it is small however many rows it has.
//! - An insert's rows are read only when as many are there as it is said to have: a view's row may be visible a moment before
//!   the rows themselves.
//! - A writer that does not say which batch a row belongs to (the Collector) can have two inserts' rows found together;
//!   so the ids of the last [`follower::REMEMBERED`] events are kept, and an event is handed on once.
//!
//! - Where a replica that is behind is asked, rows that it has not got after some seconds are counted as missed.
//!
//! What is not covered: an insert that takes longer than the far window, and on a cluster servers whose clocks differ
//! by as much.
//!
//! # Who comes back
//!
//! An event's id ([`LiveId`]) is its insert and its place in that, the same from every process. A client that comes back
//! with one gets what was stored since from the tables, up to [`client::MAX_RESUMED_ROWS`], then goes on live. Inserts that began
//! within [`client::UNCERTAIN`] before that id may have become visible after it, so their events come again: a client that counts
//! keeps to the ids.
//!
//! # What is bounded
//!
//! Clients (`gateway.max_live`); events and bytes that wait for one client (`gateway.max_live_queue_events`,
//! `gateway.max_live_queue_bytes`); events a second that are read for all of them (`gateway.max_live_rate`). Beyond the last
//! two, and where this process falls half a minute behind, events are left out, and the client is told how many and since
//! when ([`Missed`]), in their place.

pub(crate) mod client;
pub(crate) mod filter;
pub(crate) mod follower;
pub(crate) mod id;
mod queue;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use granary_archive::{ArchiveError, ReplayEvent, StoredInsert};
use granary_clickhouse::Warehouse;
use granary_model::TenantId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::GatewayConfig;
pub use client::LiveClient;
pub use filter::LiveFilter;
pub use id::LiveId;
use queue::Queue;

/// What is bounded; each is described at [`GatewayConfig`].
#[derive(Debug, Clone)]
pub struct LiveLimits {
    /// Clients at the same time.
    pub max_clients: u32,
    /// Events that wait for one client.
    pub max_queue_events: u32,
    /// Bytes of events that wait for one client.
    pub max_queue_bytes: u64,
    /// Events a second that are read.
    pub max_rate: u32,
}

impl GatewayConfig {
    /// The part that a [`Live`] needs.
    #[must_use]
    pub fn live_limits(&self) -> LiveLimits {
        LiveLimits {
            max_clients: self.max_live.get(),
            max_queue_events: self.max_live_queue_events.get(),
            max_queue_bytes: self.max_live_queue_bytes.as_u64(),
            max_rate: self.max_live_rate.get(),
        }
    }
}

/// What a client is given.
#[derive(Debug, Clone)]
pub enum LiveItem {
    /// An event.
    Event(Arc<LiveEvent>),
    /// That events were left out here.
    Missed(Missed),
}

/// A stored event.
#[derive(Debug)]
pub struct LiveEvent {
    /// Which one it is.
    pub id: LiveId,
    /// The event, as a replay has it.
    pub event: ReplayEvent,
    /// What it is chosen by.
    pub(crate) facets: granary_archive::Facets,
}

/// Events that a client did not get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed {
    /// How many.
    pub events: u64,
    /// When the first of them was stored, in milliseconds since 1970.
    pub since_ms: i64,
    /// Why.
    pub why: MissedWhy,
}

/// Why events were left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissedWhy {
    /// The client was slower than they came. Those it had asked for are counted.
    Slow,
    /// More was stored than is read, or than can be caught up with. They were not read, so those that it had not asked for
    /// are counted, too.
    Rate,
    /// They are stored, and the replica that was asked had not got them in time. Those that the client had not asked for are
    /// counted, too.
    Behind,
    /// They cannot be shown.
    Unreadable,
}

impl MissedWhy {
    /// The name that clients are told.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Rate => "rate",
            Self::Behind => "behind",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Why nobody can listen now.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// As many listen as may.
    #[error("{max} clients listen, as many as may")]
    Full {
        /// The bound.
        max: u32,
    },
    /// The warehouse cannot be asked.
    #[error(transparent)]
    Warehouse(#[from] ArchiveError),
    /// The same, of the look that somebody else waited for, too.
    #[error("the warehouse cannot be followed: {0}")]
    NotFollowing(String),
}

/// The events of one warehouse as they are stored. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Live(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    warehouse: Warehouse,
    limits: LiveLimits,
    places: Arc<Semaphore>,
    state: Mutex<State>,
}

/// An insert as it is remembered.
type InsertKey = (i64, TenantId, u64);

#[derive(Debug, Default)]
struct State {
    /// Those that get what comes.
    queues: Vec<Arc<Queue>>,
    /// Those and the ones that wait to become so; nobody is followed for nobody.
    listeners: u32,
    /// What the follower's first look came to; there where one runs.
    following: Option<watch::Receiver<Begun>>,
    /// The inserts that were handed on, or were there before anybody listened.
    handed_on: HashSet<InsertKey>,
    /// Before that nothing is looked for any more.
    horizon_ms: i64,
}

/// What a follower's first look came to.
#[derive(Debug, Clone)]
enum Begun {
    NotYet,
    Following,
    Failed(String),
}

impl Live {
    /// `warehouse` should be a user that can read and nothing else. Nothing is asked before somebody listens.
    #[must_use]
    pub fn new(warehouse: Warehouse, limits: LiveLimits) -> Self {
        let places = Arc::new(Semaphore::new(limits.max_clients as usize));
        Self(Arc::new(Shared { warehouse, limits, places, state: Mutex::default() }))
    }

    /// Listens for a tenant's events. Every event stored after this has returned is given to the client, or counted as
    /// missed. With an `after`, so is what was stored since that event.
    ///
    /// # Errors
    ///
    /// As many listen as may, or the warehouse does not answer.
    ///
    /// # Cancel safety
    ///
    /// Dropping it gives up the place.
    pub async fn listen(
        &self,
        tenant: &TenantId,
        filter: LiveFilter,
        after: Option<LiveId>,
    ) -> Result<LiveClient, LiveError> {
        let shared = &self.0;
        let full = |_| LiveError::Full { max: shared.limits.max_clients };
        let place = Arc::clone(&shared.places).try_acquire_owned().map_err(full)?;
        let listening = Listening::begin(shared, place);
        let mut following = listening.following.clone();
        let begun = following.wait_for(|begun| !matches!(begun, Begun::NotYet)).await;
        match begun.map(|begun| begun.clone()) {
            Ok(Begun::Following) => {}
            Ok(Begun::Failed(problem)) => return Err(LiveError::NotFollowing(problem)),
            Ok(Begun::NotYet) | Err(_) => return Err(LiveError::NotFollowing("it was given up".to_owned())),
        }
        LiveClient::join(listening, tenant, filter, after).await
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // What is in there stays whole between any two statements.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who listens, or is about to. Dropping it ends that.
#[derive(Debug)]
struct Listening {
    shared: Arc<Shared>,
    following: watch::Receiver<Begun>,
    _place: OwnedSemaphorePermit,
}

impl Listening {
    /// Sees to it that the inserts are followed.
    fn begin(shared: &Arc<Shared>, place: OwnedSemaphorePermit) -> Self {
        let mut state = shared.state();
        state.listeners += 1;
        let following = match &state.following {
            // One that failed has gone.
            Some(following) if following.has_changed().is_ok() => following.clone(),
            _ => {
                let (begun, following) = watch::channel(Begun::NotYet);
                state.handed_on.clear();
                state.following = Some(following.clone());
                tokio::spawn(follower::follow(Arc::clone(shared), begun));
                following
            }
        };
        drop(state);
        Self { shared: Arc::clone(shared), following, _place: place }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.listeners = state.listeners.saturating_sub(1);
    }
}

fn key_of(insert: &StoredInsert) -> InsertKey {
    (insert.stored_ms, insert.tenant.clone(), insert.key)
}

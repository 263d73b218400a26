//! Who archives which session, when several archivers run.
//!
//! ClickHouse has no compare-and-set, so a lease is taken by writing first and looking afterwards. An archiver inserts
//! its claim of a batch of sessions into `archive_leases`; once that insert has returned, it reads all claims
//! of these sessions that are in force, and holds those of which it sees no claim but its own. Of the others it
//! gives its claim up, and leaves them to a later pass.
//!
//! **Nobody does another's work twice.** Take two archivers that claim the same session. Each reads after its own
//! insert was visible. If the first did not see the second's claim, that claim was inserted after the first's read, so
//! the second reads later still and sees the first's. At most one sees itself alone, whatever the order and
//! whatever the clocks say; both may see each other, and then both step back. Batches are claimed in random order,
//! so that this is rare and does not repeat.
//!
//! **A claim expires** by the server's clock, the only one that all archivers share, so a session of an archiver that
//! died is taken over. A holder renews its claims at every quarter of their time. By its own clock it counts from before
//! it asked, and trusts a claim for two thirds of its time only: a holder that was halted for longer, or whose
//! renewal came back too late, stops before it writes anything that others see ([`Lease::check`]).
//!
//! **What this rests on, and where it ends.** One server; or shards, a session's claims being on one; or replicas, of which
//! most take a claim before it is answered (`insert_quorum`) and none answers that has not taken the last one
//! (`select_sequential_consistency`): nothing is archived while most are not there, which of two replicas is while one is away, and of three
//! while two are. Or a service with `SharedMergeTree`, whose servers ask Keeper what there is. Servers whose clocks are less than a third of the
//! lease apart; archivers whose clocks run at the same pace. Where that fails, or a holder is halted in the very moment
//! between the check and the write, two may do the same session. Then the store's conditional writes let one of
//! them replace the object, both objects would hold the same rows in the same order anyway, and the marks of
//! `session_archives` are one row for a session: the work was done twice, and the result is the same.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use granary_clickhouse::Warehouse;
use serde::Deserialize;
use uuid::Uuid;

use crate::ArchiveError;
use crate::names::{self, IN_SESSIONS, SESSIONS, SessionName};
use crate::tables::{ask, write};

/// Sessions that this archiver works on. Dropped without [`Lease::give_up`] it ends by itself.
#[derive(Debug)]
pub(crate) struct Lease {
    warehouse: Warehouse,
    claim: Uuid,
    length: Duration,
    sessions: Vec<SessionName>,
    /// Until when this archiver may be sure of it, by its own clock.
    sure_until: Mutex<Instant>,
}

impl Lease {
    /// Claims sessions. The lease is of those that nobody else claims, which may be none.
    pub(crate) async fn take(
        warehouse: &Warehouse,
        length: Duration,
        wanted: Vec<SessionName>,
    ) -> Result<Self, ArchiveError> {
        let mut lease = Self {
            warehouse: warehouse.clone(),
            claim: Uuid::new_v4(),
            length,
            sessions: wanted,
            sure_until: Mutex::new(Instant::now() + sure_part(length)),
        };
        let contested = match lease.claim().await {
            Ok(contested) => contested,
            Err(error) => {
                // The claim may be in force all the same. Nobody works on the sessions then, and nobody could until it ends.
                lease.give_up().await;
                return Err(error);
            }
        };
        if !contested.is_empty() {
            lease.sessions.retain(|name| !contested.contains(name));
            lease.write(&contested, true).await?;
        }
        Ok(lease)
    }

    /// The sessions that are held.
    pub(crate) fn sessions(&self) -> &[SessionName] {
        &self.sessions
    }

    /// Whether the sessions are still this archiver's; to be asked right before anything is written that others see.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::LeaseLost`]
    pub(crate) fn check(&self, session: &str) -> Result<(), ArchiveError> {
        if Instant::now() < self.sure_until() {
            return Ok(());
        }
        Err(ArchiveError::LeaseLost { session: session.to_owned() })
    }

    /// Renews the claims for as long as it is polled. Once they are lost, they stay lost.
    pub(crate) async fn keep(&self) -> std::convert::Infallible {
        let mut pause = self.length / 4;
        loop {
            tokio::time::sleep(pause).await;
            let asked = Instant::now();
            if asked >= self.sure_until() {
                return std::future::pending().await;
            }
            let renewed = self.write(&self.sessions, false).await;
            // Another's claim may have been alone while this one was on its way.
            let in_time = Instant::now() < self.sure_until();
            pause = match renewed {
                Ok(()) if in_time => {
                    self.set_sure_until(asked + sure_part(self.length));
                    self.length / 4
                }
                Ok(()) => self.length,
                Err(error) => {
                    tracing::warn!(%error, "the lease on the sessions being archived is not renewed yet");
                    self.length / 20
                }
            };
        }
    }

    /// Lets others have the sessions at once.
    pub(crate) async fn give_up(self) {
        if let Err(error) = self.write(&self.sessions, true).await {
            tracing::warn!(%error, "a lease is not given up; it ends by itself");
        }
    }

    /// Claims all sessions, and looks which of them others claim.
    async fn claim(&self) -> Result<Vec<SessionName>, ArchiveError> {
        self.write(&self.sessions, false).await?;
        self.contested().await
    }

    async fn write(&self, sessions: &[SessionName], given_up: bool) -> Result<(), ArchiveError> {
        if sessions.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "INSERT INTO archive_leases (TenantId, SessionId, Claim, Until, GivenUp) \
             SELECT TenantId, SessionId, {{claim:UUID}}, now64(3) + toIntervalMillisecond({{length:UInt64}}), \
             {{given_up:Bool}} FROM {SESSIONS}"
        );
        let query = names::bind(self.warehouse.query(&sql), sessions)
            .param("claim", self.claim)
            .param("length", u64::try_from(self.length.as_millis()).unwrap_or(u64::MAX))
            .param("given_up", given_up);
        Ok(write(&self.warehouse, query).await?)
    }

    /// Of the claimed sessions those that others claim, too.
    async fn contested(&self) -> Result<Vec<SessionName>, ArchiveError> {
        let sql = format!(
            "SELECT DISTINCT TenantId AS tenant, SessionId AS session FROM ({}) WHERE Claim != {{claim:UUID}}",
            in_force(IN_SESSIONS)
        );
        let query = names::bind(self.warehouse.query(&sql), &self.sessions).param("claim", self.claim);
        ask(self.warehouse.as_written(query)).await
    }

    fn sure_until(&self) -> Instant {
        *self.sure_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_sure_until(&self, until: Instant) {
        *self.sure_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}

/// Whether anybody works on a session.
pub(crate) async fn is_claimed(warehouse: &Warehouse, name: SessionName) -> Result<bool, ArchiveError> {
    #[derive(Deserialize)]
    struct Row {
        claims: u64,
    }
    let sql = format!("SELECT count() AS claims FROM ({})", in_force(IN_SESSIONS));
    let query = warehouse.as_written(names::bind(warehouse.query(&sql), &[name]));
    let rows: Vec<Row> = ask(query).await?;
    Ok(rows.iter().any(|row| row.claims > 0))
}

/// The claims in force, of all sessions or of some: they have not expired, and were not given up, which a row says that
/// expires last.
pub(crate) fn in_force(of: &str) -> String {
    format!(
        "SELECT TenantId, SessionId, Claim FROM archive_leases WHERE Until > now64(3) AND {of} \
         GROUP BY TenantId, SessionId, Claim HAVING NOT max(GivenUp)"
    )
}

/// Every session.
pub(crate) const ANY: &str = "true";

/// How long a holder trusts its claim; the rest is for clocks that differ.
fn sure_part(length: Duration) -> Duration {
    length * 2 / 3
}

//! One session, out of everything: its objects, its rows, its share of the rollups, its marks.
//!
//! | step | what is done | killed in it and run again |
//! |---|---|---|
//! | begin | a row in `session_erasures`: from here on the session is neither archived nor restored | the same row |
//! | objects | every object of the session, found by walking the tenant's keys, is deleted | what is left is deleted |
//! | choose | the ids of the log records that the warehouse has now, into `session_erasure_events` | chosen ones stay chosen |
//! | subtract | the rollups over many sessions get the inverse of what these records gave them (`rollups.rs`) | by its receipts, once |
//! | delete | rows of all tables, and of the rollups that are the session's own; the marks | what is left is deleted |
//! | clear | keys of rollups that are now zero, the receipts, the chosen ids | what is left is cleared |
//! | look | every table and the store are asked again; what has arrived since is the next round's | |
//!
//! **Subtracting, not rebuilding.** `cost_hourly` and `tool_usage_hourly` are sums over many sessions. To rebuild a key from
//! the remaining rows, no insert may be between its table and its view from the reading of the rows to the replacement of
//! the key, and nobody can stop all receivers and the Collector; and where raw rows are kept for less long than rollups,
//! there is nothing to rebuild from. An inverse is one more insert: it commutes with every other, whatever is under way.
//! `sessions` and `session_models` have the session in their key; their rows are simply deleted.
//!
//! **What comes later** of an erased session (a client that was offline, a `granary import`) is received and stored like any
//! event, for ingest asks no table. The archiver erases it on its next pass ([`Archive::erase_late`]); until then it can be seen.
//!
//! **What this does not reach**, and when it goes by itself:
//!
//! - the write-ahead log's kept segments: `ingest.duplicate_window` after they were confirmed, or earlier where space is short;
//! - the quarantine: until `granary quarantine retry` or `drop`; what a retry stores is erased as a late event;
//! - ClickHouse's replaced parts: they are unlinked `old_parts_lifetime` (8 minutes by default) after the mutation;
//! - versions of objects in a bucket that keeps versions, backups, and replicas of either: their own rules;
//! - rollups of records whose raw rows were deleted before: `cost_hourly` and `tool_usage_hourly` keep their sums, in which no
//!   session is named.
//!
//! The session's id stays in `session_erasures`, or nobody could know it again.

mod objects;
mod rollups;
mod rows;
mod steps;

use std::time::{SystemTime, UNIX_EPOCH};

use granary_clickhouse::Warehouse;
use granary_model::TenantId;
use serde::Deserialize;

use crate::names::SessionName;
use crate::tables::ask;
use crate::{Archive, ArchiveError, ObjectKey, Store};
use steps::Step;

/// What was erased of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Erased {
    /// The objects that were deleted.
    pub objects: Vec<ObjectKey>,
    /// Log records, spans and metric points that were deleted.
    pub rows: u64,
}

/// Events may arrive while a session is erased; a sender that does not stop is told so.
const MAX_ROUNDS: usize = 5;

impl Archive {
    /// Erases a session. When this returns, every table and the store were looked at and have nothing of it. May be
    /// repeated, and stopped at any point. A session that nobody knows is erased, too: nothing of it may come later.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::KeepsArriving`] where its events arrive faster than they are erased; what has arrived is erased
    /// later by [`erase_late`](Self::erase_late).
    pub async fn erase(&self, tenant: &TenantId, session: &str) -> Result<Erased, ArchiveError> {
        let session = SessionName { tenant: tenant.clone(), session: session.to_owned() };
        let mut erased = Erased::default();
        for _ in 0..MAX_ROUNDS {
            round(self.store(), self.warehouse(), &session, &mut erased).await?;
            if rows::left(self.warehouse(), &session).await? == 0
                && objects::of(self.store(), &session).await?.is_empty()
            {
                return Ok(erased);
            }
        }
        Err(ArchiveError::KeepsArriving { session: session.session })
    }

    /// Erases what has arrived of sessions that were erased before, and ends erasures that were stopped. Returns how
    /// many sessions that were; one that fails is logged, and tried again the next time.
    pub async fn erase_late(&self) -> Result<usize, ArchiveError> {
        self.erase_late_since(UNIX_EPOCH).await
    }

    /// [`erase_late`](Self::erase_late) of what has arrived at `since` or later.
    pub(crate) async fn erase_late_since(&self, since: SystemTime) -> Result<usize, ArchiveError> {
        let late = rows::late(self.warehouse(), since).await?;
        let mut erased = 0;
        for SessionName { tenant, session } in &late {
            match self.erase(tenant, session).await {
                Ok(_) => erased += 1,
                // Where the warehouse or the store is away, the others would fail the same way.
                Err(error) if error.is_transient() => return Err(error),
                Err(error) => {
                    tracing::warn!(tenant = tenant.as_str(), session, %error, "what has come of an erased session is still there");
                }
            }
        }
        Ok(erased)
    }
}

async fn round(
    store: &Store,
    warehouse: &Warehouse,
    session: &SessionName,
    erased: &mut Erased,
) -> Result<(), ArchiveError> {
    let (round, mut step) = steps::open(warehouse, session).await?;
    // From here on every replica has what there was when the round began.
    warehouse.sync_replicas(&rows::all_tables()).await?;
    if step == Step::Begun {
        // Also where it was begun before: a row of an earlier time says the same.
        steps::record(warehouse, session, round, Step::Begun).await?;
        erased.objects.extend(objects::delete(store, session).await?);
        rows::choose(warehouse, session, round).await?;
        steps::record(warehouse, session, round, Step::Chosen).await?;
        step = Step::Chosen;
    }
    if step == Step::Chosen {
        rollups::subtract(warehouse, session, round).await?;
        steps::record(warehouse, session, round, Step::Subtracted).await?;
    }
    erased.rows += rows::delete(warehouse, session, round).await?;
    rollups::clear(warehouse, session, round).await?;
    rows::forget_chosen(warehouse, session, round).await?;
    // What appeared in the store since the round began, as the upload that was under way.
    erased.objects.extend(objects::delete(store, session).await?);
    steps::record(warehouse, session, round, Step::Erased).await
}

/// Whether a session was erased, or is being erased.
pub(crate) async fn is_erased(
    warehouse: &Warehouse,
    tenant: &TenantId,
    session: &str,
) -> Result<bool, ArchiveError> {
    #[derive(Deserialize)]
    struct Found {
        found: u64,
    }
    let query = warehouse
        .query(
            "SELECT count() AS found FROM session_erasures \
             WHERE TenantId = {tenant:String} AND SessionId = {session:String}",
        )
        .param("tenant", tenant.as_str())
        .param("session", session);
    let query = warehouse.as_written(query);
    Ok(ask::<Found>(query).await?.first().is_some_and(|found| found.found > 0))
}

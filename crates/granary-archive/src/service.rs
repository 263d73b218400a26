//! The loop of the archiving role.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::StreamExt as _;
use futures::stream;
use granary_service::metrics::Registry;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::batch::{self, BATCHES, Outcome, Room};
use crate::metrics::{Metrics, Step};
use crate::select::MAX_DUE;
use crate::{Archive, ArchiveError};

/// Every so often all sessions are looked at, and not only those of which something arrived lately. That reads narrow columns of
/// all rows that there are.
const FULL_PASS_EVERY: Duration = Duration::from_hours(24);

/// And more often those of which something arrived within the last week: a receiver may have kept it for that long while ClickHouse
/// was away.
const WIDE_PASS_EVERY: Duration = Duration::from_hours(1);
const WIDE: Duration = Duration::from_hours(7 * 24);

/// How often objects are deleted whose time is over.
const EXPIRE_EVERY: Duration = Duration::from_hours(1);

/// A pass looks back this far beyond the one before it: what is stored may be some minutes older than when it
/// can be seen.
const OVERLAP: Duration = Duration::from_mins(10);

/// What a pass over the due sessions did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// Sessions whose object is there and recorded.
    pub archived: usize,
    /// Sessions that are left to another archiver.
    pub left: usize,
    /// Sessions that are tried again at a later pass; the log says why.
    pub failed: usize,
    /// There may be more: the pass was as large as one may be.
    pub full: bool,
}

impl Archive {
    /// Archives what is due, again and again, until `stop` is cancelled. Returns once the sessions under way are
    /// done; a session that was not begun stays due.
    ///
    /// A session that fails is logged and tried again at a later pass; nothing ends the loop but `stop`. `registry` shows
    /// what is done (`metrics.rs` has the list).
    pub async fn run(&self, registry: &Registry, stop: CancellationToken) {
        let metrics = Metrics::default();
        metrics.register(registry);
        let (mut full_pass_at, mut wide_pass_at) = (UNIX_EPOCH, UNIX_EPOCH);
        let mut since = UNIX_EPOCH;
        let mut expired_at = UNIX_EPOCH;
        while !stop.is_cancelled() {
            let now = SystemTime::now();
            let is_over = |at: SystemTime, every| now.duration_since(at).is_ok_and(|age| age >= every);
            let week_ago = now.checked_sub(WIDE).unwrap_or(UNIX_EPOCH);
            if is_over(full_pass_at, FULL_PASS_EVERY) {
                since = UNIX_EPOCH;
            } else if is_over(wide_pass_at, WIDE_PASS_EVERY) {
                since = since.min(week_ago);
            }
            let pass = self.pass(now, since, &metrics, &stop).await;
            match pass {
                Ok(Pass { archived, failed: 0, full: false, .. }) => {
                    if archived > 0 {
                        tracing::info!(sessions = archived, "archived");
                    }
                    if since == UNIX_EPOCH {
                        full_pass_at = now;
                    }
                    if since <= week_ago {
                        wide_pass_at = now;
                    }
                    // What another archiver has leased is found again should that one die.
                    since = [self.config().quiet, self.config().lease, OVERLAP]
                        .into_iter()
                        .try_fold(now, |since, back| since.checked_sub(back))
                        .unwrap_or(UNIX_EPOCH);
                }
                Ok(Pass { archived, failed: 0, full: true, .. }) => {
                    tracing::info!(sessions = archived, "archived, and more are due");
                    // Where others take everything there is no hurry.
                    if archived > 0 {
                        continue;
                    }
                }
                Ok(Pass { archived, failed, .. }) => {
                    tracing::warn!(sessions = archived, failed, "archived; what failed is tried again");
                }
                Err(error) => {
                    metrics.failed(&Step::FIND);
                    tracing::warn!(%error, "sessions that are due cannot be found");
                }
            }
            if now.duration_since(expired_at).is_ok_and(|age| age >= EXPIRE_EVERY) {
                match self.expire(now).await {
                    Ok(deleted) => {
                        expired_at = now;
                        metrics.expired(deleted);
                        if deleted > 0 {
                            tracing::info!(sessions = deleted, "objects deleted whose time was over");
                        }
                    }
                    Err(error) => {
                        metrics.failed(&Step::EXPIRE);
                        tracing::warn!(%error, "objects whose time is over are not deleted yet");
                    }
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(self.config().interval) => {}
            }
        }
    }

    /// Archives what is due now, once. Ends early, with sessions left over, where the warehouse or the store is away.
    pub async fn run_once(&self, stop: CancellationToken) -> Result<Pass, ArchiveError> {
        self.pass(SystemTime::now(), UNIX_EPOCH, &Metrics::default(), &stop).await
    }

    async fn pass(
        &self,
        now: SystemTime,
        since: SystemTime,
        metrics: &Metrics,
        stop: &CancellationToken,
    ) -> Result<Pass, ArchiveError> {
        // What has come of erased sessions goes first, so that it is seen for as short a time as may be.
        if let Err(error) = self.erase_late_since(since).await {
            metrics.failed(&Step::ERASE);
            tracing::warn!(%error, "what has arrived of erased sessions is still there; tried again at the next pass");
        }
        let due = self.due_since(now, since).await?;
        metrics.found(&due, self.config().quiet);
        let full = due.len() >= MAX_DUE;
        let mut batches = batch::batches(due);
        // Archivers that begin at the same moment shall not meet in the same batch.
        shuffle(&mut batches);
        let room = &Room::new(self.config().concurrency);
        // Where the warehouse or the store is away, the other sessions would fail the same way.
        let absent = &CancellationToken::new();
        let results = stream::iter(batches)
            .take_while(|_| std::future::ready(!stop.is_cancelled() && !absent.is_cancelled()))
            .map(|batch| self.archive_batch(batch, room, stop))
            .buffer_unordered(BATCHES)
            .boxed();
        let pass = Pass { full, ..Pass::default() };
        Ok(results
            .fold(pass, |mut pass, outcomes| {
                let is_transient =
                    |outcome: &Outcome| matches!(outcome, Outcome::Failed(_, error) if error.is_transient());
                let none_archived = !outcomes.iter().any(|outcome| matches!(outcome, Outcome::Archived(_)));
                if none_archived && outcomes.iter().any(is_transient) {
                    absent.cancel();
                }
                for outcome in &outcomes {
                    metrics.count(outcome);
                    pass.count(outcome);
                }
                std::future::ready(pass)
            })
            .await)
    }
}

impl Pass {
    fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Archived(archived) => {
                self.archived += 1;
                tracing::debug!(key = %archived.key, bytes = archived.compressed_bytes, "session archived");
            }
            Outcome::Left => self.left += 1,
            Outcome::Failed(of, error) => {
                self.failed += 1;
                let (tenant, session) = (of.tenant.as_str(), &of.session);
                tracing::warn!(tenant, session, %error, "session not archived");
            }
        }
    }
}

/// Fisher and Yates, with the random bits of fresh identifiers.
fn shuffle<T>(items: &mut [T]) {
    for last in (1..items.len()).rev() {
        let (random, _) = Uuid::new_v4().as_u64_pair();
        items.swap(last, usize::try_from(random >> 8).unwrap_or_default() % (last + 1));
    }
}

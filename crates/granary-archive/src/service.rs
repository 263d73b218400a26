//! The loop of the archiving role.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::StreamExt as _;
use futures::stream;
use tokio_util::sync::CancellationToken;

use crate::select::MAX_DUE;
use crate::{Archive, ArchiveError, DueSession};

/// Every so often all sessions are looked at, and not only those of which something arrived lately.
const FULL_PASS_EVERY: Duration = Duration::from_hours(1);

/// A pass looks back this far beyond the one before it: what is stored may be some minutes older than when it
/// can be seen.
const OVERLAP: Duration = Duration::from_mins(10);

/// What a pass did.
#[derive(Debug, Default)]
struct Pass {
    archived: usize,
    failed: usize,
    /// There may be more: the pass was as large as one may be.
    full: bool,
}

impl Archive {
    /// Archives what is due, again and again, until `stop` is cancelled. Returns once the sessions under way are
    /// done; a session that was not begun stays due.
    ///
    /// A session that fails is logged and tried again at a later pass; nothing ends the loop but `stop`.
    pub async fn run(&self, stop: CancellationToken) {
        let mut full_pass_at = UNIX_EPOCH;
        let mut since = UNIX_EPOCH;
        while !stop.is_cancelled() {
            let now = SystemTime::now();
            if now.duration_since(full_pass_at).is_ok_and(|age| age >= FULL_PASS_EVERY) {
                since = UNIX_EPOCH;
            }
            let pass = self.pass(now, since, &stop).await;
            match pass {
                Ok(Pass { archived, failed: 0, full: false }) => {
                    if archived > 0 {
                        tracing::info!(sessions = archived, "archived");
                    }
                    if since == UNIX_EPOCH {
                        full_pass_at = now;
                    }
                    since = now - self.config().quiet - OVERLAP;
                }
                Ok(Pass { archived, failed: 0, full: true }) => {
                    tracing::info!(sessions = archived, "archived, and more are due");
                    continue;
                }
                Ok(Pass { archived, failed, .. }) => {
                    tracing::warn!(sessions = archived, failed, "archived; what failed is tried again");
                }
                Err(error) => tracing::warn!(%error, "sessions that are due cannot be found"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(self.config().interval) => {}
            }
        }
    }

    async fn pass(
        &self,
        now: SystemTime,
        since: SystemTime,
        stop: &CancellationToken,
    ) -> Result<Pass, ArchiveError> {
        // What has come of erased sessions goes first, so that it is seen for as short a time as may be.
        if let Err(error) = self.erase_late_since(since).await {
            tracing::warn!(%error, "what has arrived of erased sessions is still there; tried again at the next pass");
        }
        let due = self.due_since(now, since).await?;
        let full = due.len() >= MAX_DUE;
        // Where the warehouse or the store is away, the other sessions would fail the same way.
        let absent = &AtomicBool::new(false);
        let results = stream::iter(due)
            .take_while(|_| std::future::ready(!stop.is_cancelled() && !absent.load(Ordering::Relaxed)))
            .map(|due| self.archive_due(due, absent))
            .buffer_unordered(self.config().concurrency.max(1));
        let pass = Pass { full, ..Pass::default() };
        Ok(results
            .fold(pass, |mut pass, archived| {
                if archived {
                    pass.archived += 1;
                } else {
                    pass.failed += 1;
                }
                std::future::ready(pass)
            })
            .await)
    }

    async fn archive_due(&self, due: DueSession, absent: &AtomicBool) -> bool {
        match self.archive_session(&due.tenant, &due.session).await {
            Ok(archived) => {
                tracing::debug!(key = %archived.key, bytes = archived.compressed_bytes, "session archived");
                true
            }
            Err(error) => {
                absent.fetch_or(error.is_transient(), Ordering::Relaxed);
                tracing::warn!(tenant = due.tenant.as_str(), session = due.session, %error, "session not archived");
                false
            }
        }
    }
}

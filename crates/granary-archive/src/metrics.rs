//! What an operator can see of the archiving role, in Prometheus' words.
//!
//! | metric | labels | what |
//! |---|---|---|
//! | `granary_archive_passes_total` | | looks for what is due |
//! | `granary_archive_due_sessions` | | sessions that the last one found: quiet for long enough, and not archived as they are; 10,000 are as many or more |
//! | `granary_archive_due_since_timestamp_seconds` | | when the one of them that has been quiet for longest had been so for `archive.quiet`; 0 where there was none |
//! | `granary_archive_sessions_total` | `outcome` | sessions by what became of them: `archived`; `left`, as another archiver has them; `failed`, to be tried again |
//! | `granary_archive_records_total` | | records that were archived; again, where more has come of a session |
//! | `granary_archive_uncompressed_bytes_total`, `granary_archive_compressed_bytes_total` | | their objects before compression, and as they are |
//! | `granary_archive_expired_sessions_total` | | sessions whose object was deleted as its time was over |
//! | `granary_archive_failures_total` | `step` | what was not done for all sessions together, and is tried again: to `find` what is due, to `erase` what came late of erased sessions, to `expire` |

use std::time::Duration;

use granary_service::metrics::Registry;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Unit;

use crate::batch::Outcome;
use crate::{ArchivedSession, DueSession};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Became {
    outcome: &'static str,
}

impl Became {
    const ARCHIVED: Self = Self { outcome: "archived" };
    const LEFT: Self = Self { outcome: "left" };
    const FAILED: Self = Self { outcome: "failed" };
}

/// What a pass does for all sessions together.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Step {
    step: &'static str,
}

impl Step {
    pub(crate) const FIND: Self = Self { step: "find" };
    pub(crate) const ERASE: Self = Self { step: "erase" };
    pub(crate) const EXPIRE: Self = Self { step: "expire" };
}

/// What is counted where it happens. Clones share the counts; nobody sees them who did not [`register`](Self::register) them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    passes: Counter,
    due: Gauge,
    due_since: Gauge,
    sessions: Family<Became, Counter>,
    records: Counter,
    uncompressed_bytes: Counter,
    compressed_bytes: Counter,
    expired: Counter,
    failures: Family<Step, Counter>,
}

impl Metrics {
    /// Shows them, also those that are still zero: a rule that sums up failures has something to compare.
    pub(crate) fn register(&self, registry: &Registry) {
        for outcome in [Became::ARCHIVED, Became::LEFT, Became::FAILED] {
            drop(self.sessions.get_or_create(&outcome));
        }
        for step in [Step::FIND, Step::ERASE, Step::EXPIRE] {
            drop(self.failures.get_or_create(&step));
        }
        registry.with(|registry| {
            let registry = registry.sub_registry_with_prefix("granary_archive");
            registry.register("passes", "Looks for what is due", self.passes.clone());
            registry.register("due_sessions", "Sessions that the last look found due", self.due.clone());
            let since =
                "When the one of them that has been quiet for longest came to be due; 0 where there was none";
            registry.register_with_unit("due_since_timestamp", since, Unit::Seconds, self.due_since.clone());
            registry.register("sessions", "Sessions by what became of them", self.sessions.clone());
            registry.register("records", "Records that were archived", self.records.clone());
            let uncompressed = "Bytes of the objects before compression";
            registry.register("uncompressed_bytes", uncompressed, self.uncompressed_bytes.clone());
            registry.register("compressed_bytes", "Bytes of the objects", self.compressed_bytes.clone());
            let expired = "Sessions whose object was deleted as its time was over";
            registry.register("expired_sessions", expired, self.expired.clone());
            let failures = "What was not done for all sessions together";
            registry.register("failures", failures, self.failures.clone());
        });
    }

    /// Says what a pass has found, the session that has been quiet for longest first.
    pub(crate) fn found(&self, due: &[DueSession], quiet: Duration) {
        self.passes.inc();
        self.due.set(i64::try_from(due.len()).unwrap_or(i64::MAX));
        let quiet = i64::try_from(quiet.as_secs()).unwrap_or(i64::MAX);
        let since = due.first().map(|due| (due.newest_ingested_at_ms / 1_000).saturating_add(quiet));
        self.due_since.set(since.unwrap_or_default());
    }

    /// Counts what became of a session.
    pub(crate) fn count(&self, outcome: &Outcome) {
        let label = match outcome {
            Outcome::Archived(archived) => {
                self.archived(archived);
                &Became::ARCHIVED
            }
            Outcome::Left => &Became::LEFT,
            Outcome::Failed(..) => &Became::FAILED,
        };
        self.sessions.get_or_create(label).inc();
    }

    fn archived(&self, archived: &ArchivedSession) {
        let ArchivedSession { contents, bytes, compressed_bytes, .. } = archived;
        self.records.inc_by(contents.logs + contents.spans + contents.metric_points);
        self.uncompressed_bytes.inc_by(*bytes);
        self.compressed_bytes.inc_by(*compressed_bytes);
    }

    pub(crate) fn expired(&self, sessions: usize) {
        self.expired.inc_by(sessions as u64);
    }

    pub(crate) fn failed(&self, step: &Step) {
        self.failures.get_or_create(step).inc();
    }
}

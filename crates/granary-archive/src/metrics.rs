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
struct OfOutcome {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStep {
    step: &'static str,
}

/// What a pass does for all sessions together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Find,
    Erase,
    Expire,
}

impl Step {
    const ALL: [Self; 3] = [Self::Find, Self::Erase, Self::Expire];

    fn label(self) -> OfStep {
        let step = match self {
            Self::Find => "find",
            Self::Erase => "erase",
            Self::Expire => "expire",
        };
        OfStep { step }
    }
}

const ARCHIVED: OfOutcome = OfOutcome { outcome: "archived" };
const LEFT: OfOutcome = OfOutcome { outcome: "left" };
const FAILED: OfOutcome = OfOutcome { outcome: "failed" };

/// What is counted where it happens. Clones share the counts; nobody sees them who did not [`register`](Self::register) them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metrics {
    passes: Counter,
    due: Gauge,
    due_since: Gauge,
    sessions: Family<OfOutcome, Counter>,
    records: Counter,
    uncompressed_bytes: Counter,
    compressed_bytes: Counter,
    expired: Counter,
    failures: Family<OfStep, Counter>,
}

impl Metrics {
    /// Shows them, also those that are still zero: a rule that sums up failures has something to compare.
    pub(crate) fn register(&self, registry: &Registry) {
        for outcome in [ARCHIVED, LEFT, FAILED] {
            self.sessions.get_or_create(&outcome).inc_by(0);
        }
        for step in Step::ALL {
            self.failures.get_or_create(&step.label()).inc_by(0);
        }
        registry.with(|registry| {
            registry.register("granary_archive_passes", "Looks for what is due", self.passes.clone());
            registry.register(
                "granary_archive_due_sessions",
                "Sessions that the last look found due",
                self.due.clone(),
            );
            registry.register_with_unit(
                "granary_archive_due_since_timestamp",
                "When the one of them that has been quiet for longest came to be due; 0 where there was none",
                Unit::Seconds,
                self.due_since.clone(),
            );
            registry.register(
                "granary_archive_sessions",
                "Sessions by what became of them",
                self.sessions.clone(),
            );
            registry.register("granary_archive_records", "Records that were archived", self.records.clone());
            registry.register(
                "granary_archive_uncompressed_bytes",
                "Bytes of the objects before compression",
                self.uncompressed_bytes.clone(),
            );
            registry.register(
                "granary_archive_compressed_bytes",
                "Bytes of the objects",
                self.compressed_bytes.clone(),
            );
            registry.register(
                "granary_archive_expired_sessions",
                "Sessions whose object was deleted as its time was over",
                self.expired.clone(),
            );
            registry.register(
                "granary_archive_failures",
                "What was not done for all sessions together",
                self.failures.clone(),
            );
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
                &ARCHIVED
            }
            Outcome::Left => &LEFT,
            Outcome::Failed(..) => &FAILED,
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

    pub(crate) fn failed(&self, step: Step) {
        self.failures.get_or_create(&step.label()).inc();
    }
}

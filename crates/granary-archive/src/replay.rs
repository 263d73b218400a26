//! An archived session played back: how fast, and what its events look like.

mod event;
mod pace;
mod speed;

use std::time::Duration;

use granary_model::Signal;

pub(crate) use pace::pace;
pub use speed::{Speed, SpeedError};

/// How a session is replayed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ReplayOptions {
    /// How much faster than it happened.
    pub speed: Speed,
    /// No wait between two events is longer than this, whatever the speed; `None` keeps every pause. The
    /// events' own times are not changed.
    pub max_gap: Option<Duration>,
}

/// One event of a replayed session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayEvent {
    /// The event's place in the session, counted from 1; the same in every replay of the same records.
    pub id: u64,
    /// When it happened, in nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// What kind of record it is.
    pub signal: Signal,
    /// The agent's name of the event, the span's name, or the metric's.
    pub name: String,
    /// The event as one flat JSON object. Always there: `time` (RFC 3339, UTC), `signal`, `name`, `attributes` (plain
    /// JSON). Where known: `session`, `prompt`, `user`, `team`, `project`, `service`, `trace_id`, `span_id`.
    ///
    /// - Logs: `severity`, `body`.
    /// - Spans: `duration_ms`, `parent_span_id`, `kind`, `status`, `status_message`, `events` and `links`, each with
    ///   attributes of its own.
    /// - Metrics: `kind`, `unit`, `temporality`, `value`, or `count`, `sum`, `min`, `max`, `bucket_counts`,
    ///   `explicit_bounds`, `quantiles` by kind.
    pub json: String,
}

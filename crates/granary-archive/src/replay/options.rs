//! Which events of a session are played, and how.

use std::time::Duration;

use granary_model::Signal;

use super::{ReplayCursor, Speed};

/// How a session is replayed. The default plays all of it as it happened.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReplayOptions {
    /// How much faster than it happened.
    pub speed: Speed,
    /// No wait between two events is longer than this, whatever the speed; `None` keeps every pause. The
    /// events' own times are not changed.
    pub max_gap: Option<Duration>,
    /// Only events of this time, in nanoseconds since 1970, and later ones.
    pub from: Option<u64>,
    /// Only events before this time, in nanoseconds since 1970.
    pub to: Option<u64>,
    /// Only events behind this one. What is passed over is not waited for.
    pub after: Option<ReplayCursor>,
    /// Only events of these signals; none means all.
    pub signals: Vec<Signal>,
}

impl ReplayOptions {
    /// Everything, as fast as it can be read.
    #[must_use]
    pub fn at_once() -> Self {
        Self { speed: Speed::MAX, ..Self::default() }
    }
}

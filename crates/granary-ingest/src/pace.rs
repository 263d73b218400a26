//! How large a round is, and how long to wait before a repetition.

use std::time::Duration;

use crate::config::IngestConfig;

/// How large the next round is: small at first and after a failure, twice as large after each success.
///
/// What is planned has to be sent as it was planned. Where a server or this process never lives long enough for a
/// large insert, large ones would be begun for ever and nothing would ever be delivered.
pub(crate) struct Pace {
    pub(crate) rows: u64,
    most: u64,
}

impl Pace {
    const LEAST: u64 = 16_384;
    /// An insert costs the server by its blocks, too; commits hold this many rows at least, or there are few of
    /// them.
    const ROWS_OF_ENTRY: u64 = 16;

    pub(crate) fn new(config: &IngestConfig) -> Self {
        Self { rows: Self::LEAST.min(config.max_insert_rows), most: config.max_insert_rows }
    }

    pub(crate) fn entries(&self) -> usize {
        usize::try_from(self.rows / Self::ROWS_OF_ENTRY).unwrap_or(usize::MAX).max(1)
    }

    pub(crate) fn ended(&mut self, well: bool) {
        let next = if well { self.rows.saturating_mul(2) } else { self.rows / 4 };
        self.rows = next.max(Self::LEAST).min(self.most);
    }
}

/// The wait before the first repetition; it doubles up to the longest.
const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(5);

/// Waits that grow.
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    pub(crate) const fn new() -> Self {
        Self { next: FIRST }
    }

    pub(crate) fn is_first(&self) -> bool {
        self.next == FIRST
    }

    pub(crate) fn next(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(LONGEST);
        wait
    }
}

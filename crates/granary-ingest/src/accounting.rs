//! How many records came and what became of them: received = stored + rejected + refused.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use granary_model::{DropReason, Rejected, Signal};

/// Counts of one signal since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records in requests that could be read.
    pub received: u64,
    /// Records that are in their tables.
    pub stored: u64,
    /// Records left out, by reason.
    pub rejected: BTreeMap<DropReason, u64>,
    /// Records whose senders were told that they are not stored, for the whole request's reason.
    pub refused: u64,
    /// Records that wait for their commit.
    pub waiting: u64,
}

impl Counts {
    /// Whether every record received has a fate.
    #[must_use]
    pub fn balance(&self) -> bool {
        self.received == self.stored + self.rejected.values().sum::<u64>() + self.refused + self.waiting
    }
}

/// The counts of all signals. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Accounting(Arc<Mutex<[Counts; 3]>>);

impl Accounting {
    /// The counts as they are now.
    #[must_use]
    pub fn of(&self, signal: Signal) -> Counts {
        self.with(signal, |counts| counts.clone())
    }

    /// Counts a request that was decoded: what is left out of it, and what waits from here on.
    pub(crate) fn decoded(&self, signal: Signal, accepted: u64, rejected: &Rejected) {
        self.with(signal, |counts| {
            counts.received += accepted + rejected.total();
            counts.waiting += accepted;
            for (reason, count) in rejected.iter() {
                *counts.rejected.entry(reason).or_default() += count;
            }
        });
    }

    /// Counts the end of records that waited.
    pub(crate) fn ended(&self, signal: Signal, records: u64, stored: bool) {
        self.with(signal, |counts| {
            counts.waiting -= records;
            if stored {
                counts.stored += records;
            } else {
                counts.refused += records;
            }
        });
    }

    fn with<T>(&self, signal: Signal, change: impl FnOnce(&mut Counts) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut all[signal as usize])
    }
}

//! Who sent what, and what was promised.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::oracle::events::EventName;

/// What is known of an event that was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Answered with success: it must be there once.
    Acknowledged,
    /// Never answered with success: it may be there, but not twice.
    Open,
}

/// The events of every sender.
#[derive(Debug)]
pub(crate) struct Ledger {
    senders: Vec<Mutex<BTreeMap<u64, Promise>>>,
    acknowledged: AtomicU64,
    /// Answers of success, each for a request.
    answers: AtomicU64,
    repeated: AtomicU64,
}

impl Ledger {
    pub(crate) fn new(senders: u32) -> Self {
        Self {
            senders: (0..senders).map(|_| Mutex::default()).collect(),
            acknowledged: AtomicU64::new(0),
            answers: AtomicU64::new(0),
            repeated: AtomicU64::new(0),
        }
    }

    /// Before the first byte of a request is sent.
    pub(crate) fn sending(&self, names: &[EventName]) {
        for name in names {
            self.of(name.sender).entry(name.number).or_insert(Promise::Open);
        }
    }

    pub(crate) fn acknowledged(&self, names: &[EventName]) {
        for name in names {
            let before = self.of(name.sender).insert(name.number, Promise::Acknowledged);
            if before == Some(Promise::Acknowledged) {
                self.repeated.fetch_add(1, Ordering::Relaxed);
            } else {
                self.acknowledged.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.answers.fetch_add(1, Ordering::Relaxed);
    }

    /// How many events were acknowledged so far.
    pub(crate) fn acknowledged_so_far(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// How many events were acknowledged again.
    pub(crate) fn repeated(&self) -> u64 {
        self.repeated.load(Ordering::Relaxed)
    }

    /// Everything that was sent.
    pub(crate) fn all(&self) -> BTreeMap<EventName, Promise> {
        let mut all = BTreeMap::new();
        for (sender, events) in (0..).zip(&self.senders) {
            let events = events.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend(
                events.iter().map(|(number, promise)| (EventName { sender, number: *number }, *promise)),
            );
        }
        all
    }

    fn of(&self, sender: u32) -> MutexGuard<'_, BTreeMap<u64, Promise>> {
        self.senders[sender as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

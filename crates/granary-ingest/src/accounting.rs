//! How many records came and what became of them.
//!
//! For each tenant and signal, at every moment:
//!
//! ```text
//! received + recovered = stored + waiting + quarantined + refused + duplicates + rejected (by reason)
//! ```
//!
//! `recovered` is what the log of an earlier life held and ClickHouse had not confirmed. Counts begin at zero
//! with the process; what has to outlive it is in the log and in the tables. Records whose bytes the disk has lost
//! are not in any count: whose they were is lost with them, and the log names their sequences.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use granary_clickhouse::AccountedRecords;
use granary_model::{DropReason, Rejected, Signal};
use tokio::sync::Notify;
use uuid::Uuid;

/// Counts of one tenant and signal since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records in requests that could be read.
    pub received: u64,
    /// Records that an earlier life left in the log.
    pub recovered: u64,
    /// Records that are in their tables.
    pub stored: u64,
    /// Records left out, by reason.
    pub rejected: BTreeMap<DropReason, u64>,
    /// Records that had come before, here or to another receiver, and were acknowledged again.
    pub duplicates: u64,
    /// Records whose senders were told that they are not kept, for the whole request's reason.
    pub refused: u64,
    /// Records that ClickHouse refused: acknowledged, and put into the quarantine.
    pub quarantined: u64,
    /// Records that were in the quarantine, of this life or an earlier one, and are in their tables after all.
    pub released: u64,
    /// Records that are on their way into the log or in it, and not yet in their tables.
    pub waiting: u64,
}

impl Counts {
    /// Whether every record has a fate.
    #[must_use]
    pub fn balance(&self) -> bool {
        let came = self.received + self.recovered;
        let ended = self.stored + self.quarantined + self.refused + self.duplicates;
        came == ended + self.waiting + self.rejected.values().sum::<u64>()
    }

    fn add(&mut self, other: &Self) {
        self.received += other.received;
        self.recovered += other.recovered;
        self.stored += other.stored;
        for (reason, count) in &other.rejected {
            *self.rejected.entry(*reason).or_default() += count;
        }
        self.duplicates += other.duplicates;
        self.refused += other.refused;
        self.quarantined += other.quarantined;
        self.released += other.released;
        self.waiting += other.waiting;
    }
}

/// What became of records that waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Stored,
    Quarantined,
    Refused,
    /// Another receiver stores them.
    Duplicate,
}

/// The counts of all tenants and signals. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Accounting(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    counts: Mutex<BTreeMap<(String, Signal), Counts>>,
    /// By minute of arrival, what is not yet in the table of counts.
    uncounted: Mutex<BTreeMap<(Minute, String, Signal, Outcome), u64>>,
    changed: Notify,
}

/// The minute in which records came, counted from 1970; their ends count in it, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Minute(u64);

impl Minute {
    /// The minute of a time since 1970.
    pub(crate) const fn of(since_1970: Duration) -> Self {
        Self(since_1970.as_secs() / 60)
    }

    /// Its beginning.
    pub(crate) const fn unix_seconds(self) -> u64 {
        self.0 * 60
    }

    /// The minute a batch was begun in; a batch never spans two.
    pub(crate) fn of_batch(batch: Uuid) -> Self {
        let seconds = batch.get_timestamp().map_or(0, |timestamp| timestamp.to_unix().0);
        Self(seconds / 60)
    }
}

/// What records came to, as the table of counts names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Received,
    Duplicate,
    Stored,
    Quarantined,
    Released,
    Refused,
    Rejected(DropReason),
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Received => f.write_str("received"),
            Self::Duplicate => f.write_str("duplicate"),
            Self::Stored => f.write_str("stored"),
            Self::Quarantined => f.write_str("quarantined"),
            Self::Released => f.write_str("released"),
            Self::Refused => f.write_str("refused"),
            Self::Rejected(reason) => write!(f, "rejected_{reason}"),
        }
    }
}

impl Accounting {
    /// Waits until no record waits: every one that was received so far is in its table or has another end.
    pub async fn settled(&self) {
        loop {
            // Made before looking, so that a change in between is not missed.
            let changed = self.0.changed.notified();
            if self.all().iter().all(|(_, _, counts)| counts.waiting == 0) {
                return;
            }
            changed.await;
        }
    }

    /// The counts of a signal as they are now, all tenants together.
    #[must_use]
    pub fn of(&self, signal: Signal) -> Counts {
        let mut sum = Counts::default();
        for (_, _, counts) in self.all().iter().filter(|(_, of, _)| *of == signal) {
            sum.add(counts);
        }
        sum
    }

    /// All counts as they are now, by tenant and signal.
    #[must_use]
    pub fn all(&self) -> Vec<(String, Signal, Counts)> {
        let all = self.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|((tenant, signal), counts)| (tenant.clone(), *signal, counts.clone())).collect()
    }

    /// Counts a request that was decoded: what is left out of it, what came before, and what waits from here
    /// on.
    pub(crate) fn decoded(
        &self,
        tenant: &str,
        signal: Signal,
        minute: Minute,
        kept: u64,
        duplicates: u64,
        rejected: &Rejected,
    ) {
        let received = kept + duplicates + rejected.total();
        self.with(tenant, signal, |counts| {
            counts.received += received;
            counts.waiting += kept;
            counts.duplicates += duplicates;
            for (reason, count) in rejected.iter() {
                *counts.rejected.entry(reason).or_default() += count;
            }
        });
        let ends = rejected.iter().map(|(reason, count)| (Outcome::Rejected(reason), count));
        self.add(
            tenant,
            signal,
            minute,
            [(Outcome::Received, received), (Outcome::Duplicate, duplicates)].into_iter().chain(ends),
        );
    }

    /// Counts records of an earlier life that are in the log and wait.
    pub(crate) fn recovered(&self, tenant: &str, signal: Signal, records: u64) {
        self.with(tenant, signal, |counts| {
            counts.recovered += records;
            counts.waiting += records;
        });
    }

    /// Counts the end of records that waited.
    pub(crate) fn ended(&self, tenant: &str, signal: Signal, minute: Minute, records: u64, end: End) {
        self.with(tenant, signal, |counts| {
            counts.waiting = counts.waiting.saturating_sub(records);
            *match end {
                End::Stored => &mut counts.stored,
                End::Quarantined => &mut counts.quarantined,
                End::Refused => &mut counts.refused,
                End::Duplicate => &mut counts.duplicates,
            } += records;
        });
        let outcome = match end {
            End::Stored => Outcome::Stored,
            End::Quarantined => Outcome::Quarantined,
            End::Refused => Outcome::Refused,
            End::Duplicate => Outcome::Duplicate,
        };
        self.add(tenant, signal, minute, [(outcome, records)]);
        self.0.changed.notify_waiters();
    }

    /// Takes counts that are not in the table of counts yet, at most so many rows of them.
    pub(crate) fn take_uncounted(&self, most: usize) -> Vec<AccountedRecords> {
        let mut uncounted = self.0.uncounted.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = Vec::new();
        while taken.len() < most
            && let Some(((minute, tenant, signal, outcome), records)) = uncounted.pop_first()
        {
            taken.push(AccountedRecords {
                tenant,
                minute: minute.unix_seconds(),
                signal: signal.name(),
                outcome: outcome.to_string(),
                records,
            });
        }
        taken
    }

    fn add(
        &self,
        tenant: &str,
        signal: Signal,
        minute: Minute,
        outcomes: impl IntoIterator<Item = (Outcome, u64)>,
    ) {
        let mut uncounted = self.0.uncounted.lock().unwrap_or_else(PoisonError::into_inner);
        for (outcome, records) in outcomes {
            if records > 0 {
                *uncounted.entry((minute, tenant.to_owned(), signal, outcome)).or_default() += records;
            }
        }
    }

    /// Counts records that were quarantined and are stored after all.
    pub(crate) fn released(&self, tenant: &str, signal: Signal, minute: Minute, records: u64) {
        self.with(tenant, signal, |counts| counts.released += records);
        self.add(tenant, signal, minute, [(Outcome::Released, records)]);
    }

    fn with<T>(&self, tenant: &str, signal: Signal, change: impl FnOnce(&mut Counts) -> T) -> T {
        let mut all = self.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.entry((tenant.to_owned(), signal)).or_default())
    }
}

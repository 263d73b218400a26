//! The write-ahead log's thread: groups are appended, synced together, and whoever waits is answered.
//!
//! While a sync is under way the lanes go on filling, and what they have sealed meanwhile shares the next one.
//! A success answer is given after the sync that covers every record of its request, those included that came
//! with an earlier request.

use std::sync::Arc;
use std::time::Instant;

use crossbeam_channel::Receiver;
use granary_wal::{AppendError, Mark, Sequence, Writer};
use tokio::sync::watch;

use crate::accounting::{Accounting, End};
use crate::error::{RETRY_AFTER, Refusal};
use crate::group::{Group, Waiter};
use crate::metrics::Metrics;
use crate::tickets::Tickets;
use crate::window::Window;

/// What the deliverer is told after each sync.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Durable {
    /// Everything before it is on disk.
    pub(crate) end: Mark,
    /// How many rows have become durable since the process began.
    pub(crate) rows: u64,
}

/// Groups that share a sync at most: a bound for what a failed sync refuses.
const SHARED: usize = 64;

pub(crate) struct DurableThread {
    pub(crate) writer: Writer,
    pub(crate) window: Arc<Window>,
    pub(crate) accounting: Accounting,
    pub(crate) durable: watch::Sender<Durable>,
    pub(crate) tickets: Tickets,
    pub(crate) metrics: Metrics,
    pub(crate) problem: ProblemLog,
}

/// A group that waits for the next sync. Groups end in the order they came, those that were not appended too: a lane's
/// [tickets](crate::tickets) rest on that.
struct Pending {
    group: Group,
    appended: Appended,
}

enum Appended {
    /// All that came had come before.
    Nothing,
    As {
        sequence: Sequence,
        rows: u64,
    },
    Refused,
}

impl DurableThread {
    /// Ends when every sender of groups is gone and the last group is on disk.
    pub(crate) fn run(mut self, groups: &Receiver<Group>) {
        while let Ok(first) = groups.recv() {
            let began = Instant::now();
            let mut pending = Vec::new();
            self.append(first, &mut pending);
            while pending.len() < SHARED
                && let Ok(group) = groups.try_recv()
            {
                self.append(group, &mut pending);
            }
            self.sync(pending);
            self.metrics.synced(began.elapsed());
        }
        for waiter in self.tickets.abandoned() {
            drop(waiter.answer.send(Err(Refusal::Stopping { retry_after: RETRY_AFTER })));
        }
    }

    fn append(&mut self, group: Group, pending: &mut Vec<Pending>) {
        let appended = match &group.entry {
            None => Appended::Nothing,
            Some(entry) => match entry.write(|pieces| self.writer.append(pieces)) {
                Ok(at) => Appended::As { sequence: at.sequence, rows: entry.rows() },
                Err(error) => {
                    self.problem.note(&error);
                    if matches!(error, AppendError::GroupFailed) {
                        // The reason comes with the sync; afterwards the log takes groups again.
                        self.sync(std::mem::take(pending));
                    }
                    Appended::Refused
                }
            },
        };
        pending.push(Pending { group, appended });
    }

    fn sync(&mut self, pending: Vec<Pending>) {
        let failed = match self.writer.sync() {
            Ok(_) => {
                // A sync of nothing says nothing.
                if pending.iter().any(|pending| matches!(pending.appended, Appended::As { .. })) {
                    self.problem.over();
                }
                None
            }
            Err(error) => {
                self.problem.note(&error);
                Some(error.failed)
            }
        };
        let is_durable = |sequence| !failed.is_some_and(|failed| failed.contains(sequence));
        let rows = pending
            .iter()
            .map(|pending| match pending.appended {
                Appended::As { sequence, rows } if is_durable(sequence) => rows,
                _ => 0,
            })
            .sum::<u64>();
        self.durable.send_modify(|durable| {
            durable.end = self.writer.synced();
            durable.rows += rows;
        });
        for Pending { group, appended } in pending {
            let on_disk = match appended {
                Appended::Nothing => true,
                Appended::As { sequence, .. } => is_durable(sequence),
                Appended::Refused => false,
            };
            self.end(group, on_disk);
        }
    }

    /// Where it is not on disk, the group's records may or may not be in the log: its senders are told to come
    /// back, and what they send again is taken as new.
    fn end(&mut self, Group { ticket, entry, waiters }: Group, on_disk: bool) {
        if !on_disk && let Some(entry) = entry {
            self.window.forget(&entry.events, ticket);
        }
        let mut ready = self.tickets.end(ticket, on_disk);
        for waiter in waiters {
            if !on_disk {
                self.accounting.ended(
                    waiter.tenant.as_str(),
                    waiter.signal,
                    waiter.minute,
                    waiter.kept,
                    End::Refused,
                );
            }
            ready.extend(self.tickets.settle(waiter, on_disk));
        }
        for (waiter, on_disk) in ready {
            answer(waiter, on_disk);
        }
    }
}

fn answer(waiter: Waiter, on_disk: bool) {
    let Waiter { success, answer, .. } = waiter;
    let result = if on_disk { Ok(success) } else { Err(Refusal::NotDurable { retry_after: RETRY_AFTER }) };
    // A sender that has gone needs no answer.
    drop(answer.send(result));
}

/// Says once that the log refuses, and once that it takes again.
#[derive(Debug, Default)]
pub(crate) struct ProblemLog {
    groups: u64,
}

impl ProblemLog {
    fn note(&mut self, error: &dyn std::error::Error) {
        self.groups += 1;
        if self.groups == 1 {
            tracing::error!(%error, "the write-ahead log does not take data; senders are told to come back");
        }
    }

    fn over(&mut self) {
        if self.groups > 0 {
            tracing::info!(groups = self.groups, "the write-ahead log takes data again");
            self.groups = 0;
        }
    }
}

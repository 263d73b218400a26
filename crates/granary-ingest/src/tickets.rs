//! Which groups are on disk, for requests that repeat records of a group which is not theirs.
//!
//! Groups are begun in one order and end in another, by a little. A ticket is open until its group has ended;
//! failed tickets are kept, so that a request which saw the failed group's ids before they were forgotten is
//! refused and not answered with success.

use std::collections::{BTreeSet, HashMap};

use crate::group::Waiter;
use crate::window::Ticket;

/// What is known of the groups that were begun.
#[derive(Debug)]
pub(crate) struct Tickets {
    /// Every ticket below has ended.
    ended_below: Ticket,
    /// Ended ones above that.
    ended: BTreeSet<Ticket>,
    failed: BTreeSet<Ticket>,
    /// Waiters by an open ticket that they wait for.
    parked: HashMap<Ticket, Vec<(Waiter, bool)>>,
}

/// Failed groups that are remembered. A request sees a group's ids moments before it ends, not thousands of groups.
const FAILED: usize = 4096;

impl Default for Tickets {
    fn default() -> Self {
        let first = Ticket(Ticket::RECOVERED.0 + 1);
        Self { ended_below: first, ended: BTreeSet::new(), failed: BTreeSet::new(), parked: HashMap::new() }
    }
}

impl Tickets {
    /// A group has ended. Returns the waiters that waited for it last, each with whether all it needs is on
    /// disk.
    pub(crate) fn end(&mut self, ticket: Ticket, on_disk: bool) -> Vec<(Waiter, bool)> {
        if !on_disk {
            self.failed.insert(ticket);
            if self.failed.len() > FAILED {
                self.failed.pop_first();
            }
        }
        self.ended.insert(ticket);
        while self.ended.remove(&self.ended_below) {
            self.ended_below.0 += 1;
        }
        let waiters = self.parked.remove(&ticket).unwrap_or_default();
        waiters.into_iter().filter_map(|(waiter, own)| self.settle(waiter, own)).collect()
    }

    /// Parks a waiter until every group it needs has ended; if they have, returns it with whether all it needs
    /// is on disk. `own` is whether its own group is.
    pub(crate) fn settle(&mut self, waiter: Waiter, own: bool) -> Option<(Waiter, bool)> {
        if let Some(open) = waiter.also.iter().find(|ticket| self.is_open(**ticket)) {
            self.parked.entry(*open).or_default().push((waiter, own));
            return None;
        }
        let on_disk = own && !waiter.also.iter().any(|ticket| self.failed.contains(ticket));
        Some((waiter, on_disk))
    }

    /// Everybody who still waits, at the end.
    pub(crate) fn abandoned(self) -> impl Iterator<Item = Waiter> {
        self.parked.into_values().flatten().map(|(waiter, _)| waiter)
    }

    fn is_open(&self, ticket: Ticket) -> bool {
        ticket >= self.ended_below && !self.ended.contains(&ticket)
    }
}

#[cfg(test)]
mod tests {
    use granary_model::{Rejected, Signal, TenantId};
    use granary_otlp::Answer;
    use tokio::sync::oneshot;

    use std::time::Duration;

    use super::*;
    use crate::accounting::Minute;

    fn waiter(also: &[u64]) -> Waiter {
        Waiter {
            tenant: TenantId::default(),
            signal: Signal::Logs,
            minute: Minute::of(Duration::ZERO),
            kept: 0,
            also: also.iter().map(|number| Ticket(*number)).collect(),
            success: Answer::new(Signal::Logs, &Rejected::default()),
            answer: oneshot::channel().0,
        }
    }

    #[test]
    fn a_waiter_is_answered_when_the_last_group_it_needs_is_on_disk() {
        let mut tickets = Tickets::default();
        assert!(tickets.settle(waiter(&[1, 3]), true).is_none());
        assert!(tickets.end(Ticket(1), true).is_empty());
        assert!(tickets.end(Ticket(2), true).is_empty());
        assert!(matches!(tickets.end(Ticket(3), true)[..], [(_, true)]));
        assert!(matches!(tickets.settle(waiter(&[1, 3]), true), Some((_, true))));
    }

    #[test]
    fn a_waiter_is_refused_when_one_of_its_groups_failed_also_before_it_came() {
        let mut tickets = Tickets::default();
        assert!(tickets.settle(waiter(&[2]), true).is_none());
        assert!(matches!(tickets.end(Ticket(2), false)[..], [(_, false)]));
        assert!(matches!(tickets.settle(waiter(&[2]), true), Some((_, false))));
        assert!(tickets.settle(waiter(&[1]), true).is_none(), "the first group is still open");
        assert!(matches!(tickets.settle(waiter(&[0]), false), Some((_, false))), "its own group failed");
    }

    #[test]
    fn ended_groups_take_no_memory() {
        let mut tickets = Tickets::default();
        for number in (1..1000).step_by(2) {
            tickets.end(Ticket(number + 1), true);
            tickets.end(Ticket(number), true);
        }
        assert!(tickets.ended.is_empty());
    }
}

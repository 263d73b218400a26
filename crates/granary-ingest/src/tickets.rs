//! Which groups are on disk, for requests that repeat records of a group which is not theirs.
//!
//! A lane numbers its groups, and they end in that order; so one number a lane says which of them have ended. Failed
//! tickets are kept for a while, so that a request which saw the failed group's ids before they were forgotten is
//! refused and not answered with success.

use std::collections::{HashMap, VecDeque};

use crate::group::Waiter;
use crate::window::Ticket;

/// What is known of the groups that were begun.
#[derive(Debug)]
pub(crate) struct Tickets {
    /// The last that has ended, by lane.
    ended: Vec<u64>,
    /// The latest that failed.
    failed: VecDeque<Ticket>,
    /// Waiters by an open ticket that they wait for.
    parked: HashMap<Ticket, Vec<(Waiter, bool)>>,
}

/// Failed groups that are remembered. A request sees a group's ids moments before it ends, not thousands of groups.
const FAILED: usize = 4096;

impl Tickets {
    /// For so many lanes.
    pub(crate) fn new(lanes: u32) -> Self {
        Self { ended: (0..lanes).map(|_| 0).collect(), failed: VecDeque::new(), parked: HashMap::new() }
    }

    /// A group has ended, and with it, or before it, all earlier ones of its lane. Returns the waiters that waited
    /// for it last, each with whether all it needs is on disk.
    pub(crate) fn end(&mut self, ticket: Ticket, on_disk: bool) -> Vec<(Waiter, bool)> {
        if !on_disk {
            self.failed.push_back(ticket);
            if self.failed.len() > FAILED {
                self.failed.pop_front();
            }
        }
        self.ended[ticket.lane as usize] = ticket.number;
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
        ticket.number > self.ended[ticket.lane as usize]
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

    fn ticket(lane: u32, number: u64) -> Ticket {
        Ticket { lane, number }
    }

    fn waiter(also: &[Ticket]) -> Waiter {
        Waiter {
            tenant: TenantId::default(),
            signal: Signal::Logs,
            minute: Minute::of(Duration::ZERO),
            kept: 0,
            also: also.to_vec(),
            success: Answer::new(Signal::Logs, &Rejected::default()),
            answer: oneshot::channel().0,
        }
    }

    #[test]
    fn a_waiter_is_answered_when_the_last_group_it_needs_is_on_disk() {
        let mut tickets = Tickets::new(2);
        let also = [ticket(0, 1), ticket(1, 2)];
        assert!(tickets.settle(waiter(&also), true).is_none());
        assert!(tickets.end(ticket(0, 1), true).is_empty());
        assert!(tickets.end(ticket(1, 1), true).is_empty());
        assert!(matches!(tickets.end(ticket(1, 2), true)[..], [(_, true)]));
        assert!(matches!(tickets.settle(waiter(&also), true), Some((_, true))));
    }

    #[test]
    fn a_waiter_is_refused_when_one_of_its_groups_failed_also_before_it_came() {
        let mut tickets = Tickets::new(2);
        assert!(tickets.settle(waiter(&[ticket(0, 1)]), true).is_none());
        assert!(matches!(tickets.end(ticket(0, 1), false)[..], [(_, false)]));
        assert!(matches!(tickets.settle(waiter(&[ticket(0, 1)]), true), Some((_, false))));
        assert!(
            tickets.settle(waiter(&[ticket(1, 1)]), true).is_none(),
            "the other lane's group is still open"
        );
        let recovered = Ticket::RECOVERED;
        assert!(matches!(tickets.settle(waiter(&[recovered]), true), Some((_, true))));
        assert!(
            matches!(tickets.settle(waiter(&[recovered]), false), Some((_, false))),
            "its own group failed"
        );
    }

    #[test]
    fn a_lane_that_is_idle_costs_no_memory_while_the_others_work() {
        let mut tickets = Tickets::new(2);
        for number in 1..100_000 {
            tickets.end(ticket(1, number), number % 2 == 0);
        }
        assert_eq!((tickets.failed.len(), tickets.parked.len()), (FAILED, 0));
    }
}

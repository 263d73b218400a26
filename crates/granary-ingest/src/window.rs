//! Which events came lately, so that a request sent again is answered and not stored again.
//!
//! The window remembers an id for at least its time and, while more come, at most twice that; and it remembers at
//! most as many as is set, the latest half of them for sure ([`crate::recent`]).
//!
//! An id is in the window from the moment its record is put into an open group, before it is durable. Whoever
//! finds it there is told the group's [`Ticket`] and may be answered only once that group is on disk.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use granary_model::EventId;

use crate::recent::Recent;

/// A commit group: which lane's, and the how manieth of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Ticket {
    pub(crate) lane: u32,
    pub(crate) number: u64,
}

impl Ticket {
    /// Of what was on disk when the process began; lanes count from 1.
    pub(crate) const RECOVERED: Self = Self { lane: 0, number: 0 };

    /// A lane's first.
    pub(crate) const fn first(lane: u32) -> Self {
        Self { lane, number: 1 }
    }

    /// The one after this.
    pub(crate) const fn next(self) -> Self {
        Self { lane: self.lane, number: self.number + 1 }
    }
}

/// Locked by a part of the id, so that lanes seldom wait for one another.
const SHARDS: usize = 16;

/// The recent ids.
#[derive(Debug)]
pub(crate) struct Window {
    shards: [Mutex<Recent<Ticket>>; SHARDS],
    is_empty: bool,
}

impl Window {
    /// A window over `time` that remembers at most `events` ids. No time, or no events: nothing is remembered.
    pub(crate) fn new(time: Duration, events: usize) -> Self {
        let most = events / SHARDS;
        Self {
            shards: std::array::from_fn(|_| Mutex::new(Recent::new(time, most))),
            is_empty: time.is_zero() || most < 2,
        }
    }

    /// Remembers an id for the group, unless it is known: then the group it came with first.
    pub(crate) fn insert(&self, id: EventId, group: Ticket) -> Option<Ticket> {
        if self.is_empty {
            return None;
        }
        let mut shard = self.shard(id);
        // Before it is looked for: one that has been remembered for long enough is new again.
        shard.turn_if_due();
        if let Some(first) = shard.get_mut(id) {
            return Some(*first);
        }
        shard.insert(id, group);
        None
    }

    /// Forgets the ids of a group that did not reach the disk.
    pub(crate) fn forget(&self, ids: &[EventId], group: Ticket) {
        for id in ids {
            self.shard(*id).forget(*id, &group);
        }
    }

    /// How many ids are remembered.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    fn shard(&self, id: EventId) -> MutexGuard<'_, Recent<Ticket>> {
        // Not the bits that place the id in the map.
        let number = (id.0 >> 100) as usize % SHARDS;
        lock(&self.shards[number])
    }
}

fn lock(shard: &Mutex<Recent<Ticket>>) -> MutexGuard<'_, Recent<Ticket>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn group(number: u64) -> Ticket {
        Ticket { lane: 0, number }
    }

    /// Ids that fall into different shards.
    fn id(number: u128) -> EventId {
        EventId(number << 100 | number)
    }

    #[test]
    fn an_id_that_came_before_names_the_group_it_came_with() {
        let window = Window::new(LONG, 1000);
        assert_eq!(window.insert(id(1), group(7)), None);
        assert_eq!(window.insert(id(1), group(8)), Some(group(7)));
        assert_eq!(window.insert(id(2), group(8)), None);
    }

    #[test]
    fn what_did_not_reach_the_disk_is_forgotten_and_nothing_else() {
        let window = Window::new(LONG, 1000);
        window.insert(id(1), group(7));
        window.insert(id(2), group(8));
        window.forget(&[id(1), id(2)], group(7));
        assert_eq!(window.insert(id(1), group(9)), None);
        assert_eq!(window.insert(id(2), group(9)), Some(group(8)));
    }

    #[test]
    fn no_more_ids_are_remembered_than_is_set_and_the_latest_half_is() {
        let most = 64 * SHARDS;
        let window = Window::new(LONG, most);
        for number in 0..10_000 {
            window.insert(id(number), group(1));
            assert!(window.len() <= most);
        }
        for number in 10_000 - most as u128 / 2..10_000 {
            assert!(window.insert(id(number), group(2)).is_some(), "{number}");
        }
    }

    #[test]
    fn ids_are_forgotten_when_their_time_is_over() {
        let window = Window::new(Duration::from_nanos(1), 1000);
        window.insert(id(1), group(1));
        window.insert(id(17), group(1));
        assert_eq!(window.insert(id(1), group(2)), None, "two generations have passed");
    }

    #[test]
    fn a_window_without_time_remembers_nothing() {
        let window = Window::new(Duration::ZERO, 1000);
        window.insert(id(1), group(1));
        assert_eq!((window.insert(id(1), group(2)), window.len()), (None, 0));
    }
}

//! What is known of the events that came lately, within bounds of time and number.
//!
//! It is kept in two generations: ids go into the young one; when that is old or full it becomes the old one, and the old
//! one's memory is used again. So an id is remembered for at least the time and, while more come, at most twice that; or
//! as long as it is among the latest half of the number.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::{Duration, Instant};

use granary_model::EventId;

/// Events, and what is known of each.
#[derive(Debug)]
pub(crate) struct Recent<V> {
    young: Known<V>,
    old: Known<V>,
    since: Instant,
    time: Duration,
    /// Ids of one generation.
    most: usize,
}

type Known<V> = HashMap<u128, V, BuildHasherDefault<TakeBits>>;

/// Ids are hashes; a part of one is a good hash of it.
#[derive(Debug, Default)]
struct TakeBits(u64);

impl Hasher for TakeBits {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "the low half is what is meant")]
    fn write_u128(&mut self, id: u128) {
        self.0 = id as u64;
    }
}

impl<V> Recent<V> {
    /// Remembers for `time`, and at most `events`.
    pub(crate) fn new(time: Duration, events: usize) -> Self {
        let (young, old) = (Known::default(), Known::default());
        Self { young, old, since: Instant::now(), time, most: events / 2 }
    }

    /// What is known of an event.
    pub(crate) fn get_mut(&mut self, id: EventId) -> Option<&mut V> {
        match self.young.get_mut(&id.0) {
            None => self.old.get_mut(&id.0),
            known => known,
        }
    }

    /// Remembers an event of which nothing is known. The bounds hold if each is preceded by [`Self::turn_if_due`].
    pub(crate) fn insert(&mut self, id: EventId, value: V) {
        self.young.insert(id.0, value);
    }

    /// Makes room, and forgets what has been remembered for long enough.
    pub(crate) fn turn_if_due(&mut self) {
        if self.young.len() >= self.most || self.since.elapsed() >= self.time {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
            self.since = Instant::now();
        }
    }

    /// Forgets an event of which this is known.
    pub(crate) fn forget(&mut self, id: EventId, value: &V)
    where
        V: PartialEq,
    {
        for generation in [&mut self.young, &mut self.old] {
            if generation.get(&id.0) == Some(value) {
                generation.remove(&id.0);
            }
        }
    }

    /// How many events are remembered.
    pub(crate) fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

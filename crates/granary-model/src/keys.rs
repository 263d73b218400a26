//! The keys of a set of attributes, held once for all records that have the same.
//!
//! An agent's events come in a few dozen shapes: which keys a record has, and in which order they are sent, is
//! mostly what some record before it had. So keys are shared, sorted once, and searched once for those that the
//! [`Facts`](crate::Facts) and the [`EventId`](crate::EventId) ask for.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Sorted keys, ties in the order they came.
#[derive(Debug)]
pub struct Keys {
    id: u64,
    names: Box<[Box<str>]>,
    /// For each of them, the how manieth it came; values are held in that order.
    order: Box<[u32]>,
    /// For each that came, its place among the sorted ones.
    places: Box<[u32]>,
    /// The how manieth each known key first came, or [`NOWHERE`].
    known: [u32; KNOWN.len()],
}

const NOWHERE: u32 = u32::MAX;

impl Keys {
    /// Sorts keys.
    pub(crate) fn new(mut came: Vec<Box<str>>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mut order: Box<[u32]> = (0..).take(came.len()).collect();
        order.sort_by(|a, b| came[*a as usize].cmp(&came[*b as usize]));
        let names: Box<[_]> = order.iter().map(|at| std::mem::take(&mut came[*at as usize])).collect();
        let mut places = vec![0; names.len()].into_boxed_slice();
        for (place, at) in (0..).zip(&order) {
            places[*at as usize] = place;
        }
        let mut known = [NOWHERE; KNOWN.len()];
        // Both are sorted, so one pass over both finds all.
        let mut at = 0;
        for (index, key) in KNOWN.iter().enumerate() {
            while names.get(at).is_some_and(|name| **name < **key) {
                at += 1;
            }
            if names.get(at).is_some_and(|name| **name == **key) {
                known[index] = order[at];
            }
        }
        Self { id: NEXT.fetch_add(1, Relaxed), names, order, places, known }
    }

    /// A number that no other keys of this process have: what is worked out once for these keys can be kept under
    /// it.
    #[must_use]
    #[inline]
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The keys.
    #[must_use]
    #[inline]
    pub fn names(&self) -> &[Box<str>] {
        &self.names
    }

    /// Where a key first stands.
    #[must_use]
    pub fn position(&self, key: &str) -> Option<usize> {
        let at = self.names.partition_point(|name| **name < *key);
        self.names.get(at).filter(|name| ***name == *key).map(|_| at)
    }

    /// For each key, the how manieth it came.
    #[inline]
    pub(crate) fn order(&self) -> &[u32] {
        &self.order
    }

    /// The key that came at a position.
    pub(crate) fn that_came(&self, at: usize) -> Option<&str> {
        self.names.get(*self.places.get(at)? as usize).map(|name| &**name)
    }

    /// The how manieth a key that is always asked for first came.
    #[inline]
    pub(crate) fn came(&self, key: Known) -> Option<usize> {
        let at = self.known[key.0];
        (at != NOWHERE).then_some(at as usize)
    }
}

impl PartialEq for Keys {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id || self.names == other.names
    }
}

/// A key that is asked for of every record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known(usize);

/// The keys that are asked for of every record, sorted.
pub(crate) const KNOWN: [&str; 34] = [
    "cache_creation_tokens",
    "cache_read_tokens",
    "client_request_id",
    "conversation.id",
    "cost_usd",
    "cursor.conversation.id",
    "cursor.event.id",
    "duration_ms",
    "event.name",
    "event.sequence",
    "function_name",
    "gen_ai.conversation.id",
    "gen_ai.request.model",
    "gen_ai.response.model",
    "gen_ai.tool.name",
    "input_tokens",
    "message.uuid",
    "model",
    "output_tokens",
    "project",
    "project.name",
    "prompt.id",
    "request_id",
    "service.name",
    "session.id",
    "success",
    "team",
    "team.id",
    "tool_name",
    "tool_use_id",
    "user.account_id",
    "user.account_uuid",
    "user.email",
    "user.id",
];

impl Known {
    /// The known key of this name; one that is not in the list does not compile.
    pub(crate) const fn new(name: &str) -> Self {
        let mut at = 0;
        while at < KNOWN.len() {
            if is_equal(KNOWN[at].as_bytes(), name.as_bytes()) {
                return Self(at);
            }
            at += 1;
        }
        panic!("the key is not among the known ones")
    }

    /// Known keys by their names.
    pub(crate) const fn all<const N: usize>(names: [&str; N]) -> [Self; N] {
        let mut all = [Self(0); N];
        let mut at = 0;
        while at < N {
            all[at] = Self::new(names[at]);
            at += 1;
        }
        all
    }
}

const fn is_equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut at = 0;
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_keys_are_sorted_and_each_there_once() {
        assert!(KNOWN.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn known_keys_are_found_where_a_search_finds_them() {
        for names in [
            vec!["a", "event.sequence", "event.sequence", "model", "z"],
            vec![],
            vec!["user.id"],
            KNOWN.to_vec(),
            vec!["cache_creation_tokens", "cache_creation_tokens", "zz"],
        ] {
            for names in [names.clone(), names.into_iter().rev().collect()] {
                let keys = Keys::new(names.iter().map(|name| (*name).into()).collect());
                for name in KNOWN {
                    let first = names.iter().position(|other| *other == name);
                    assert_eq!(keys.came(Known::new(name)), first, "{name} of {names:?}");
                }
            }
        }
    }
}

//! Which keys has the record whose pairs are coming in? Mostly those of a record before.
//!
//! A tree of keys in the order they come: each record's keys are a way from the root, and keys that came before in
//! this order are found again by comparing bytes, without being copied, checked, hashed or sorted.

use std::sync::Arc;

use crate::Keys;
use crate::equal::is_equal;

/// Beyond either the tree is grown anew, so that senders with ever new keys cost time and not memory.
const MAX_NODES: usize = 16 * 1024;
const MAX_KEY_BYTES: usize = 1 << 20;

/// Longer ways and wider forks are not remembered: an agent's events have neither, and a fork is searched one by
/// one.
const MAX_DEPTH: u32 = 256;
const MAX_CHILDREN: usize = 32;

/// So many records without a place in the tree, and it is grown anew: what fills it now may come no more.
const MAX_MISSES: u32 = 1024;

/// A place in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place(u32);

#[derive(Debug)]
pub(crate) struct KeyTree {
    nodes: Vec<Node>,
    key_bytes: usize,
    misses: u32,
}

#[derive(Debug, Default)]
struct Node {
    key: Box<str>,
    parent: Place,
    depth: u32,
    /// The child that was gone to last; the root where there is none, which is no one's child.
    last: Place,
    children: Vec<Place>,
    keys: Option<Arc<Keys>>,
}

impl Default for KeyTree {
    fn default() -> Self {
        Self { nodes: vec![Node::default()], key_bytes: 0, misses: 0 }
    }
}

impl KeyTree {
    pub(crate) const ROOT: Place = Place(0);

    /// Goes to where a record begins.
    #[inline]
    pub(crate) fn begin(&mut self) -> Place {
        if self.nodes.len() > MAX_NODES || self.key_bytes > MAX_KEY_BYTES || self.misses > MAX_MISSES {
            *self = Self::default();
        }
        Self::ROOT
    }

    /// Goes on by a key that was there before.
    #[inline]
    pub(crate) fn next(&mut self, place: Place, key: &[u8]) -> Option<Place> {
        let node = &self.nodes[place.0 as usize];
        let last = node.last;
        if last != Self::ROOT && is_equal(self.nodes[last.0 as usize].key.as_bytes(), key) {
            return Some(last);
        }
        self.fork(place, key)
    }

    /// Goes on to another child than the last time.
    fn fork(&mut self, place: Place, key: &[u8]) -> Option<Place> {
        let mut children = self.nodes[place.0 as usize].children.iter();
        let child = *children.find(|child| is_equal(self.nodes[child.0 as usize].key.as_bytes(), key))?;
        self.nodes[place.0 as usize].last = child;
        Some(child)
    }

    /// Goes on by a key that was not there before; `None` where it is not remembered.
    pub(crate) fn grow(&mut self, place: Place, key: &str) -> Option<Place> {
        let child = Place(u32::try_from(self.nodes.len()).ok()?);
        let node = &mut self.nodes[place.0 as usize];
        if node.depth >= MAX_DEPTH || node.children.len() >= MAX_CHILDREN || key.len() > MAX_KEY_BYTES {
            self.misses += 1;
            return None;
        }
        node.children.push(child);
        node.last = child;
        let depth = node.depth + 1;
        self.key_bytes += key.len();
        self.nodes.push(Node { key: key.into(), parent: place, depth, ..Node::default() });
        Some(child)
    }

    /// The keys on the way to a place, in the order they came.
    pub(crate) fn way(&self, mut place: Place) -> Vec<Box<str>> {
        let mut way = Vec::new();
        while place != Self::ROOT {
            let node = &self.nodes[place.0 as usize];
            way.push(node.key.clone());
            place = node.parent;
        }
        way.reverse();
        way
    }

    /// The keys of a record that ends at a place.
    pub(crate) fn keys(&mut self, place: Place) -> Arc<Keys> {
        if let Some(keys) = &self.nodes[place.0 as usize].keys {
            return Arc::clone(keys);
        }
        let keys = Arc::new(Keys::new(self.way(place)));
        self.nodes[place.0 as usize].keys = Some(Arc::clone(&keys));
        keys
    }
}

//! Makes attributes of pairs as they come in.

use std::sync::Arc;

use crate::attributes::Stored;
use crate::key_tree::{KeyTree, Place};
use crate::{Attributes, Keys, Value};

/// A key or text is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotUtf8;

/// Takes the pairs of one record after another and remembers the keys they had.
///
/// Made once and used for as many records as possible. It holds no more of them than keys, and of these no more than
/// a few megabytes.
#[derive(Debug, Default)]
pub struct AttributesBuilder {
    tree: KeyTree,
    place: Place,
    /// All keys of a record whose keys are not remembered.
    strange: Option<Vec<Box<str>>>,
    values: Vec<Stored>,
    text: Vec<u8>,
    is_invalid: bool,
}

impl AttributesBuilder {
    /// Adds a pair whose value is a string. Whether both are UTF-8 is told at the end.
    #[inline]
    pub fn push_text(&mut self, key: &[u8], value: &[u8]) {
        self.push_key(key);
        let begin = self.text.len();
        if let (Ok(from), Ok(end)) = (u32::try_from(begin), u32::try_from(begin + value.len())) {
            self.text.extend_from_slice(value);
            self.values.push(Stored::Text(from, end));
        } else {
            let value = std::str::from_utf8(value).map(Value::from);
            self.is_invalid |= value.is_err();
            self.values.push(Stored::Other(Box::new(value.unwrap_or_default())));
        }
    }

    /// Adds a pair.
    #[inline]
    pub fn push(&mut self, key: &[u8], value: Value) {
        if let Value::String(text) = value {
            self.push_text(key, text.as_bytes());
        } else {
            self.push_key(key);
            // It is no string, so nothing goes here.
            self.values.push(Stored::new(value, &mut String::new()));
        }
    }

    #[inline]
    fn push_key(&mut self, key: &[u8]) {
        if self.values.is_empty() {
            self.place = self.tree.begin();
        }
        if self.strange.is_none()
            && let Some(place) = self.tree.next(self.place, key)
        {
            self.place = place;
            return;
        }
        self.push_new_key(key);
    }

    #[cold]
    fn push_new_key(&mut self, key: &[u8]) {
        let key = std::str::from_utf8(key).unwrap_or_else(|_| {
            self.is_invalid = true;
            ""
        });
        if let Some(keys) = &mut self.strange {
            keys.push(key.into());
        } else if let Some(place) = self.tree.grow(self.place, key) {
            self.place = place;
        } else {
            let mut keys = self.tree.way(self.place);
            keys.push(key.into());
            self.strange = Some(keys);
        }
    }

    /// Makes attributes of the pairs since the last time.
    ///
    /// # Errors
    ///
    /// A key or a text is not UTF-8. The pairs are gone.
    pub fn finish(&mut self) -> Result<Attributes, NotUtf8> {
        if self.values.is_empty() {
            return Ok(Attributes::default());
        }
        let made = self.make();
        self.clear();
        made
    }

    /// Forgets the pairs since the last time.
    pub fn clear(&mut self) {
        self.values.clear();
        self.text.clear();
        self.strange = None;
        self.is_invalid = false;
    }

    fn make(&mut self) -> Result<Attributes, NotUtf8> {
        // The next record is much like this one.
        let next = (Vec::with_capacity(self.values.len()), Vec::with_capacity(self.text.len() * 5 / 4));
        let values = std::mem::replace(&mut self.values, next.0);
        let text = String::from_utf8(std::mem::replace(&mut self.text, next.1)).map_err(|_| NotUtf8)?;
        // The texts are checked as one; a character that goes on from one to the next would pass.
        let is_cut = |value: &Stored| matches!(value, Stored::Text(begin, _) if !text.is_char_boundary(*begin as usize));
        if self.is_invalid || values.iter().any(is_cut) {
            return Err(NotUtf8);
        }
        let keys = match self.strange.take() {
            Some(keys) => Arc::new(Keys::new(keys)),
            None => self.tree.keys(self.place),
        };
        Ok(Attributes::from_parts(keys, values, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Attribute;
    use proptest::prelude::*;

    fn values() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Empty),
            any::<i64>().prop_map(Value::Int),
            any::<bool>().prop_map(Value::Bool),
            "[a-zäö\u{1f600}]{0,8}".prop_map(Value::String),
            prop::collection::vec(any::<u8>(), 0..4).prop_map(Value::Bytes),
            prop::collection::vec("[a-c]{0,2}".prop_map(Value::String), 0..3).prop_map(Value::Array),
        ]
    }

    fn records() -> impl Strategy<Value = Vec<Vec<Attribute>>> {
        let pair = ("[a-d]{0,2}|event.name|session.id", values());
        let pairs = prop::collection::vec(pair.prop_map(|(key, value)| Attribute { key, value }), 0..9);
        prop::collection::vec(pairs, 0..40)
    }

    proptest! {
        #[test]
        fn pairs_that_come_one_by_one_are_the_same_as_all_at_once(records in records()) {
            let mut builder = AttributesBuilder::default();
            for pairs in records {
                for Attribute { key, value } in &pairs {
                    builder.push(key.as_bytes(), value.clone());
                }
                let built = builder.finish().unwrap();
                let mut sorted = pairs.clone();
                sorted.sort_by(|a, b| a.key.cmp(&b.key));
                prop_assert_eq!(built.clone().into_entries(), sorted);
                for Attribute { key, .. } in &pairs {
                    let first = pairs.iter().find(|pair| pair.key == *key).map(|pair| (&pair.value).into());
                    prop_assert_eq!(built.get(key), first);
                }
                prop_assert_eq!(built, Attributes::new(pairs));
            }
        }
    }

    #[test]
    fn records_with_the_same_keys_in_the_same_order_share_them() {
        let mut builder = AttributesBuilder::default();
        let mut id_of = |keys: &[&str]| {
            for key in keys {
                builder.push_text(key.as_bytes(), b"v");
            }
            builder.finish().unwrap().keys().unwrap().id()
        };
        let first = id_of(&["b", "a"]);
        assert_ne!(first, id_of(&["b", "a", "c"]));
        assert_ne!(first, id_of(&["b"]));
        assert_eq!(first, id_of(&["b", "a"]));
    }

    #[test]
    fn what_is_not_utf_8_is_told_wherever_it_is() {
        let mut builder = AttributesBuilder::default();
        for (key, value) in [(&b"k"[..], &b"\xff"[..]), (b"\xff", b"v"), (b"k", b"\xc3")] {
            builder.push_text(key, value);
            assert_eq!(builder.finish(), Err(NotUtf8));
        }
        // Two halves of a character, each in a text of its own.
        builder.push_text(b"k", b"\xc3");
        builder.push_text(b"l", b"\xa4");
        assert_eq!(builder.finish(), Err(NotUtf8));
        builder.push_text(b"k", "ä".as_bytes());
        assert_eq!(builder.finish().unwrap().text("k"), Some("ä"));
    }

    #[test]
    fn ever_new_and_very_many_keys_are_taken_like_any() {
        let mut builder = AttributesBuilder::default();
        for record in 0..3000 {
            let keys = [format!("new-{record}"), "model".to_owned()];
            for key in &keys {
                builder.push_text(key.as_bytes(), key.as_bytes());
            }
            let built = builder.finish().unwrap();
            assert!(
                built
                    .iter()
                    .eq(keys.iter().rev().map(|key| crate::AttributeRef { key, value: key.as_str().into() }))
            );
        }
        for key in 0..1000 {
            builder.push(format!("{key:04}").as_bytes(), Value::Int(key));
        }
        let built = builder.finish().unwrap();
        assert!(built.values().eq((0..1000).map(crate::ValueRef::Int)));
    }
}

//! Attributes: the key-value pairs of a resource, scope, record, span or data point.

use std::fmt;
use std::sync::Arc;

use crate::equal::is_equal;
use crate::keys::{Keys, Known};
use crate::{Value, ValueRef};

/// One key and its value.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attribute {
    /// The key; OTLP asks for it to be unique, which nothing here relies upon.
    pub key: String,
    /// The value.
    pub value: Value,
}

impl Attribute {
    /// Puts a key and a value together.
    #[must_use]
    pub fn new(key: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

/// One pair of [`Attributes`], to look at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttributeRef<'a> {
    /// The key.
    pub key: &'a str,
    /// The value.
    pub value: ValueRef<'a>,
}

impl AttributeRef<'_> {
    /// The pair as one of its own.
    #[must_use]
    pub fn to_attribute(self) -> Attribute {
        Attribute { key: self.key.to_owned(), value: self.value.to_value() }
    }
}

impl<'a> From<&'a Attribute> for AttributeRef<'a> {
    fn from(Attribute { key, value }: &'a Attribute) -> Self {
        Self { key, value: value.into() }
    }
}

/// Key-value pairs sorted by key, ties in the order they came.
///
/// Sorted keys make equal sets of attributes equal bytes: columns compress better, and the letters of an
/// `AttributeTypes` column can be told apart by position alone.
///
/// Records have some thirty pairs, most of them with a text of some thirty bytes. So all texts of a record lie in one
/// place, and the keys are those of the records before, where these had the same.
#[derive(Clone, Default)]
pub struct Attributes {
    /// `None` where there are no pairs.
    keys: Option<Arc<Keys>>,
    /// In the order they came; the keys know which is whose.
    values: Vec<Stored>,
    /// The texts, in the order they came.
    text: String,
}

/// A value as it is held.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stored {
    Empty,
    Bool(bool),
    Int(i64),
    Double(f64),
    /// Where the text of a string begins and ends.
    Text(u32, u32),
    /// What is rare in attributes.
    Other(Box<Value>),
}

impl Attributes {
    /// Sorts the pairs by key and keeps all of them, repeated keys included.
    #[must_use]
    pub fn new(entries: Vec<Attribute>) -> Self {
        let (keys, values): (Vec<_>, Vec<_>) =
            entries.into_iter().map(|entry| (entry.key.into_boxed_str(), entry.value)).unzip();
        let mut text = String::new();
        let values = values.into_iter().map(|value| Stored::new(value, &mut text)).collect();
        Self::from_parts(Arc::new(Keys::new(keys)), values, text)
    }

    /// Puts together what came in the same order.
    pub(crate) fn from_parts(keys: Arc<Keys>, values: Vec<Stored>, text: String) -> Self {
        if values.is_empty() { Self::default() } else { Self { keys: Some(keys), values, text } }
    }

    /// The keys; `None` where there are no pairs.
    #[must_use]
    #[inline]
    pub fn keys(&self) -> Option<&Arc<Keys>> {
        self.keys.as_ref()
    }

    /// The value at a position in the order of the keys.
    #[must_use]
    pub fn value(&self, at: usize) -> Option<ValueRef<'_>> {
        self.came(*self.order().get(at)? as usize)
    }

    /// The values in the order of their keys.
    #[inline]
    pub fn values(&self) -> impl ExactSizeIterator<Item = ValueRef<'_>> + Clone {
        self.order().iter().map(|at| self.values[*at as usize].view(&self.text))
    }

    /// The letters of the values' types, in the order of their keys; see [`ValueRef::type_letter`].
    #[inline]
    pub fn type_letters(&self) -> impl ExactSizeIterator<Item = u8> {
        self.order().iter().map(|at| match &self.values[*at as usize] {
            Stored::Text(..) => ValueRef::String("").type_letter(),
            Stored::Int(_) => ValueRef::Int(0).type_letter(),
            other => other.view(&self.text).type_letter(),
        })
    }

    #[inline]
    fn order(&self) -> &[u32] {
        self.keys.as_ref().map(|keys| keys.order()).unwrap_or_default()
    }

    fn came(&self, at: usize) -> Option<ValueRef<'_>> {
        self.values.get(at).map(|value| value.view(&self.text))
    }

    /// The first value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<ValueRef<'_>> {
        self.value(self.keys.as_ref()?.position(key)?)
    }

    /// The text of a key's value where it is a string that is not empty.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(ValueRef::as_str).filter(|text| !text.is_empty())
    }

    /// As [`get`](Self::get), without a search.
    #[inline]
    pub(crate) fn known(&self, key: Known) -> Option<ValueRef<'_>> {
        self.came(self.keys.as_ref()?.came(key)?)
    }

    /// As [`text`](Self::text), without a search.
    #[inline]
    pub(crate) fn known_text(&self, key: Known) -> Option<&str> {
        self.known(key).and_then(ValueRef::as_str).filter(|text| !text.is_empty())
    }

    /// The pairs in order of their keys.
    pub fn iter(&self) -> Iter<'_> {
        let names = self.keys.as_ref().map(|keys| keys.names()).unwrap_or_default();
        Iter { names: names.iter(), order: self.order().iter(), values: &self.values, text: &self.text }
    }

    /// Puts other values in the place of some, by their positions. What was there is gone from memory, too.
    pub fn replace_values(&mut self, replacements: impl IntoIterator<Item = (usize, Value)>) {
        let mut values: Vec<Value> =
            self.values.iter().map(|value| value.view(&self.text).to_value()).collect();
        for (at, value) in replacements {
            values[self.order()[at] as usize] = value;
        }
        self.text.clear();
        self.values = values.into_iter().map(|value| Stored::new(value, &mut self.text)).collect();
    }

    /// Takes the pairs apart, for a change that may touch the keys; [`Attributes::new`] puts them back.
    #[must_use]
    pub fn into_entries(self) -> Vec<Attribute> {
        self.iter().map(AttributeRef::to_attribute).collect()
    }

    /// The values, with their positions, that are not a text that another has under the same key.
    ///
    /// Only what came in the same place is compared: what records of one agent have in common comes first in all of
    /// them.
    pub fn differing<'a>(
        &'a self,
        other: Option<&'a Self>,
    ) -> impl Iterator<Item = (usize, ValueRef<'a>)> + use<'a> {
        let keys = self.keys.as_deref();
        let others = other.and_then(|other| Some((other, other.keys.as_deref()?)));
        let are_same_keys =
            others.is_some_and(|(_, others)| keys.is_some_and(|keys| keys.id() == others.id()));
        self.order().iter().enumerate().filter_map(move |(at, came)| {
            let came = *came as usize;
            let value = &self.values[came];
            if let Stored::Text(begin, end) = value
                && let Some((other, others)) = others
                && let Some(Stored::Text(other_begin, other_end)) = other.values.get(came)
            {
                let text = &self.text.as_bytes()[*begin as usize..*end as usize];
                let other = &other.text.as_bytes()[*other_begin as usize..*other_end as usize];
                let is_same_key = || keys.and_then(|keys| keys.that_came(came)) == others.that_came(came);
                if is_equal(text, other) && (are_same_keys || is_same_key()) {
                    return None;
                }
            }
            Some((at, value.view(&self.text)))
        })
    }

    /// About how many bytes keys and values have.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let names = self.keys.as_ref().map(|keys| keys.names()).unwrap_or_default();
        let values = self.values.iter().map(|value| match value {
            Stored::Other(value) => value.size_bytes(),
            // Counted with the texts, or as a word.
            _ => size_of::<u64>(),
        });
        names.iter().map(|name| name.len()).sum::<usize>() + values.sum::<usize>() + self.text.len()
    }

    /// How many pairs there are.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Whether the others are the same and came in the same way. Cheap, and true for what was copied or sent again;
    /// equal attributes can be held differently.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let is_same_shape = match (&self.keys, &other.keys) {
            (Some(keys), Some(others)) => keys.id() == others.id(),
            (None, None) => true,
            _ => false,
        };
        is_same_shape && is_equal(self.text.as_bytes(), other.text.as_bytes()) && self.values == other.values
    }
}

impl Stored {
    /// Holds a value; the text of a string is added to the others.
    pub(crate) fn new(value: Value, text: &mut String) -> Self {
        match value {
            Value::Empty => Self::Empty,
            Value::Bool(truth) => Self::Bool(truth),
            Value::Int(number) => Self::Int(number),
            Value::Double(number) => Self::Double(number),
            Value::String(added) => {
                let begin = text.len();
                match (u32::try_from(begin), u32::try_from(begin + added.len())) {
                    (Ok(begin), Ok(end)) => {
                        text.push_str(&added);
                        Self::Text(begin, end)
                    }
                    // Four gigabytes in one record.
                    _ => Self::Other(Box::new(Value::String(added))),
                }
            }
            other @ (Value::Bytes(_) | Value::Array(_) | Value::Map(_)) => Self::Other(Box::new(other)),
        }
    }

    #[inline]
    fn view<'a>(&'a self, text: &'a str) -> ValueRef<'a> {
        match self {
            Self::Empty => ValueRef::Empty,
            Self::Bool(truth) => ValueRef::Bool(*truth),
            Self::Int(number) => ValueRef::Int(*number),
            Self::Double(number) => ValueRef::Double(*number),
            Self::Text(begin, end) => {
                ValueRef::String(text.get(*begin as usize..*end as usize).unwrap_or_default())
            }
            Self::Other(value) => ValueRef::from(&**value),
        }
    }
}

impl PartialEq for Attributes {
    fn eq(&self, other: &Self) -> bool {
        self.keys == other.keys && self.values().eq(other.values())
    }
}

impl fmt::Debug for Attributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// The pairs of [`Attributes`].
#[derive(Debug, Clone, Default)]
pub struct Iter<'a> {
    names: std::slice::Iter<'a, Box<str>>,
    order: std::slice::Iter<'a, u32>,
    values: &'a [Stored],
    text: &'a str,
}

impl<'a> Iterator for Iter<'a> {
    type Item = AttributeRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let value = self.values[*self.order.next()? as usize].view(self.text);
        Some(AttributeRef { key: self.names.next()?, value })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.order.size_hint()
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'a> IntoIterator for &'a Attributes {
    type Item = AttributeRef<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_the_first_of_a_repeated_key_is_found() {
        let attributes = Attributes::new(vec![
            Attribute::new("b", 1_i64),
            Attribute::new("a", "x"),
            Attribute::new("b", 2_i64),
        ]);
        assert_eq!(attributes.get("b"), Some(ValueRef::Int(1)));
        assert_eq!(attributes.get("c"), None);
        assert_eq!(attributes.text("a"), Some("x"));
        assert_eq!(attributes.iter().map(|a| a.key).collect::<Vec<_>>(), ["a", "b", "b"]);
    }

    #[test]
    fn a_value_that_is_replaced_is_held_nowhere() {
        let mut attributes = Attributes::new(vec![
            Attribute::new("b", "secret"),
            Attribute::new("a", "x"),
            Attribute::new("c", Value::Array(vec!["y".into()])),
        ]);
        attributes.replace_values([(1, Value::from("gone"))]);
        let after = vec![
            Attribute::new("a", "x"),
            Attribute::new("b", "gone"),
            Attribute::new("c", Value::Array(vec!["y".into()])),
        ];
        assert_eq!(attributes.text, "gonex");
        assert_eq!(attributes, Attributes::new(after.clone()));
        assert_eq!(attributes.into_entries(), after);
    }

    #[test]
    fn only_equal_texts_of_equal_keys_do_not_differ() {
        let of = |pairs: &[(&str, Value)]| {
            Attributes::new(pairs.iter().map(|(key, value)| Attribute::new(*key, value.clone())).collect())
        };
        let (x, y) = (Value::from("x"), Value::from("y"));
        let one = of(&[("b", x.clone()), ("a", y.clone()), ("c", x.clone()), ("n", Value::Int(1))]);
        let differing =
            |other: Option<&Attributes>| -> Vec<usize> { one.differing(other).map(|(at, _)| at).collect() };
        assert_eq!(differing(None), [0, 1, 2, 3]);
        assert_eq!(differing(Some(&one)), [3]);
        assert_eq!(differing(Some(&of(&[("b", x.clone()), ("a", x.clone()), ("d", x.clone())]))), [0, 2, 3]);
        assert_eq!(differing(Some(&of(&[("a", x.clone()), ("b", y)]))), [0, 1, 2, 3]);
        assert_eq!(differing(Some(&of(&[("b", x)]))), [0, 2, 3]);
        assert_eq!(differing(Some(&Attributes::default())), [0, 1, 2, 3]);
    }

    #[test]
    fn attributes_are_equal_by_what_they_say_and_the_same_by_how_they_are_held() {
        let one = Attributes::new(vec![Attribute::new("a", "x"), Attribute::new("b", "y")]);
        let other = Attributes::new(vec![Attribute::new("b", "y"), Attribute::new("a", "x")]);
        assert_eq!(one, other);
        assert!(!one.is_same(&other));
        assert!(one.is_same(&one.clone()));
        assert!(!one.is_same(&Attributes::default()));
        assert_ne!(one, Attributes::default());
    }
}

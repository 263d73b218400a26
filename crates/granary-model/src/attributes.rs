//! Attributes: the key-value pairs of a resource, scope, record, span or data point.

use crate::Value;

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

/// Key-value pairs sorted by key, ties in the order they came.
///
/// Sorted keys make equal sets of attributes equal bytes: columns compress better, and the letters of an
/// `AttributeTypes` column can be told apart by position alone.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attributes(Vec<Attribute>);

impl Attributes {
    /// Sorts the pairs by key and keeps all of them, repeated keys included.
    #[must_use]
    pub fn new(mut entries: Vec<Attribute>) -> Self {
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        Self(entries)
    }

    /// The first value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        let at = self.0.partition_point(|entry| entry.key.as_str() < key);
        self.0.get(at).filter(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The text of a key's value where it is a string that is not empty.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    /// The pairs in order of their keys.
    pub fn iter(&self) -> std::slice::Iter<'_, Attribute> {
        self.0.iter()
    }

    /// The values, to be changed in place; keys cannot be, or the order would be lost.
    pub fn values_mut(&mut self) -> impl Iterator<Item = (&str, &mut Value)> {
        self.0.iter_mut().map(|entry| (entry.key.as_str(), &mut entry.value))
    }

    /// Takes the pairs apart, for a change that may touch the keys; [`Attributes::new`] puts them back.
    #[must_use]
    pub fn into_entries(self) -> Vec<Attribute> {
        self.0
    }

    /// How many pairs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'a> IntoIterator for &'a Attributes {
    type Item = &'a Attribute;
    type IntoIter = std::slice::Iter<'a, Attribute>;

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
        assert_eq!(attributes.get("b"), Some(&Value::Int(1)));
        assert_eq!(attributes.get("c"), None);
        assert_eq!(attributes.text("a"), Some("x"));
        assert_eq!(attributes.iter().map(|a| a.key.as_str()).collect::<Vec<_>>(), ["a", "b", "b"]);
    }
}

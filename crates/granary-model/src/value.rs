//! The value of an attribute, in every type OTLP knows.

use serde::ser::{Serialize, Serializer};

use crate::{Attribute, ValueRef};

/// One OTLP `AnyValue`.
///
/// Serializes as plain JSON: bytes as lowercase base64 text is OTLP's own form, so bytes become base64
/// here too; a double that JSON cannot write (NaN, ±∞) becomes its name as a string.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Value {
    /// An `AnyValue` without a value in it.
    #[default]
    Empty,
    /// `stringValue`
    String(String),
    /// `boolValue`
    Bool(bool),
    /// `intValue`
    Int(i64),
    /// `doubleValue`
    Double(f64),
    /// `bytesValue`
    Bytes(Vec<u8>),
    /// `arrayValue`
    Array(Vec<Value>),
    /// `kvlistValue`
    Map(Vec<Attribute>),
}

impl Value {
    /// See [`ValueRef::type_letter`].
    #[must_use]
    pub fn type_letter(&self) -> u8 {
        ValueRef::from(self).type_letter()
    }

    /// See [`ValueRef::push_text`].
    pub fn push_text(&self, out: &mut Vec<u8>) {
        ValueRef::from(self).push_text(out);
    }

    /// See [`ValueRef::to_text`].
    #[must_use]
    pub fn to_text(&self) -> std::borrow::Cow<'_, str> {
        ValueRef::from(self).to_text()
    }

    /// See [`ValueRef::as_str`].
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        ValueRef::from(self).as_str()
    }

    /// See [`ValueRef::as_count`].
    #[must_use]
    pub fn as_count(&self) -> Option<u64> {
        ValueRef::from(self).as_count()
    }

    /// See [`ValueRef::as_number`].
    #[must_use]
    pub fn as_number(&self) -> Option<f64> {
        ValueRef::from(self).as_number()
    }

    /// See [`ValueRef::as_bool`].
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        ValueRef::from(self).as_bool()
    }

    /// See [`ValueRef::size_bytes`].
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        ValueRef::from(self).size_bytes()
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        ValueRef::from(self).serialize(serializer)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Double(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(value: &Value) -> String {
        value.to_text().into_owned()
    }

    #[test]
    fn each_type_has_its_text_form() {
        assert_eq!(text(&Value::Empty), "");
        assert_eq!(text(&Value::Bool(true)), "true");
        assert_eq!(text(&Value::Int(-3)), "-3");
        assert_eq!(text(&Value::Double(0.002_765_190_000_000_000_3)), "0.0027651900000000003");
        assert_eq!(text(&Value::Bytes(b"granary".to_vec())), "Z3JhbmFyeQ==");
        assert_eq!(
            text(&Value::Array(vec![Value::Int(1), "a\"b".into(), Value::Empty])),
            r#"[1,"a\"b",null]"#
        );
        assert_eq!(
            text(&Value::Map(vec![Attribute::new("k", Value::Array(vec![Value::Bool(false)]))])),
            r#"{"k":[false]}"#
        );
    }

    #[test]
    fn a_count_is_read_from_an_integer_a_string_and_a_whole_double() {
        assert_eq!(Value::Int(15).as_count(), Some(15));
        assert_eq!(Value::from("15").as_count(), Some(15));
        assert_eq!(Value::from("15.0").as_count(), Some(15));
        assert_eq!(Value::Double(15.0).as_count(), Some(15));
        assert_eq!(Value::Double(15.5).as_count(), None);
        assert_eq!(Value::Int(-1).as_count(), None);
        assert_eq!(Value::from("fifteen").as_count(), None);
    }

    #[test]
    fn success_is_read_from_a_boolean_and_from_the_spelling_of_events() {
        assert_eq!(Value::from("true").as_bool(), Some(true));
        assert_eq!(Value::Bool(false).as_bool(), Some(false));
        assert_eq!(Value::from("yes").as_bool(), None);
    }

    proptest! {
        #[test]
        fn the_text_of_a_double_reads_back_as_the_same_double(number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
            prop_assert_eq!(text(&Value::Double(number)).parse::<f64>().unwrap().to_bits(), number.to_bits());
        }
    }
}

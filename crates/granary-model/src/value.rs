//! The value of an attribute, in every type OTLP knows.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::Attribute;

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
    /// The letter that stands for the value's type in an `AttributeTypes` column.
    #[must_use]
    pub const fn type_letter(&self) -> u8 {
        match self {
            Self::Empty => b'n',
            Self::String(_) => b's',
            Self::Bool(_) => b'b',
            Self::Int(_) => b'i',
            Self::Double(_) => b'd',
            Self::Bytes(_) => b'y',
            Self::Array(_) => b'a',
            Self::Map(_) => b'm',
        }
    }

    /// Appends the value as ClickHouse's `Map(String, String)` holds it.
    ///
    /// Strings stand as they are, numbers and booleans in their usual text form (the shortest text that
    /// reads back as the same double), bytes as base64, arrays and maps as JSON.
    pub fn push_text(&self, out: &mut Vec<u8>) {
        use std::io::Write as _;
        match self {
            Self::Empty => {}
            Self::String(text) => out.extend_from_slice(text.as_bytes()),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            // Writing to a `Vec` does not fail.
            Self::Int(number) => drop(write!(out, "{number}")),
            Self::Double(number) => drop(write!(out, "{number}")),
            Self::Bytes(bytes) => push_base64(bytes, out),
            Self::Array(_) | Self::Map(_) => drop(serde_json::to_writer(out, self)),
        }
    }

    /// The value as text, borrowed where it is a string already.
    #[must_use]
    pub fn to_text(&self) -> std::borrow::Cow<'_, str> {
        if let Self::String(text) = self {
            return text.into();
        }
        let mut out = Vec::new();
        self.push_text(&mut out);
        String::from_utf8_lossy(&out).into_owned().into()
    }

    /// The text of a string value.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value as a non-negative whole number, whatever type the client sent it in.
    ///
    /// Claude Code sent counts as strings before 2.1.122 and as integers since; a double with a whole
    /// value is taken too. Anything else, and a negative number, is `None`.
    #[must_use]
    pub fn as_count(&self) -> Option<u64> {
        match self {
            Self::Int(number) => u64::try_from(*number).ok(),
            Self::Double(number) => whole(*number),
            Self::String(text) => {
                let text = text.trim();
                text.parse().ok().or_else(|| whole(text.parse().ok()?))
            }
            _ => None,
        }
    }

    /// The value as a finite number, whatever type the client sent it in.
    #[must_use]
    pub fn as_number(&self) -> Option<f64> {
        let number = match self {
            #[expect(clippy::cast_precision_loss, reason = "counts and prices stay far below 2^53")]
            Self::Int(number) => *number as f64,
            Self::Double(number) => *number,
            Self::String(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        number.is_finite().then_some(number)
    }

    /// The value as a truth value: a boolean, or `"true"` and `"false"` in any case, as events spell it.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(*truth),
            Self::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Self::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// The bytes the value takes, nested values included; what size limits count.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Bool(_) => 1,
            Self::Int(_) | Self::Double(_) => 8,
            Self::String(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Array(values) => values.iter().map(Self::size_bytes).sum(),
            Self::Map(entries) => entries.iter().map(|e| e.key.len() + e.value.size_bytes()).sum(),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the guard admits only whole numbers that u64 holds exactly"
)]
fn whole(number: f64) -> Option<u64> {
    (number >= 0.0 && number.fract() == 0.0 && number < 9_007_199_254_740_992.0).then_some(number as u64)
}

fn push_base64(bytes: &[u8], out: &mut Vec<u8>) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in bytes.chunks(3) {
        let group = [chunk[0], *chunk.get(1).unwrap_or(&0), *chunk.get(2).unwrap_or(&0)];
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for index in 0..4_usize {
            if index <= chunk.len() {
                out.push(ALPHABET[(bits >> (18 - 6 * index)) as usize & 63]);
            } else {
                out.push(b'=');
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Empty => serializer.serialize_unit(),
            Self::String(text) => serializer.serialize_str(text),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Double(number) if number.is_finite() => serializer.serialize_f64(*number),
            Self::Double(number) => serializer.serialize_str(&number.to_string()),
            Self::Bytes(bytes) => {
                let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
                push_base64(bytes, &mut text);
                serializer.serialize_str(&String::from_utf8_lossy(&text))
            }
            Self::Array(values) => {
                let mut seq = serializer.serialize_seq(Some(values.len()))?;
                for value in values {
                    seq.serialize_element(value)?;
                }
                seq.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for entry in entries {
                    map.serialize_entry(&entry.key, &entry.value)?;
                }
                map.end()
            }
        }
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

//! The value of an attribute, to look at.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use crate::{Attribute, Value};

/// A borrowed [`Value`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum ValueRef<'a> {
    /// See [`Value::Empty`].
    #[default]
    Empty,
    /// See [`Value::String`].
    String(&'a str),
    /// See [`Value::Bool`].
    Bool(bool),
    /// See [`Value::Int`].
    Int(i64),
    /// See [`Value::Double`].
    Double(f64),
    /// See [`Value::Bytes`].
    Bytes(&'a [u8]),
    /// See [`Value::Array`].
    Array(&'a [Value]),
    /// See [`Value::Map`].
    Map(&'a [Attribute]),
}

impl<'a> ValueRef<'a> {
    /// The letter that stands for the value's type in an `AttributeTypes` column.
    #[must_use]
    #[inline]
    pub const fn type_letter(self) -> u8 {
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
    pub fn push_text(self, out: &mut Vec<u8>) {
        use std::io::Write as _;
        match self {
            Self::Empty => {}
            Self::String(text) => out.extend_from_slice(text.as_bytes()),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Int(number) => out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes()),
            // Writing to a `Vec` does not fail.
            Self::Double(number) => drop(write!(out, "{number}")),
            Self::Bytes(bytes) => push_base64(bytes, out),
            Self::Array(_) | Self::Map(_) => drop(serde_json::to_writer(out, &self)),
        }
    }

    /// The value as text, borrowed where it is a string already.
    #[must_use]
    pub fn to_text(self) -> Cow<'a, str> {
        if let Self::String(text) = self {
            return text.into();
        }
        let mut out = Vec::new();
        self.push_text(&mut out);
        String::from_utf8_lossy(&out).into_owned().into()
    }

    /// The text of a string value.
    #[must_use]
    #[inline]
    pub const fn as_str(self) -> Option<&'a str> {
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
    pub fn as_count(self) -> Option<u64> {
        match self {
            Self::Int(number) => u64::try_from(number).ok(),
            Self::Double(number) => whole(number),
            Self::String(text) => {
                let text = text.trim();
                text.parse().ok().or_else(|| whole(text.parse().ok()?))
            }
            _ => None,
        }
    }

    /// The value as a finite number, whatever type the client sent it in.
    #[must_use]
    pub fn as_number(self) -> Option<f64> {
        let number = match self {
            #[expect(clippy::cast_precision_loss, reason = "counts and prices stay far below 2^53")]
            Self::Int(number) => number as f64,
            Self::Double(number) => number,
            Self::String(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        number.is_finite().then_some(number)
    }

    /// The value as a truth value: a boolean, or `"true"` and `"false"` in any case, as events spell it.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        match self {
            Self::Bool(truth) => Some(truth),
            Self::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Self::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// The bytes the value takes, nested values included; what size limits count.
    #[must_use]
    pub fn size_bytes(self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Bool(_) => 1,
            Self::Int(_) | Self::Double(_) => 8,
            Self::String(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Array(values) => values.iter().map(Value::size_bytes).sum(),
            Self::Map(entries) => entries.iter().map(|e| e.key.len() + e.value.size_bytes()).sum(),
        }
    }

    /// The value as one of its own.
    #[must_use]
    pub fn to_value(self) -> Value {
        match self {
            Self::Empty => Value::Empty,
            Self::String(text) => Value::String(text.to_owned()),
            Self::Bool(truth) => Value::Bool(truth),
            Self::Int(number) => Value::Int(number),
            Self::Double(number) => Value::Double(number),
            Self::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
            Self::Array(values) => Value::Array(values.to_vec()),
            Self::Map(entries) => Value::Map(entries.to_vec()),
        }
    }
}

impl<'a> From<&'a Value> for ValueRef<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Empty => Self::Empty,
            Value::String(text) => Self::String(text),
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Int(number) => Self::Int(*number),
            Value::Double(number) => Self::Double(*number),
            Value::Bytes(bytes) => Self::Bytes(bytes),
            Value::Array(values) => Self::Array(values),
            Value::Map(entries) => Self::Map(entries),
        }
    }
}

impl<'a> From<&'a str> for ValueRef<'a> {
    fn from(text: &'a str) -> Self {
        Self::String(text)
    }
}

impl PartialEq<Value> for ValueRef<'_> {
    fn eq(&self, other: &Value) -> bool {
        *self == ValueRef::from(other)
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

/// As [`Value`] does.
impl Serialize for ValueRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self::Empty => serializer.serialize_unit(),
            Self::String(text) => serializer.serialize_str(text),
            Self::Bool(truth) => serializer.serialize_bool(truth),
            Self::Int(number) => serializer.serialize_i64(number),
            Self::Double(number) if number.is_finite() => serializer.serialize_f64(number),
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

//! The tables' own columns, back to the records they were made of.

mod log;
mod metric;
mod span;

pub(super) use log::LogRow;
pub(super) use metric::PointRow;
pub(super) use span::SpanRow;

use granary_model::{SpanId, TraceId};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

/// A double that comes as text.
#[derive(Debug, Clone, Copy, Default)]
struct Double(f64);

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|_| D::Error::custom("not a double"))
    }
}

/// A time that may lie before 1970 in the tables and must not in OTLP.
fn unix_nano(time: i64) -> u64 {
    u64::try_from(time).unwrap_or_default()
}

/// An id from its hex; what is none is the absent id.
fn trace_id(hex: &str) -> TraceId {
    bytes_of(hex).map(TraceId).unwrap_or_default()
}

/// An id from its hex; what is none is the absent id.
fn span_id(hex: &str) -> SpanId {
    bytes_of(hex).map(SpanId).unwrap_or_default()
}

fn bytes_of<const N: usize>(hex: &str) -> Option<[u8; N]> {
    let digits = hex.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = (digit(pair[0])? << 4) | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_from_hex_and_anything_else_is_absent() {
        assert_eq!(span_id("ab00000000000001"), SpanId([0xAB, 0, 0, 0, 0, 0, 0, 1]));
        for text in ["", "ab", "zz00000000000001", "éééééééé"] {
            assert!(span_id(text).is_absent(), "{text}");
        }
    }
}

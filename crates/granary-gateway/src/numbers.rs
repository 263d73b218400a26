//! Integers that a JSON reader would round become strings, in JSON text as it streams by.
//!
//! Most readers take a number for a double, which is exact up to 2^53. ClickHouse quotes either all 64-bit
//! integers or none; this quotes the ones that need it. Numbers with a fraction or an exponent stay as they are.
//! Text may be cut anywhere: what is kept between two pieces is at most one number.

use bytes::Bytes;

/// 2^53, the last integer up to which doubles leave none out.
const LAST_EXACT: &[u8] = b"9007199254740992";

/// Where in the JSON text the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    #[default]
    Structure,
    Text,
    /// After a backslash within text.
    Escape,
    Number,
}

/// Rewrites JSON text piece by piece.
#[derive(Debug, Default)]
pub(crate) struct QuoteLargeIntegers {
    place: Place,
    /// The beginning of a number whose end has not been seen.
    cut: Vec<u8>,
}

impl QuoteLargeIntegers {
    /// Takes the next piece and returns what is certain of the text so far. A piece without anything to
    /// rewrite is handed on without being copied.
    pub(crate) fn push(&mut self, piece: &Bytes) -> Bytes {
        let mut rewritten = Vec::new();
        let mut copied = 0;
        let mut number = 0;
        for (at, &byte) in piece.iter().enumerate() {
            self.place = match (self.place, byte) {
                (Place::Text, b'\\') => Place::Escape,
                (Place::Text, b'"') => Place::Structure,
                (Place::Text | Place::Escape, _) => Place::Text,
                (Place::Number, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E') => Place::Number,
                (Place::Structure, b'-' | b'0'..=b'9') => {
                    number = at;
                    Place::Number
                }
                (before, _) => {
                    if before == Place::Number {
                        if !self.cut.is_empty() {
                            self.cut.extend_from_slice(&piece[..at]);
                            write_number(&self.cut, &mut rewritten);
                            self.cut.clear();
                            copied = at;
                        } else if is_rounded(&piece[number..at]) {
                            rewritten.extend_from_slice(&piece[copied..number]);
                            write_number(&piece[number..at], &mut rewritten);
                            copied = at;
                        }
                    }
                    if byte == b'"' { Place::Text } else { Place::Structure }
                }
            };
        }
        let end = if self.place == Place::Number {
            self.cut.extend_from_slice(&piece[number..]);
            number
        } else {
            piece.len()
        };
        if rewritten.is_empty() {
            return piece.slice(..end);
        }
        rewritten.extend_from_slice(&piece[copied..end]);
        rewritten.into()
    }

    /// What is left when no more pieces come.
    pub(crate) fn finish(&mut self) -> Bytes {
        let mut rest = Vec::new();
        if self.place == Place::Number {
            write_number(&self.cut, &mut rest);
        }
        *self = Self::default();
        rest.into()
    }
}

fn write_number(number: &[u8], out: &mut Vec<u8>) {
    let quote: &[u8] = if is_rounded(number) { b"\"" } else { b"" };
    out.extend_from_slice(quote);
    out.extend_from_slice(number);
    out.extend_from_slice(quote);
}

/// Whether it is an integer beyond 2^53, on either side of zero.
fn is_rounded(number: &[u8]) -> bool {
    let digits = number.strip_prefix(b"-").unwrap_or(number);
    if digits.len() < LAST_EXACT.len() || !digits.iter().all(u8::is_ascii_digit) {
        return false;
    }
    digits.len() > LAST_EXACT.len() || digits > LAST_EXACT
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn quoted(pieces: &[&str]) -> String {
        let mut filter = QuoteLargeIntegers::default();
        let mut out = Vec::new();
        for piece in pieces {
            out.extend_from_slice(&filter.push(&Bytes::copy_from_slice(piece.as_bytes())));
        }
        out.extend_from_slice(&filter.finish());
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn integers_are_numbers_up_to_two_to_the_53rd_and_strings_beyond() {
        assert_eq!(
            quoted(&[
                "[9007199254740992,9007199254740993,-9007199254740992,-9007199254740993,18446744073709551615]"
            ]),
            r#"[9007199254740992,"9007199254740993",-9007199254740992,"-9007199254740993","18446744073709551615"]"#
        );
    }

    #[test]
    fn fractions_exponents_and_text_stay_as_they_are() {
        let json = r#"{"12345678901234567890":"\"12345678901234567890","a":12345678901234567.5,"b":1e300}"#;
        assert_eq!(quoted(&[json]), json);
    }

    #[test]
    fn a_number_may_be_cut_anywhere_and_may_be_the_last_thing() {
        assert_eq!(quoted(&["{\"n\":12345", "678901", "234567890", "}"]), r#"{"n":"12345678901234567890"}"#);
        assert_eq!(quoted(&["12", "", "345678901234567890"]), r#""12345678901234567890""#);
        assert_eq!(quoted(&["[1", "2", ",", "3]"]), "[12,3]");
    }

    #[test]
    fn a_piece_without_large_integers_is_not_copied() {
        let piece = Bytes::from_static(b"{\"rows\": 12, \"x\": [1.5, \"a\"]}");
        assert_eq!(QuoteLargeIntegers::default().push(&piece).as_ptr(), piece.as_ptr());
    }

    /// The distance from zero of an integer; 0 for other numbers.
    fn magnitude(number: &serde_json::Number) -> u64 {
        number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs)).unwrap_or_default()
    }

    /// What a reader should see: the same value with every large integer as its digits.
    fn as_read(value: &Value) -> Value {
        match value {
            Value::Number(number) if magnitude(number) > 1 << 53 => Value::String(number.to_string()),
            Value::Array(items) => items.iter().map(as_read).collect(),
            Value::Object(fields) => {
                fields.iter().map(|(name, field)| (name.clone(), as_read(field))).collect()
            }
            other => other.clone(),
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ((1_u64 << 53) - 3..(1 << 53) + 3).prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
            "[0-9\"\\\\,:{}-]{0,30}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map("[a-z0-9\"\\\\]{0,20}", inner, 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_text_cut_anywhere_reads_as_the_same_value_with_large_integers_as_strings(
            value in json(),
            pretty in any::<bool>(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            // Read once before: this reader is not exact in a float's last digit.
            let value = serde_json::from_str(&text).unwrap();
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let whole = Bytes::from(text);
            let mut filter = QuoteLargeIntegers::default();
            let mut out = Vec::new();
            for pair in cuts.windows(2) {
                out.extend_from_slice(&filter.push(&whole.slice(pair[0]..pair[1])));
            }
            out.extend_from_slice(&filter.finish());
            prop_assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), as_read(&value));
        }
    }
}

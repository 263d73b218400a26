//! Text and a letter back to a typed value: the reading side of the `AttributeTypes` column.
//!
//! The column has the letters of values that stand alone, then groups of letters with `|` before each, one
//! letter a value in the order of the map's keys; see `ddl/README.md`. An empty column is another
//! writer's: then everything is a string, as it is where letters and values do not fit together.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use granary_model::{Attribute, Attributes, Value};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

/// Keys and values of a map, in order, repeated keys included.
#[derive(Debug, Default)]
pub(super) struct Pairs(pub(super) Vec<(String, String)>);

/// Arrays and maps nested deeper than this stay text: what OTLP's JSON makes of a level is three levels, and a
/// reader must be able to follow.
const MAX_DEPTH: usize = 32;

/// An `AttributeTypes` column, taken apart group by group.
#[derive(Debug)]
pub(super) struct Letters<'a> {
    groups: Option<std::str::Split<'a, char>>,
}

impl<'a> Letters<'a> {
    pub(super) fn new(column: &'a str) -> Self {
        Self { groups: (!column.is_empty()).then(|| column.split('|')) }
    }

    /// The letters in front, of values that stand alone.
    pub(super) fn alone(&mut self) -> Option<&'a [u8]> {
        self.next()
    }

    /// The attributes of a map with the types of the next group.
    pub(super) fn attributes(&mut self, pairs: Pairs) -> Attributes {
        let letters = self.next();
        typed(pairs, letters)
    }

    /// The attributes of several maps with the types of the next group, which has commas between the maps.
    pub(super) fn list(&mut self, maps: Vec<Pairs>) -> Vec<Attributes> {
        let group =
            self.next().and_then(|group| std::str::from_utf8(group).ok()).filter(|group| !group.is_empty());
        let mut letters = group.map(|group| group.split(','));
        maps.into_iter()
            .map(|pairs| typed(pairs, letters.as_mut().and_then(|l| l.next().map(str::as_bytes))))
            .collect()
    }

    fn next(&mut self) -> Option<&'a [u8]> {
        self.groups.as_mut()?.next().map(str::as_bytes)
    }
}

fn typed(pairs: Pairs, letters: Option<&[u8]>) -> Attributes {
    let Pairs(mut pairs) = pairs;
    // They are written in this order; a server that keeps maps in another one cannot mix up the types.
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    let letters = letters.filter(|letters| letters.len() == pairs.len());
    let letter = |index: usize| letters.map_or(b's', |letters| letters[index]);
    let entries = pairs.into_iter().enumerate();
    Attributes::new(
        entries.map(|(index, (key, text))| Attribute { key, value: value(text, letter(index)) }).collect(),
    )
}

/// Reads a value of the type that a letter stands for. Text that is none of that type stays text.
pub(super) fn value(text: String, letter: u8) -> Value {
    let read = match letter {
        b'n' if text.is_empty() => Some(Value::Empty),
        b'b' => text.parse().ok().map(Value::Bool),
        b'i' => text.parse().ok().map(Value::Int),
        b'd' => text.parse().ok().map(Value::Double),
        b'y' => BASE64_STANDARD.decode(&text).ok().map(Value::Bytes),
        b'a' | b'm' => serde_json::from_str(&text)
            .ok()
            .map(|PlainJson(value)| value)
            .filter(|value| value.type_letter() == letter && depth(value) <= MAX_DEPTH),
        _ => None,
    };
    read.unwrap_or(Value::String(text))
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or_default(),
        Value::Map(entries) => 1 + entries.iter().map(|entry| depth(&entry.value)).max().unwrap_or_default(),
        _ => 0,
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;

        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::with_capacity(map.size_hint().unwrap_or_default());
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor)
    }
}

/// A value as its plain JSON text says it.
struct PlainJson(Value);

impl<'de> Deserialize<'de> for PlainJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PlainVisitor;

        impl<'de> Visitor<'de> for PlainVisitor {
            type Value = Value;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("any JSON")
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Empty)
            }

            fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
                Ok(Value::Bool(truth))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
                Ok(Value::Int(number))
            }

            fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Value, E> {
                i64::try_from(number).map(Value::Int).map_err(E::custom)
            }

            fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
                Ok(Value::Double(number))
            }

            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value::String(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
                let mut values = Vec::new();
                while let Some(PlainJson(value)) = seq.next_element()? {
                    values.push(value);
                }
                Ok(Value::Array(values))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let mut entries = Vec::new();
                while let Some((key, PlainJson(value))) = map.next_entry()? {
                    entries.push(Attribute { key, value });
                }
                Ok(Value::Map(entries))
            }
        }

        deserializer.deserialize_any(PlainVisitor).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use granary_model::ValueRef;
    use proptest::prelude::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Empty),
            any::<String>().prop_map(Value::String),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Value::Double),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::vec(("[a-c]{0,2}", inner), 0..4).prop_map(|entries| {
                    Value::Map(entries.into_iter().map(|(key, value)| Attribute { key, value }).collect())
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_value_is_read_back_from_its_text_and_its_letter(given in values()) {
            let read = value(given.to_text().into_owned(), given.type_letter());
            // Compared as text too: a double's zero has a sign that `==` does not see.
            prop_assert_eq!(format!("{read:?}"), format!("{given:?}"));
        }

        #[test]
        fn bytes_are_read_back(bytes: Vec<u8>) {
            let given = Value::Bytes(bytes);
            prop_assert_eq!(value(given.to_text().into_owned(), b'y'), given);
        }
    }

    #[test]
    fn doubles_that_json_cannot_write_are_read_back() {
        for number in [f64::INFINITY, f64::NEG_INFINITY] {
            let given = Value::Double(number);
            assert_eq!(value(given.to_text().into_owned(), b'd'), given);
        }
        let Value::Double(number) = value(Value::Double(f64::NAN).to_text().into_owned(), b'd') else {
            panic!()
        };
        assert!(number.is_nan());
    }

    #[test]
    fn text_that_does_not_fit_its_letter_stays_text() {
        for (text, letter) in
            [("", b'i'), ("1.5", b'i'), ("yes", b'b'), ("{}", b'a'), ("[", b'a'), ("x", b'n'), ("*", b'y')]
        {
            assert_eq!(value(text.to_owned(), letter), Value::String(text.to_owned()));
        }
        let deep = format!("{}{}", "[".repeat(33), "]".repeat(33));
        assert_eq!(value(deep.clone(), b'a'), Value::String(deep));
    }

    fn pairs(of: &[(&str, &str)]) -> Pairs {
        Pairs(of.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect())
    }

    #[test]
    fn groups_are_taken_in_order_and_a_group_that_does_not_fit_is_strings() {
        let mut letters = Letters::new("s|i|b|x,si");
        assert_eq!(letters.alone(), Some(&b"s"[..]));
        assert_eq!(letters.attributes(pairs(&[("a", "1")])).get("a"), Some(ValueRef::Int(1)));
        assert_eq!(letters.attributes(pairs(&[("a", "1"), ("b", "2")])).get("b"), Some("2".into()));
        let list = letters.list(vec![pairs(&[("k", "v")]), pairs(&[("y", "2"), ("x", "1")])]);
        assert_eq!(list[0].get("k"), Some("v".into()));
        assert_eq!((list[1].get("x"), list[1].get("y")), (Some("1".into()), Some(ValueRef::Int(2))));
        assert_eq!(Letters::new("").attributes(pairs(&[("a", "1")])).get("a"), Some("1".into()));
    }
}

//! Parameters whose values whoever asks cannot choose.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The filters that say whose data a query reads. A query that does not honour one of these which is fixed cannot be
/// asked: it would answer with what the filter was to leave out. Other parameters matter only where a query
/// has them.
pub const ACCESS_FILTERS: [&str; 4] = ["user", "team", "project", "session"];

/// What may be fixed at most: it goes along with every query.
const MAX_PARAMETERS: usize = 32;
const MAX_VALUES: usize = 256;
const MAX_VALUE_BYTES: usize = 256;

/// Parameters with the values they have; each has at least one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fixed(BTreeMap<String, Values>);

/// One value or several; a text or a list of texts where it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Values {
    One(String),
    Several(Vec<String>),
}

impl Values {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Several(values) => values,
        }
    }
}

impl Fixed {
    /// Whether nothing is fixed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Fixes one more value of a parameter.
    pub fn add(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let name = name.into();
        let mut values = self.values(&name).unwrap_or_default().to_vec();
        values.push(value.into());
        self.0.insert(name, Values::Several(values));
    }

    /// What a parameter is fixed to, if it is.
    #[must_use]
    pub fn values(&self, name: &str) -> Option<&[String]> {
        self.0.get(name).map(Values::as_slice)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// Those that say whose data are read.
    pub fn access_filters(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        ACCESS_FILTERS.into_iter().filter_map(|name| Some((name, self.values(name)?)))
    }

    /// What is wrong with them.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.0.len() > MAX_PARAMETERS {
            return Some(format!("there are more than {MAX_PARAMETERS} parameters"));
        }
        self.iter().find_map(|(name, values)| {
            let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
                && name.len() <= 64;
            if !is_name {
                return Some(format!("{name:?} is no parameter's name"));
            }
            if name == "tenant" {
                return Some("the tenant is not fixed as a parameter; it has a place of its own".to_owned());
            }
            // No value means all where a filter is bound; that must not be what a fixed one comes to.
            if values.is_empty() || values.len() > MAX_VALUES {
                return Some(format!("the parameter {name} must have 1 to {MAX_VALUES} values"));
            }
            let fits = |value: &String| {
                !value.is_empty() && value.len() <= MAX_VALUE_BYTES && !value.chars().any(char::is_control)
            };
            (!values.iter().all(fits))
                .then(|| format!("each value of {name} must be 1 to {MAX_VALUE_BYTES} bytes of text"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixed_parameter_without_a_value_or_with_an_empty_one_is_none() {
        for text in [
            "user = []",
            "user = ''",
            "user = ['a', '']",
            "tenant = 'x'",
            "\"a b\" = 'x'",
            "project = \"a\\n\"",
        ] {
            let fixed: Fixed = toml::from_str(text).unwrap();
            assert!(fixed.problem().is_some(), "{text}");
        }
        let fixed: Fixed = toml::from_str("user = 'a'\nproject = ['x', 'y']\nmodel = 'm'").unwrap();
        assert_eq!(fixed.problem(), None);
        let filters: Vec<_> = fixed.access_filters().map(|(name, values)| (name, values.join("+"))).collect();
        assert_eq!(filters, [("user", "a".to_owned()), ("project", "x+y".to_owned())]);
    }

    #[test]
    fn values_that_are_no_text_are_refused() {
        for text in ["limit = 5", "user = [1]", "user = {a = 'b'}"] {
            assert!(toml::from_str::<Fixed>(text).is_err(), "{text}");
        }
    }
}

//! The TOML on top of a query's file, as typed values that passed every check that needs no SQL.

use std::fmt;
use std::time::Duration;

use jiff::SignedDuration;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::cursor::{self, CursorColumn};
use super::samples;
use super::scan::{is_choice, is_name};
use crate::time;

/// What a query says about itself.
#[derive(Debug)]
pub(crate) struct Header {
    pub(crate) question: String,
    pub(crate) filters: Vec<Filter>,
    pub(crate) tables: Vec<String>,
    pub(crate) limit: Option<RowLimit>,
    pub(crate) cache: Option<Duration>,
    pub(crate) default_from: SignedDuration,
    pub(crate) params: Vec<Parameter>,
    pub(crate) columns: Vec<Column>,
    pub(crate) samples: Option<samples::Declared>,
    pub(crate) cursor: Vec<CursorColumn>,
    pub(crate) role: Option<MinimumRole>,
}

/// Who may ask a query that is not for everybody: this role, and those above it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MinimumRole {
    /// Sees a team's data.
    Team,
    /// Sees everything of a tenant.
    Analyst,
    /// Sees also who asked what.
    Admin,
}

/// How far before its end a range starts if nobody says.
const DEFAULT_RANGE: SignedDuration = SignedDuration::from_hours(24);

/// A standard filter: may be given several times; not given means all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Filter {
    /// Who ran the session.
    User,
    /// The user's team.
    Team,
    /// What was worked on.
    Project,
    /// The model, in any of its spellings.
    Model,
    /// The tool's name.
    Tool,
    /// The session's id.
    Session,
    /// The terminal or editor.
    Terminal,
    /// The client's version.
    Version,
}

impl Filter {
    /// Its name as a parameter.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Team => "team",
            Self::Project => "project",
            Self::Model => "model",
            Self::Tool => "tool",
            Self::Session => "session",
            Self::Terminal => "terminal",
            Self::Version => "version",
        }
    }
}

/// How many rows a query answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowLimit {
    /// If nobody says.
    pub default: u32,
    /// At most.
    pub max: u32,
}

/// A column of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it says, with its unit.
    pub meaning: String,
}

/// A parameter of the query's own.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) kind: Kind,
}

/// A parameter's type, with the default if it is not required.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Enum {
        values: Vec<String>,
        default: Option<String>,
    },
    Text {
        default: Option<String>,
    },
    /// Of which session the query is.
    Session,
    Texts {
        default: Option<Vec<String>>,
    },
    Unsigned {
        default: Option<u64>,
        min: u64,
        max: u64,
    },
    Float {
        default: Option<f64>,
        min: f64,
        max: f64,
    },
    Bool {
        default: Option<bool>,
    },
}

/// A header as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    question: String,
    filters: Vec<Filter>,
    tables: Vec<String>,
    limit: Option<RowLimit>,
    #[serde(default, with = "humantime_serde")]
    cache: Option<Duration>,
    default_from: Option<String>,
    #[serde(default = "InOrder::default")]
    params: InOrder<WrittenParameter>,
    prometheus: Option<samples::Written>,
    #[serde(default = "InOrder::default")]
    cursor: InOrder<String>,
    columns: InOrder<String>,
    role: Option<MinimumRole>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenParameter {
    #[serde(rename = "type")]
    type_name: TypeName,
    help: String,
    default: Option<toml::Value>,
    values: Option<Vec<String>>,
    min: Option<toml::Value>,
    max: Option<toml::Value>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TypeName {
    Enum,
    String,
    Session,
    Strings,
    Uint,
    Float,
    Bool,
}

impl Header {
    /// Reads the TOML.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words for whoever wrote it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let written: Written =
            toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        let Written {
            question,
            filters,
            tables,
            limit,
            cache,
            default_from,
            params,
            prometheus,
            cursor,
            columns,
            role,
        } = written;
        if question.trim().is_empty() {
            return Err("the question is empty".to_owned());
        }
        if let Some(filter) = repeated(filters.iter().map(|filter| filter.name())) {
            return Err(format!("the filter {filter} stands there twice"));
        }
        if tables.is_empty() {
            return Err("tables names no table".to_owned());
        }
        if let Some(limit) = limit
            && !(1..=limit.max).contains(&limit.default)
        {
            return Err(format!(
                "limit.default is {}, not between 1 and limit.max, {}",
                limit.default, limit.max
            ));
        }
        let default_from = match default_from {
            None => DEFAULT_RANGE,
            Some(text) => time::parse_span(&text)
                .ok_or_else(|| format!("default_from is {text:?}, not a span before now such as \"-7d\""))?,
        };
        let columns: Vec<_> = columns.0.into_iter().map(|(name, meaning)| Column { name, meaning }).collect();
        if columns.is_empty() {
            return Err("columns is empty".to_owned());
        }
        for name in columns.iter().map(|column| &column.name).chain(params.0.iter().map(|(name, _)| name)) {
            if !is_name(name) {
                return Err(format!("{name:?} is no name: lowercase letters, digits and _, a letter first"));
            }
        }
        let params = params.0.into_iter().map(|(name, written)| parameter(name, written, &filters));
        let params = params.collect::<Result<Vec<_>, _>>()?;
        let cursor = cursor::check(cursor.0, &columns, limit, &params)?;
        let samples = prometheus.map(|written| written.check(&columns, &params)).transpose()?;
        Ok(Self {
            question,
            filters,
            tables,
            limit,
            cache,
            default_from,
            params,
            columns,
            samples,
            cursor,
            role,
        })
    }
}

/// Names that mean the same in every query.
const RESERVED: [&str; 4] = ["tenant", "from", "to", "limit"];

/// What a session's parameter is called, as the filter is.
pub(crate) const SESSION: &str = "session";

fn parameter(name: String, written: WrittenParameter, filters: &[Filter]) -> Result<Parameter, String> {
    if RESERVED.contains(&name.as_str()) {
        return Err(format!("params.{name}: the name means the same in every query"));
    }
    if filters.iter().any(|filter| filter.name() == name) {
        return Err(format!("params.{name}: is among the filters already"));
    }
    let kind = kind(&written).map_err(|reason| format!("params.{name}: {reason}"))?;
    if kind == Kind::Session && name != SESSION {
        return Err(format!("params.{name}: what has the type session is called {SESSION}"));
    }
    Ok(Parameter { name, help: written.help, kind })
}

fn kind(written: &WrittenParameter) -> Result<Kind, String> {
    let WrittenParameter { type_name, help: _, default, values, min, max } = written;
    if values.is_some() != matches!(type_name, TypeName::Enum) {
        return Err("an enum has values, and nothing else has".to_owned());
    }
    if (min.is_some() || max.is_some()) && !matches!(type_name, TypeName::Uint | TypeName::Float) {
        return Err("only numbers have min and max".to_owned());
    }
    let default = default.as_ref();
    Ok(match type_name {
        TypeName::Enum => {
            let values = values.clone().unwrap_or_default();
            if values.is_empty() || !values.iter().all(|value| is_choice(value)) {
                return Err("values are one or more words of lowercase letters, digits and _".to_owned());
            }
            if let Some(value) = repeated(values.iter().map(String::as_str)) {
                return Err(format!("the value {value} stands there twice"));
            }
            let default = default.map(read::<String>).transpose()?;
            if let Some(default) = default.as_ref().filter(|default| !values.contains(default)) {
                return Err(format!("the default, {default:?}, is none of the values"));
            }
            Kind::Enum { values, default }
        }
        TypeName::String => Kind::Text { default: default.map(read).transpose()? },
        TypeName::Session if default.is_some() => {
            return Err("a session has no default: which one is to be said".to_owned());
        }
        TypeName::Session => Kind::Session,
        TypeName::Strings => Kind::Texts { default: default.map(read).transpose()? },
        TypeName::Bool => Kind::Bool { default: default.map(read).transpose()? },
        TypeName::Uint => {
            let (default, min, max) = bounded(default, min.as_ref(), max.as_ref(), (0, u64::MAX), read)?;
            Kind::Unsigned { default, min, max }
        }
        TypeName::Float => {
            let (default, min, max) =
                bounded(default, min.as_ref(), max.as_ref(), (f64::MIN, f64::MAX), float)?;
            Kind::Float { default, min, max }
        }
    })
}

fn bounded<T: PartialOrd + Copy + fmt::Display>(
    default: Option<&toml::Value>,
    min: Option<&toml::Value>,
    max: Option<&toml::Value>,
    widest: (T, T),
    read: impl Fn(&toml::Value) -> Result<T, String>,
) -> Result<(Option<T>, T, T), String> {
    let min = min.map_or(Ok(widest.0), &read)?;
    let max = max.map_or(Ok(widest.1), &read)?;
    if min > max {
        return Err(format!("min, {min}, is above max, {max}"));
    }
    let default = default.map(read).transpose()?;
    if let Some(default) = default.filter(|default| *default < min || *default > max) {
        return Err(format!("the default, {default}, is not between {min} and {max}"));
    }
    Ok((default, min, max))
}

fn read<'de, T: Deserialize<'de>>(value: &toml::Value) -> Result<T, String> {
    value
        .clone()
        .try_into()
        .map_err(|error: toml::de::Error| format!("{value} has the wrong type: {}", error.message()))
}

/// Takes `2` for `2.0`, and no number that a bound could not be compared with.
fn float(value: &toml::Value) -> Result<f64, String> {
    let number = match value {
        #[expect(clippy::cast_precision_loss, reason = "bounds are small")]
        toml::Value::Integer(integer) => *integer as f64,
        other => read(other)?,
    };
    if number.is_finite() { Ok(number) } else { Err(format!("{value} is no finite number")) }
}

fn repeated<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = Vec::new();
    for name in names {
        if seen.contains(&name) {
            return Some(name);
        }
        seen.push(name);
    }
    None
}

/// A table whose order counts.
struct InOrder<T>(Vec<(String, T)>);

impl<T> Default for InOrder<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for InOrder<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = InOrder<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<InOrder<T>, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(InOrder(entries))
            }
        }

        deserializer.deserialize_map(Entries(std::marker::PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "question = 'q?'\nfilters = ['user']\ntables = ['t']\n";
    const END: &str = "[columns]\nz = 'last letter first'\na = 'first letter last'\n";

    fn refusal(more: &str) -> String {
        Header::parse(&format!("{START}{more}\n{END}")).unwrap_err()
    }

    #[test]
    fn columns_keep_the_order_of_the_file() {
        let header = Header::parse(&format!("{START}{END}")).unwrap();
        let names: Vec<_> = header.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["z", "a"]);
        assert_eq!(header.default_from, DEFAULT_RANGE);
    }

    #[test]
    fn a_default_stands_within_its_own_bounds() {
        assert_eq!(
            refusal("limit = { default = 11, max = 10 }"),
            "limit.default is 11, not between 1 and limit.max, 10"
        );
        assert_eq!(
            refusal("[params.n]\ntype = 'uint'\nhelp = ''\nmin = 2\nmax = 4\ndefault = 5"),
            "params.n: the default, 5, is not between 2 and 4"
        );
        assert_eq!(
            refusal("[params.k]\ntype = 'float'\nhelp = ''\nmin = 2\ndefault = 1.5"),
            format!("params.k: the default, 1.5, is not between 2 and {}", f64::MAX)
        );
        assert_eq!(
            refusal("[params.e]\ntype = 'enum'\nhelp = ''\nvalues = ['a', 'b']\ndefault = 'c'"),
            "params.e: the default, \"c\", is none of the values"
        );
    }

    #[test]
    fn a_query_may_be_for_some_roles_only() {
        let role = |text: &str| Header::parse(&format!("{START}{text}\n{END}")).map(|header| header.role);
        assert_eq!(role("").unwrap(), None);
        assert_eq!(role("role = 'admin'").unwrap(), Some(MinimumRole::Admin));
        assert!(role("role = 'king'").unwrap_err().contains("unknown variant `king`"));
        assert!(MinimumRole::Admin > MinimumRole::Analyst);
    }

    #[test]
    fn what_does_not_belong_to_the_type_is_refused() {
        assert_eq!(
            refusal("[params.s]\ntype = 'string'\nhelp = ''\nvalues = ['a']"),
            "params.s: an enum has values, and nothing else has"
        );
        assert_eq!(
            refusal("[params.s]\ntype = 'bool'\nhelp = ''\nmin = 1"),
            "params.s: only numbers have min and max"
        );
        assert!(
            refusal("[params.n]\ntype = 'uint'\nhelp = ''\ndefault = -1")
                .starts_with("params.n: -1 has the wrong type")
        );
        assert!(refusal("[params.n]\ntype = 'float'\nhelp = ''\nmax = inf").contains("no finite number"));
    }

    #[test]
    fn a_query_about_a_session_says_so_with_a_parameter_of_that_name_and_no_default() {
        let written = |name: &str, more: &str| format!("[params.{name}]\ntype = 'session'\nhelp = ''{more}");
        assert!(Header::parse(&format!("{START}{}\n{END}", written("session", ""))).is_ok());
        assert_eq!(refusal(&written("id", "")), "params.id: what has the type session is called session");
        assert_eq!(
            refusal(&written("session", "\ndefault = 's1'")),
            "params.session: a session has no default: which one is to be said"
        );
    }

    #[test]
    fn names_are_checked_and_must_be_free() {
        assert_eq!(
            refusal("[params.tenant]\ntype = 'string'\nhelp = ''"),
            "params.tenant: the name means the same in every query"
        );
        assert_eq!(
            refusal("[params.user]\ntype = 'string'\nhelp = ''"),
            "params.user: is among the filters already"
        );
        assert!(refusal("[params.Big]\ntype = 'string'\nhelp = ''").starts_with("\"Big\" is no name"));
    }

    #[test]
    fn a_misspelt_key_is_shown_where_it_stands() {
        let reason = refusal("defualt_from = '-7d'");
        assert!(reason.contains("line 4") && reason.contains("unknown field `defualt_from`"), "{reason}");
        assert!(refusal("[params.s]\ntype = 'text'\nhelp = ''").contains("unknown variant `text`"));
    }
}

//! What a caller gives with a query, checked against what the query declares, as values for the server to bind.
//!
//! Here the tenant is bound, from who asks; and here nothing becomes SQL: a parameter is a value, or it is refused
//! with its name and what was expected.

mod raw;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use granary_model::{TenantId, bare_model_name};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::caller::Owners;
use crate::catalogue::{AFTER, CursorColumn, Filter, Kind, NamedQuery, SESSION, Samples};
use crate::digest::Digest;
use crate::time;

pub use raw::RawParams;

/// A query with everything it needs to run.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedQuery {
    name: String,
    sql: String,
    bindings: Vec<(String, Binding)>,
    tenant: TenantId,
    cache: Option<Duration>,
    /// What its samples are, where the enums have the values for which there are any.
    samples: Option<Samples>,
    cursor: Vec<CursorColumn>,
    scope: Digest,
    now: Timestamp,
    /// Whose the session must be that it is about.
    owners: Option<Owners>,
}

/// A value for the server to bind; it serializes as what it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Binding {
    /// `String`, and moments, which the server reads from text.
    Text(String),
    /// `Array(String)`.
    Texts(Vec<String>),
    /// `UInt64` and `UInt32`.
    Unsigned(u64),
    /// `Float64`.
    Float(f64),
    /// `Bool`.
    Bool(bool),
}

/// A parameter that cannot be taken as it is. The caller's to mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    /// The query has no such parameter.
    #[error("there is no parameter {parameter:?}; there are {}", known.join(", "))]
    Unknown {
        /// The name that was given.
        parameter: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// The tenant is decided by who asks.
    #[error("the tenant follows from who asks and cannot be given")]
    Tenant,
    /// A required parameter was not given.
    #[error("the parameter {parameter} is missing; expected {expected}")]
    Missing {
        /// Its name.
        parameter: String,
        /// What it should be.
        expected: String,
    },
    /// A parameter that has one value was given several times.
    #[error("the parameter {parameter} is given {times} times; it has one value")]
    Repeated {
        /// Its name.
        parameter: String,
        /// How often it was given.
        times: usize,
    },
    /// The value is not of the parameter's type or beyond its bounds.
    #[error("the parameter {parameter} is {value:?}; expected {expected}")]
    Invalid {
        /// Its name.
        parameter: String,
        /// The value that was given, cut where it is long.
        value: String,
        /// What it should be.
        expected: String,
    },
    /// The range holds nothing.
    #[error("the range from {from} to {to} is empty; expected from before to")]
    EmptyRange {
        /// Its start.
        from: Timestamp,
        /// Its end.
        to: Timestamp,
    },
    /// The cursor cannot be used here.
    #[error("the cursor {reason}")]
    Cursor {
        /// Why not, and what to do.
        reason: &'static str,
    },
    /// The text after the question mark cannot be read.
    #[error("{piece:?} is not percent-encoded UTF-8")]
    Encoding {
        /// The part that cannot be read, cut where it is long.
        piece: String,
    },
}

impl ParamError {
    pub(crate) fn invalid(parameter: &str, value: &str, expected: &str) -> Self {
        Self::Invalid {
            parameter: parameter.to_owned(),
            value: shortened(value),
            expected: expected.to_owned(),
        }
    }

    /// Which parameter it is about.
    #[must_use]
    pub fn parameter(&self) -> Option<&str> {
        match self {
            Self::Unknown { parameter, .. }
            | Self::Missing { parameter, .. }
            | Self::Repeated { parameter, .. }
            | Self::Invalid { parameter, .. } => Some(parameter),
            Self::Tenant => Some("tenant"),
            Self::Cursor { .. } => Some("cursor"),
            Self::EmptyRange { .. } => Some("from"),
            Self::Encoding { .. } => None,
        }
    }

    /// What was expected instead.
    #[must_use]
    pub fn expected(&self) -> Option<&str> {
        match self {
            Self::Missing { expected, .. } | Self::Invalid { expected, .. } => Some(expected),
            _ => None,
        }
    }
}

impl PreparedQuery {
    /// The query's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The SQL, in which every value still is a placeholder.
    #[must_use]
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The values of the placeholders.
    #[must_use]
    pub fn bindings(&self) -> &[(String, Binding)] {
        &self.bindings
    }

    /// Whose data it reads.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    pub(crate) fn samples(&self) -> Option<&Samples> {
        self.samples.as_ref()
    }

    /// What was asked, of whose data, on whichever page: the same for everybody who asks the same, whenever that is. A time that was given
    /// as so long before now is part of it as that, not as the moment it was.
    pub(crate) fn scope(&self) -> Digest {
        self.scope
    }

    /// Has it run only if the session that it is about is one of theirs. An answer is then kept for whoever is held to the
    /// same names.
    pub(crate) fn only_of(&mut self, owners: Owners) {
        let mut hasher = Digest::hasher();
        hasher.add(self.scope.bytes());
        for (kind, name) in
            owners.names().flat_map(|(kind, names)| names.iter().map(move |name| (kind, name)))
        {
            hasher.add(kind);
            hasher.add(name);
        }
        self.scope = hasher.finish();
        self.owners = Some(owners);
    }

    /// The session that it is about, and whose that must be.
    pub(crate) fn owned_session(&self) -> Option<(&str, &Owners)> {
        let owners = self.owners.as_ref()?;
        self.bindings.iter().find_map(|(name, value)| match value {
            Binding::Text(session) if name == SESSION => Some((session.as_str(), owners)),
            _ => None,
        })
    }

    /// The columns by which the next page begins.
    pub(crate) fn cursor(&self) -> &[CursorColumn] {
        &self.cursor
    }

    /// What `now` was when it was prepared.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// How many rows it answers with at most.
    pub(crate) fn row_limit(&self) -> Option<u64> {
        self.bindings.iter().find_map(|(name, value)| match value {
            Binding::Unsigned(rows) if name == "limit" => Some(*rows),
            _ => None,
        })
    }

    /// What says where this page begins: nothing for the first one, else the range, which is that of the first page, and
    /// the row.
    pub(crate) fn after(&self) -> impl Iterator<Item = &Binding> {
        let is_behind =
            self.bindings.iter().any(|(name, value)| name == AFTER && *value == Binding::Bool(true));
        let belongs =
            move |name: &str| is_behind && (["from", "to"].contains(&name) || name.starts_with(AFTER));
        self.bindings.iter().filter(move |(name, _)| belongs(name)).map(|(_, value)| value)
    }

    /// Goes on after a row, of which these are the cursor's columns.
    pub(crate) fn begin_after(&mut self, values: Vec<String>) {
        let names: Vec<_> = self.cursor.iter().map(CursorColumn::parameter).collect();
        for (name, bound) in &mut self.bindings {
            if name == AFTER {
                *bound = Binding::Bool(true);
            }
        }
        for (name, value) in names.iter().zip(values) {
            if let Some((_, bound)) = self.bindings.iter_mut().find(|(bound, _)| bound == name) {
                *bound = Binding::Text(value);
            }
        }
    }

    /// How long the answer may be given again.
    #[must_use]
    pub fn cache(&self) -> Option<Duration> {
        self.cache
    }
}

impl NamedQuery {
    /// Checks what a caller gives and binds it, and the tenant with it.
    ///
    /// # Errors
    ///
    /// The first parameter that cannot be taken, and why.
    pub fn prepare(
        &self,
        tenant: &TenantId,
        params: &RawParams,
        now: Timestamp,
    ) -> Result<PreparedQuery, ParamError> {
        let mut given = Given::new(self, params)?;
        let asked = ["from", "to"].map(|name| given.as_asked(name));
        let to = given.time("to", now)?.unwrap_or(now);
        let from = given.time("from", now)?.unwrap_or_else(|| time::before(to, self.default_from()));
        if from >= to {
            return Err(ParamError::EmptyRange { from, to });
        }
        let mut bindings = vec![
            ("tenant".to_owned(), Binding::Text(tenant.as_str().to_owned())),
            ("from".to_owned(), Binding::Text(time::for_sql(from))),
            ("to".to_owned(), Binding::Text(time::for_sql(to))),
        ];
        for filter in self.filters() {
            let values = given.all(filter.name()).unwrap_or_default();
            bindings.push((filter.name().to_owned(), Binding::Texts(filter.as_stored(values))));
        }
        for param in self.params() {
            bindings.push((param.name.clone(), given.bind(&param.name, &param.kind)?));
        }
        if let Some(limit) = self.limit() {
            let rows = given.number("limit", 1, limit.max)?.unwrap_or(limit.default);
            bindings.push(("limit".to_owned(), Binding::Unsigned(rows.into())));
        }
        let after = (!self.cursor().is_empty()).then(|| (AFTER.to_owned(), Binding::Bool(false)));
        bindings.extend(after);
        bindings.extend(
            self.cursor()
                .iter()
                .map(|column| (column.parameter(), Binding::Text(column.neutral().to_owned()))),
        );
        let sql = self.render(|name| {
            bindings.iter().find_map(|(bound, value)| match value {
                Binding::Text(value) if bound == name => Some(value.as_str()),
                _ => None,
            })
        });
        let samples = self.samples().filter(|declared| {
            declared.only.iter().all(|(name, only)| {
                bindings.iter().any(|(bound, value)| bound == name && *value == Binding::Text(only.clone()))
            })
        });
        Ok(PreparedQuery {
            scope: scope(tenant, &sql, &asked, &bindings),
            samples: samples.map(|declared| declared.samples.clone()),
            cursor: self.cursor().to_vec(),
            now,
            name: self.name().to_owned(),
            sql,
            bindings,
            tenant: tenant.clone(),
            cache: self.cache(),
            owners: None,
        })
    }

    /// Whether there is a parameter of that name.
    pub(crate) fn has_parameter(&self, name: &str) -> bool {
        self.parameter_names().any(|known| known == name)
    }

    fn parameter_names(&self) -> impl Iterator<Item = &str> {
        let filters = self.filters().iter().map(|filter| filter.name());
        let own = self.params().iter().map(|param| param.name.as_str());
        ["from", "to"].into_iter().chain(filters).chain(own).chain(self.limit().map(|_| "limit"))
    }
}

/// The values that were given, by name; all names are the query's.
struct Given<'a>(BTreeMap<&'a str, Vec<&'a str>>);

impl<'a> Given<'a> {
    fn new(query: &NamedQuery, params: &'a RawParams) -> Result<Self, ParamError> {
        let mut given = BTreeMap::<_, Vec<_>>::new();
        for (name, value) in params.iter() {
            if name == "tenant" {
                return Err(ParamError::Tenant);
            }
            if !query.parameter_names().any(|known| known == name) {
                let known = query.parameter_names().map(str::to_owned).collect();
                return Err(ParamError::Unknown { parameter: shortened(name), known });
            }
            given.entry(name).or_default().push(value);
        }
        Ok(Self(given))
    }

    fn all(&mut self, name: &str) -> Option<Vec<String>> {
        Some(self.0.remove(name)?.into_iter().map(str::to_owned).collect())
    }

    fn one(&mut self, name: &str) -> Result<Option<&'a str>, ParamError> {
        match self.0.remove(name).as_deref() {
            None => Ok(None),
            Some([value]) => Ok(Some(value)),
            Some(values) => Err(ParamError::Repeated { parameter: name.to_owned(), times: values.len() }),
        }
    }

    fn read<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, ParamError> {
        let Some(value) = self.one(name)? else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| ParamError::invalid(name, value, expected))
    }

    /// A time as it was asked for: absolute ones as moments, others as how long before now. Unreadable ones are
    /// nothing here, since they are refused.
    fn as_asked(&self, name: &str) -> Option<String> {
        let text = self.0.get(name)?.first()?;
        let span = if *text == "now" { Some(SignedDuration::ZERO) } else { time::parse_span(text) };
        match span {
            Some(span) => Some(format!("-{}s", span.as_secs())),
            None => text.parse().ok().map(time::for_sql),
        }
    }

    fn time(&mut self, name: &str, now: Timestamp) -> Result<Option<Timestamp>, ParamError> {
        self.read(name, time::EXPECTED, |text| time::parse(text, now))
    }

    fn number<T>(&mut self, name: &str, min: T, max: T) -> Result<Option<T>, ParamError>
    where
        T: FromStr + PartialOrd + Display + Copy,
    {
        self.read(name, &expected_whole(min, max), |text| {
            let plain = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|number| plain && min <= *number && *number <= max)
        })
    }

    fn bind(&mut self, name: &str, kind: &Kind) -> Result<Binding, ParamError> {
        let (value, default) = match kind {
            Kind::Enum { values, default } => {
                let value =
                    self.read(name, &kind.expected(), |text| values.iter().find(|one| *one == text))?;
                (value.cloned().map(Binding::Text), default.clone().map(Binding::Text))
            }
            Kind::Text { default } => (
                self.one(name)?.map(|text| Binding::Text(text.to_owned())),
                default.clone().map(Binding::Text),
            ),
            Kind::Session => (self.one(name)?.map(|text| Binding::Text(text.to_owned())), None),
            Kind::Texts { default } => {
                (self.all(name).map(Binding::Texts), default.clone().map(Binding::Texts))
            }
            Kind::Unsigned { default, min, max } => {
                (self.number(name, *min, *max)?.map(Binding::Unsigned), default.map(Binding::Unsigned))
            }
            Kind::Float { default, min, max } => {
                let value = self.read(name, &kind.expected(), |text| {
                    text.parse::<f64>()
                        .ok()
                        .filter(|number| number.is_finite() && min <= number && number <= max)
                })?;
                (value.map(Binding::Float), default.map(Binding::Float))
            }
            Kind::Bool { default } => {
                let value = self.read(name, &kind.expected(), |text| text.parse().ok())?;
                (value.map(Binding::Bool), default.map(Binding::Bool))
            }
        };
        value
            .or(default)
            .ok_or_else(|| ParamError::Missing { parameter: name.to_owned(), expected: kind.expected() })
    }
}

/// Everything that decides over an answer, but for which moment "now" is.
fn scope(tenant: &TenantId, sql: &str, asked: &[Option<String>], bindings: &[(String, Binding)]) -> Digest {
    let mut hasher = Digest::hasher();
    hasher.add(tenant.as_str());
    hasher.add(sql);
    for time in asked {
        hasher.add(time.as_deref().unwrap_or("default"));
    }
    for (name, value) in bindings.iter().filter(|(name, _)| !["from", "to", "limit"].contains(&name.as_str()))
    {
        hasher.add(name);
        hasher.add_value(value);
    }
    hasher.finish()
}

impl Filter {
    /// The values as the tables have them: whoever has a model's name from elsewhere may ask by it.
    fn as_stored(self, mut values: Vec<String>) -> Vec<String> {
        if self == Self::Model {
            for model in &mut values {
                *model = bare_model_name(model).to_owned();
            }
        }
        values
    }
}

impl Kind {
    /// What a value should be, to stand behind "expected".
    fn expected(&self) -> String {
        match self {
            Self::Enum { values, .. } => format!("one of {}", values.join(", ")),
            Self::Text { .. } => "a text".to_owned(),
            Self::Session => "a session's id".to_owned(),
            Self::Texts { .. } => "one or more texts".to_owned(),
            Self::Unsigned { min, max, .. } => expected_whole(*min, *max),
            Self::Float { min, max, .. } if *min <= f64::MIN && *max >= f64::MAX => "a number".to_owned(),
            Self::Float { min, max, .. } => format!("a number between {min} and {max}"),
            Self::Bool { .. } => "true or false".to_owned(),
        }
    }
}

fn expected_whole(min: impl Display, max: impl Display) -> String {
    format!("a whole number between {min} and {max}")
}

/// Enough of a value to recognize it by.
fn shortened(text: &str) -> String {
    const ENOUGH: usize = 80;
    match text.char_indices().nth(ENOUGH) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

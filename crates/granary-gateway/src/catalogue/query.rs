//! One named query: header and SQL, which must fit together.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::SignedDuration;
use serde::Serialize;
use serde_json::{Value, json};

use super::cursor::{AFTER, CursorColumn};
use super::header::{Column, Filter, Header, Kind, MinimumRole, Parameter, RowLimit};
use super::samples::Declared;
use super::template::Template;
use crate::Format;

/// A question that can be asked by name.
#[derive(Debug)]
pub struct NamedQuery {
    name: String,
    group: String,
    header: Header,
    template: Template,
}

/// A query as `GET /v1/queries/{name}` tells of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QueryDescription {
    /// The name it is asked by.
    pub name: String,
    /// The folder its file is in.
    pub group: String,
    /// What it answers.
    pub question: String,
    /// What a caller may give.
    pub parameters: Vec<ParameterDescription>,
    /// The answer's columns, in order.
    pub columns: Vec<Column>,
    /// Tables and views it reads.
    pub tables: Vec<String>,
    /// For how many seconds an answer may be given again.
    pub cache_seconds: u64,
    /// In which formats it answers.
    pub formats: Vec<&'static str>,
    /// Whether it answers page by page.
    pub pages: bool,
    /// The least role that may ask it; none where everybody may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<MinimumRole>,
}

/// A parameter as [`QueryDescription`] tells of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParameterDescription {
    /// Its name.
    pub name: String,
    /// `time`, `enum`, `string`, `session`, `strings`, `uint`, `float` or `bool`.
    #[serde(rename = "type")]
    pub type_name: &'static str,
    /// Whether it must be given.
    pub required: bool,
    /// Whether it may be given several times.
    pub repeatable: bool,
    /// What holds if it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// The values of an enum.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// The least a number may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<Value>,
    /// The most a number may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Value>,
    /// What it means.
    pub help: String,
}

impl NamedQuery {
    /// Reads a file.
    pub(super) fn parse(group: &str, name: &str, text: &str) -> Result<Self, String> {
        let (header, sql) = text
            .strip_prefix("/*")
            .and_then(|rest| rest.split_once("*/"))
            .ok_or("does not start with a header between /* and */")?;
        let header = Header::parse(header)?;
        let template = Template::parse(sql)?;
        let query = Self { name: name.to_owned(), group: group.to_owned(), header, template };
        query.check_conditions()?;
        query.check_placeholders()?;
        query.check_tables()?;
        Ok(query)
    }

    /// The name it is asked by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder its file is in.
    #[must_use]
    pub fn group(&self) -> &str {
        &self.group
    }

    /// What it answers, in a sentence.
    #[must_use]
    pub fn question(&self) -> &str {
        &self.header.question
    }

    /// The standard filters it honours.
    #[must_use]
    pub fn filters(&self) -> &[Filter] {
        &self.header.filters
    }

    /// How many rows it answers with; none where there is one or a few anyway.
    #[must_use]
    pub fn limit(&self) -> Option<RowLimit> {
        self.header.limit
    }

    /// The answer's columns, in order; some only for some values of an enum.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.header.columns
    }

    /// How long an answer may be given again.
    #[must_use]
    pub fn cache(&self) -> Option<Duration> {
        self.header.cache
    }

    /// The least role that may ask it; none where everybody may.
    #[must_use]
    pub fn role(&self) -> Option<MinimumRole> {
        self.header.role
    }

    /// Whether it is about one session, which is then to be the caller's, rather than filtered by whose the rows are.
    #[must_use]
    pub fn is_about_a_session(&self) -> bool {
        self.header.params.iter().any(|param| param.kind == Kind::Session)
    }

    /// Whether the columns depend upon an enum.
    #[must_use]
    pub fn is_switched(&self) -> bool {
        self.template.conditions().next().is_some()
    }

    /// In which formats it answers: all, but Prometheus' only where the query says how.
    pub fn formats(&self) -> impl Iterator<Item = Format> {
        let has_samples = self.header.samples.is_some();
        Format::ALL.into_iter().filter(move |format| *format != Format::Prometheus || has_samples)
    }

    /// The columns by which an answer goes on where another ended; none where it cannot.
    pub(crate) fn cursor(&self) -> &[CursorColumn] {
        &self.header.cursor
    }

    pub(crate) fn samples(&self) -> Option<&Declared> {
        self.header.samples.as_ref()
    }

    /// Whether lines of it depend upon a parameter.
    #[must_use]
    pub fn is_switched_by(&self, parameter: &str) -> bool {
        self.template.conditions().any(|condition| condition.parameter == parameter)
    }

    /// Tables and views that it says it reads.
    #[must_use]
    pub fn tables(&self) -> &[String] {
        &self.header.tables
    }

    pub(crate) fn default_from(&self) -> SignedDuration {
        self.header.default_from
    }

    pub(crate) fn params(&self) -> &[Parameter] {
        &self.header.params
    }

    pub(crate) fn render<'a>(&self, value_of: impl Fn(&str) -> Option<&'a str>) -> String {
        self.template.render(value_of)
    }

    /// Everything a caller needs to know.
    #[must_use]
    pub fn describe(&self) -> QueryDescription {
        let (start, now) = (default_from_text(self.header.default_from), "now");
        let mut parameters = vec![
            simple(
                "from",
                "time",
                json!(start),
                "start of the range, which belongs to it; the default counts back from to",
            ),
            simple("to", "time", json!(now), "end of the range, which does not belong to it"),
        ];
        parameters.extend(self.header.filters.iter().map(|filter| ParameterDescription {
            repeatable: true,
            default: None,
            ..simple(filter.name(), "string", Value::Null, "only these; all if not given")
        }));
        parameters.extend(self.header.params.iter().map(describe_parameter));
        parameters.extend(self.header.limit.map(|limit| ParameterDescription {
            min: Some(json!(1)),
            max: Some(json!(limit.max)),
            ..simple("limit", "uint", json!(limit.default), "rows at most")
        }));
        QueryDescription {
            name: self.name.clone(),
            group: self.group.clone(),
            question: self.header.question.clone(),
            parameters,
            columns: self.header.columns.clone(),
            tables: self.header.tables.clone(),
            cache_seconds: self.header.cache.unwrap_or_default().as_secs(),
            formats: self.formats().map(Format::name).collect(),
            pages: !self.header.cursor.is_empty(),
            role: self.header.role,
        }
    }

    /// Every switch names a declared enum and some of its values.
    fn check_conditions(&self) -> Result<(), String> {
        for condition in self.template.conditions() {
            let name = &condition.parameter;
            let Some(Kind::Enum { values, .. }) =
                self.header.params.iter().find(|param| param.name == *name).map(|param| &param.kind)
            else {
                return Err(format!("-- @when {name}: no enum of that name is declared"));
            };
            if let Some(value) = condition.values.iter().find(|value| !values.contains(value)) {
                return Err(format!("-- @when {name}: {value:?} is none of its values"));
            }
        }
        Ok(())
    }

    /// Every placeholder is declared, with its type, and everything declared is used.
    fn check_placeholders(&self) -> Result<(), String> {
        let mut declared: BTreeMap<&str, &str> = ALWAYS.into();
        declared.extend(self.header.filters.iter().map(|filter| (filter.name(), "Array(String)")));
        declared.extend(self.header.params.iter().map(|param| (param.name.as_str(), param.kind.sql_type())));
        declared.extend(self.header.limit.map(|_| ("limit", "UInt32")));
        let after: Vec<_> =
            self.header.cursor.iter().map(|column| (column.parameter(), column.type_name())).collect();
        declared.extend(after.iter().map(|(name, type_name)| (name.as_str(), *type_name)));
        declared.extend((!after.is_empty()).then_some((AFTER, "Bool")));
        for placeholder in &self.template.scan.placeholders {
            let (name, type_name) = (placeholder.name.as_str(), placeholder.type_name.as_str());
            match declared.get(name) {
                None => return Err(format!("{{{name}:{type_name}}} is not declared")),
                Some(expected) if *expected != type_name => {
                    return Err(format!("{{{name}:{type_name}}} is declared as {{{name}:{expected}}}"));
                }
                Some(_) => {}
            }
        }
        let unused = declared.keys().find(|name| {
            let bound = self.template.scan.placeholders.iter().any(|placeholder| placeholder.name == **name);
            let switches = self.template.conditions().any(|condition| condition.parameter == **name);
            !bound && !switches && !OPTIONAL.contains(name)
        });
        match unused {
            Some(&"tenant") => {
                Err("{tenant:String} is nowhere in it; every table is filtered by it".to_owned())
            }
            Some(name) => Err(format!("{name} is declared and nowhere used")),
            None => Ok(()),
        }
    }

    fn check_tables(&self) -> Result<(), String> {
        match self.header.tables.iter().find(|table| !self.template.scan.words.contains(table)) {
            Some(table) => Err(format!("tables names {table}, which it does not read")),
            None => Ok(()),
        }
    }
}

/// Bound in every query.
const ALWAYS: [(&str, &str); 3] =
    [("tenant", "String"), ("from", "DateTime64(9, 'UTC')"), ("to", "DateTime64(9, 'UTC')")];

/// Of these, what a query may do without.
const OPTIONAL: [&str; 2] = ["from", "to"];

impl Kind {
    fn sql_type(&self) -> &'static str {
        match self {
            Self::Enum { .. } | Self::Text { .. } | Self::Session => "String",
            Self::Texts { .. } => "Array(String)",
            Self::Unsigned { .. } => "UInt64",
            Self::Float { .. } => "Float64",
            Self::Bool { .. } => "Bool",
        }
    }
}

fn simple(name: &str, type_name: &'static str, default: Value, help: &str) -> ParameterDescription {
    ParameterDescription {
        name: name.to_owned(),
        type_name,
        required: false,
        repeatable: false,
        default: Some(default),
        values: Vec::new(),
        min: None,
        max: None,
        help: help.to_owned(),
    }
}

fn describe_parameter(parameter: &Parameter) -> ParameterDescription {
    let start = simple(&parameter.name, "", Value::Null, &parameter.help);
    let described = match &parameter.kind {
        Kind::Enum { values, default } => ParameterDescription {
            type_name: "enum",
            values: values.clone(),
            default: default.as_ref().map(|value| json!(value)),
            ..start
        },
        Kind::Text { default } => ParameterDescription {
            type_name: "string",
            default: default.as_ref().map(|value| json!(value)),
            ..start
        },
        Kind::Session => ParameterDescription { type_name: "session", default: None, ..start },
        Kind::Texts { default } => ParameterDescription {
            type_name: "strings",
            repeatable: true,
            default: default.as_ref().map(|value| json!(value)),
            ..start
        },
        Kind::Unsigned { default, min, max } => ParameterDescription {
            type_name: "uint",
            default: default.map(|value| json!(value)),
            min: Some(json!(min)),
            max: (*max < u64::MAX).then(|| json!(max)),
            ..start
        },
        Kind::Float { default, min, max } => ParameterDescription {
            type_name: "float",
            default: default.map(|value| json!(value)),
            min: (*min > f64::MIN).then(|| json!(min)),
            max: (*max < f64::MAX).then(|| json!(max)),
            ..start
        },
        Kind::Bool { default } => {
            ParameterDescription { type_name: "bool", default: default.map(|value| json!(value)), ..start }
        }
    };
    ParameterDescription { required: described.default.is_none(), ..described }
}

fn default_from_text(span: SignedDuration) -> String {
    let seconds = span.as_secs();
    [(86_400, 'd'), (3_600, 'h'), (60, 'm')]
        .into_iter()
        .find(|(unit, letter)| seconds % unit == 0 && (seconds > *unit || *letter != 'd'))
        .map_or_else(|| format!("-{seconds}s"), |(unit, letter)| format!("-{}{letter}", seconds / unit))
}

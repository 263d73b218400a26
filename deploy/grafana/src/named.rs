//! What stands between braces in a panel's SQL: the viewer's choice, and the named queries.
//!
//! `{{scope}}` is the filter by team, project and user that every panel has, `{{terminal}}` and `{{terminal_of_record}}` the one by
//! terminal, of a rollup and of a log record; `{{range}}` the dashboard's range for the log
//! records, such that their sort key helps; `{{hours}}` the same for an hourly rollup, and `{{hour}}` an hour's place on the
//! time axis. Any other `{{name}}` is the named query `queries/*/name.sql` as a subquery over the published views, with the
//! dashboard's range for `from` and `to`, its variables for the standard filters, and the panel's `[params]` or the
//! query's defaults for the rest: a question that takes a page of SQL to answer has one answer, here as over HTTP.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Deserialize;
use toml::Value;

use crate::{files, published};

/// The folder of the named queries.
#[derive(Debug)]
pub(crate) struct Queries {
    folder: PathBuf,
}

/// What a panel gives to a named query.
pub(crate) type Params = BTreeMap<String, Value>;

/// Of a query's header, what is needed here; the gateway's tests hold the rest.
#[derive(Debug, Deserialize)]
struct Header {
    tables: Vec<String>,
    limit: Option<Limit>,
    #[serde(default)]
    params: BTreeMap<String, Param>,
}

#[derive(Debug, Deserialize)]
struct Limit {
    default: u64,
}

#[derive(Debug, Deserialize)]
struct Param {
    default: Option<Value>,
}

const SCOPE: &str = "$__conditionalAll(TeamId IN (${team:singlequote}), $team)
    AND $__conditionalAll(Project IN (${project:singlequote}), $project)
    AND $__conditionalAll(UserId IN (${user:singlequote}), $user)";

/// Of a rollup.
const TERMINAL: &str = "$__conditionalAll(Terminal IN (${terminal:singlequote}), $terminal)";

/// Of a log record, whose attributes are read for it, so only where somebody chooses.
const TERMINAL_OF_RECORD: &str =
    "$__conditionalAll(LogAttributes['terminal.type'] IN (${terminal:singlequote}), $terminal)";

/// Twice, as in the named queries: the hour is what stands in the sort key before the session.
const RANGE: &str = "$__timeFilter(Timestamp)
    AND toStartOfHour(Timestamp) > $__fromTime - toIntervalHour(1)
    AND toStartOfHour(Timestamp) <= $__toTime";

/// From the start of the hour in which the range starts, as in the named queries.
const HOURS: &str = "Hour >= toStartOfHour($__fromTime) AND Hour <= $__toTime";

/// Whole hours, however short Grafana's interval is.
const HOUR: &str = "toStartOfInterval(Hour, toIntervalHour(greatest(1, intDiv($__interval_s, 3600))))";

fn snippet(name: &str) -> Option<&'static str> {
    match name {
        "scope" => Some(SCOPE),
        "range" => Some(RANGE),
        "terminal" => Some(TERMINAL),
        "terminal_of_record" => Some(TERMINAL_OF_RECORD),
        "hours" => Some(HOURS),
        "hour" => Some(HOUR),
        _ => None,
    }
}

impl Queries {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// The SQL with everything between `{{` and `}}` in its place, as the gateway's door takes it.
    pub(crate) fn expand(&self, sql: &str, params: &Params, variables: &[String]) -> anyhow::Result<String> {
        let mut out = String::new();
        let mut rest = sql;
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").context("a {{ without }}")?;
            out.push_str(before);
            if let Some(snippet) = snippet(name) {
                out.push_str(snippet);
            } else {
                let query = self
                    .subquery(name, params, variables)
                    .with_context(|| format!("the named query {name} cannot be used"))?;
                out.extend(["(\n", &query, "\n)"]);
            }
            rest = after;
        }
        published::for_the_door(&(out + rest))
    }

    fn subquery(&self, name: &str, params: &Params, variables: &[String]) -> anyhow::Result<String> {
        let file = files::entries(&self.folder)?
            .into_iter()
            .map(|group| group.join(format!("{name}.sql")))
            .find(|file| file.is_file())
            .context("there is none")?;
        let (header, sql): (Header, _) = files::headed(&file)?;
        let value_of = |name: &str| {
            let given = params.get(name).cloned();
            let limit =
                || header.limit.as_ref().filter(|_| name == "limit").map(|limit| whole(limit.default));
            given.or_else(limit).or_else(|| header.params.get(name)?.default.clone())
        };
        let sql = published::over_views(&sql, &header.tables)?;
        let mut lines = Vec::new();
        let mut kept = true;
        for line in sql.lines() {
            match line.trim().strip_prefix("-- @") {
                Some("end") => kept = true,
                Some(mark) => kept = holds(mark, value_of)?,
                None if kept => lines.push(filtered(line, variables)),
                None => {}
            }
        }
        bind(&lines.join("\n"), value_of)
    }
}

fn whole(value: u64) -> Value {
    Value::Integer(i64::try_from(value).unwrap_or(i64::MAX))
}

/// Whether the lines behind `when <parameter> = <value>, …` are kept.
fn holds(mark: &str, value_of: impl Fn(&str) -> Option<Value>) -> anyhow::Result<bool> {
    let (parameter, values) =
        mark.strip_prefix("when ").and_then(|rest| rest.split_once('=')).context("an unknown -- @ line")?;
    let value = value_of(parameter.trim()).with_context(|| format!("{} has no value", parameter.trim()))?;
    Ok(values.split(',').any(|one| Some(one.trim()) == value.as_str()))
}

/// A standard filter, which is an array that is empty for all, by the dashboard's variable; without a variable, no filter.
fn filtered(line: &str, variables: &[String]) -> String {
    const EMPTY: &str = "empty({";
    let parts = line.find(EMPTY).and_then(|start| {
        let (before, condition) = line.split_at_checked(start)?;
        let (name, test) = condition.strip_prefix(EMPTY)?.split_once(":Array(String)}) OR ")?;
        // In parentheses where it is not the only condition.
        match before.strip_suffix('(') {
            Some(before) => Some((before, name, test.strip_suffix(')')?)),
            None => Some((before, name, test)),
        }
    });
    match parts {
        Some((before, name, test)) if variables.iter().any(|variable| variable == name) => {
            let list = format!("{{{name}:Array(String)}}");
            let test = test.replace(&list, &format!("[${{{name}:singlequote}}]"));
            format!("{before}$__conditionalAll({test}, ${name})")
        }
        Some((before, ..)) => format!("{before}1"),
        None => line.to_owned(),
    }
}

/// Every `{name:Type}` by its value.
fn bind(sql: &str, value_of: impl Fn(&str) -> Option<Value>) -> anyhow::Result<String> {
    let mut out = String::new();
    let mut rest = sql;
    while let Some(start) = rest.find('{') {
        let (before, after) = rest.split_at(start);
        out.push_str(before);
        let placeholder =
            after.get(1..).and_then(|inner| inner.split_once('}')).and_then(|(inner, after)| {
                let (name, kind) = inner.split_once(':')?;
                let is_name =
                    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
                is_name.then_some((name, kind, after))
            });
        // Behind a dollar sign it is a variable of Grafana's.
        let placeholder = placeholder.filter(|_| !before.ends_with('$'));
        let Some((name, kind, behind)) = placeholder else {
            out.push('{');
            rest = after.get(1..).unwrap_or_default();
            continue;
        };
        match name {
            // Whose rows they are is the key's business; where a query names its tenant, no panel shows it.
            "tenant" => out.push_str("''"),
            "from" => out.push_str("toDateTime64($__fromTime_ms, 9, 'UTC')"),
            "to" => out.push_str("toDateTime64($__toTime_ms, 9, 'UTC')"),
            // A dashboard shows first pages.
            "after" => out.push_str("false"),
            _ if name.starts_with("after_") => out.push_str(neutral(kind)),
            _ => {
                let value = value_of(name).with_context(|| format!("{{{name}:{kind}}} has no value"))?;
                out.push_str(&literal(&value)?);
            }
        }
        rest = behind;
    }
    Ok(out + rest)
}

/// A value of a cursor's column where there is no cursor.
fn neutral(kind: &str) -> &'static str {
    match kind {
        "String" => "''",
        kind if kind.starts_with("DateTime64") => "toDateTime64(0, 9, 'UTC')",
        _ => "0",
    }
}

/// A value of a header as SQL. It is text of this project's, not of a viewer's; `$name` is what the viewer chose.
fn literal(value: &Value) -> anyhow::Result<String> {
    Ok(match value {
        Value::String(text) if text.starts_with('$') => {
            format!("${{{}:singlequote}}", text.trim_start_matches('$'))
        }
        Value::String(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Array(values) if values.is_empty() => "emptyArrayString()".to_owned(),
        Value::Array(values) => {
            format!("[{}]", values.iter().map(literal).collect::<Result<Vec<_>, _>>()?.join(", "))
        }
        other => bail!("{other} is nothing that a query takes"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(sql: &str) -> String {
        bind(sql, |name| (name == "limit").then(|| whole(5))).unwrap()
    }

    #[test]
    fn placeholders_become_macros_and_values_and_other_braces_stay() {
        assert_eq!(
            bound("a{2,3} {tenant:String} {from:DateTime64(9, 'UTC')} {limit:UInt32}"),
            "a{2,3} '' toDateTime64($__fromTime_ms, 9, 'UTC') 5"
        );
    }

    #[test]
    fn a_filter_is_the_viewer_s_choice_where_there_is_one() {
        let line = "    AND (empty({user:Array(String)}) OR UserId IN {user:Array(String)})";
        let with = filtered(line, &["user".to_owned()]);
        assert_eq!(with, "    AND $__conditionalAll(UserId IN [${user:singlequote}], $user)");
        assert_eq!(filtered(line, &[]), "    AND 1");
        let alone = "WHERE empty({tool:Array(String)}) OR hasAny(chain, {tool:Array(String)})";
        let with = filtered(alone, &["tool".to_owned()]);
        assert_eq!(with, "WHERE $__conditionalAll(hasAny(chain, [${tool:singlequote}]), $tool)");
    }

    #[test]
    fn a_value_that_nobody_gives_is_an_error() {
        let error = bind("{months:UInt64}", |_| None).unwrap_err();
        assert_eq!(error.to_string(), "{months:UInt64} has no value");
    }

    #[test]
    fn texts_are_quoted() {
        assert_eq!(literal(&Value::from(vec!["it's", "\\"])).unwrap(), r"['it\'s', '\\']");
        assert_eq!(literal(&Value::from("$session")).unwrap(), "${session:singlequote}");
    }
}

//! What a viewer can choose by: tenant, team, project and so on.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::files;

/// The variables that dashboards can have, by name.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Variables(BTreeMap<String, Variable>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Variable {
    label: String,
    /// Gives the values; without it the viewer types one.
    sql: Option<String>,
    /// The value at the start; without it, all.
    default: Option<String>,
}

impl Variables {
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        files::toml(path)
    }

    /// The templating entry of one.
    pub(crate) fn render(&self, name: &str) -> anyhow::Result<Value> {
        let variable = self.0.get(name).with_context(|| format!("variables.toml has no {name}"))?;
        let Some(sql) = variable.sql.as_deref().map(str::trim) else {
            let text = variable.default.as_deref().unwrap_or_default();
            return Ok(json!({
                "type": "textbox",
                "name": name,
                "label": variable.label,
                "query": text,
                "current": { "text": text, "value": text },
            }));
        };
        let of_many = variable.default.is_none();
        let current = match &variable.default {
            Some(value) => json!({ "text": value, "value": value }),
            None => json!({ "text": ["All"], "value": ["$__all"] }),
        };
        Ok(json!({
            "type": "query",
            "name": name,
            "label": variable.label,
            "datasource": { "type": super::panel::CLICKHOUSE, "uid": super::panel::CLICKHOUSE_UID },
            "definition": sql,
            "query": { "editorType": "sql", "rawSql": sql, "refId": "A" },
            // When the time range changes, since the values are those of the range.
            "refresh": 2,
            "sort": 1,
            "multi": of_many,
            "includeAll": of_many,
            "current": current,
        }))
    }
}

/// Every variable that a query asks for is one that its dashboard has.
pub(crate) fn check(sql: &str, declared: &[String]) -> anyhow::Result<()> {
    for piece in sql.split("${").skip(1) {
        let name: String = piece.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        ensure!(
            name.starts_with("__") || declared.contains(&name),
            "it asks for the variable {name}, which the dashboard does not have"
        );
    }
    Ok(())
}

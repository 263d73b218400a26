//! What a viewer can choose by: team, project, user and so on, and the data source, which is a tenant.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{files, published};

/// The variables that dashboards can have, by name.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Variables(BTreeMap<String, Variable>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Variable {
    label: String,
    /// It chooses among the data sources of this plugin.
    plugin: Option<String>,
    /// Gives the values, of which the viewer chooses any number or all; without it the viewer types one.
    sql: Option<String>,
    /// The value at the start, where it is one.
    default: Option<String>,
}

impl Variables {
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        files::toml(path)
    }

    /// The templating entry of one.
    pub(crate) fn render(&self, name: &str) -> anyhow::Result<Value> {
        let variable = self.0.get(name).with_context(|| format!("variables.toml has no {name}"))?;
        let start = variable.default.as_deref().unwrap_or_default();
        if let Some(plugin) = &variable.plugin {
            return Ok(json!({
                "type": "datasource",
                "name": name,
                "label": variable.label,
                "query": plugin,
                "refresh": 1,
                "current": { "text": start, "value": start },
            }));
        }
        let Some(sql) = variable.sql.as_deref().map(str::trim) else {
            return Ok(json!({
                "type": "textbox",
                "name": name,
                "label": variable.label,
                "query": start,
                "current": { "text": start, "value": start },
            }));
        };
        let sql = published::for_the_door(sql)?;
        Ok(json!({
            "type": "query",
            "name": name,
            "label": variable.label,
            "datasource": { "type": super::panel::CLICKHOUSE, "uid": super::panel::CHOSEN },
            "definition": sql,
            "query": { "editorType": "sql", "rawSql": sql, "refId": "A" },
            // When the time range changes, since the values are those of the range.
            "refresh": 2,
            "sort": 1,
            "multi": true,
            "includeAll": true,
            "current": { "text": ["All"], "value": ["$__all"] },
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

//! The alert rules, as Grafana's provisioning reads them.
//!
//! Nobody chooses anything for an alert, so it has no variables: it looks at everything that the data source's key may see,
//! and tells tools and sessions apart by columns, each of whose rows is an alert of its own.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::files;
use crate::named::{Params, Queries};
use crate::panel::{CLICKHOUSE, CLICKHOUSE_UID};

/// The header of a rule.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    title: String,
    /// What has happened, for whoever is woken.
    summary: String,
    /// What it means and what to do.
    description: String,
    severity: Severity,
    /// How far back the query looks, in seconds.
    seconds: u32,
    /// For how long it must hold.
    #[serde(rename = "for")]
    hold: String,
    /// Whether more or less than the limit is bad.
    when: When,
    limit: f64,
    /// For the named queries that the SQL reads.
    #[serde(default)]
    params: Params,
}

#[derive(Debug, Clone, Copy, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum Severity {
    Critical,
    Warning,
    Info,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum When {
    Above,
    Below,
}

/// How often the rules are looked at.
const INTERVAL: &str = "1m";

/// All rules, in a group for each severity.
pub(crate) fn render(folder: &Path, named: &Queries) -> anyhow::Result<Value> {
    let mut groups: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for path in files::entries(folder)? {
        let (rule, sql): (Rule, _) = files::headed(&path)?;
        let name = files::stem(&path);
        let sql = named
            .expand(&sql, &rule.params, &[])
            .with_context(|| format!("the rule {name} cannot be made"))?;
        ensure!(!sql.contains("${"), "the rule {name} asks for a variable, and rules have none");
        let severity = json!(rule.severity).as_str().unwrap_or_default().to_owned();
        groups.entry(severity).or_default().push(rule.render(&name, &sql));
    }
    let groups: Vec<_> = groups
        .into_iter()
        .map(|(severity, rules)| {
            json!({
                "orgId": 1,
                "name": format!("granary-{severity}"),
                "folder": "Granary",
                "interval": INTERVAL,
                "rules": rules,
            })
        })
        .collect();
    Ok(json!({ "apiVersion": 1, "groups": groups }))
}

impl Rule {
    fn render(&self, name: &str, sql: &str) -> Value {
        let range = json!({ "from": self.seconds, "to": 0 });
        let evaluator = match self.when {
            When::Above => "gt",
            When::Below => "lt",
        };
        json!({
            "uid": format!("granary-{}", name.replace('_', "-")),
            "title": literal(&self.title),
            "condition": "B",
            "for": self.hold,
            // No rows is nothing that happened; a query that fails is for the operator to hear of.
            "noDataState": "OK",
            "execErrState": "Error",
            "labels": { "severity": self.severity },
            "annotations": { "summary": literal(&self.summary), "description": literal(&self.description) },
            "data": [
                {
                    "refId": "A",
                    "relativeTimeRange": range,
                    "datasourceUid": CLICKHOUSE_UID,
                    "model": {
                        "refId": "A",
                        "datasource": { "type": CLICKHOUSE, "uid": CLICKHOUSE_UID },
                        "editorType": "sql",
                        "format": 1,
                        "rawSql": sql,
                    },
                },
                {
                    "refId": "B",
                    "relativeTimeRange": range,
                    "datasourceUid": "__expr__",
                    "model": {
                        "refId": "B",
                        "type": "threshold",
                        "expression": "A",
                        "datasource": { "type": "__expr__", "uid": "__expr__" },
                        "conditions": [{ "evaluator": { "type": evaluator, "params": [self.limit] } }],
                    },
                },
            ],
        })
    }
}

/// Text in which a dollar sign is one: Grafana fills in its environment in provisioned texts, though not in queries.
fn literal(text: &str) -> String {
    text.replace('$', "$$")
}

//! One panel: its header and its queries; how it is drawn is in `drawing.rs`.

mod drawing;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::named::{Params, Queries};
use crate::{files, variables};

pub(crate) const CLICKHOUSE: &str = "grafana-clickhouse-datasource";
/// The data source that comes along; rules ask it.
pub(crate) const CLICKHOUSE_UID: &str = "granary-clickhouse";
/// The data source that the viewer chose.
pub(crate) const CHOSEN: &str = "${source}";
const PROMETHEUS: &str = "prometheus";
const PROMETHEUS_UID: &str = "granary-prometheus";

/// A panel's file: the header, and the queries, of which the ones after the first stand behind a line `-- @next`
/// (`# @next` in `PromQL`).
#[derive(Debug)]
pub(crate) struct Source {
    header: Header,
    queries: Vec<String>,
    language: Language,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Language {
    Sql,
    PromQl,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    title: String,
    /// The question it answers, and what to know about the answer.
    description: String,
    #[serde(rename = "type")]
    kind: Kind,
    /// Of the grid's 24 columns.
    width: u32,
    #[serde(default = "eight")]
    height: u32,
    /// Grafana's name of the unit.
    unit: Option<String>,
    /// Units of single columns of a table.
    #[serde(default)]
    units: BTreeMap<String, String>,
    /// Colours and the value from which each holds; the first has none.
    #[serde(default)]
    thresholds: Vec<Step>,
    min: Option<f64>,
    max: Option<f64>,
    /// Colours of single series or values.
    #[serde(default)]
    colors: BTreeMap<String, String>,
    /// Series on top of one another.
    #[serde(default)]
    stack: bool,
    /// Lines without corners, filled where they are stacked.
    #[serde(default)]
    smooth: bool,
    /// A table whose cells are coloured by their numbers.
    #[serde(default)]
    heat: bool,
    /// The column that tells one series from another, and is its name.
    series: Option<String>,
    /// How `PromQL`'s series are called.
    legend: Option<String>,
    /// For the named queries that the SQL reads.
    #[serde(default)]
    params: Params,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    color: String,
    from: Option<f64>,
}

fn eight() -> u32 {
    8
}

/// How it is drawn, by Grafana's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Stat,
    Gauge,
    BarGauge,
    BarChart,
    PieChart,
    TimeSeries,
    Heatmap,
    Table,
    Logs,
    #[serde(rename = "state-timeline")]
    StateTimeline,
    #[serde(rename = "nodeGraph")]
    NodeGraph,
}

impl Kind {
    /// The data source's `format`: 0 a series for each label, 1 a table, 2 log lines.
    fn format(self) -> u8 {
        match self {
            Self::TimeSeries | Self::Heatmap => 0,
            Self::Logs => 2,
            _ => 1,
        }
    }
}

/// Where a panel stands.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) id: usize,
    pub(crate) x: u32,
    pub(crate) y: u32,
}

impl Source {
    pub(crate) fn read(folder: &Path, name: &str) -> anyhow::Result<Self> {
        for (language, ending, mark) in
            [(Language::Sql, "sql", "-- @next"), (Language::PromQl, "promql", "# @next")]
        {
            let path = folder.join(format!("{name}.{ending}"));
            if path.is_file() {
                let (header, body) = files::headed(&path)?;
                let queries = body.split(mark).map(|query| query.trim().to_owned()).collect();
                return Ok(Self { header, queries, language });
            }
        }
        bail!("{} has neither {name}.sql nor {name}.promql", folder.display())
    }

    pub(crate) fn size(&self) -> (u32, u32) {
        (self.header.width, self.header.height)
    }

    pub(crate) fn render(
        &self,
        place: &Place,
        named: &Queries,
        declared: &[String],
    ) -> anyhow::Result<Value> {
        let header = &self.header;
        let targets = self
            .queries
            .iter()
            .zip('A'..)
            .map(|(query, id)| self.target(query, &id.to_string(), named, declared))
            .collect::<Result<Vec<_>, _>>()?;
        let mut panel = json!({
            "id": place.id,
            "type": header.kind,
            "title": header.title,
            "description": header.description,
            "gridPos": { "x": place.x, "y": place.y, "w": header.width, "h": header.height },
            "datasource": self.datasource(),
            "targets": targets,
            "fieldConfig": { "defaults": header.defaults(), "overrides": header.overrides() },
            "options": header.options(),
        });
        if self.language == Language::Sql
            && header.kind == Kind::TimeSeries
            && let Some(panel) = panel.as_object_mut()
        {
            // A point for each minute at most: clients send every few seconds.
            panel.insert("interval".to_owned(), json!("1m"));
        }
        if header.kind == Kind::StateTimeline
            && let Some(panel) = panel.as_object_mut()
        {
            // A lane for each session.
            let split = json!([{ "id": "partitionByValues", "options": { "fields": ["session"] } }]);
            panel.insert("transformations".to_owned(), split);
        }
        Ok(panel)
    }

    fn datasource(&self) -> Value {
        match self.language {
            Language::Sql => json!({ "type": CLICKHOUSE, "uid": CHOSEN }),
            Language::PromQl => json!({ "type": PROMETHEUS, "uid": PROMETHEUS_UID }),
        }
    }

    fn target(&self, query: &str, id: &str, named: &Queries, declared: &[String]) -> anyhow::Result<Value> {
        let header = &self.header;
        if self.language == Language::PromQl {
            return Ok(json!({
                "refId": id,
                "datasource": self.datasource(),
                "expr": query,
                "legendFormat": header.legend.as_deref().unwrap_or("__auto"),
                "instant": matches!(header.kind, Kind::Stat | Kind::Gauge | Kind::BarGauge | Kind::Table),
            }));
        }
        let sql = named.expand(query, &header.params, declared)?;
        variables::check(&sql, declared).context("its SQL is not complete")?;
        Ok(json!({
            "refId": id,
            "datasource": self.datasource(),
            "editorType": "sql",
            "format": header.kind.format(),
            "rawSql": sql,
        }))
    }
}

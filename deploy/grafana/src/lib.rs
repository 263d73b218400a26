//! Grafana's dashboards and alert rules, made from a file a panel.
//!
//! A dashboard as Grafana keeps it is thousands of lines of JSON in which a query is one escaped line. Here a panel is a
//! file with a header in TOML and its SQL below, as the named queries are; [`render`] makes the JSON, which is
//! committed beside its source, so that nobody needs this program to use it. A test holds the two together.
//!
//! ```text
//! source/variables.toml                 what a viewer can choose by
//! source/dashboards/<uid>/dashboard.toml   title, variables, rows, and which panels in which order
//! source/dashboards/<uid>/<panel>.sql      one panel (or <panel>.promql)
//! source/alerts/<rule>.sql                 one rule
//!        │
//!        ▼ cargo run -p granary-dashboards
//! dashboards/<uid>.json
//! provisioning/alerting/granary.json
//! ```

mod alert;
mod dashboard;
mod files;
mod named;
mod panel;
mod published;
mod tokens;
mod variables;

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

/// A file to be written, and what belongs into it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// Where, from this package's folder on.
    pub path: PathBuf,
    /// The document.
    pub document: Value,
}

impl Rendered {
    /// The file's text.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{:#}\n", self.document)
    }
}

/// The folder with `source/`, `dashboards/` and `provisioning/`.
#[must_use]
pub fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Makes every document.
///
/// # Errors
///
/// A source file cannot be used; the message names it and says what is wrong with it.
pub fn render() -> anyhow::Result<Vec<Rendered>> {
    let source = folder().join("source");
    let queries = folder().join("../../queries");
    let named = named::Queries::new(&queries);
    let variables = variables::Variables::read(&source.join("variables.toml"))?;
    let mut rendered = Vec::new();
    for path in files::entries(&source.join("dashboards"))? {
        let document = dashboard::render(&path, &variables, &named)
            .with_context(|| format!("the dashboard {} cannot be made", path.display()))?;
        let name = files::stem(&path);
        rendered.push(Rendered { path: Path::new("dashboards").join(format!("{name}.json")), document });
    }
    rendered.push(Rendered {
        path: Path::new("provisioning").join("alerting").join("granary.json"),
        document: alert::render(&source.join("alerts"), &named)?,
    });
    Ok(rendered)
}

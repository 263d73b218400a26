//! One dashboard: its rows of panels, laid out from left to right.

use std::path::Path;

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::files;
use crate::named::Queries;
use crate::panel::{self, Place};
use crate::variables::Variables;

/// `dashboard.toml`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Dashboard {
    title: String,
    description: String,
    /// Where the range starts when it is opened, such as now-24h.
    from: String,
    refresh: String,
    variables: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    title: String,
    /// Names of the panels' files, without ending.
    panels: Vec<String>,
}

/// Grafana's grid.
const COLUMNS: u32 = 24;

pub(crate) fn render(folder: &Path, variables: &Variables, named: &Queries) -> anyhow::Result<Value> {
    let file: Dashboard = files::toml(&folder.join("dashboard.toml"))?;
    let mut panels = Vec::new();
    let mut y = 0;
    for row in &file.rows {
        panels.push(json!({
            "id": panels.len() + 1,
            "type": "row",
            "title": row.title,
            "collapsed": false,
            "panels": [],
            "gridPos": { "x": 0, "y": y, "w": COLUMNS, "h": 1 },
        }));
        y += 1;
        let (mut x, mut tallest) = (0, 0);
        for name in &row.panels {
            let source = panel::Source::read(folder, name)?;
            let (width, height) = source.size();
            if x + width > COLUMNS {
                (x, y, tallest) = (0, y + tallest, 0);
            }
            let place = Place { id: panels.len() + 1, x, y };
            let panel = source
                .render(&place, named, &file.variables)
                .with_context(|| format!("the panel {name} cannot be made"))?;
            panels.push(panel);
            (x, tallest) = (x + width, tallest.max(height));
        }
        y += tallest;
    }
    check_all_used(folder, &file)?;
    let list = file.variables.iter().map(|name| variables.render(name)).collect::<Result<Vec<_>, _>>()?;
    Ok(json!({
        "uid": format!("granary-{}", files::stem(folder)),
        "title": file.title,
        "description": file.description,
        "tags": ["granary"],
        "schemaVersion": 39,
        "editable": true,
        "graphTooltip": 1,
        "timezone": "browser",
        "time": { "from": file.from, "to": "now" },
        "refresh": file.refresh,
        "links": [{
            "type": "dashboards",
            "title": "Granary",
            "tags": ["granary"],
            "asDropdown": true,
            "includeVars": true,
            "keepTime": true,
        }],
        "templating": { "list": list },
        "panels": panels,
    }))
}

/// No panel lies about that the dashboard does not show.
fn check_all_used(folder: &Path, file: &Dashboard) -> anyhow::Result<()> {
    for path in files::entries(folder)? {
        let name = files::stem(&path);
        let is_used = name == "dashboard" || file.rows.iter().any(|row| row.panels.contains(&name));
        ensure!(is_used, "{} is in no row of dashboard.toml", path.display());
    }
    Ok(())
}

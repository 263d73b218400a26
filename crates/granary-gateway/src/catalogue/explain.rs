//! What a query would read, before it reads it: which indexes help, and how many rows, parts and granules are left.

use granary_clickhouse::{ClickHouseError, Warehouse};
use serde_json::Value;

use super::inspect::{statement, within};
use crate::PreparedQuery;

/// One index at work on one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexUse {
    /// The table.
    pub table: String,
    /// Rows that are read of it, as the engine estimates; the same for all indexes of the table.
    pub rows_to_read: u64,
    /// Rows that it has.
    pub rows: u64,
    /// `PrimaryKey`, `Partition`, `Min-Max` or `Skip`, with a name where it has one; empty where there is none.
    pub index: String,
    /// What it is over.
    pub keys: Vec<String>,
    /// What it is asked; `true` where it does not help.
    pub condition: String,
    /// Parts that are left, and that there were before this index.
    pub parts: (u64, u64),
    /// Granules that are left, and that there were before this index.
    pub granules: (u64, u64),
}

/// Has the engine say what a query would read. Nothing is run but what the engine computes beforehand, such as scalar
/// subqueries.
///
/// # Errors
///
/// The engine cannot be asked, or refuses the query.
pub async fn explain(warehouse: &Warehouse, query: &PreparedQuery) -> Result<Vec<IndexUse>, ClickHouseError> {
    let estimated = statement(warehouse, "EXPLAIN ESTIMATE", query);
    let estimated = within(estimated.fetch_all::<(String, String, u64, u64, u64)>()).await?;
    let plan =
        within(statement(warehouse, "EXPLAIN json = 1, indexes = 1", query).fetch_all::<String>()).await?;
    let plan: Value = serde_json::from_str(&plan.concat()).unwrap_or_default();
    let mut uses = Vec::new();
    let mut open = vec![&plan];
    while let Some(node) = open.pop() {
        match node {
            Value::Array(inner) => open.extend(inner.iter().rev()),
            Value::Object(inner) => {
                if inner.get("Node Type").and_then(Value::as_str) == Some("ReadFromMergeTree") {
                    uses.extend(uses_of(node));
                }
                open.extend(["Plan", "Plans"].iter().filter_map(|name| inner.get(*name)));
            }
            _ => {}
        }
    }
    for one in &mut uses {
        let (database, name) = one.table.split_once('.').unwrap_or(("", &one.table));
        let read = estimated.iter().find(|(of, table, ..)| (of.as_str(), table.as_str()) == (database, name));
        one.rows_to_read = read.map_or(0, |(_, _, _, rows, _)| *rows);
        let total = warehouse
            .query("SELECT ifNull(sum(total_rows), 0) FROM system.tables WHERE database = {database:String} AND name = {name:String}")
            .param("database", database)
            .param("name", name);
        one.rows = within(total.fetch_one::<u64>()).await?;
        one.table = String::from(name);
    }
    Ok(uses)
}

fn uses_of(read: &Value) -> Vec<IndexUse> {
    let text = |node: &Value, name: &str| node[name].as_str().unwrap_or_default().to_owned();
    let pair = |node: &Value, of: &str| {
        let number = |which: &str| node[format!("{which} {of}")].as_u64().unwrap_or_default();
        (number("Selected"), number("Initial"))
    };
    let bare = IndexUse {
        table: text(read, "Description"),
        rows_to_read: 0,
        rows: 0,
        index: String::new(),
        keys: Vec::new(),
        condition: String::new(),
        parts: (0, 0),
        granules: (0, 0),
    };
    let indexes = read["Indexes"].as_array().map(Vec::as_slice).unwrap_or_default();
    if indexes.is_empty() {
        return vec![bare];
    }
    let of = |index: &Value| IndexUse {
        index: [text(index, "Type"), text(index, "Name")].join(" ").trim().to_owned(),
        keys: index["Keys"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|key| key.as_str().map(str::to_owned))
            .collect(),
        condition: text(index, "Condition"),
        parts: pair(index, "Parts"),
        granules: pair(index, "Granules"),
        ..bare.clone()
    };
    indexes.iter().map(of).collect()
}

//! `granary queries explain`: what would a query read, and which indexes help?

use granary_gateway::{NamedQuery, explain};
use granary_model::TenantId;
use jiff::Timestamp;
use serde_json::json;

use super::answer;
use crate::access::Access;
use crate::arguments::AnswerFormat;
use crate::commands::query::params;
use crate::output;
use crate::settings::Settings;

/// A line for each index of each table that is read.
pub(crate) async fn run(
    settings: &Settings,
    query: &NamedQuery,
    given: &[String],
    format: Option<AnswerFormat>,
) -> anyhow::Result<()> {
    let prepared = query.prepare(&TenantId::default(), &params(given)?, Timestamp::now())?;
    let access = Access::open(settings).await?;
    let explained = explain(&access.reader(), &prepared).await;
    access.close().await;
    let columns = [
        ("table", "String"),
        ("rows_to_read", "UInt64"),
        ("rows", "UInt64"),
        ("index", "String"),
        ("keys", "String"),
        ("parts", "String"),
        ("granules", "String"),
        ("condition", "String"),
    ];
    let of = |(left, before): (u64, u64)| format!("{left} of {before}");
    let rows = explained?.into_iter().map(|one| {
        json!({
            "table": one.table,
            "rows_to_read": one.rows_to_read,
            "rows": one.rows,
            "index": one.index,
            "keys": one.keys.join(", "),
            "parts": of(one.parts),
            "granules": of(one.granules),
            "condition": one.condition,
        })
    });
    output::print(&answer(&columns, rows), format)
}

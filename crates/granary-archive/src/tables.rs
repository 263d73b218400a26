//! The tables that a session's records are in, and small answers from the warehouse.

use std::time::Duration;

pub(crate) use granary_clickhouse::cluster::SLOW_TIMEOUT;
use granary_clickhouse::cluster::Turn;
use granary_clickhouse::{ClickHouseError, Query, Warehouse, new_token, under};
use serde::de::DeserializeOwned;

use crate::ArchiveError;

/// The five tables of metric points.
pub(crate) const METRIC_TABLES: [&str; 5] = [
    "otel_metrics_gauge",
    "otel_metrics_sum",
    "otel_metrics_histogram",
    "otel_metrics_exponential_histogram",
    "otel_metrics_summary",
];

/// The column of a table that says when something happened.
pub(crate) fn time_of(table: &str) -> &'static str {
    if table.starts_with("otel_metrics_") { "TimeUnix" } else { "Timestamp" }
}

/// How long a small question may take. The one for due sessions reads narrow columns of whole tables.
const TIMEOUT: Duration = Duration::from_mins(2);

/// How long the server may keep silent in the middle of an answer.
pub(crate) const READ_TIMEOUT: Duration = TIMEOUT;

/// Asks and reads the whole answer; for statements that bound it. A replica that has not got yet what is asked for is asked again.
pub(crate) async fn ask<T: DeserializeOwned>(query: Query) -> Result<Vec<T>, ArchiveError> {
    let mut turn = Turn::default();
    loop {
        match ask_once(query.clone()).await {
            Err(ArchiveError::Warehouse(error)) if turn.comes_again(&error).await => {}
            other => return other,
        }
    }
}

async fn ask_once<T: DeserializeOwned>(query: Query) -> Result<Vec<T>, ArchiveError> {
    let mut cursor = query
        .with_setting("output_format_json_quote_64bit_integers", "0")
        .with_setting("output_format_json_validate_utf8", "1")
        .with_setting("join_use_nulls", "0")
        // Whoever stops waiting ends the statement, which the server does for those that only read.
        .with_setting("readonly", "2")
        .with_setting("cancel_http_readonly_queries_on_client_close", "1")
        .fetch_bytes("JSONEachRow")
        .map_err(ClickHouseError::from)?;
    let answer = within_timeout(async { Ok(cursor.collect().await?) }).await?;
    serde_json::Deserializer::from_slice(&answer)
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(|error| ArchiveError::Answer { problem: error.to_string() })
}

/// Runs a statement that answers with nothing and may take long, as a mutation of large parts does.
pub(crate) async fn execute_slowly(query: Query) -> Result<(), ClickHouseError> {
    tokio::time::timeout(SLOW_TIMEOUT, async { Ok(query.execute().await?) })
        .await
        .unwrap_or(Err(ClickHouseError::TimedOut { after: SLOW_TIMEOUT }))
}

async fn execute(query: Query) -> Result<(), ClickHouseError> {
    within_timeout(async { Ok(query.execute().await?) }).await
}

/// Runs an `INSERT` whose rows are added however often equal ones were, and are seen by who asks for what was written.
pub(crate) async fn write(warehouse: &Warehouse, insert: Query) -> Result<(), ClickHouseError> {
    let (token, mut turn) = (new_token(), Turn::default());
    loop {
        let insert = under(&token, insert.clone()).with_setting("async_insert", "0");
        match execute(warehouse.to_quorum(insert)).await {
            Err(error) if turn.comes_again(&error).await => {}
            other => return other,
        }
    }
}

async fn within_timeout<T>(
    statement: impl Future<Output = Result<T, ClickHouseError>>,
) -> Result<T, ClickHouseError> {
    tokio::time::timeout(TIMEOUT, statement)
        .await
        .unwrap_or(Err(ClickHouseError::TimedOut { after: TIMEOUT }))
}

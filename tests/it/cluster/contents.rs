//! What a warehouse holds, in a form that does not say how many servers it is on.

use granary_clickhouse::{TABLES, Warehouse};
use granary_testkit::TestWarehouse;
use serde::de::DeserializeOwned;

/// Rollups of a session are on one shard, and rows of the others' keys on several.
const ROLLUPS: [(&str, &str); 6] = [
    ("sessions", "SELECT * REPLACE (arraySort(Models) AS Models) FROM sessions FINAL"),
    ("session_models", "SELECT * FROM session_models FINAL"),
    ("session_ends", "SELECT * FROM session_ends FINAL"),
    (
        "cost_hourly",
        "SELECT TenantId, Hour, Model, TeamId, Project, UserId, Organization, Terminal, Version, QuerySource, Agent, Skill, \
         McpServer, Speed, LongContext, sum(Requests), sum(Cost), sum(InputTokens), sum(OutputTokens), \
         sum(CacheReadTokens), sum(CacheCreationTokens), sum(CacheCreation5mTokens), sum(CacheCreation1hTokens), \
         sum(DurationMs) FROM cost_hourly GROUP BY ALL",
    ),
    (
        "tool_usage_hourly",
        "SELECT TenantId, Hour, ToolName, TeamId, Project, UserId, Terminal, Version, sum(Calls), sum(Ok), sum(Failed), \
         sum(DurationMs), toString(quantilesBFloat16Merge(0.5, 0.95, 0.99)(DurationQuantiles)), sum(Accepted), \
         sum(Rejected) FROM tool_usage_hourly GROUP BY ALL",
    ),
    (
        "otel_traces_trace_id_ts",
        "SELECT TraceId, min(Start), max(End) FROM otel_traces_trace_id_ts GROUP BY TraceId",
    ),
];

/// Of each table and rollup how many rows it has, and what is in them, in an order-free hash.
pub(super) async fn contents(warehouse: &Warehouse) -> Vec<(String, u64, u64)> {
    let tables = TABLES.map(|table| (table, format!("SELECT * FROM {table}")));
    let rollups = ROLLUPS.map(|(table, sql)| (table, sql.to_owned()));
    let mut contents = Vec::new();
    for (table, sql) in tables.into_iter().chain(rollups) {
        let sql = format!("SELECT count(), sum(cityHash64(toString(tuple(*)))) FROM ({sql})");
        let (rows, hash): (u64, u64) = warehouse.query(&sql).fetch_one().await.unwrap();
        contents.push((table.to_owned(), rows, hash));
    }
    contents
}

/// The same rows on one server, whose rollups make themselves of them.
pub(super) async fn on_one_server(test: &str, of: &Warehouse) -> TestWarehouse {
    let one = granary_testkit::warehouse(test).await;
    for table in TABLES.into_iter().chain(["ingest_accounting", "query_audit"]) {
        let mut answer = of.query(&format!("SELECT * FROM {table}")).fetch_bytes("Native").unwrap();
        let mut blocks = Vec::new();
        while let Some(piece) = answer.next().await.unwrap() {
            blocks.push(piece);
        }
        if !blocks.is_empty() {
            one.owner.insert_answer(table, blocks, table, None).await.unwrap();
        }
    }
    one
}

/// Rows of an answer.
pub(super) async fn read<T: DeserializeOwned>(warehouse: &Warehouse, sql: &str) -> Vec<T> {
    let mut answer = warehouse.query(sql).fetch_bytes("JSONCompactEachRow").unwrap();
    let answer = answer.collect().await.unwrap();
    serde_json::Deserializer::from_slice(&answer).into_iter().collect::<Result<_, _>>().unwrap()
}

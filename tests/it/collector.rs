//! The Collector's ClickHouse exporter writes straight into our tables, and they are as if Granary had.
//!
//! The statements are the exporter's own (`internal/sqltemplates/*_insert.sql`, 0.151 and later, which add `EventName` where
//! the table has it): its driver sends such a statement's rows as one block in the Native format, with the columns that
//! the statement names and no others.

use granary_clickhouse::ClickHouseConfig;
use reqwest::Client;

use crate::seeds;

/// What the exporter inserts into, and what it says of each row.
const INSERTS: [(&str, &str); 3] = [
    (
        "otel_logs",
        "Timestamp, TraceId, SpanId, TraceFlags, SeverityText, SeverityNumber, ServiceName, Body, ResourceSchemaUrl, \
         ResourceAttributes, ScopeSchemaUrl, ScopeName, ScopeVersion, ScopeAttributes, LogAttributes, EventName",
    ),
    (
        "otel_traces",
        "Timestamp, TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, ServiceName, ResourceAttributes, \
         ScopeName, ScopeVersion, SpanAttributes, Duration, StatusCode, StatusMessage, Events.Timestamp, Events.Name, \
         Events.Attributes, Links.TraceId, Links.SpanId, Links.TraceState, Links.Attributes",
    ),
    (
        "otel_metrics_sum",
        "ResourceAttributes, ResourceSchemaUrl, ScopeName, ScopeVersion, ScopeAttributes, ScopeDroppedAttrCount, \
         ScopeSchemaUrl, ServiceName, MetricName, MetricDescription, MetricUnit, Attributes, StartTimeUnix, TimeUnix, \
         Value, Flags, Exemplars.FilteredAttributes, Exemplars.TimeUnix, Exemplars.Value, Exemplars.SpanId, \
         Exemplars.TraceId, AggregationTemporality, IsMonotonic",
    ),
];

/// The tables whose rows the exporter has another name for, or that our fixtures have no points of.
const OTHER_TABLES: [&str; 4] = [
    "otel_metrics_gauge",
    "otel_metrics_histogram",
    "otel_metrics_exponential_histogram",
    "otel_metrics_summary",
];

/// What is asked of both: columns of ours that the exporter does not know, and every rollup.
const QUESTIONS: [&str; 7] = [
    "SELECT TenantId, SessionId, UserId, TeamId, Project, PromptId, AgentEvent, Sequence, Model, ToolName, Success, \
     DurationMs, InputTokens, OutputTokens, CacheReadTokens, CacheCreationTokens, Cost, Timestamp FROM otel_logs ORDER BY ALL",
    "SELECT TenantId, SessionId, UserId, TeamId, Project, Model, ToolName, SpanId FROM otel_traces ORDER BY ALL",
    "SELECT TenantId, SessionId, UserId, TeamId, Project, MetricName, TimeUnix, Value FROM otel_metrics_sum ORDER BY ALL",
    "SELECT * FROM cost_hourly FINAL ORDER BY ALL",
    "SELECT * EXCEPT (DurationQuantiles), finalizeAggregation(DurationQuantiles) FROM tool_usage_hourly FINAL ORDER BY ALL",
    // When a row was stored is each writer's own.
    "SELECT * EXCEPT (LastIngestedAt, Models), arraySort(Models) FROM sessions FINAL ORDER BY ALL",
    "SELECT * FROM session_models FINAL ORDER BY ALL",
];

/// A statement alone, or with a block as its data.
async fn send(to: &ClickHouseConfig, statement: &str, block: Option<Vec<u8>>) -> Vec<u8> {
    let post = Client::new().post(&to.url).query(&[("database", &to.database)]);
    let post = post.header("X-ClickHouse-User", &to.user).header("X-ClickHouse-Key", &to.password);
    let post = match block {
        Some(block) => post.query(&[("query", statement)]).body(block),
        None => post.body(statement.to_owned()),
    };
    let answer = post.send().await.unwrap();
    let is_success = answer.status().is_success();
    let bytes = answer.bytes().await.unwrap().to_vec();
    assert!(is_success, "{statement}\n{}", String::from_utf8_lossy(&bytes));
    bytes
}

async fn ask(to: &ClickHouseConfig, question: &str) -> String {
    String::from_utf8(send(to, &format!("{question} FORMAT JSONEachRow"), None).await).unwrap()
}

#[tokio::test]
async fn the_exporter_s_inserts_fill_our_columns_and_rollups_as_granary_does() {
    let ours = seeds::filled("collector_ours").await.owner_config;
    let theirs = granary_testkit::warehouse("collector_theirs").await.owner_config;
    for (table, columns) in INSERTS {
        let read = format!("SELECT {columns} FROM \"{}\".\"{table}\" FORMAT Native", ours.database);
        let block = send(&ours, &read, None).await;
        assert!(!block.is_empty(), "the fixtures have nothing for {table}");
        let insert = format!("INSERT INTO \"{}\".\"{table}\" ({columns}) FORMAT Native", theirs.database);
        send(&theirs, &insert, Some(block)).await;
    }
    for question in QUESTIONS {
        let expected = ask(&ours, question).await;
        assert!(expected.lines().count() > 0, "no rows to compare\n{question}");
        assert!(ask(&theirs, question).await == expected, "{question}");
    }
}

#[tokio::test]
async fn the_tables_that_the_collector_s_configuration_names_are_there() {
    let config = include_str!("../../deploy/claude-code/collector/instead.yaml");
    let warehouse = granary_testkit::warehouse("collector_tables").await.owner_config;
    let tables = ask(&warehouse, "SELECT name FROM system.tables WHERE database = currentDatabase()").await;
    for table in INSERTS.iter().map(|(table, _)| table).chain(&OTHER_TABLES) {
        let named = config.lines().any(|line| line.split_once(": ").is_some_and(|(_, name)| name == *table));
        assert!(named, "instead.yaml does not name {table}");
        assert!(tables.contains(&format!("\"{table}\"")), "{table} is not there");
    }
    assert!(config.contains("create_schema: false"), "the Collector must not make tables");
}

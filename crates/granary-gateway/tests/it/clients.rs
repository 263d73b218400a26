//! What real clients send, and what the queries say about it.

use granary_gateway::Catalogue;
use serde_json::{Value, json};

use crate::support::{THE_DAY, TestGateway};

/// A gateway over a warehouse of a test's own, filled by these statements.
async fn over(test: &str, inserts: &[String]) -> TestGateway {
    let warehouse = granary_testkit::warehouse(test).await;
    for insert in inserts {
        warehouse.owner.execute(insert).await.unwrap();
    }
    TestGateway::over(&warehouse.reader_config, Catalogue::embedded().unwrap(), None, |_| {})
}

impl TestGateway {
    /// The rows of an answer about the day.
    async fn rows(&self, query: &str, parameters: &str) -> Vec<Value> {
        let answer = self.json(&format!("/v1/queries/{query}.json?{THE_DAY}{parameters}")).await;
        answer["data"].as_array().unwrap().clone()
    }

    /// Of an answer's only row, these columns.
    async fn row<const N: usize>(&self, query: &str, parameters: &str, columns: [&str; N]) -> [Value; N] {
        let rows = self.rows(query, parameters).await;
        assert_eq!(rows.len(), 1, "{query}: {rows:?}");
        columns.map(|column| rows[0][column].clone())
    }
}

fn map(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(key, value)| format!("'{key}', '{}'", value.replace('\\', "\\\\").replace('\'', "\\'")))
        .collect();
    format!("map({})", pairs.join(", "))
}

/// An event of the session s1, as the collector would write it.
fn event(name: &str, pairs: &[(&str, &str)]) -> String {
    format!(
        "INSERT INTO otel_logs (Timestamp, ServiceName, Body, ResourceAttributes, LogAttributes) \
         SELECT toDateTime64('2026-11-19 08:00:00', 9, 'UTC'), 'claude-code', 'claude_code.{name}', \
         map('service.version', '2.1.329'), mapConcat(map('event.name', '{name}', 'session.id', 's1'), {})",
        map(pairs)
    )
}

/// A request to the model, as a span.
fn request_span(pairs: &[(&str, &str)]) -> String {
    format!(
        "INSERT INTO otel_traces (Timestamp, SpanName, ResourceAttributes, SpanAttributes) \
         SELECT toDateTime64('2026-11-19 08:00:00', 9, 'UTC'), 'claude_code.llm_request', \
         map('service.version', '2.1.329'), mapConcat(map('session.id', 's1', 'success', 'true'), {})",
        map(pairs)
    )
}

/// Ten lines added, as the counter says it.
fn lines_added(model: &str) -> String {
    format!(
        "INSERT INTO otel_metrics_sum (MetricName, TimeUnix, StartTimeUnix, Value, AggregationTemporality, Attributes) \
         SELECT 'claude_code.lines_of_code.count', toDateTime64('2026-11-19 08:00:00', 9, 'UTC') AS TimeUnix, TimeUnix, 10, 1, {}",
        map(&[("type", "added"), ("model", model), ("session.id", "s1")])
    )
}

#[tokio::test]
async fn a_model_is_one_in_events_spans_and_counters_and_found_by_any_spelling() {
    let gateway = over(
        "model_names",
        &[
            event("api_request", &[("model", "claude-opus-4-6"), ("cost_usd", "0.5")]),
            event("api_error", &[("model", "claude-opus-4-6"), ("attempt", "1")]),
            request_span(&[("model", "claude-opus-4-6[1m]"), ("attempt", "1")]),
            lines_added("claude-opus-4-6[1m]"),
        ],
    )
    .await;
    for spelling in ["claude-opus-4-6", "claude-opus-4-6%5B1m%5D", "us.anthropic.claude-opus-4-6-v1"] {
        let by_model = format!("&model={spelling}");
        assert_eq!(
            gateway.row("retries", &by_model, ["answered", "failed", "models"]).await,
            [json!(1), json!(1), json!(["claude-opus-4-6"])]
        );
        assert_eq!(
            gateway.row("cost_by_model", &by_model, ["model", "cost"]).await,
            [json!("claude-opus-4-6"), json!(0.5)]
        );
        assert_eq!(
            gateway
                .row("lines_of_code", &format!("{by_model}&by=model&bucket=none"), ["name", "lines_added"])
                .await,
            [json!("claude-opus-4-6"), json!(10)]
        );
        assert_eq!(
            gateway
                .row("cost_per_1k_lines", &format!("{by_model}&by=model"), ["name", "cost", "lines_added"])
                .await,
            [json!("claude-opus-4-6"), json!(0.5), json!(10)]
        );
    }
}

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

/// Dollars for a million tokens of each of [`KINDS`], as client 2.1.329 reckons them.
const RATES: [(&str, [f64; 4]); 22] = [
    ("claude-opus-4-5", [5.0, 25.0, 0.5, 6.25]),
    ("claude-opus-4-6", [5.0, 25.0, 0.5, 6.25]),
    ("claude-opus-4-7", [5.0, 25.0, 0.5, 6.25]),
    ("claude-opus-4-8", [5.0, 25.0, 0.5, 6.25]),
    ("claude-opus-5", [5.0, 25.0, 0.5, 6.25]),
    ("claude-opus-5-5", [4.0, 20.0, 0.2, 5.0]),
    ("claude-sonnet-4", [3.0, 15.0, 0.3, 3.75]),
    ("claude-sonnet-4-5", [3.0, 15.0, 0.3, 3.75]),
    ("claude-sonnet-4-6", [3.0, 15.0, 0.3, 3.75]),
    ("claude-sonnet-5", [2.0, 10.0, 0.2, 2.5]),
    ("claude-sonnet-5-5", [2.0, 10.0, 0.1, 2.5]),
    ("claude-haiku-4-5", [1.0, 5.0, 0.1, 1.25]),
    ("claude-haiku-5-5", [0.1, 0.5, 0.01, 0.125]),
    ("claude-fable-5", [10.0, 50.0, 1.0, 12.5]),
    ("claude-fable-5-1", [10.0, 50.0, 0.25, 12.5]),
    ("claude-fable-5-2", [8.0, 40.0, 0.2, 10.0]),
    ("claude-mythos-5", [10.0, 50.0, 1.0, 12.5]),
    ("claude-mythos-5-1", [10.0, 50.0, 0.25, 12.5]),
    ("claude-mythos-5-2", [8.0, 40.0, 0.2, 10.0]),
    ("claude-opus-5-5[1m]", [4.0, 20.0, 0.2, 5.0]),
    ("claude-sonnet-4-20250514", [3.0, 15.0, 0.3, 3.75]),
    ("us.anthropic.claude-haiku-4-5-20251001-v1:0", [1.0, 5.0, 0.1, 1.25]),
];

const KINDS: [&str; 4] = ["input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens"];

#[tokio::test]
async fn the_recomputed_cost_is_what_the_client_charges_for_a_quarter_million_tokens_of_each_kind() {
    let requests: Vec<_> = RATES
        .iter()
        .flat_map(|(model, rates)| {
            KINDS
                .iter()
                .zip(rates)
                .map(move |(kind, rate)| format!("('{model}', '{kind}', '{}')", rate / 4.0))
        })
        .collect();
    // The kind stands for the version, so that each is compared by itself.
    let insert = format!(
        "INSERT INTO otel_logs (Timestamp, Body, ResourceAttributes, LogAttributes)
         SELECT toDateTime64('2026-11-19 08:00:00', 9, 'UTC'), 'claude_code.api_request', map('service.version', row.2),
             map('event.name', 'api_request', 'model', row.1, row.2, '250000', 'cost_usd', row.3)
         FROM (SELECT arrayJoin([{}]) AS row)",
        requests.join(", ")
    );
    let rows = over("rates", &[insert]).await.rows("cost_drift", "").await;
    let wrong: Vec<_> = rows
        .iter()
        .filter(|row| row["difference"] != 0 || row["requests"] != row["priced_requests"])
        .collect();
    assert_eq!(wrong, Vec::<&Value>::new());
    // Three models are there by two spellings.
    assert_eq!(rows.len(), (RATES.len() - 3) * KINDS.len());
}

#[tokio::test]
async fn the_newest_cheaper_model_is_the_one_with_the_highest_version() {
    let request = [("model", "claude-opus-5-5"), ("input_tokens", "1000"), ("cost_usd", "0.004")];
    let gateway = over("savings", &[event("api_request", &request)]).await;
    let columns = ["cheaper_model", "cost_list", "saving"];
    assert_eq!(
        gateway.row("model_savings", "", columns).await,
        [json!("claude-sonnet-5-5"), json!(0.004), json!(0.002)]
    );
}

#[tokio::test]
async fn what_the_cache_keeps_for_an_hour_is_priced_by_the_hour_in_every_cost() {
    let written = |five_minutes, hour, cost| {
        event(
            "api_request",
            &[
                ("model", "claude-opus-4-6"),
                ("cache_creation_tokens", "1000"),
                ("cache_creation_5m_tokens", five_minutes),
                ("cache_creation_1h_tokens", hour),
                ("cost_usd", cost),
                ("agent_id", "a1"),
            ],
        )
    };
    // As the client charges; where it does not say how long, five minutes.
    let gateway = over(
        "cache_writes",
        &[written("1000", "0", "0.00625"), written("0", "1000", "0.01"), written("0", "0", "0.00625")],
    )
    .await;
    let whole = json!(0.0225);
    for query in [
        "cost_summary",
        "cost_by_model",
        "cost_drift",
        "request_size_buckets",
        "sessions",
        "subagent_cost",
        "model_savings",
    ] {
        assert_eq!(
            gateway.row(query, "", ["cost", "cost_list"]).await,
            [whole.clone(), whole.clone()],
            "{query}"
        );
    }
    let columns =
        ["cache_creation_tokens", "cache_creation_5m_tokens", "cache_creation_1h_tokens", "total_tokens"];
    assert_eq!(gateway.row("token_breakdown", "", columns).await, [3000, 1000, 1000, 3000].map(Value::from));
}

#[tokio::test]
async fn beside_the_recomputed_cost_stands_what_was_reported_of_the_same_requests() {
    let request = |model, tokens, cost| {
        event("api_request", &[("model", model), ("input_tokens", tokens), ("cost_usd", cost)])
    };
    let gateway =
        over("priced", &[request("claude-opus-4-6", "1000", "0.006"), request("of-nobody", "1000", "40.0")])
            .await;
    let columns = ["cost", "cost_list", "requests", "priced_requests", "cost_priced"];
    assert_eq!(
        gateway.row("cost_summary", "", columns).await,
        [json!(40.006), json!(0.005), json!(2), json!(1), json!(0.006)]
    );
    assert_eq!(
        gateway.row("cost_by_model", "&model=claude-opus-4-6", columns).await,
        [json!(0.006), json!(0.005), json!(1), json!(1), json!(0.006)]
    );
    assert_eq!(
        gateway.row("cost_by_model", "&model=of-nobody", columns).await,
        [json!(40), Value::Null, json!(1), json!(0), json!(0)]
    );
}

#[tokio::test]
async fn a_background_agent_s_report_is_no_prompt() {
    let report = "<task-notification>\n<task-id>a1</task-id>\n<summary>Agent \"child\" finished</summary>\n</task-notification>";
    let prompts = [("Please go", "p1"), (report, "p2"), ("<REDACTED>", "p3")];
    let gateway = over(
        "prompts",
        &prompts.map(|(text, id)| {
            event("user_prompt", &[("prompt", text), ("prompt.id", id), ("user.email", "ada@example.com")])
        }),
    )
    .await;
    for query in ["session_summary", "user_activity"] {
        assert_eq!(
            gateway.row(query, if query == "user_activity" { "" } else { "&session=s1" }, ["prompts"]).await,
            [json!(2)],
            "{query}"
        );
    }
    let of = |rows: Vec<Value>, column: &str| -> Vec<_> {
        let mut values: Vec<_> = rows.iter().map(|row| row[column].as_str().unwrap().to_owned()).collect();
        values.sort();
        values
    };
    assert_eq!(of(gateway.rows("session_prompts", "").await, "prompt"), ["p1", "p3"]);
    assert_eq!(
        of(gateway.rows("session_timeline", "&session=s1").await, "summary"),
        ["prompt", "prompt: Please go", "report of a background agent: Agent \"child\" finished"]
    );
    assert_eq!(
        of(gateway.rows("audit_trail", "").await, "action"),
        ["gave a prompt", "gave a prompt", "heard from a background agent"]
    );
    assert_eq!(
        of(gateway.rows("session_flow", "&session=s1").await, "label"),
        ["prompt", "prompt", "report of a background agent"]
    );
}

#[tokio::test]
async fn the_first_token_is_taken_from_the_span_where_the_event_does_not_have_it() {
    let model = ("model", "claude-opus-4-8");
    let request = |id, more: &[(&str, &str)]| {
        event("api_request", &[&[("request_id", id), model, ("duration_ms", "100")], more].concat())
    };
    let span =
        |id, first| request_span(&[("request_id", id), ("ttft_ms", first), ("model", "claude-opus-4-8[1m]")]);
    let gateway = over(
        "first_token",
        &[
            request("in_both", &[("ttft_ms", "10")]),
            span("in_both", "99"),
            request("in_span", &[]),
            span("in_span", "30"),
            request("nowhere", &[]),
            request("", &[]),
            span("", "77"),
            span("without_event", "88"),
        ],
    )
    .await;
    let columns = ["model", "requests", "measured", "avg_ms", "share_of_duration"];
    assert_eq!(
        gateway.row("time_to_first_token", "", columns).await,
        [json!("claude-opus-4-8"), json!(4), json!(2), json!(20), json!(0.2)]
    );
}

#[tokio::test]
async fn versions_that_can_be_compared_come_before_those_that_cannot() {
    let sent =
        |version: &str, name: &str, pairs: &[(&str, &str)]| event(name, pairs).replace("2.1.329", version);
    let gateway = over(
        "drift",
        &[
            sent("2.1.197", "api_request", &[("model", "opus")]),
            sent("2.1.329", "api_request", &[("model", "opus"), ("ttft_ms", "10")]),
            // Of a kind that one version alone sends: what it leaves out now and then is no drift.
            sent("2.1.329", "plugin_loaded", &[("plugin.name", "a")]),
            sent("2.1.329", "plugin_loaded", &[("plugin.scope", "b")]),
        ],
    )
    .await;
    let rows = gateway.rows("attribute_drift", "&min_events=1").await;
    let rows: Vec<_> = rows
        .iter()
        .map(|row| ["version", "attribute", "drift", "compared"].map(|name| row[name].clone()))
        .collect();
    assert_eq!(
        rows,
        [
            [json!("2.1.197"), json!("ttft_ms"), json!(1), json!(true)],
            [json!("2.1.329"), json!("ttft_ms"), json!(-1), json!(true)],
            [json!("2.1.329"), json!("plugin.name"), Value::Null, json!(false)],
            [json!("2.1.329"), json!("plugin.scope"), Value::Null, json!(false)],
        ]
    );
}

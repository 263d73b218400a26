//! A writer that knows only the collector's columns gets the same values in ours.

use granary_model::{Attribute, Attributes, LogRecord, Span, Value};

use crate::records::{api_request, logs, seal, span, spans};

const COLLECTOR_COLUMNS: &str = "Timestamp, TraceId, SpanId, TraceFlags, SeverityText, SeverityNumber, ServiceName, Body, \
     ResourceSchemaUrl, ResourceAttributes, ScopeSchemaUrl, ScopeName, ScopeVersion, ScopeAttributes, LogAttributes, \
     EventName";

/// What `Facts` reads and the `DEFAULT` expressions compute.
const FACTS: &str = "SessionId, UserId, TeamId, Project, PromptId, AgentEvent, Sequence, Model, ToolName, Success, DurationMs, \
     InputTokens, OutputTokens, CacheReadTokens, CacheCreationTokens, CacheCreation5mTokens, CacheCreation1hTokens, Cost";

/// One model by many names, others that look alike, and what has no sense.
const MODEL_SPELLINGS: [&str; 24] = [
    "claude-opus-4-8[1m]",
    "claude-haiku-4-5-20251001",
    "claude-haiku-4-5-20251001[1m]",
    "claude-haiku-4-5@20251001",
    "claude-haiku-4-5@latest",
    "claude-haiku-4-5@",
    "anthropic/claude-haiku-4-5",
    "us.anthropic.claude-haiku-4-5-20251001-v1:0",
    "global.anthropic.claude-haiku-4-5-v1[1m]",
    "arn:aws:bedrock:us-east-1:1234:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0",
    "anthropic.claude-opus-anthropic/claude-haiku-4-5",
    "claude-opus-4\nwith a line",
    "claude-v1",
    "claude--v1",
    "claude-20250929-v1",
    "claude-opus-v1-v2:3",
    "claude-opus-v1:",
    "claude-opus-20251001-20251002",
    "my-claude-opus[1m]",
    "glm-4.6[1m]",
    "deepseek-v3",
    "gpt-5-20250807",
    "a]b]",
    "[1m]",
];

fn variants() -> Vec<LogRecord> {
    let with = |pairs: &[(&str, Value)]| LogRecord {
        attributes: Attributes::new(
            pairs.iter().map(|(key, value)| Attribute::new(*key, value.clone())).collect(),
        ),
        ..api_request()
    };
    [
        api_request(),
        // An old client: numbers as text, the name with the product's prefix.
        with(&[
            ("event.name", "claude_code.tool_result".into()),
            ("cost_usd", "0.1".into()),
            ("input_tokens", "12".into()),
            ("success", "false".into()),
            ("duration_ms", "3.6".into()),
        ]),
        // The name in the body only; another agent's session; nonsense where numbers belong.
        with(&[
            ("conversation.id", "c1".into()),
            ("user.account_uuid", "a1".into()),
            ("gen_ai.request.model", "gpt".into()),
            ("function_name", "f".into()),
            ("duration_ms", "soon".into()),
            ("input_tokens", Value::Int(-1)),
            ("cost_usd", Value::Double(f64::NAN)),
            ("success", "maybe".into()),
        ]),
        with(&[
            ("cost_usd", Value::Double(1e-9)),
            ("cache_creation_tokens", Value::Int(7)),
            ("cache_creation_5m_tokens", Value::Int(4)),
            ("cache_creation_1h_tokens", "3".into()),
            ("success", Value::Bool(true)),
            ("duration_ms", Value::Int(-4)),
        ]),
        with(&[]),
    ]
    .into_iter()
    .chain(MODEL_SPELLINGS.map(|spelling| with(&[("model", spelling.into())])))
    .collect()
}

#[tokio::test]
async fn a_collector_s_insert_fills_our_columns_as_granary_does() {
    let test = granary_testkit::warehouse("defaults").await;
    test.owner.insert(&seal(&logs(&variants()), "1")).await.unwrap();
    let facts = format!("SELECT toString(tuple({FACTS})) FROM otel_logs ORDER BY ALL");
    let ours: Vec<String> = test.owner.query(&facts).fetch_all().await.unwrap();
    test.owner.execute("CREATE TABLE ours AS otel_logs ENGINE = MergeTree ORDER BY ()").await.unwrap();
    test.owner.execute("INSERT INTO ours SELECT * FROM otel_logs").await.unwrap();
    test.owner.execute("TRUNCATE TABLE otel_logs").await.unwrap();

    let insert = format!("INSERT INTO otel_logs ({COLLECTOR_COLUMNS}) SELECT {COLLECTOR_COLUMNS} FROM ours");
    test.owner.execute(&insert).await.unwrap();
    let computed: Vec<String> = test.owner.query(&facts).fetch_all().await.unwrap();
    assert_eq!(ours, computed);
    assert_eq!(ours.len(), variants().len());
}

#[tokio::test]
async fn a_collector_s_spans_have_our_names_of_the_models() {
    let test = granary_testkit::warehouse("defaults_spans").await;
    let variants = MODEL_SPELLINGS.map(|spelling| Span {
        attributes: Attributes::new(vec![Attribute::new("model", spelling)]),
        ..span()
    });
    test.owner.insert(&seal(&spans(&variants), "1")).await.unwrap();
    let models = "SELECT SpanAttributes['model'], toString(Model) FROM otel_traces ORDER BY ALL";
    let ours: Vec<(String, String)> = test.owner.query(models).fetch_all().await.unwrap();
    test.owner.execute("CREATE TABLE ours AS otel_traces ENGINE = MergeTree ORDER BY ()").await.unwrap();
    test.owner.execute("INSERT INTO ours SELECT * FROM otel_traces").await.unwrap();
    test.owner.execute("TRUNCATE TABLE otel_traces").await.unwrap();

    let columns = "Timestamp, TraceId, SpanId, SpanName, SpanAttributes";
    let insert = format!("INSERT INTO otel_traces ({columns}) SELECT {columns} FROM ours");
    test.owner.execute(&insert).await.unwrap();
    let computed: Vec<(String, String)> = test.owner.query(models).fetch_all().await.unwrap();
    assert_eq!(ours, computed);
    assert_eq!(ours.len(), MODEL_SPELLINGS.len());
}

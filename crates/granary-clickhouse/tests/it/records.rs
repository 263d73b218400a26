//! Records with something in every field.

use std::sync::Arc;

use granary_clickhouse::{Append, Envelope, GroupRef, Insert, LogColumns, SpanColumns, TableColumns};
use granary_model::{
    Attribute, Attributes, LogRecord, Resource, Scope, Span, SpanEvent, SpanId, SpanLink, StatusCode,
    TraceId, Value,
};
use uuid::Uuid;

pub(crate) const TIME: u64 = 1_795_165_605_889_123_456;

/// What every row here has as its batch.
pub(crate) const BATCH: Uuid = Uuid::from_u128(7);

pub(crate) fn envelope() -> Envelope<'static> {
    Envelope { tenant: "default", ingested_at_ms: 1_795_165_606_000, batch: BATCH }
}

pub(crate) fn resource() -> Arc<Resource> {
    Arc::new(Resource {
        attributes: Attributes::new(vec![
            Attribute::new("service.name", "claude-code"),
            Attribute::new("service.version", "2.1.328"),
            Attribute::new("team.id", "platform"),
        ]),
        schema_url: "https://opentelemetry.io/schemas/1.40.0".to_owned(),
    })
}

pub(crate) fn scope() -> Scope {
    Scope {
        name: "com.anthropic.claude_code.events".to_owned(),
        version: "2.1.328".to_owned(),
        attributes: Attributes::new(vec![Attribute::new("k", true)]),
        schema_url: "https://example.org/schema".to_owned(),
        dropped_attributes: 2,
    }
}

pub(crate) fn api_request() -> LogRecord {
    LogRecord {
        time_unix_nano: TIME,
        observed_time_unix_nano: TIME + 5,
        severity_number: 9,
        severity_text: "INFO".to_owned(),
        body: "claude_code.api_request".into(),
        attributes: Attributes::new(vec![
            Attribute::new("session.id", "s1"),
            Attribute::new("user.id", "0123abcd"),
            Attribute::new("user.email", "ada@example.com"),
            Attribute::new("event.name", "api_request"),
            Attribute::new("event.sequence", 15_i64),
            Attribute::new("prompt.id", "p1"),
            Attribute::new("project", "engine"),
            Attribute::new("model", "claude-sonnet-4-6"),
            Attribute::new("cost_usd", 0.002_765_190_000_000_000_3),
            Attribute::new("duration_ms", "742"),
            Attribute::new("input_tokens", 2_i64),
            Attribute::new("output_tokens", 4_i64),
            Attribute::new("cache_read_tokens", 9179_i64),
            Attribute::new("cache_creation_tokens", 13356_i64),
            Attribute::new("cache_creation_5m_tokens", 13000_i64),
            Attribute::new("cache_creation_1h_tokens", 356_i64),
            Attribute::new("tool_name", "Bash"),
            Attribute::new("success", "true"),
            Attribute::new("z.array", Value::Array(vec![1_i64.into(), "two".into()])),
            Attribute::new("z.bytes", Value::Bytes(vec![0, 255])),
            Attribute::new("z.empty", Value::Empty),
            Attribute::new("z.text", "it's \"quoted\"\t\\ 日本\n"),
        ]),
        dropped_attributes: 1,
        flags: 0x101,
        trace_id: TraceId([0xAB; 16]),
        span_id: SpanId([0xCD; 8]),
        event_name: "otlp.name".to_owned(),
    }
}

pub(crate) fn span() -> Span {
    Span {
        trace_id: TraceId([0xAB; 16]),
        span_id: SpanId([0xCD; 8]),
        parent_span_id: SpanId([0xEF; 8]),
        trace_state: "a=b".to_owned(),
        name: "claude_code.llm_request".to_owned(),
        kind: 1,
        start_time_unix_nano: TIME,
        end_time_unix_nano: TIME + 140_250_412,
        attributes: Attributes::new(vec![
            Attribute::new("session.id", "s1"),
            Attribute::new("model", "claude-sonnet-4-6"),
            Attribute::new("success", true),
        ]),
        dropped_attributes: 1,
        events: vec![
            SpanEvent {
                time_unix_nano: TIME + 1,
                name: "gen_ai.request.attempt".to_owned(),
                attributes: Attributes::new(vec![Attribute::new("attempt", 1_i64)]),
                dropped_attributes: 0,
            },
            SpanEvent { time_unix_nano: TIME + 2, name: "bare".to_owned(), ..SpanEvent::default() },
        ],
        dropped_events: 3,
        links: vec![SpanLink {
            trace_id: TraceId([1; 16]),
            span_id: SpanId([2; 8]),
            trace_state: "c=d".to_owned(),
            attributes: Attributes::new(vec![Attribute::new("link.type", "parent_of")]),
            dropped_attributes: 0,
            flags: 769,
        }],
        dropped_links: 4,
        status: StatusCode::Error,
        status_message: "overloaded".to_owned(),
        flags: 257,
    }
}

pub(crate) fn seal<C: TableColumns>(columns: &C, token: &str) -> Insert {
    let (mut scratch, mut frames) = (Vec::new(), Vec::new());
    columns.seal(&mut scratch, &mut frames);
    Insert { table: C::TABLE, rows: columns.rows(), token: token.to_owned(), frames: vec![frames.into()] }
}

pub(crate) fn logs(records: &[LogRecord]) -> LogColumns {
    let (resource, scope) = (resource(), scope());
    let mut columns = LogColumns::default();
    for record in records {
        let group = GroupRef { resource: &resource, scope: &scope };
        columns.append(envelope(), group, record, &["z.text"]);
    }
    columns
}

pub(crate) fn spans(records: &[Span]) -> SpanColumns {
    let (resource, scope) = (resource(), scope());
    let mut columns = SpanColumns::default();
    for record in records {
        columns.append(envelope(), GroupRef { resource: &resource, scope: &scope }, record, &[]);
    }
    columns
}

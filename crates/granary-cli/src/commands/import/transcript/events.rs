//! The events, with the names and types that the live telemetry gives their attributes.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;

use super::super::item::{Natural, NaturalKey, One};
use super::super::source::Reading;
use super::line::{Block, Line, Usage};
use super::{Answer, Call, attribute, mark, text};

/// One event, and the name it has in the live telemetry, too.
pub(super) struct Event {
    pub(super) one: One,
    pub(super) natural: Option<Natural>,
}

/// What the client sends in the place of texts unless it is told otherwise.
const REDACTED: &str = "<REDACTED>";

/// The longest text that the client sends, in its default.
const MAX_CONTENT_CHARS: usize = 61_440;

fn int(key: &str, value: u64) -> KeyValue {
    attribute(key, Value::IntValue(value.cast_signed()))
}

fn content(value: &str, reading: &Reading) -> String {
    if reading.content { value.chars().take(MAX_CONTENT_CHARS).collect() } else { REDACTED.to_owned() }
}

pub(super) fn user_prompt(line: &Line, prompt: &str, reading: &Reading) -> Event {
    let attributes = vec![
        text("prompt_length", &prompt.chars().count().to_string()),
        text("prompt", &content(prompt, reading)),
        text("message.uuid", &line.uuid),
    ];
    event("user_prompt", line, attributes, Some((NaturalKey::MessageUuid, &line.uuid)), reading)
}

pub(super) fn api_request(answer: &Answer, reading: &Reading) -> Event {
    let Answer { message, first, usage, .. } = answer;
    let model = first.message.as_ref().map_or("", |message| message.model.as_str());
    let Usage {
        input_tokens,
        output_tokens,
        cache_read_tokens,
        cache_creation_tokens,
        cache_creation_5m_tokens,
        cache_creation_1h_tokens,
        speed,
    } = usage;
    let mut attributes = vec![
        text("model", model),
        int("input_tokens", *input_tokens),
        int("output_tokens", *output_tokens),
        int("cache_read_tokens", *cache_read_tokens),
        int("cache_creation_tokens", *cache_creation_tokens),
        text("query_source", query_source(first)),
    ];
    if cache_creation_5m_tokens + cache_creation_1h_tokens > 0 {
        attributes.push(int("cache_creation_5m_tokens", *cache_creation_5m_tokens));
        attributes.push(int("cache_creation_1h_tokens", *cache_creation_1h_tokens));
    }
    let named = [("speed", speed), ("effort", &first.effort), ("agent.name", &first.attribution_agent)];
    attributes.extend(named.into_iter().filter_map(|(key, value)| Some(text(key, value.as_deref()?))));
    // The line of an answer without a request's id has the message's, which no live event has.
    let request = first.request_id.as_deref().unwrap_or(message);
    attributes.push(text("request_id", request));
    let day = first.timestamp.unwrap_or_default().to_zoned(TimeZone::UTC).date();
    let is_fast = speed.as_deref() == Some("fast");
    let estimated = || reading.prices.cost(model, day, usage, is_fast);
    if let Some(cost) = first.cost_usd.or_else(estimated) {
        attributes.push(attribute("cost_usd", Value::DoubleValue(cost)));
        attributes.push(attribute("cost.estimated", Value::BoolValue(first.cost_usd.is_none())));
    }
    event("api_request", first, attributes, Some((NaturalKey::RequestId, request)), reading)
}

pub(super) fn assistant_response(answer: &Answer, reading: &Reading) -> Event {
    let Answer { message, first, text: said, .. } = answer;
    let request = first.request_id.as_deref().unwrap_or(message);
    let attributes = vec![
        int("response_length", said.chars().count() as u64),
        text("response", &content(said, reading)),
        text("model", first.message.as_ref().map_or("", |message| message.model.as_str())),
        text("request_id", request),
        text("message.uuid", &first.uuid),
        text("query_source", query_source(first)),
    ];
    event("assistant_response", first, attributes, Some((NaturalKey::RequestId, request)), reading)
}

pub(super) fn tool_result(line: &Line, block: &Block, call: &Call, reading: &Reading) -> Event {
    let (id, is_error, size) = match block {
        Block::ToolResult { tool_use_id, is_error, content } => {
            let size = content.as_str().map_or_else(|| content.to_string().len(), str::len);
            (tool_use_id.as_str(), *is_error, size)
        }
        _ => ("", false, 0),
    };
    let said = line.tool_use_result.as_ref().and_then(|result| {
        result.get("totalDurationMs").or_else(|| result.get("durationMs")).and_then(serde_json::Value::as_u64)
    });
    let waited = line.timestamp.unwrap_or_default().as_millisecond() - call.at.as_millisecond();
    let duration_ms = said.unwrap_or_else(|| u64::try_from(waited).unwrap_or_default());
    let mut attributes = vec![
        text("tool_name", &call.name),
        text("tool_use_id", id),
        text("success", if is_error { "false" } else { "true" }),
        text("duration_ms", &duration_ms.to_string()),
        text("tool_input_size_bytes", &call.input.len().to_string()),
        text("tool_result_size_bytes", &size.to_string()),
    ];
    if reading.content {
        attributes.push(text("tool_input", &content(&call.input, reading)));
    }
    event("tool_result", line, attributes, Some((NaturalKey::ToolUseId, id)), reading)
}

/// `None` is another kind of system line.
pub(super) fn compaction(line: &Line, reading: &Reading) -> Option<Event> {
    let compaction = line.compact_metadata.as_ref().filter(|_| line.subtype == "compact_boundary")?;
    let mut attributes =
        vec![text("trigger", &compaction.trigger), text("success", "true"), text("message.uuid", &line.uuid)];
    for (key, value) in [
        ("pre_tokens", compaction.pre_tokens),
        ("post_tokens", compaction.post_tokens),
        ("duration_ms", compaction.duration_ms),
    ] {
        attributes.extend(value.map(|value| text(key, &value.to_string())));
    }
    Some(event("compaction", line, attributes, Some((NaturalKey::MessageUuid, &line.uuid)), reading))
}

fn query_source(line: &Line) -> &str {
    if line.is_sidechain || line.agent_id.is_some() {
        line.attribution_agent.as_deref().unwrap_or("subagent")
    } else {
        "repl_main_thread"
    }
}

fn event(
    name: &str,
    line: &Line,
    own: Vec<KeyValue>,
    natural: Option<(NaturalKey, &str)>,
    reading: &Reading,
) -> Event {
    let at: Timestamp = line.timestamp.unwrap_or_default();
    let time_unix_nano = u64::try_from(at.as_nanosecond()).unwrap_or_default();
    let mut attributes = vec![
        text("session.id", &line.session_id),
        text("event.name", name),
        text("event.timestamp", &format!("{at:.3}")),
    ];
    attributes.extend(line.prompt_id.as_deref().map(|id| text("prompt.id", id)));
    attributes.extend(own);
    let mut resource = vec![text("service.name", "claude-code"), mark("transcript")];
    if !line.version.is_empty() {
        resource.push(text("service.version", &line.version));
    }
    resource.extend(reading.attributes.iter().cloned());
    let record = LogRecord {
        time_unix_nano,
        observed_time_unix_nano: time_unix_nano,
        body: Some(AnyValue { value: Some(Value::StringValue(format!("claude_code.{name}"))) }),
        attributes,
        ..LogRecord::default()
    };
    let scope = InstrumentationScope {
        name: "com.anthropic.claude_code.events".to_owned(),
        version: line.version.clone(),
        ..InstrumentationScope::default()
    };
    let request = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(Resource { attributes: resource, ..Resource::default() }),
            scope_logs: vec![ScopeLogs {
                scope: Some(scope),
                log_records: vec![record],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    };
    // An id that is empty names nothing.
    let natural = natural.filter(|(_, value)| !value.is_empty());
    let natural = natural.map(|(key, value)| Natural { key, value: value.to_owned() });
    Event { one: One::Logs(request), natural }
}

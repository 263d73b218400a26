//! What do the log records say?
//!
//! One function per event returns its own attributes, in the client's order; [`render`] adds what all events have.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use crate::attributes::{boolean, double, int, spelled, spelled_flag, string, text, texts};
use crate::calendar::{MILLISECOND, timestamp};
use crate::calls::ToolCall;
use crate::failures::ApiFailure;
use crate::identity::Identity;
use crate::plan::Event;
use crate::requests::ApiCall;
use crate::thread::Subagent;

/// What stands where the client was not told to send the text.
pub(crate) const REDACTED: &str = "<REDACTED>";

/// The plugins that come with the client.
pub(crate) const PLUGINS: [(&str, &str); 3] = [
    ("cc-plugin-agents-md", "da63145d0acbb62d"),
    ("cc-plugin-privacy", "a2f27f067781660d"),
    ("cc-plugin-plugin-authoring", "559932fe5f722b82"),
];

/// Writes an event as the log record with this number in its process.
pub(crate) fn render(
    event: &Event,
    sequence: u64,
    identity: &Identity,
    session_start_nano: u64,
) -> LogRecord {
    let time = session_start_nano + event.at_ms * MILLISECOND;
    let mut attributes = identity.standard(event.attributes.len() + 4);
    attributes.push(text("event.name", event.name));
    attributes.push(text("event.timestamp", timestamp(time)));
    attributes.push(int("event.sequence", sequence));
    attributes.extend(event.prompt_id.as_ref().map(|id| text("prompt.id", id.as_ref())));
    attributes.extend_from_slice(&event.attributes);
    let mut record = LogRecord {
        time_unix_nano: time,
        observed_time_unix_nano: time,
        body: Some(string(format!("claude_code.{}", event.name))),
        attributes,
        ..LogRecord::default()
    };
    if let Some(span) = event.span {
        record.flags = 1;
        record.trace_id = span.trace.to_vec();
        record.span_id = span.span.to_vec();
    }
    record
}

pub(crate) fn managed_settings_resolved() -> Vec<KeyValue> {
    vec![
        text("managed_settings.trigger", "startup"),
        texts("managed_settings.sources", &[]),
        text("managed_settings.source_behavior", "first-wins"),
        text("managed_settings.helper.state", "none"),
        text("managed_settings.helper.applied", "none"),
    ]
}

pub(crate) fn plugin_loaded(name: &str, hash: &str) -> Vec<KeyValue> {
    vec![
        text("plugin.name", name),
        text("marketplace.name", "builtin"),
        text("plugin.scope", "default-bundle"),
        text("enabled_via", "default-enable"),
        text("plugin_id_hash", hash),
        boolean("has_hooks", true),
        boolean("has_mcp", false),
        boolean("host_owned_mcp", false),
        int("skill_path_count", 0),
        int("command_path_count", 0),
        int("agent_path_count", 0),
        text("safe_mode", "false"),
    ]
}

pub(crate) fn hook_registered(hook_event: &str) -> Vec<KeyValue> {
    vec![
        text("hook_event", hook_event),
        text("hook_type", "command"),
        text("hook_source", "projectSettings"),
        text("safe_mode", "false"),
    ]
}

/// The start of a hook's run.
pub(crate) fn hook_execution_start(hook_event: &str, hook_name: &str) -> Vec<KeyValue> {
    vec![
        text("hook_event", hook_event),
        text("hook_name", hook_name),
        text("num_hooks", "1"),
        text("managed_only", "false"),
        text("hook_source", "merged"),
        text("safe_mode", "false"),
    ]
}

/// The end of a hook's run.
pub(crate) fn hook_execution_complete(
    hook_event: &str,
    hook_name: &str,
    ok: bool,
    duration_ms: u64,
) -> Vec<KeyValue> {
    let mut attributes = hook_execution_start(hook_event, hook_name);
    attributes.extend([
        spelled("num_success", u64::from(ok)),
        text("num_blocking", "0"),
        spelled("num_non_blocking_error", u64::from(!ok)),
        text("num_cancelled", "0"),
        spelled("total_duration_ms", duration_ms),
    ]);
    attributes
}

pub(crate) fn mcp_server_connection(
    server: &str,
    ok: bool,
    duration_ms: u64,
    details: bool,
) -> Vec<KeyValue> {
    let mut attributes = vec![
        text("status", if ok { "connected" } else { "failed" }),
        text("transport_type", if server == "postgres" { "stdio" } else { "http" }),
        text("server_scope", "project"),
        spelled("duration_ms", duration_ms),
    ];
    attributes.extend((!ok).then(|| text("error_code", "ECONNREFUSED")));
    attributes.push(boolean("is_plugin", false));
    attributes.extend(details.then(|| text("server_name", server)));
    attributes
}

pub(crate) fn retention_sweep(fresh_files: u64) -> Vec<KeyValue> {
    let none = |key| text(key, "0");
    vec![
        text("result", "complete"),
        text("period_days", "30"),
        text("used_default", "true"),
        none("transcripts_deleted"),
        none("transcripts_exempted_desktop"),
        none("session_files_deleted"),
        none("artifacts_deleted"),
        spelled("files_retained_fresh", fresh_files),
        none("files_past_cutoff"),
        none("error_count"),
        none("history_entries_pruned"),
    ]
}

pub(crate) fn user_prompt(length: u64, message_uuid: &str, command: Option<&str>) -> Vec<KeyValue> {
    let mut attributes = vec![
        spelled("prompt_length", length),
        text("prompt", REDACTED),
        text("prompt_text", REDACTED),
        text("message.uuid", message_uuid),
    ];
    if let Some(command) = command {
        attributes.extend([text("command_name", command), text("command_source", "builtin")]);
    }
    attributes
}

pub(crate) fn at_mention(found: bool) -> Vec<KeyValue> {
    vec![text("mention_type", "file"), spelled_flag("success", found)]
}

pub(crate) fn permission_mode_changed(from: &str, to: &str) -> Vec<KeyValue> {
    vec![text("from_mode", from), text("to_mode", to), text("trigger", "shift_tab")]
}

pub(crate) fn api_request(call: &ApiCall) -> Vec<KeyValue> {
    let (tokens, price) = (call.tokens, call.model.price());
    let mut attributes = vec![
        text("model", call.model.name()),
        int("input_tokens", tokens.input),
        int("output_tokens", tokens.output),
        int("cache_read_tokens", tokens.cache_read),
        int("cache_creation_tokens", tokens.cache_creation),
        int("cache_creation_5m_tokens", tokens.cache_creation),
        int("cache_creation_1h_tokens", 0),
        double("cost_usd", price.reported_usd(tokens)),
        int("cost_usd_micros", (price.cost_nano_usd(tokens) + 500) / 1_000),
        int("duration_ms", call.duration_ms),
        int("ttft_ms", call.ttft_ms),
        text("request_id", call.request_id.as_str()),
        text("speed", "normal"),
        text("query_source", call.query_source.as_ref()),
    ];
    attributes.extend(call.effort.map(|effort| text("effort", effort)));
    if let Some(agent) = &call.agent {
        attributes.extend([text("agent.name", agent.kind), text("agent_id", agent.id.as_str())]);
    }
    attributes
}

pub(crate) fn assistant_response(call: &ApiCall) -> Vec<KeyValue> {
    let mut attributes = vec![
        int("response_length", call.response_length),
        text("response", REDACTED),
        text("request_id", call.request_id.as_str()),
        text("message.uuid", call.message_uuid.as_str()),
        text("model", call.model.name()),
        text("query_source", call.query_source.as_ref()),
    ];
    attributes.extend(agent_id(call.agent.as_ref()));
    attributes
}

pub(crate) fn api_error(call: &ApiCall, failure: &ApiFailure) -> Vec<KeyValue> {
    let mut attributes = vec![text("model", call.model.name()), text("error", failure.message.as_str())];
    attributes.extend(failure.status_code.map(|status| int("status_code", status)));
    attributes.push(int("duration_ms", failure.duration_ms));
    attributes.push(int("attempt", failure.attempt));
    // Whoever got no answer has no id from it either.
    attributes.extend(failure.status_code.map(|_| text("request_id", call.request_id.as_str())));
    attributes.push(text("speed", "normal"));
    attributes.push(text("query_source", call.query_source.as_ref()));
    attributes.extend(call.effort.map(|effort| text("effort", effort)));
    attributes.extend(agent_id(call.agent.as_ref()));
    attributes
}

pub(crate) fn api_retries_exhausted(call: &ApiCall, failure: &ApiFailure, total_ms: u64) -> Vec<KeyValue> {
    let mut attributes = vec![text("model", call.model.name()), text("error", failure.message.as_str())];
    attributes.extend(failure.status_code.map(|status| int("status_code", status)));
    attributes.extend([
        spelled("total_attempts", failure.attempt),
        spelled("total_retry_duration_ms", total_ms),
        text("speed", "normal"),
    ]);
    attributes
}

pub(crate) fn tool_decision(call: &ToolCall, agent: Option<&Subagent>, details: bool) -> Vec<KeyValue> {
    let mut attributes = vec![
        text("decision", call.decision.word()),
        text("source", call.decision.source),
        text("tool_name", call.name.as_str()),
        text("tool_use_id", call.use_id.as_str()),
        text("tool_source", if call.tool == crate::tools::Tool::Mcp { "mcp" } else { "builtin" }),
    ];
    let parameters = call.parameters.clone().filter(|_| details);
    attributes.extend(parameters.map(|parameters| text("tool_parameters", parameters.end())));
    attributes.push(text("permission_mode", call.mode));
    attributes.push(text("request_id", call.request_id.as_str()));
    attributes.extend(agent_id(agent));
    attributes
}

pub(crate) fn tool_result(call: &ToolCall, agent: Option<&Subagent>, details: bool) -> Vec<KeyValue> {
    let mut attributes = vec![
        text("tool_name", call.name.as_str()),
        text("tool_use_id", call.use_id.as_str()),
        spelled_flag("success", call.failure.is_none()),
        spelled("duration_ms", call.duration_ms),
    ];
    if let Some(failure) = &call.failure {
        attributes.push(text("error_type", failure.class));
        attributes.extend(details.then(|| text("error", failure.message.as_str())));
    }
    if details {
        attributes.extend(call.result_parameters().map(|parameters| text("tool_parameters", parameters)));
        attributes.push(text("tool_input", call.input.as_str()));
    }
    attributes.push(spelled("tool_input_size_bytes", call.input_bytes));
    attributes.extend(call.failure.is_none().then(|| spelled("tool_result_size_bytes", call.result_bytes)));
    if let Some(commit) = call.commit.as_ref().filter(|_| details) {
        attributes.extend([
            text("vcs.ref.head.revision", commit.id.as_str()),
            text("vcs.ref.head.name", commit.branch.as_str()),
            text("vcs.ref.head.type", "branch"),
        ]);
    }
    attributes.push(text("request_id", call.request_id.as_str()));
    attributes.extend(agent_id(agent));
    attributes
}

pub(crate) fn compaction(
    trigger: &str,
    duration_ms: u64,
    tokens_before: u64,
    tokens_after: u64,
) -> Vec<KeyValue> {
    vec![
        text("trigger", trigger),
        text("success", "true"),
        spelled("duration_ms", duration_ms),
        spelled("pre_tokens", tokens_before),
        spelled("post_tokens", tokens_after),
    ]
}

pub(crate) fn subagent_completed(
    agent: &Subagent,
    last: &ApiCall,
    tool_uses: u64,
    duration_ms: u64,
) -> Vec<KeyValue> {
    let built_in = agent.is_built_in();
    vec![
        text("agent_type", agent.kind),
        text("agent.source", if built_in { "built-in" } else { "projectSettings" }),
        boolean("is_built_in", built_in),
        boolean("is_async", agent.in_background),
        int("total_tokens", last.tokens.total()),
        int("total_tool_uses", tool_uses),
        int("duration_ms", duration_ms),
        text("model", last.model.name()),
        text("final_model", last.model.name()),
        boolean("model_swapped", false),
        text("agent_id", agent.id.as_str()),
    ]
}

fn agent_id(agent: Option<&Subagent>) -> Option<KeyValue> {
    agent.map(|agent| text("agent_id", agent.id.as_str()))
}

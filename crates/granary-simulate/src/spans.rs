//! What do the spans say?

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

use crate::attributes::{boolean, int, text, texts};
use crate::calendar::MILLISECOND;
use crate::calls::ToolCall;
use crate::events::REDACTED;
use crate::failures::ApiFailure;
use crate::identity::Identity;
use crate::plan::SpanPlan;
use crate::requests::ApiCall;
use crate::thread::Subagent;
use crate::tools::Tool;

/// The flags the client sets: sampled, and known whether the parent is remote.
const FLAGS: u32 = 257;

/// Returns a span's name from its `span.type`.
pub(crate) fn name(kind: &str) -> String {
    format!("claude_code.{kind}")
}

/// Writes a span as the client does.
pub(crate) fn render(plan: &SpanPlan, identity: &Identity, session_start_nano: u64) -> Span {
    let mut attributes = identity.standard(plan.attributes.len() + 2);
    attributes.push(text("gen_ai.provider.name", "anthropic"));
    attributes.push(text("span.type", plan.kind));
    attributes.extend_from_slice(&plan.attributes);
    let events = plan.attempts_ms.iter().zip(1..).map(|(at_ms, attempt)| Event {
        time_unix_nano: session_start_nano + at_ms * MILLISECOND + plan.end_nanos / 2,
        name: "gen_ai.request.attempt".to_owned(),
        attributes: vec![int("attempt", attempt)],
        dropped_attributes_count: 0,
    });
    let status = match &plan.error {
        None => Status::default(),
        Some(message) => Status { message: message.clone(), code: StatusCode::Error.into() },
    };
    Span {
        trace_id: plan.context.trace.to_vec(),
        span_id: plan.context.span.to_vec(),
        parent_span_id: plan.parent.map(|parent| parent.to_vec()).unwrap_or_default(),
        flags: FLAGS,
        name: name(plan.kind),
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: session_start_nano + plan.start_ms * MILLISECOND,
        end_time_unix_nano: session_start_nano + plan.end_ms * MILLISECOND + plan.end_nanos,
        attributes,
        events: events.collect(),
        status: Some(status),
        ..Span::default()
    }
}

/// The attributes of a prompt's root span.
pub(crate) fn interaction(
    session_id: &str,
    prompt_length: u64,
    sequence: u64,
    duration_ms: u64,
) -> Vec<KeyValue> {
    vec![
        text("gen_ai.operation.name", "invoke_agent"),
        text("gen_ai.conversation.id", session_id),
        text("user_prompt", REDACTED),
        int("user_prompt_length", prompt_length),
        int("interaction.sequence", sequence),
        text("parent.source", "none"),
        int("queued_sends", 0),
        int("interaction.duration_ms", duration_ms),
    ]
}

/// The attributes of a request to the model, which lasts as long as all of its attempts.
pub(crate) fn llm_request(
    call: &ApiCall,
    failure: Option<&ApiFailure>,
    conversation: &str,
    total_ms: u64,
) -> Vec<KeyValue> {
    let mut attributes = vec![
        text("model", call.model.name()),
        text("gen_ai.system", "anthropic"),
        text("gen_ai.request.model", call.model.name()),
        text("llm_request.context", if call.agent.is_some() { "tool" } else { "interaction" }),
        text("speed", "normal"),
        text("gen_ai.conversation.id", conversation),
        text("query_source_safe", call.query_source.replace(':', ".")),
    ];
    attributes.extend(agent_id(call.agent.as_ref()));
    let Some(failure) = failure else {
        let tokens = call.tokens;
        attributes.extend([
            int("duration_ms", total_ms),
            int("input_tokens", tokens.input),
            int("output_tokens", tokens.output),
            int("cache_read_tokens", tokens.cache_read),
            int("cache_creation_tokens", tokens.cache_creation),
            boolean("success", true),
            int("attempt", call.attempt),
            text("request_id", call.request_id.as_str()),
            text("gen_ai.response.id", call.request_id.as_str()),
            int("ttft_ms", call.ttft_ms),
            int("first_content_ms", call.ttft_ms + 1),
        ]);
        attributes.extend(call.effort.map(|effort| text("effort", effort)));
        let reason = if call.asks_for_tools { "tool_use" } else { "end_turn" };
        attributes.extend([text("stop_reason", reason), texts("gen_ai.response.finish_reasons", &[reason])]);
        return attributes;
    };
    attributes.extend([int("duration_ms", total_ms), boolean("success", false)]);
    attributes.extend(failure.status_code.map(|status| int("status_code", status)));
    attributes.extend([
        text("error", failure.message.as_str()),
        text("error_class", failure.class),
        int("attempt", failure.attempt),
    ]);
    if failure.status_code.is_some() {
        let id = call.request_id.as_str();
        attributes.extend([text("request_id", id), text("gen_ai.response.id", id)]);
    }
    attributes.extend(call.effort.map(|effort| text("effort", effort)));
    attributes
}

/// The attributes of a tool's span, from the decision to the result.
pub(crate) fn tool(
    call: &ToolCall,
    agent: Option<&Subagent>,
    conversation: &str,
    details: bool,
    duration_ms: u64,
) -> Vec<KeyValue> {
    let safe_name = if call.tool == Tool::Mcp { "mcp_tool" } else { call.name.as_str() };
    let mut attributes = vec![
        text("tool_name", call.name.as_str()),
        text("tool_name_safe", safe_name),
        text("gen_ai.operation.name", "execute_tool"),
        text("gen_ai.tool.name", call.name.as_str()),
        text("gen_ai.conversation.id", conversation),
    ];
    attributes.extend(agent_id(agent));
    if details {
        attributes.extend(call.file_path.as_deref().map(|path| text("file_path", path)));
        attributes.extend(call.subagent.map(|kind| text("subagent_type", kind)));
        attributes.extend(call.command.as_ref().map(|command| text("full_command", command.text.as_str())));
    }
    if let Some(command) = &call.command {
        // An assignment before the program is not told, in case it is a secret.
        let program = if command.program().contains('=') { "other" } else { command.program() };
        attributes.extend([text("bash_command_class", command.class), text("bash_argv0", program)]);
    }
    attributes.extend([
        text("tool_use_id", call.use_id.as_str()),
        text("gen_ai.tool.call.id", call.use_id.as_str()),
        int("duration_ms", duration_ms),
    ]);
    attributes
}

/// The attributes of the wait for a decision.
pub(crate) fn blocked_on_user(call: &ToolCall, conversation: &str) -> Vec<KeyValue> {
    vec![
        text("gen_ai.conversation.id", conversation),
        int("duration_ms", call.decision.wait_ms),
        text("decision", call.decision.word()),
        text("source", call.decision.source),
    ]
}

/// The attributes of the tool's run.
pub(crate) fn execution(call: &ToolCall, conversation: &str, details: bool) -> Vec<KeyValue> {
    let mut attributes = vec![
        text("gen_ai.conversation.id", conversation),
        text("tool_use_id", call.use_id.as_str()),
        text("gen_ai.tool.call.id", call.use_id.as_str()),
        int("duration_ms", call.duration_ms),
        boolean("success", call.failure.is_none()),
    ];
    if let Some(failure) = &call.failure {
        attributes.push(text("error.type", "tool_error"));
        attributes.extend(details.then(|| text("error", failure.message.as_str())));
        attributes.push(text("error_class", failure.class));
    }
    attributes
}

fn agent_id(agent: Option<&Subagent>) -> Option<KeyValue> {
    agent.map(|agent| text("agent_id", agent.id.as_str()))
}

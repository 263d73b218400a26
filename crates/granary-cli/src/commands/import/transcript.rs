//! Claude Code's local transcripts, as the events that its telemetry would have sent.
//!
//! A transcript has one line a content block; the lines of one answer share a message id and repeat its usage. Lines give:
//!
//! | lines | event | not known from a transcript |
//! |---|---|---|
//! | a person's `user` line | `user_prompt` | |
//! | all `assistant` lines of one message | `api_request`, and `assistant_response` where there is text | duration and time to the first token |
//! | a `tool_result` block, with its `tool_use` | `tool_result` | who decided |
//! | `system` with `compact_boundary` | `compaction` | |
//!
//! Names and types of the attributes are those of the live events. A tool's duration is what the line says, else the time
//! from call to result, which has the wait for a permission in it. `cost_usd` is what the line says, else reckoned from the
//! price list, and then `cost.estimated` is true. Texts are the placeholder that the client sends by default, unless content
//! is asked for. There is no `event.sequence`: it belongs to a process, and a transcript names none.

mod events;
mod line;

use std::collections::{HashMap, VecDeque};
use std::io::BufRead;

use jiff::Timestamp;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

use super::item::{Found, Item};
use super::lines::{self, Line as Read};
use super::source::{Finds, Reading};
use events::Event;
pub(super) use line::Usage;
use line::{Block, Line};

/// The resource attribute that says that a record was imported, and from what.
pub(super) fn mark(source: &str) -> KeyValue {
    text("granary.import", source)
}

pub(super) fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// Answers whose lines may still go on. More at once are closed, the oldest first.
const MAX_OPEN: usize = 32;

/// Calls of tools that wait for their result.
const MAX_CALLS: usize = 10_000;

/// What of earlier lines the later ones need.
#[derive(Default)]
struct State {
    open: VecDeque<Answer>,
    calls: HashMap<String, Call>,
}

/// One answer of the model, from all its lines.
struct Answer {
    message: String,
    line_number: u64,
    /// The first line's, which says when, whose, and by which version.
    first: Line,
    usage: Usage,
    text: String,
}

/// A tool that was called.
struct Call {
    name: String,
    input: String,
    at: Timestamp,
}

/// Reads a transcript's lines.
pub(super) fn read(
    reader: &mut dyn BufRead,
    reading: &Reading,
    finds: &mut Finds<'_>,
) -> std::io::Result<()> {
    let (mut state, mut number) = (State::default(), 0);
    while let Some(line) = lines::next(reader)? {
        number += 1;
        if !finds.is_wanted {
            return Ok(());
        }
        let Read::Text(line) = line else {
            finds.skip(number, lines::too_long());
            continue;
        };
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice::<Line>(&line) {
            Ok(line) => take(line, number, &mut state, reading, finds),
            // The error's own text may quote the line.
            Err(error) => finds.skip(
                number,
                format!(
                    "not a line of a transcript ({:?} error at column {})",
                    error.classify(),
                    error.column()
                ),
            ),
        }
    }
    while let Some(answer) = state.open.pop_front() {
        close(&answer, reading, finds);
    }
    Ok(())
}

fn take(line: Line, number: u64, state: &mut State, reading: &Reading, finds: &mut Finds<'_>) {
    let kind = line.kind.as_str();
    if !matches!(kind, "user" | "assistant" | "system") {
        return finds.push(Found::PassedOver(if kind.is_empty() {
            "without a type".to_owned()
        } else {
            kind.to_owned()
        }));
    }
    if line.session_id.is_empty() || line.timestamp.is_none() {
        return finds.skip(number, format!("a line of type {kind} without sessionId or timestamp"));
    }
    match kind {
        "assistant" => take_answer(line, number, state, reading, finds),
        "user" => take_user(&line, number, state, reading, finds),
        _ => match events::compaction(&line, reading) {
            Some(event) => push(event, number, reading, finds),
            None => finds.push(Found::PassedOver(format!("system {}", line.subtype))),
        },
    }
}

fn take_answer(line: Line, number: u64, state: &mut State, reading: &Reading, finds: &mut Finds<'_>) {
    let Some(message) = &line.message else {
        return finds.skip(number, "an assistant line without its message");
    };
    if message.model == "<synthetic>" {
        return finds.push(Found::PassedOver("assistant <synthetic>".to_owned()));
    }
    let id = if message.id.is_empty() { line.uuid.clone() } else { message.id.clone() };
    let (usage, mut said) = (message.usage.clone().unwrap_or_default(), String::new());
    for block in message.content.blocks() {
        match block {
            Block::Text { text } => said.push_str(text),
            Block::ToolUse { id, name, input } => {
                if state.calls.len() >= MAX_CALLS {
                    state.calls.clear();
                }
                let at = line.timestamp.unwrap_or_default();
                state.calls.insert(id.clone(), Call { name: name.clone(), input: input.to_string(), at });
            }
            Block::ToolResult { .. } | Block::Other => {}
        }
    }
    if let Some(answer) = state.open.iter_mut().find(|answer| answer.message == id) {
        // The same usage on each line; a stream's first line may have less.
        answer.usage = answer.usage.max(&usage);
        answer.text.push_str(&said);
        return;
    }
    if state.open.len() >= MAX_OPEN
        && let Some(oldest) = state.open.pop_front()
    {
        close(&oldest, reading, finds);
    }
    state.open.push_back(Answer { message: id, line_number: number, first: line, usage, text: said });
}

fn close(answer: &Answer, reading: &Reading, finds: &mut Finds<'_>) {
    let number = answer.line_number;
    push(events::api_request(answer, reading), number, reading, finds);
    if !answer.text.is_empty() {
        push(events::assistant_response(answer, reading), number, reading, finds);
    }
}

fn take_user(line: &Line, number: u64, state: &mut State, reading: &Reading, finds: &mut Finds<'_>) {
    let Some(message) = &line.message else { return finds.skip(number, "a user line without its message") };
    let mut has_results = false;
    for block in message.content.blocks() {
        if let Block::ToolResult { tool_use_id, .. } = block {
            has_results = true;
            match state.calls.remove(tool_use_id) {
                Some(call) => push(events::tool_result(line, block, &call, reading), number, reading, finds),
                None => finds.skip(number, "a tool's result whose call is not in the file before it"),
            }
        }
    }
    if has_results {
        return;
    }
    // A subagent's prompt is its caller's, and what is marked as meta nobody typed.
    if line.is_meta || line.is_sidechain || line.is_compact_summary {
        return finds.push(Found::PassedOver("user, not a person's".to_owned()));
    }
    push(events::user_prompt(line, &message.content.text(), reading), number, reading, finds);
}

fn push(event: Event, number: u64, reading: &Reading, finds: &mut Finds<'_>) {
    let Event { one, natural } = event;
    match Item::new(one, &reading.tenant, &reading.redactor, natural) {
        Ok(item) => finds.push(Found::Item(Box::new(item))),
        Err(reason) => finds.skip(number, reason),
    }
}

//! A call of a tool: a named query is run, and as much of its answer as an agent should read comes back.

use futures::StreamExt;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::message::{Fault, Request};
use super::table::{Row, Table};
use super::tools::{Tools, arguments};
use crate::problem::Problem;
use crate::router::GatewayState;
use crate::{Caller, Format, NamedQuery, PreparedQuery, RawParams, RunError};

/// Rows that are shown where the agent does not give `limit`.
const USUAL_ROWS: usize = 50;

/// Rows that are shown at most, whatever `limit` says.
const MAX_ROWS: usize = 500;

/// Characters of the table at most: some ten thousand words of an agent's context.
const MAX_TABLE_CHARS: usize = 48 * 1024;

/// Bytes of a row as the engine writes it. A longer one is not read to its end, and the answer ends before it.
const MAX_ROW_BYTES: usize = 1024 * 1024;

/// Runs a tool. What the agent can mend is a result that says so; the protocol's own errors are for what it cannot.
pub(super) async fn call(
    state: &GatewayState,
    tools: &Tools,
    caller: &Caller,
    request: &Request,
    request_id: Uuid,
) -> Result<Value, Fault> {
    let name = request.text("name").ok_or_else(|| Fault::invalid_params("params.name must be a text"))?;
    let query = tools.get(name).ok_or_else(|| Fault::invalid_params(format!("Unknown tool: {name}")))?;
    let params = match arguments(request.params.get("arguments")) {
        Ok(params) => params,
        Err(reason) => return Ok(failed(&reason)),
    };
    let (params, rows) = bounded(&query, params);
    let prepared = match caller.prepare(&query, &params, Timestamp::now()) {
        Ok(prepared) => prepared,
        Err(error) => return Ok(failed(&error.to_string())),
    };
    match read(state, &prepared, &query, caller, request_id, rows).await {
        Ok(table) => Ok(shown(&query, &params, &table)),
        Err(error) => {
            let problem = Problem::from(error);
            tracing::warn!(tool = name, cause = problem.cause, "a tool's query gave no answer");
            Ok(failed(&format!("{} (request {request_id})", problem.detail())))
        }
    }
}

/// Gives a limit where the query has one and the agent does not, with one row to spare, which tells that there are more.
fn bounded(query: &NamedQuery, mut params: RawParams) -> (RawParams, usize) {
    let given = params.iter().find(|(name, _)| *name == "limit").and_then(|(_, value)| value.parse().ok());
    let rows = given.unwrap_or(USUAL_ROWS).min(MAX_ROWS);
    if let (None, Some(limit)) = (given, query.limit())
        && !params.iter().any(|(name, _)| name == "limit")
    {
        let spare = u32::try_from(USUAL_ROWS + 1).unwrap_or(u32::MAX);
        params.push("limit", spare.min(limit.max).to_string());
    }
    (params, rows)
}

/// Reads rows until there are enough, which ends the query.
async fn read(
    state: &GatewayState,
    prepared: &PreparedQuery,
    query: &NamedQuery,
    caller: &Caller,
    request_id: Uuid,
    rows: usize,
) -> Result<Table, RunError> {
    let mut answer = state.runner.run_for(prepared, Format::Ndjson, caller, request_id).await?;
    let mut table = Table::new(query.columns(), rows, MAX_TABLE_CHARS);
    let mut line = Vec::new();
    while let Some(piece) = answer.next().await {
        for part in piece?.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(part);
            if line.ends_with(b"\n") {
                let row = serde_json::from_slice::<Map<String, Value>>(&line).unwrap_or_default();
                line.clear();
                if !table.push(Row::of(row)) {
                    return Ok(table);
                }
            } else if line.len() > MAX_ROW_BYTES {
                table.is_complete = false;
                return Ok(table);
            }
        }
    }
    Ok(table)
}

fn shown(query: &NamedQuery, params: &RawParams, table: &Table) -> Value {
    let mut text = format!("{}\n\n{}", query.question(), table.markdown());
    let mut content = table.structured();
    if !table.is_complete {
        let note = format!(
            "These are the first {} rows, and there are more. Narrow the range or the filters{}, or fetch all of them with GET {}.",
            table.len(),
            if query.limit().is_some() {
                format!(", or give limit, of which {MAX_ROWS} rows are shown at most")
            } else {
                String::new()
            },
            address(query, params),
        );
        text.push('\n');
        text += &note;
        content["note"] = json!(note);
    }
    json!({ "content": [{ "type": "text", "text": text }], "structuredContent": content, "isError": false })
}

/// The same question over HTTP, with the query's own limit.
fn address(query: &NamedQuery, params: &RawParams) -> String {
    let encoded = |text: &str| {
        let byte = |byte: u8| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        };
        text.bytes().map(byte).collect::<String>()
    };
    let given = params.iter().filter(|(name, _)| *name != "limit");
    let pairs: Vec<_> = given.map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    let mark = if pairs.is_empty() { "" } else { "?" };
    format!("/v1/queries/{}.csv{mark}{}", query.name(), pairs.join("&"))
}

/// A result that says what was wrong, for the agent to try again.
fn failed(reason: &str) -> Value {
    json!({ "content": [{ "type": "text", "text": reason }], "isError": true })
}

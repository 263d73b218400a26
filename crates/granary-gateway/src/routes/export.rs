//! A session's events as a file: `events.ndjson`, an object a line as a replay has it, and `events.csv`.
//!
//! Read as it is sent, so a session of any size takes the same memory, and an export is bounded as a replay is.

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::StreamExt;
use granary_archive::ReplayEvent;
use http::header;
use serde_json::{Map, Value};

use super::carry::{CutOff, carry};
use super::part::read_part;
use super::replay::{ask, begin};
use crate::problem::Problem;
use crate::request::RequestId;
use crate::router::GatewayState;
use crate::{Caller, Kind};

/// Events that are written at once, where so many are there.
const EVENTS_AT_ONCE: usize = 64;

/// How an event is written.
#[derive(Debug, Clone, Copy)]
enum Writing {
    Ndjson,
    Csv,
}

/// `GET /v1/sessions/{id}/events.ndjson`
pub(crate) async fn ndjson(
    state: State<GatewayState>,
    session: Result<Path<String>, PathRejection>,
    given: RawQuery,
    caller: Extension<Caller>,
    id: Extension<RequestId>,
) -> Result<Response, Problem> {
    Box::pin(export(state, session, given, (caller, id), Writing::Ndjson)).await
}

/// `GET /v1/sessions/{id}/events.csv`
pub(crate) async fn csv(
    state: State<GatewayState>,
    session: Result<Path<String>, PathRejection>,
    given: RawQuery,
    caller: Extension<Caller>,
    id: Extension<RequestId>,
) -> Result<Response, Problem> {
    Box::pin(export(state, session, given, (caller, id), Writing::Csv)).await
}

async fn export(
    State(state): State<GatewayState>,
    session: Result<Path<String>, PathRejection>,
    RawQuery(given): RawQuery,
    (Extension(caller), Extension(RequestId(id))): (Extension<Caller>, Extension<RequestId>),
    writing: Writing,
) -> Result<Response, Problem> {
    let Path(session) = session.map_err(Problem::unreadable_path)?;
    let options = read_part(given.as_deref())?;
    let asked = ask(&state, &caller, id, Kind::Export, &session, writing.name());
    let playing = begin(&state, &caller, &session, options, asked).await?;
    let (content_type, heading) = match writing {
        Writing::Ndjson => ("application/x-ndjson", String::new()),
        Writing::Csv => ("text/csv; charset=utf-8; header=present", csv_line(&COLUMNS.map(quoted))),
    };
    let heading = futures::stream::iter((!heading.is_empty()).then(|| Ok(Bytes::from(heading))));
    let body = match playing {
        None => Body::from_stream(heading.map(|heading: Result<_, CutOff>| heading)),
        Some(playing) => {
            let lines = carry(playing).ready_chunks(EVENTS_AT_ONCE).map(move |events| {
                let lines = events.into_iter().map(|event| event.map(|event| writing.line(&event)));
                lines.collect::<Result<String, CutOff>>().map(Bytes::from)
            });
            Body::from_stream(heading.chain(lines))
        }
    };
    Ok(([(header::CONTENT_TYPE, content_type)], body).into_response())
}

impl Writing {
    fn name(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    fn line(self, event: &ReplayEvent) -> String {
        match self {
            Self::Ndjson => format!("{}\n", event.json),
            Self::Csv => {
                let fields: Map<String, Value> = serde_json::from_str(&event.json).unwrap_or_default();
                let id = event.id.to_string();
                let cells =
                    COLUMNS.map(|name| if name == "id" { id.clone() } else { cell(fields.get(name)) });
                csv_line(&cells)
            }
        }
    }
}

/// What of an event has a column; the rest, which is not the same for any two kinds, is in `attributes`, as JSON.
const COLUMNS: [&str; 20] = [
    "id",
    "time",
    "signal",
    "name",
    "session",
    "prompt",
    "user",
    "team",
    "project",
    "service",
    "severity",
    "body",
    "trace_id",
    "span_id",
    "parent_span_id",
    "duration_ms",
    "status",
    "value",
    "unit",
    "attributes",
];

fn csv_line(cells: &[String]) -> String {
    cells.join(",") + "\n"
}

/// Numbers as they are, text quoted, what is missing left empty, and anything else as JSON.
fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => quoted(text),
        Some(Value::Number(number)) => number.to_string(),
        Some(other) => quoted(&other.to_string()),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

//! The catalogue as tools for agents: the Model Context Protocol over its streamable HTTP transport, at `/mcp`.
//!
//! Each named query is a tool. A call is a request like any other: the same caller, the same allowance, the same bounds,
//! the same places at the engine. What differs is the answer's size: an agent has to read it, so it gets
//! the first rows as a table, and is told how to get more.
//!
//! Both eras of the protocol are spoken, as its revision 2026-07-28 has it for servers that do: a request with its version
//! in `_meta` is answered by that revision, which has no sessions; one without by the revisions before it, which
//! begin with `initialize`. Nothing is kept between requests in either, so any gateway of several can answer
//! any of them; no session id is given out, and there is no stream to `GET`. Where a client closes the connection, the query ends.

mod call;
mod message;
mod table;
mod tools;
mod version;

use axum::Extension;
use axum::extract::rejection::BytesRejection;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};

use crate::problem::Problem;
use crate::request::RequestId;
use crate::router::GatewayState;
use crate::routes::replay::is_welcome;
use crate::{Caller, RawParams};

use message::{Fault, Request};
use tools::Tools;
use version::Era;

/// Bytes of a message, which is a call with its arguments; a longer one is refused with 413.
pub(crate) const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// How long a list of tools may be used again. The operator's folder changes now and then.
const LIST_TTL_MS: u64 = 60_000;

/// `POST /mcp?groups=cost,errors`
pub(crate) async fn receive(
    State(state): State<GatewayState>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    Extension(caller): Extension<Caller>,
    RawQuery(given): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    if !is_welcome(&headers, &state.origins) {
        return Err(Problem::foreign_origin());
    }
    check_media_types(&headers)?;
    let given = RawParams::from_query_string(given.as_deref().unwrap_or_default())?;
    let tools = Tools::of(state.catalogue.current(), &caller, &given)?;
    let body = body.map_err(|_| Problem::message_too_large(MAX_MESSAGE_BYTES))?;
    let request = match Request::read(&body) {
        Ok(Some(request)) => request,
        // A notification; there is none that changes anything here.
        Ok(None) => return Ok(StatusCode::ACCEPTED.into_response()),
        Err(fault) => return Ok(fault.response(&Value::Null)),
    };
    let answered = match version::era(&headers, &request) {
        Ok(era) => answer(&state, &tools, &caller, &request, era, request_id).await,
        Err(fault) => Err(fault),
    };
    Ok(answered
        .map_or_else(|fault| fault.response(&request.id), |result| message::response(&request.id, &result)))
}

/// Every other method: there is no stream to get, and no session to delete.
pub(crate) async fn only_post() -> impl IntoResponse {
    ([(header::ALLOW, "POST")], Problem::only_post())
}

async fn answer(
    state: &GatewayState,
    tools: &Tools,
    caller: &Caller,
    request: &Request,
    era: Era,
    request_id: uuid::Uuid,
) -> Result<Value, Fault> {
    let mut result = match (request.method.as_str(), era) {
        ("initialize", Era::Sessions) => json!({
            "protocolVersion": version::negotiated(request),
            "capabilities": capabilities(),
            "serverInfo": server_info(),
            "instructions": tools::INSTRUCTIONS,
        }),
        ("ping", Era::Sessions) => json!({}),
        ("server/discover", Era::Stateless) => json!({
            "supportedVersions": version::ALL,
            "capabilities": capabilities(),
            "instructions": tools::INSTRUCTIONS,
            "ttlMs": LIST_TTL_MS,
            "cacheScope": "private",
        }),
        ("tools/list", _) => {
            let mut list = json!({ "tools": tools.list(request)? });
            if era == Era::Stateless {
                list["ttlMs"] = json!(LIST_TTL_MS);
                list["cacheScope"] = json!("private");
            }
            list
        }
        ("tools/call", _) => call::call(state, tools, caller, request, request_id).await?,
        (method, _) => return Err(Fault::unknown_method(method, era)),
    };
    if era == Era::Stateless {
        result["resultType"] = json!("complete");
        result["_meta"] = json!({ "io.modelcontextprotocol/serverInfo": server_info() });
    }
    Ok(result)
}

fn capabilities() -> Value {
    json!({ "tools": {} })
}

fn server_info() -> Value {
    json!({ "name": "granary", "title": "Granary", "version": env!("CARGO_PKG_VERSION") })
}

fn check_media_types(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default().to_ascii_lowercase());
    let essence = |media: &str| media.split(';').next().unwrap_or_default().trim().to_owned();
    if text(header::CONTENT_TYPE).map(|media| essence(&media)).as_deref() != Some("application/json") {
        return Err(Problem::unsupported_message());
    }
    let takes = |accept: String| {
        accept
            .split(',')
            .map(essence)
            .any(|media| matches!(media.as_str(), "application/json" | "application/*" | "*/*"))
    };
    if text(header::ACCEPT).is_none_or(takes) { Ok(()) } else { Err(Problem::json_not_acceptable()) }
}

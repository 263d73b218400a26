//! ClickHouse's HTTP interface, for BI tools and client libraries.

use axum::extract::multipart::MultipartError;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

use super::index;
use crate::door::{Refusal, Statement};
use crate::request::RequestId;
use crate::router::GatewayState;
use crate::{Caller, Kind, RawParams};

/// Bytes of a statement; ClickHouse's own limit (`max_query_size`) is a quarter of it.
const MAX_STATEMENT_BYTES: usize = 1 << 20;

/// What ClickHouse says when it is asked nothing.
const OK: &str = "Ok.\n";

/// The addresses that ClickHouse's clients use: below `/clickhouse`, and where they would be at a server's, since many
/// clients know host and port only.
pub(crate) fn routes() -> Router<GatewayState> {
    Router::new()
        .route("/", get(show_or_run).post(run))
        .route("/clickhouse", get(run).post(run))
        .route("/clickhouse/", get(run).post(run))
        .layer(DefaultBodyLimit::max(MAX_STATEMENT_BYTES))
}

/// `GET /ping`, which clients send before they have shown who they are.
pub(crate) async fn ping() -> &'static str {
    OK
}

/// `GET /`: a statement, if there is one in the address.
async fn show_or_run(
    state: State<GatewayState>,
    request: Extension<RequestId>,
    caller: Extension<Caller>,
    given: RawQuery,
    headers: HeaderMap,
) -> Response {
    if given.0.is_none() {
        return index::show().into_response();
    }
    run(state, request, caller, given, headers, Request::default()).await.into_response()
}

async fn run(
    State(state): State<GatewayState>,
    Extension(RequestId(request)): Extension<RequestId>,
    Extension(caller): Extension<Caller>,
    RawQuery(given): RawQuery,
    headers: HeaderMap,
    sent: Request,
) -> Result<Response, Refusal> {
    let door = state.door.as_ref().ok_or_else(Refusal::no_door)?;
    let scope = caller.scope().map_err(|error| Refusal::forbidden(&error))?;
    let mut given = RawParams::from_query_string(given.as_deref().unwrap_or_default())
        .map_err(|error| Refusal::unreadable(&error))?;
    let body = read_body(sent, &mut given).await?;
    let statement = Statement::read(&given, &headers, &body, door.database())?;
    if statement.text.trim().is_empty() {
        return Ok(OK.into_response());
    }
    let mut asked = state.audit.begin(&caller, request, Kind::Sql);
    let told = state.audit.sql(&statement.text);
    asked.note(|entry| entry.parameters = told);
    let query_id = scope.query_id(request);
    let work = state.runner.begin_own(&caller, query_id.clone(), asked).await;
    let work = work.map_err(|limited| Refusal::limited(&limited))?;
    let comment =
        serde_json::json!({ "door": "clickhouse", "tenant": caller.tenant(), "caller": caller.to_string() });
    door.run(statement, query_id, comment.to_string(), work).await
}

/// Reads a body: the statement, or a form whose fields are parameters as those of the address are.
async fn read_body(sent: Request, given: &mut RawParams) -> Result<Bytes, Refusal> {
    let is_form = sent
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/"));
    if !is_form {
        return Bytes::from_request(sent, &()).await.map_err(|rejection| match rejection {
            BytesRejection::FailedToBufferBody(_) => Refusal::too_long(MAX_STATEMENT_BYTES),
            other => Refusal::unreadable(&other),
        });
    }
    let unreadable = |error: MultipartError| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::too_long(MAX_STATEMENT_BYTES),
        _ => Refusal::unreadable(&error),
    };
    let mut form = Multipart::from_request(sent, &()).await.map_err(|error| Refusal::unreadable(&error))?;
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        if field.file_name().is_some() {
            return Err(Refusal::upload());
        }
        let name = field.name().unwrap_or_default().to_owned();
        given.push(name, field.text().await.map_err(unreadable)?);
    }
    Ok(Bytes::new())
}

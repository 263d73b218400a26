//! The named queries: which there are, what each takes, and their answers.

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderValue, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::problem::Problem;
use crate::request::RequestId;
use crate::router::GatewayState;
use crate::{Caller, Format, NamedQuery, RawParams};

/// Room for a few hundred filter values. Doubled by escaping, it stays below what ClickHouse takes as one value.
const MAX_QUERY_STRING_BYTES: usize = 32 * 1024;

/// `GET /v1/queries`
pub(crate) async fn list(State(state): State<GatewayState>) -> Json<Value> {
    let catalogue = state.catalogue.current();
    let queries: Vec<_> = catalogue
        .iter()
        .map(|query| {
            json!({
                "name": query.name(),
                "group": query.group(),
                "question": query.question(),
                "href": format!("/v1/queries/{}", query.name()),
            })
        })
        .collect();
    Json(json!({ "queries": queries, "problems": catalogue.problems() }))
}

/// `GET /v1/queries/{name}` and `GET /v1/queries/{name}.{format}`
pub(crate) async fn describe_or_run(
    State(state): State<GatewayState>,
    Extension(RequestId(request_id)): Extension<RequestId>,
    file: Result<Path<String>, PathRejection>,
    RawQuery(given): RawQuery,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Problem> {
    let Path(file) = file.map_err(Problem::unreadable_path)?;
    let find = |name: &str| state.catalogue.get(name).ok_or_else(|| Problem::unknown_query(name));
    let Some((name, format)) = file.rsplit_once('.') else {
        return Ok(Json(find(&file)?.describe()).into_response());
    };
    let query = find(name)?;
    let format: Format = format.parse().map_err(|error| Problem::not_found(format!("{error}")))?;
    let prepared = query.prepare(caller.tenant(), &read_params(given.as_deref())?, Timestamp::now())?;
    let answer = state.runner.run_for(&prepared, format, &caller, request_id).await?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(format.content_type())),
        (header::CACHE_CONTROL, cache_control(&query)),
    ];
    Ok((headers, Body::from_stream(answer)).into_response())
}

fn read_params(given: Option<&str>) -> Result<RawParams, Problem> {
    let given = given.unwrap_or_default();
    if given.len() > MAX_QUERY_STRING_BYTES {
        return Err(Problem::uri_too_long(MAX_QUERY_STRING_BYTES));
    }
    Ok(RawParams::from_query_string(given)?)
}

/// Answers are a caller's own; no cache may give one to another.
fn cache_control(query: &NamedQuery) -> HeaderValue {
    let seconds = query.cache().unwrap_or_default().as_secs();
    HeaderValue::try_from(format!("private, max-age={seconds}"))
        .unwrap_or(HeaderValue::from_static("no-store"))
}

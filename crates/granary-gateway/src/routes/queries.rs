//! The named queries: which there are, what each takes, and their answers.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answers::Question;
use crate::cache::Found;
use crate::cursor::{Cursor, PAGED};
use crate::freshness::Freshness;
use crate::problem::Problem;
use crate::request::RequestId;
use crate::router::GatewayState;
use crate::{Caller, Format, Kind, NamedQuery, ParamError, RawParams};

use super::reply;

/// Room for a few hundred filter values. Doubled by escaping, it stays below what ClickHouse takes as one value.
const MAX_QUERY_STRING_BYTES: usize = 32 * 1024;

/// `GET /v1/queries`: those that the caller may ask.
pub(crate) async fn list(
    State(state): State<GatewayState>,
    Extension(caller): Extension<Caller>,
) -> Json<Value> {
    let catalogue = state.catalogue.current();
    let queries: Vec<_> = catalogue
        .iter()
        .filter(|query| caller.may_ask(query).is_ok())
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
    file: Result<Path<String>, PathRejection>,
    asked: Asked,
) -> Result<Response, Problem> {
    let Path(file) = file.map_err(Problem::unreadable_path)?;
    let Some((name, format)) = file.rsplit_once('.') else {
        let query = find(&state, &file)?;
        asked.caller.may_ask(&query)?;
        return Ok(Json(query.describe()).into_response());
    };
    let query = find(&state, name)?;
    let format: Format = format.parse().map_err(|error| Problem::not_found(format!("{error}")))?;
    run(&state, &query, format, asked).await
}

/// `GET /v1/queries/{name}/rows`, in the format that `Accept` asks for
pub(crate) async fn rows(
    State(state): State<GatewayState>,
    name: Result<Path<String>, PathRejection>,
    asked: Asked,
) -> Result<Response, Problem> {
    let Path(name) = name.map_err(Problem::unreadable_path)?;
    let query = find(&state, &name)?;
    let accept = asked.headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let format = Format::preferred(accept, |format| query.formats().any(|offered| offered == format))
        .ok_or_else(|| Problem::not_acceptable(query.name(), query.formats()))?;
    let mut response = run(&state, &query, format, asked).await?;
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

/// What a request says beside which query it is about.
#[derive(FromRequestParts)]
pub(crate) struct Asked {
    uri: Uri,
    #[from_request(via(Extension))]
    caller: Caller,
    #[from_request(via(Extension))]
    request: RequestId,
    headers: HeaderMap,
}

fn find(state: &GatewayState, name: &str) -> Result<Arc<NamedQuery>, Problem> {
    state.catalogue.get(name).ok_or_else(|| Problem::unknown_query(name))
}

/// Answers a query. `headers` are the request's, `uri` what it asked for.
async fn run(
    state: &GatewayState,
    query: &NamedQuery,
    format: Format,
    asked: Asked,
) -> Result<Response, Problem> {
    let Asked { uri, caller, request, headers } = asked;
    let question =
        read_question(state, query, format, &uri, &headers, &caller, request).inspect_err(|problem| {
            let mut asked = state.audit.begin(&caller, request.0, Kind::Query);
            asked.note(|entry| {
                (entry.query, entry.format) = (query.name().to_owned(), format.name().to_owned());
            });
            problem.tell(&mut asked);
        })?;
    let kept = Arc::clone(&question.query);
    let (answered, found) = state.answers.answer(question).await?;
    if matches!(found, Found::Hit | Found::Wait) {
        // What ran was written down for the one it ran for.
        let mut asked = state.audit.begin(&caller, request.0, Kind::Query);
        asked.note(|entry| {
            (entry.query, entry.format) = (query.name().to_owned(), format.name().to_owned());
            found.name().clone_into(&mut entry.cache);
        });
        asked.note_parameters(kept.bindings());
        asked.answered(StatusCode::OK);
        asked.ok();
    }
    reply::write(answered, found, query.cache().unwrap_or_default(), format, &uri, &headers)
}

/// What is asked, once it is known that it may be.
fn read_question(
    state: &GatewayState,
    query: &NamedQuery,
    format: Format,
    uri: &Uri,
    headers: &HeaderMap,
    caller: &Caller,
    request: RequestId,
) -> Result<Question, Problem> {
    let mut params = read_params(uri.query())?;
    let cursor = if query.cursor().is_empty() { Vec::new() } else { params.take("cursor") };
    let cursor = match cursor.as_slice() {
        [] => None,
        [cursor] => Some(cursor.as_str()),
        more => return Err(ParamError::Repeated { parameter: "cursor".to_owned(), times: more.len() }.into()),
    };
    if cursor.is_some() && !PAGED.contains(&format) {
        return Err(ParamError::Cursor { reason: "goes with json, ndjson, csv and tsv alone" }.into());
    }
    let is_page = cursor.is_some();
    // An empty one asks for the first page.
    let cursor =
        cursor.filter(|text| !text.is_empty()).map(|text| state.answers.cursors.read(text)).transpose()?;
    let now = cursor.as_ref().map_or_else(Timestamp::now, Cursor::now);
    let mut prepared = caller.prepare(query, &params, now)?;
    if let Some(cursor) = cursor {
        cursor.apply(&mut prepared)?;
    }
    Ok(Question {
        query: Arc::new(prepared),
        format,
        freshness: Freshness::read(headers),
        is_page,
        caller: caller.clone(),
        request: request.0,
    })
}

fn read_params(given: Option<&str>) -> Result<RawParams, Problem> {
    let given = given.unwrap_or_default();
    if given.len() > MAX_QUERY_STRING_BYTES {
        return Err(Problem::uri_too_long(MAX_QUERY_STRING_BYTES));
    }
    Ok(RawParams::from_query_string(given)?)
}

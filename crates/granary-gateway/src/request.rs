//! What happens to every request: an id, a line in the log, and problems written out. Those of a gateway are counted.
//!
//! The log has route, status and time, and the cause of what went wrong; never what a caller wrote.

use std::any::Any;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use tracing::Instrument;
use uuid::Uuid;

use crate::metrics::Metrics;
use crate::problem::Problem;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request: in its answer, in the log, and of its query at the engine. Always of our own making, since
/// the engine lets no two queries of one id run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestId(pub(crate) Uuid);

/// Marks an answer of ClickHouse's own to a statement of the caller's own: what went wrong there is theirs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PassedOn;

/// Counts the answers of a gateway, around [`accompany`].
pub(crate) async fn count(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let (route, start) = (route(&request), Instant::now());
    let response = next.run(request).await;
    metrics.answered(route, response.status(), start.elapsed());
    response
}

/// The router's own name of what takes a request.
fn route(request: &Request) -> String {
    request.extensions().get::<MatchedPath>().map_or("none", |path| path.as_str()).to_owned()
}

/// The layer around all routes.
pub(crate) async fn accompany(mut request: Request, next: Next) -> Response {
    let id = Uuid::now_v7();
    request.extensions_mut().insert(RequestId(id));
    let route = route(&request);
    let span = tracing::info_span!("request", %id, route, method = %request.method());
    async {
        let start = Instant::now();
        let mut response = next.run(request).await;
        let problem = response.extensions_mut().remove::<Problem>();
        let passed_on = response.extensions_mut().remove::<PassedOn>().is_some();
        if !passed_on {
            log(response.status(), start, problem.as_ref());
        }
        if let Some(problem) = problem {
            *response.body_mut() = Body::from(problem.body(id));
        }
        let headers = response.headers_mut();
        headers.extend(HeaderValue::try_from(id.to_string()).ok().map(|id| (REQUEST_ID, id)));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        response
    }
    .instrument(span)
    .await
}

fn log(status: StatusCode, start: Instant, problem: Option<&Problem>) {
    let ms = start.elapsed().as_millis();
    let status = status.as_u16();
    let cause = problem.and_then(|problem| problem.cause.as_deref());
    match status {
        500 => tracing::error!(status, ms, cause, "answered that something is broken"),
        // What is no problem is the answer to a probe: that it is not ready was logged when it came to be so.
        501.. if problem.is_some() => {
            tracing::warn!(status, ms, cause, "answered that it cannot be done now");
        }
        _ => tracing::debug!(status, ms, cause, "answered"),
    }
}

/// What is answered when a handler panics.
#[expect(clippy::needless_pass_by_value, reason = "the layer gives the panic away")]
pub(crate) fn after_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message");
    Problem::internal(&format_args!("panic: {message}")).into_response()
}

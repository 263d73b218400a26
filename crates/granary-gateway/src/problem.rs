//! What a caller is told when it gets no answer: RFC 9457, one shape for all, with two messages.
//!
//! The caller reads the detail, which says whose turn it is. What the engine said is for the log, under the same
//! request id. A handler returns a [`Problem`]; [`crate::request`] writes it, since the id is known there.

use std::fmt::Display;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::response::{IntoResponse, Response};
use granary_archive::ArchiveError;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::limits::whole_seconds;
use crate::{ParamError, RunError};

/// Why there is no answer.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    kind: &'static str,
    detail: String,
    more: Map<String, Value>,
    retry_after: Option<Duration>,
    /// For the log alone.
    pub(crate) cause: Option<String>,
}

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

impl Problem {
    fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        Self { status, kind, detail: detail.into(), more: Map::new(), retry_after: None, cause: None }
    }

    fn because(self, cause: &dyn Display) -> Self {
        Self { cause: Some(cause.to_string()), ..self }
    }

    fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    pub(crate) fn unknown_query(name: &str) -> Self {
        let detail = format!("there is no query named {name:?}; GET /v1/queries lists them");
        Self::new(StatusCode::NOT_FOUND, "unknown-query", detail)
    }

    pub(crate) fn not_archived(session: &str) -> Self {
        let detail = format!(
            "session {session:?} is not archived; one is once it has been quiet for a while, and its events can be had meanwhile"
        );
        Self::new(StatusCode::NOT_FOUND, "not-archived", detail)
    }

    pub(crate) fn beyond(size: u64) -> Self {
        let detail = format!("the range begins behind the end; there are {size} bytes");
        Self::new(StatusCode::RANGE_NOT_SATISFIABLE, "range-not-satisfiable", detail)
    }

    pub(crate) fn unreadable_upgrade() -> Self {
        let detail = "a WebSocket begins with a GET over HTTP/1.1 with Connection: upgrade, Upgrade: websocket, \
                      Sec-WebSocket-Version: 13 and a Sec-WebSocket-Key";
        Self::new(StatusCode::BAD_REQUEST, "bad-upgrade", detail)
    }

    pub(crate) fn foreign_origin() -> Self {
        let detail = "pages of other sites may not open a WebSocket here";
        Self::new(StatusCode::FORBIDDEN, "foreign-origin", detail)
    }

    pub(crate) fn unreadable_path(_: PathRejection) -> Self {
        Self::not_found("the path is not percent-encoded UTF-8")
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "everything here is asked with GET")
    }

    pub(crate) fn only_post() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "this is spoken to with POST alone")
    }

    pub(crate) fn unsupported_message() -> Self {
        let detail = "a message is one JSON document, with Content-Type: application/json";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", detail)
    }

    pub(crate) fn json_not_acceptable() -> Self {
        let detail = "answers here are application/json, which Accept does not take";
        Self::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", detail)
    }

    pub(crate) fn message_too_large(limit: usize) -> Self {
        let detail = format!("the message is longer than {limit} bytes, or did not come to its end");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "message-too-large", detail)
    }

    pub(crate) fn uri_too_long(limit: usize) -> Self {
        let detail = format!("the part behind the question mark is longer than {limit} bytes");
        Self::new(StatusCode::URI_TOO_LONG, "uri-too-long", detail)
    }

    pub(crate) fn too_many_requests(wait: Duration) -> Self {
        let detail = "more requests than the allowance that RateLimit-Policy tells of";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail).retry_after(wait)
    }

    pub(crate) fn busy(detail: impl Into<String>, wait: Duration) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(wait)
    }

    pub(crate) fn internal(cause: &dyn Display) -> Self {
        let detail = "something here is broken; the log has the cause under this request's id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).because(cause)
    }

    fn unavailable(cause: &dyn Display) -> Self {
        let detail = "the warehouse cannot answer now; ask again in a while";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
            .because(cause)
            .retry_after(Duration::from_secs(1))
    }

    /// What the caller is told.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The body, as the caller gets it.
    pub(crate) fn body(&self, request: Uuid) -> String {
        let mut body = json!({
            "type": format!("urn:granary:problem:{}", self.kind),
            "title": self.status.canonical_reason().unwrap_or_default(),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "request_id": request.to_string(),
        });
        if let Some(body) = body.as_object_mut() {
            body.extend(self.more.clone());
        }
        body.to_string()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::from_iter([(header::CONTENT_TYPE, PROBLEM_JSON)]);
        headers.extend(
            self.retry_after.map(|wait| (header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait)))),
        );
        headers.extend::<Option<(HeaderName, HeaderValue)>>(
            (self.status == StatusCode::METHOD_NOT_ALLOWED)
                .then(|| (header::ALLOW, HeaderValue::from_static("GET,HEAD"))),
        );
        let status = self.status;
        let mut response = (status, headers).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<ParamError> for Problem {
    fn from(error: ParamError) -> Self {
        let kind = match error {
            ParamError::Unknown { .. } => "unknown-parameter",
            _ => "bad-parameter",
        };
        let mut problem = Self::new(StatusCode::BAD_REQUEST, kind, error.to_string());
        let more = [("parameter", error.parameter()), ("expected", error.expected())];
        problem
            .more
            .extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))));
        problem
    }
}

impl From<RunError> for Problem {
    fn from(error: RunError) -> Self {
        match &error {
            RunError::Busy { retry_after } => Self::busy("as many queries run and wait as may", *retry_after),
            RunError::TimedOut { .. } | RunError::TooSlowlyRead { .. } => {
                let detail = format!("{error}; ask for a shorter range or fewer rows");
                Self::new(StatusCode::GATEWAY_TIMEOUT, "timeout", detail)
            }
            RunError::TooLarge { what, .. } => {
                let detail = format!(
                    "the query needs more {what} than it may have; ask for a shorter range or fewer rows"
                );
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "too-large", detail).because(&error)
            }
            RunError::UnknownTimeZone => {
                // The one name that queries have for a zone.
                let expected = "a time zone such as Europe/Berlin or UTC";
                let detail = format!("the parameter timezone names no zone; expected {expected}");
                let mut problem = Self::new(StatusCode::BAD_REQUEST, "bad-parameter", detail);
                problem.more.insert("parameter".to_owned(), json!("timezone"));
                problem.more.insert("expected".to_owned(), json!(expected));
                problem
            }
            RunError::Unavailable { .. } => Self::unavailable(&error),
            RunError::Failed { .. } => Self::internal(&error),
        }
    }
}

impl From<ArchiveError> for Problem {
    fn from(error: ArchiveError) -> Self {
        if let ArchiveError::SessionNotFound { session } = &error {
            return Self::new(
                StatusCode::NOT_FOUND,
                "unknown-session",
                format!("there is no session {session:?}"),
            );
        }
        if error.is_transient() { Self::unavailable(&error) } else { Self::internal(&error) }
    }
}

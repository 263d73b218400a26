//! What a caller is told when it gets no answer: RFC 9457, one shape for all, with two messages.
//!
//! The caller reads the detail, which says whose turn it is. What the engine said is for the log, under the same
//! request id. A handler returns a [`Problem`]; [`crate::request`] writes it, since the id is known there.

use std::fmt::Display;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::response::{IntoResponse, Response};
use granary_access::{JwtProblem, KeyProblem, Refused};
use granary_archive::ArchiveError;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::limits::whole_seconds;
use crate::{
    AskError, Asked, Forbidden, Format, Limit, LiveError, Outcome, ParamError, Refusal, RunError, Scope,
};

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

/// With the second one, browsers ask people for a key, which is the password.
const CHALLENGE: HeaderValue =
    HeaderValue::from_static("Bearer realm=\"granary\", Basic realm=\"granary\", charset=\"UTF-8\"");

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
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "this cannot be done here; Allow says what can",
        )
    }

    /// `offered` are the formats that the query has.
    pub(crate) fn not_acceptable(query: &str, offered: impl Iterator<Item = Format>) -> Self {
        let formats: Vec<_> = offered.map(|format| (format.name(), format.content_type())).collect();
        let names: Vec<_> = formats.iter().map(|(name, _)| *name).collect();
        let detail =
            format!("{query} does not answer in what Accept asks for; it does in {}", names.join(", "));
        let mut problem = Self::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", detail);
        let formats =
            formats.iter().map(|(name, media)| json!({ "name": name, "media_type": media })).collect();
        problem.more.insert("formats".to_owned(), Value::Array(formats));
        problem
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

    /// Says which limit it was, whose, and its value.
    fn about_limit(mut self, limit: &str, of: &str, value: Value) -> Self {
        let members = [("limit", json!(limit)), ("of", json!(of)), ("value", value)];
        self.more.extend(members.map(|(name, value)| (name.to_owned(), value)));
        self
    }

    /// As many of these are under way as may be.
    pub(crate) fn busy_with(limit: &str, value: u64, detail: impl Into<String>, wait: Duration) -> Self {
        let mut problem = Self::busy(detail, wait).about_limit(limit, Scope::Total.name(), json!(value));
        problem.more.insert("reset".to_owned(), json!(whole_seconds(wait)));
        problem
    }

    fn busy(detail: impl Into<String>, wait: Duration) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail).retry_after(wait)
    }

    pub(crate) fn internal(cause: &dyn Display) -> Self {
        let detail = "something here is broken; the log has the cause under this request's id";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).because(cause)
    }

    pub(crate) fn unknown_session(session: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown-session", format!("there is no session {session:?}"))
    }

    pub(crate) fn unavailable(cause: &dyn Display) -> Self {
        let detail = "the warehouse cannot answer now; ask again in a while";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
            .because(cause)
            .retry_after(Duration::from_secs(1))
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// What the caller is told.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// How long to stay away.
    pub(crate) fn wait(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Writes into the audit that something was not answered, and why.
    pub(crate) fn tell(&self, asked: &mut Asked) {
        let outcome = if self.status.is_server_error() && self.cause.is_some() {
            Outcome::Failed
        } else {
            Outcome::Refused
        };
        let limit = self.more.get("limit").and_then(Value::as_str);
        asked.ended(outcome, limit.unwrap_or(self.kind));
        asked.answered(self.status);
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
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, CHALLENGE);
        }
        let status = self.status;
        let mut response = (status, headers).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let detail = refused.to_string();
        let forbidden = |kind| Self::new(StatusCode::FORBIDDEN, kind, detail.clone());
        match &refused {
            Refused::Key(KeyProblem::Role { .. }) | Refused::Jwt(JwtProblem::Role { .. }) => {
                forbidden("wrong-role")
            }
            Refused::Key(KeyProblem::Network) => forbidden("wrong-network"),
            Refused::ForeignHost => forbidden("foreign-host"),
            Refused::TooManyFailures { retry_after } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-failures", detail)
                    .retry_after(*retry_after)
            }
            Refused::Jwt(JwtProblem::Unavailable) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
                    .retry_after(Duration::from_secs(30))
            }
            Refused::Key(_) | Refused::Jwt(_) | Refused::Credential(_) => {
                Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
            }
        }
    }
}

impl From<Forbidden> for Problem {
    fn from(forbidden: Forbidden) -> Self {
        let (kind, parameter) = match &forbidden {
            Forbidden::Group { .. } => ("forbidden-group", None),
            Forbidden::Filter { filter, .. } => ("forbidden-query", Some((*filter).to_owned())),
            Forbidden::Fixed { parameter } => ("fixed-parameter", Some(parameter.clone())),
            Forbidden::Sql { .. } => ("forbidden-sql", None),
            Forbidden::Role { .. } => ("wrong-role", None),
        };
        let mut problem = Self::new(StatusCode::FORBIDDEN, kind, forbidden.to_string());
        problem.more.extend(parameter.map(|parameter| ("parameter".to_owned(), json!(parameter))));
        problem
    }
}

impl From<AskError> for Problem {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Forbidden(forbidden) => forbidden.into(),
            AskError::Param(error) => error.into(),
        }
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

/// What a refusal is answered with: whose turn it is depends on whose limit it was. Requests past everybody's
/// limit are 429, too: it is the rate that is wrong, and not the server.
pub(crate) fn status_of(refusal: &Refusal) -> StatusCode {
    match (refusal.limit, refusal.of) {
        (Limit::Requests, _) | (_, Scope::Caller | Scope::Tenant) => StatusCode::TOO_MANY_REQUESTS,
        (_, Scope::Total) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// What a query that gave no answer is answered with.
pub(crate) fn status(error: &RunError) -> StatusCode {
    match error {
        RunError::Refused(refusal) => status_of(refusal),
        RunError::TimedOut { .. } | RunError::TooSlowlyRead { .. } => StatusCode::GATEWAY_TIMEOUT,
        RunError::TooLarge { .. } | RunError::AnswerTooLarge { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        RunError::NoSamples => StatusCode::NOT_ACCEPTABLE,
        RunError::UnknownTimeZone => StatusCode::BAD_REQUEST,
        RunError::UnknownSession { .. } => StatusCode::NOT_FOUND,
        RunError::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
        RunError::Failed { .. } | RunError::RepeatedLabels | RunError::Unreadable => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = status_of(&refusal);
        let kind = match (refusal.limit, status) {
            (Limit::Requests, _) => "too-many-requests",
            (_, StatusCode::SERVICE_UNAVAILABLE) => "busy",
            (Limit::Concurrent | Limit::Waiting, _) => "too-many-queries",
            (Limit::Rows | Limit::Bytes, _) => "budget-used-up",
        };
        let seconds = whole_seconds(refusal.reset);
        let detail = format!("{refusal}; come back in {seconds} s");
        let mut problem = Self::new(status, kind, detail).retry_after(refusal.reset).about_limit(
            refusal.limit.name(),
            refusal.of.name(),
            json!(refusal.value),
        );
        problem.more.insert("reset".to_owned(), json!(seconds));
        problem
    }
}

impl From<RunError> for Problem {
    fn from(error: RunError) -> Self {
        match &error {
            RunError::Refused(refusal) => (*refusal).into(),
            RunError::TimedOut { after } | RunError::TooSlowlyRead { after } => {
                let detail = format!("{error}; ask for a shorter range or fewer rows");
                Self::new(StatusCode::GATEWAY_TIMEOUT, "timeout", detail).about_limit(
                    "time",
                    "query",
                    json!(after.as_secs_f64()),
                )
            }
            RunError::TooLarge { what, value, .. } => {
                let detail = format!(
                    "the query needs more {what} than it may have; ask for a shorter range or fewer rows"
                );
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "too-large", detail).because(&error).about_limit(
                    what.name(),
                    "query",
                    json!(value),
                )
            }
            RunError::AnswerTooLarge { .. } => {
                let detail = format!("{error}; ask for a shorter range or fewer rows");
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "too-large", detail)
            }
            RunError::NoSamples => Self::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", error.to_string()),
            RunError::UnknownTimeZone => {
                // The one name that queries have for a zone.
                let expected = "a time zone such as Europe/Berlin or UTC";
                let detail = format!("the parameter timezone names no zone; expected {expected}");
                let mut problem = Self::new(StatusCode::BAD_REQUEST, "bad-parameter", detail);
                problem.more.insert("parameter".to_owned(), json!("timezone"));
                problem.more.insert("expected".to_owned(), json!(expected));
                problem
            }
            RunError::UnknownSession { session } => Self::unknown_session(session),
            RunError::Unavailable { .. } => Self::unavailable(&error),
            RunError::Failed { .. } | RunError::RepeatedLabels | RunError::Unreadable => {
                Self::internal(&error)
            }
        }
    }
}

impl From<ArchiveError> for Problem {
    fn from(error: ArchiveError) -> Self {
        if let ArchiveError::SessionNotFound { session } = &error {
            return Self::unknown_session(session);
        }
        if error.is_transient() { Self::unavailable(&error) } else { Self::internal(&error) }
    }
}

impl From<LiveError> for Problem {
    fn from(error: LiveError) -> Self {
        match error {
            LiveError::Full { .. } => Self::busy(error.to_string(), Duration::from_secs(10)),
            LiveError::Warehouse(error) => error.into(),
            LiveError::NotFollowing(_) => Self::unavailable(&error),
        }
    }
}

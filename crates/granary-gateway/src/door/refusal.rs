//! How the door says no: as ClickHouse would, so that its clients show it.

use std::fmt::Display;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use granary_access::Refused;
use granary_clickhouse::{ClickHouseError, RelayError};
use http::{HeaderValue, StatusCode, header};

use super::answer::EXCEPTION_CODE;
use super::soundness::Unsound;
use crate::limits::whole_seconds;
use crate::problem::Problem;
use crate::{Forbidden, Limit, Refusal as Limited};

/// A statement was not run, or has no answer.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    /// One of ClickHouse's, with its name.
    code: (u16, &'static str),
    message: String,
    retry_after: Option<Duration>,
}

impl Refusal {
    fn new(status: StatusCode, code: (u16, &'static str), message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), retry_after: None }
    }

    pub(super) fn unsupported(what: &str) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            (1, "UNSUPPORTED_METHOD"),
            format!("not taken here: {what}"),
        )
    }

    pub(crate) fn upload() -> Self {
        Self::unsupported("an external table; nothing can be uploaded here")
    }

    pub(super) fn unknown_database(name: &str, there: &str) -> Self {
        let message = format!("Database {name} does not exist; the one there is here is {there}");
        Self::new(StatusCode::NOT_FOUND, (81, "UNKNOWN_DATABASE"), message)
    }

    pub(super) fn bad_bound(name: &str, value: &str) -> Self {
        let message = format!("{name} is {value:?} and must be a number");
        Self::new(StatusCode::BAD_REQUEST, (36, "BAD_ARGUMENTS"), message)
    }

    pub(super) fn embedded_engine(word: &str) -> Self {
        let message = format!(
            "the embedded engine takes no statement with the word {word:?} outside of a text: it could stand for a \
             function that reads this machine's files; a ClickHouse server has no such limit"
        );
        Self::new(StatusCode::FORBIDDEN, (497, "ACCESS_DENIED"), message)
    }

    pub(super) fn timed_out(after: Duration) -> Self {
        let message = format!("Timeout exceeded: the statement ran longer than {after:?}");
        Self::new(StatusCode::GATEWAY_TIMEOUT, (159, "TIMEOUT_EXCEEDED"), message)
    }

    pub(super) fn unreachable(error: &RelayError) -> Self {
        tracing::warn!(%error, "a statement could not be passed on");
        Self::away()
    }

    pub(super) fn unavailable(error: &ClickHouseError) -> Self {
        tracing::warn!(%error, "a statement could not be passed on");
        Self::away()
    }

    fn away() -> Self {
        let message = "the warehouse cannot answer now; ask again in a while";
        let retry_after = Some(Duration::from_secs(1));
        Self { retry_after, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, (210, "NETWORK_ERROR"), message) }
    }

    pub(super) fn unsound(_: &Unsound) -> Self {
        let message = "this door is shut: ClickHouse's guest user is not set up as it must be; the log says what is missing";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, (497, "ACCESS_DENIED"), message)
    }

    pub(crate) fn no_door() -> Self {
        let message = "there is no door for SQL here: it needs clickhouse.guest_user, a user who may read the published views \
                       and nothing else";
        Self::new(StatusCode::NOT_FOUND, (497, "ACCESS_DENIED"), message)
    }

    /// Nobody who may ask.
    pub(crate) fn unidentified(refused: Refused) -> Self {
        let problem = Problem::from(refused);
        let code = (516, "AUTHENTICATION_FAILED");
        Self { retry_after: problem.wait(), ..Self::new(problem.status(), code, problem.detail()) }
    }

    /// Somebody who may not ask that.
    pub(crate) fn forbidden(error: &Forbidden) -> Self {
        Self::new(StatusCode::FORBIDDEN, (497, "ACCESS_DENIED"), error.to_string())
    }

    /// A limit is reached: of queries at once, or of what may be read.
    pub(crate) fn limited(refusal: &Limited) -> Self {
        let code = match refusal.limit {
            Limit::Rows | Limit::Bytes => (201, "QUOTA_EXCEEDED"),
            _ => (202, "TOO_MANY_SIMULTANEOUS_QUERIES"),
        };
        let problem = Problem::from(*refusal);
        Self { retry_after: problem.wait(), ..Self::new(problem.status(), code, problem.detail()) }
    }

    /// Its status, and its code with its name.
    pub(crate) fn told(&self) -> (StatusCode, &'static str) {
        (self.status, self.code.1)
    }

    pub(crate) fn too_long(limit: usize) -> Self {
        let message = format!("the statement is longer than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, (62, "SYNTAX_ERROR"), message)
    }

    pub(crate) fn unreadable(error: &dyn Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, (36, "BAD_ARGUMENTS"), error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { status, code: (code, name), message, retry_after } = self;
        let body = format!("Code: {code}. DB::Exception: {message}. ({name})\n");
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(EXCEPTION_CODE, HeaderValue::from(code));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"granary\""));
        }
        headers.extend(retry_after.map(|wait| (header::RETRY_AFTER, HeaderValue::from(whole_seconds(wait)))));
        response
    }
}

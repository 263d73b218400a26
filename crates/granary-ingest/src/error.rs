//! Every refusal, with what it is over HTTP and over gRPC, in one table.

use std::time::Duration;

use granary_access::KeyProblem;
use granary_otlp::DecodeError;
use http::StatusCode;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// A request was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Nobody is known to have sent it, or somebody who may not.
    #[error("{problem}")]
    Unauthenticated {
        /// Why not.
        problem: KeyProblem,
    },
    /// The sender's key has used up what it may send for now.
    #[error("more {of} than this key may send; send again in {} s", whole_seconds(*retry_after))]
    RateLimited {
        /// Requests or bytes.
        of: &'static str,
        /// When to come back.
        retry_after: Duration,
    },
    /// The body is in an encoding that OTLP does not have.
    #[error("content type {content_type:?} is not OTLP; send application/x-protobuf or application/json")]
    ContentType {
        /// What was sent.
        content_type: String,
    },
    /// The body is compressed in a way that is not supported.
    #[error("content encoding {content_encoding:?} is not supported; send gzip, zstd, deflate or identity")]
    ContentEncoding {
        /// What was sent.
        content_encoding: String,
    },
    /// The body is too large as it came.
    #[error("the body is larger than {limit} bytes; send smaller batches")]
    BodyTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The body did not come, or not in time.
    #[error("the body did not arrive: {reason}")]
    Body {
        /// What happened.
        reason: String,
    },
    /// The body is not OTLP.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// There is more to do than there is room for.
    #[error("too much is in flight; send again in {} s", retry_after.as_secs())]
    Overloaded {
        /// When to come back.
        retry_after: Duration,
    },
    /// The records could not be made durable: the log is full, or its disk does not take them.
    #[error("the records could not be written to disk; send again in {} s", retry_after.as_secs())]
    NotDurable {
        /// When to come back.
        retry_after: Duration,
    },
    /// The process is ending.
    #[error("this receiver is stopping; send again in {} s", retry_after.as_secs())]
    Stopping {
        /// When to come back.
        retry_after: Duration,
    },
}

/// How long a sender is asked to wait; OTLP senders back off further by themselves.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Rounded up: who comes back a little early is refused again.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

impl Refusal {
    /// A body that took longer than that.
    pub(crate) fn slow_body(timeout: Duration) -> Self {
        Self::Body { reason: format!("not within {timeout:?}") }
    }

    /// What it is in metrics.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unauthenticated { problem } => problem.name(),
            Self::RateLimited { of: "requests", .. } => "rate_limited_requests",
            Self::RateLimited { .. } => "rate_limited_bytes",
            Self::ContentType { .. } => "content_type",
            Self::ContentEncoding { .. } => "content_encoding",
            Self::BodyTooLarge { .. } | Self::Decode(DecodeError::TooLarge { .. }) => "body_too_large",
            Self::Decode(DecodeError::Expands { .. }) => "body_expands",
            Self::Body { .. } => "body_not_read",
            Self::Decode(_) => "not_otlp",
            Self::Overloaded { .. } => "overloaded",
            Self::NotDurable { .. } => "not_durable",
            Self::Stopping { .. } => "stopping",
        }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated { problem } if problem.is_forbidden() => StatusCode::FORBIDDEN,
            Self::Unauthenticated { .. } => StatusCode::UNAUTHORIZED,
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::ContentType { .. } | Self::ContentEncoding { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyTooLarge { .. }
            | Self::Decode(DecodeError::TooLarge { .. } | DecodeError::Expands { .. }) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::Body { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::Decode(_) => StatusCode::BAD_REQUEST,
            Self::Overloaded { .. } | Self::NotDurable { .. } | Self::Stopping { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// The gRPC code, which is also the `code` of the HTTP answer's body.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unauthenticated { problem } if problem.is_forbidden() => Code::PermissionDenied,
            Self::Unauthenticated { .. } => Code::Unauthenticated,
            Self::ContentType { .. } | Self::ContentEncoding { .. } => Code::Unimplemented,
            Self::RateLimited { .. }
            | Self::BodyTooLarge { .. }
            | Self::Decode(DecodeError::TooLarge { .. } | DecodeError::Expands { .. }) => {
                Code::ResourceExhausted
            }
            Self::Body { .. } => Code::Cancelled,
            Self::Decode(_) => Code::InvalidArgument,
            Self::Overloaded { .. } | Self::NotDurable { .. } | Self::Stopping { .. } => Code::Unavailable,
        }
    }

    /// When to send the same request again; `None` is never.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. }
            | Self::Overloaded { retry_after }
            | Self::NotDurable { retry_after }
            | Self::Stopping { retry_after } => Some(*retry_after),
            _ => None,
        }
    }

    /// The refusal as gRPC carries it, with `RetryInfo` where sending again helps: without it OTLP senders
    /// give a `RESOURCE_EXHAUSTED` request up.
    #[must_use]
    pub fn to_grpc(&self) -> Status {
        match self.retry_after() {
            Some(wait) => Status::with_error_details(
                self.code(),
                self.to_string(),
                ErrorDetails::with_retry_info(Some(wait)),
            ),
            None => Status::new(self.code(), self.to_string()),
        }
    }
}

//! What can be wrong with a request, and with one record in it.

use granary_model::DropReason;

/// The request as a whole cannot be read. It is the sender's fault and sending it again will not help.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are not the protobuf message of the signal.
    #[error("the body is not a valid OTLP protobuf message: {0}")]
    Protobuf(#[from] prost::DecodeError),
    /// The bytes are not the JSON form of the signal's message.
    #[error("the body is not valid OTLP JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// `Content-Encoding` and the bytes do not agree.
    #[error("the body is not valid {encoding}: {source}")]
    Decompress {
        /// What the sender said it was.
        encoding: &'static str,
        /// What the decompressor found.
        source: std::io::Error,
    },
    /// The body is larger than the limit once decompressed.
    #[error("the body is larger than {limit} bytes once decompressed; send smaller batches")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The body would take more memory than the limit, though it is no larger than others.
    #[error(
        "the body's records would take more than {limit} bytes of memory, each with a copy of its resource and scope; \
         send smaller batches"
    )]
    Expands {
        /// The limit in bytes.
        limit: usize,
    },
}

/// One record cannot be taken.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) reason: DropReason,
    pub(crate) detail: String,
}

impl Refusal {
    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self { reason: DropReason::Malformed, detail: detail.into() }
    }

    pub(crate) fn invalid_id(what: &str, bytes: usize, expected: usize) -> Self {
        Self {
            reason: DropReason::InvalidId,
            detail: format!("{what} has {bytes} bytes, expected {expected}"),
        }
    }

    pub(crate) fn time_out_of_range(what: &str, nanos: u64) -> Self {
        Self {
            reason: DropReason::TimeOutOfRange,
            detail: format!("{what} is {nanos} ns, later than 2262-04-11T23:47:16Z"),
        }
    }

    pub(crate) fn too_many_attributes(max: usize) -> Self {
        Self {
            reason: DropReason::TooManyAttributes,
            detail: format!("a record has more than {max} attributes"),
        }
    }

    pub(crate) fn unknown_metric_kind(name: &str) -> Self {
        Self {
            reason: DropReason::UnknownMetricKind,
            detail: format!("metric with a name of {} bytes has no data of a known kind", name.len()),
        }
    }
}

//! What goes back to the sender, in the encoding it spoke.

use granary_model::{Rejected, Signal};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;

use crate::Encoding;

/// A request was taken, whole or in part.
#[derive(Debug, Clone)]
pub struct Answer {
    signal: Signal,
    rejected: i64,
    message: String,
}

impl Answer {
    /// Says what was left out; nothing rejected is plain success.
    #[must_use]
    pub fn new(signal: Signal, rejected: &Rejected) -> Self {
        Self {
            signal,
            rejected: i64::try_from(rejected.total()).unwrap_or(i64::MAX),
            message: rejected.to_string(),
        }
    }

    /// The signal's export response in protobuf, which is also what gRPC carries.
    #[must_use]
    pub fn to_protobuf(&self) -> Vec<u8> {
        let partial = self.rejected > 0;
        let error_message = self.message.clone();
        match self.signal {
            Signal::Logs => ExportLogsServiceResponse {
                partial_success: partial.then_some(ExportLogsPartialSuccess {
                    rejected_log_records: self.rejected,
                    error_message,
                }),
            }
            .encode_to_vec(),
            Signal::Traces => ExportTraceServiceResponse {
                partial_success: partial
                    .then_some(ExportTracePartialSuccess { rejected_spans: self.rejected, error_message }),
            }
            .encode_to_vec(),
            Signal::Metrics => ExportMetricsServiceResponse {
                partial_success: partial.then_some(ExportMetricsPartialSuccess {
                    rejected_data_points: self.rejected,
                    error_message,
                }),
            }
            .encode_to_vec(),
        }
    }

    /// The answer in the encoding of the request.
    #[must_use]
    pub fn encode(&self, encoding: Encoding) -> Vec<u8> {
        if encoding == Encoding::Protobuf {
            return self.to_protobuf();
        }
        if self.rejected == 0 {
            return b"{}".to_vec();
        }
        let count = match self.signal {
            Signal::Logs => "rejectedLogRecords",
            Signal::Traces => "rejectedSpans",
            Signal::Metrics => "rejectedDataPoints",
        };
        // Protobuf's JSON mapping writes a 64-bit integer as a string.
        serde_json::json!({"partialSuccess": {count: self.rejected.to_string(), "errorMessage": self.message}})
            .to_string()
            .into_bytes()
    }
}

/// A request was refused: `google.rpc.Status`, as OTLP wants the body of a 4xx or 5xx to be.
#[derive(Debug, Clone)]
pub struct Failure<'a> {
    /// A `google.rpc.Code`.
    pub code: i32,
    /// What happened and what to do.
    pub message: &'a str,
}

/// The message's protobuf form; its third field, details, is not used.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

impl Failure<'_> {
    /// The failure in the encoding of the request.
    #[must_use]
    pub fn encode(&self, encoding: Encoding) -> Vec<u8> {
        match encoding {
            Encoding::Protobuf => {
                Status { code: self.code, message: self.message.to_owned() }.encode_to_vec()
            }
            Encoding::Json => {
                serde_json::json!({"code": self.code, "message": self.message}).to_string().into_bytes()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use granary_model::DropReason;

    use super::*;

    #[test]
    fn full_success_is_the_empty_message_and_partial_success_says_how_many_and_why() {
        let mut rejected = Rejected::default();
        assert!(Answer::new(Signal::Logs, &rejected).to_protobuf().is_empty());
        assert_eq!(Answer::new(Signal::Logs, &rejected).encode(Encoding::Json), b"{}");
        rejected.add(DropReason::InvalidId, "trace id has 3 bytes, expected 16");
        let answer = Answer::new(Signal::Traces, &rejected);
        let read = ExportTraceServiceResponse::decode(answer.to_protobuf().as_slice()).unwrap();
        assert_eq!(read.partial_success.unwrap().rejected_spans, 1);
        assert_eq!(
            String::from_utf8(answer.encode(Encoding::Json)).unwrap(),
            r#"{"partialSuccess":{"errorMessage":"1 invalid_id: trace id has 3 bytes, expected 16","rejectedSpans":"1"}}"#
        );
    }
}

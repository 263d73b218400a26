//! The protobuf form means what the JSON form means.

use granary_model::{LogRecord, MetricPoint, Span};
use granary_otlp::{Decode, Encoding, decode};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde::de::DeserializeOwned;

use crate::CONTEXT;

/// Decodes the same request from both encodings.
fn both<R: Decode + PartialEq + std::fmt::Debug, M: Message + DeserializeOwned>(json: &str) {
    let message: M = serde_json::from_str(json).unwrap();
    let from_json = decode::<R>(json.as_bytes(), Encoding::Json, CONTEXT).unwrap();
    assert!(from_json.accepted() > 0);
    assert_eq!(from_json, decode::<R>(&message.encode_to_vec(), Encoding::Protobuf, CONTEXT).unwrap());
}

#[test]
fn a_request_means_the_same_in_both_encodings() {
    both::<LogRecord, ExportLogsServiceRequest>(include_str!("../../fixtures/api_request.logs.json"));
    both::<Span, ExportTraceServiceRequest>(include_str!("../../fixtures/llm_request.traces.json"));
    both::<MetricPoint, ExportMetricsServiceRequest>(include_str!("../../fixtures/token_usage.metrics.json"));
}

#[test]
fn an_empty_body_is_an_empty_request() {
    let decoded = decode::<LogRecord>(&[], Encoding::Protobuf, CONTEXT).unwrap();
    assert_eq!((decoded.accepted(), decoded.rejected.total()), (0, 0));
}

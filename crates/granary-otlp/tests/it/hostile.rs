//! Input made to break a decoder gets an error and nothing worse.

use granary_model::{DropReason, LogRecord, Span};
use granary_otlp::{Context, DecodeError, Encoding, decode};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord as OtlpLogRecord, ResourceLogs, ScopeLogs};
use prost::Message;

use crate::CONTEXT;

fn request(record: OtlpLogRecord) -> Vec<u8> {
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs { log_records: vec![record], ..Default::default() }],
            ..Default::default()
        }],
    }
    .encode_to_vec()
}

#[expect(clippy::unnecessary_wraps, reason = "the fields it fills are optional")]
fn text(text: &str) -> Option<AnyValue> {
    Some(AnyValue { value: Some(any_value::Value::StringValue(text.to_owned())) })
}

#[test]
fn protobuf_cut_at_any_byte_is_an_error_or_a_shorter_request_and_never_a_panic() {
    let whole = request(OtlpLogRecord {
        body: text("claude_code.api_request"),
        attributes: vec![KeyValue { key: "model".to_owned(), value: text("m"), ..Default::default() }],
        ..Default::default()
    });
    let refused = (1..whole.len())
        .filter(|end| decode::<LogRecord>(&whole[..*end], Encoding::Protobuf, CONTEXT).is_err())
        .count();
    assert_eq!(refused, whole.len() - 1);
}

#[test]
fn invalid_utf_8_is_an_error() {
    let mut body = request(OtlpLogRecord { body: text("AAAA"), ..Default::default() });
    let at = body.windows(4).position(|w| w == b"AAAA").unwrap();
    body[at] = 0xFF;
    assert!(matches!(decode::<LogRecord>(&body, Encoding::Protobuf, CONTEXT), Err(DecodeError::Protobuf(_))));
}

#[test]
fn nesting_without_end_is_refused_in_both_encodings() {
    let deep = |depth| format!("{}{}", r#"{"arrayValue":{"values":["#.repeat(depth), "]}}".repeat(depth));
    let json = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{}}},{{"body":{{"stringValue":"good"}}}}]}}]}}]}}"#,
        deep(10_000)
    );
    let decoded = decode::<LogRecord>(json.as_bytes(), Encoding::Json, CONTEXT).unwrap();
    assert_eq!((decoded.accepted(), decoded.rejected.total()), (1, 1));

    let mut value = AnyValue { value: None };
    for _ in 0..200 {
        value = AnyValue { value: Some(any_value::Value::ArrayValue(ArrayValue { values: vec![value] })) };
    }
    let body = request(OtlpLogRecord { body: Some(value), ..Default::default() });
    assert!(matches!(decode::<LogRecord>(&body, Encoding::Protobuf, CONTEXT), Err(DecodeError::Protobuf(_))));

    let brackets = "[".repeat(10_000);
    assert!(matches!(
        decode::<Span>(brackets.as_bytes(), Encoding::Json, CONTEXT),
        Err(DecodeError::Json(_))
    ));
}

#[test]
fn a_record_with_a_million_attributes_is_rejected_and_its_neighbour_is_not() {
    let attributes =
        (0..1_000_000).map(|n| KeyValue { key: format!("k{n}"), ..Default::default() }).collect();
    let mut request = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs {
                log_records: vec![
                    OtlpLogRecord { attributes, ..Default::default() },
                    OtlpLogRecord::default(),
                ],
                ..Default::default()
            }],
            ..Default::default()
        }],
    };
    let decoded = decode::<LogRecord>(&request.encode_to_vec(), Encoding::Protobuf, CONTEXT).unwrap();
    assert_eq!(decoded.accepted(), 1);
    assert_eq!(decoded.rejected.iter().collect::<Vec<_>>(), [(DropReason::TooManyAttributes, 1)]);

    request.resource_logs[0].scope_logs[0].log_records[0].attributes.truncate(3);
    let context = Context { max_attributes: 2, ..CONTEXT };
    let decoded = decode::<LogRecord>(&request.encode_to_vec(), Encoding::Protobuf, context).unwrap();
    assert_eq!(decoded.rejected.total(), 1);
}

#[test]
fn the_last_time_the_tables_hold_is_taken_and_the_next_is_not() {
    for (nanos, accepted) in [(i64::MAX as u64, 1), (i64::MAX as u64 + 1, 0)] {
        let body = request(OtlpLogRecord { time_unix_nano: nanos, ..Default::default() });
        assert_eq!(decode::<LogRecord>(&body, Encoding::Protobuf, CONTEXT).unwrap().accepted(), accepted);
    }
}

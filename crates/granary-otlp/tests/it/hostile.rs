//! Input made to break a decoder gets an error and nothing worse.

use granary_model::{DropReason, LogRecord, MetricPoint, Span};
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

/// A field of bytes, as protobuf writes it.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    prost::encoding::encode_varint(bytes.len() as u64, &mut field);
    field.extend_from_slice(bytes);
    field
}

/// So many empty messages of a number.
fn empty(number: u8, count: usize) -> Vec<u8> {
    [number << 3 | 2, 0].repeat(count)
}

/// A request with one resource, one scope and these records.
fn with_records(records: &[u8]) -> Vec<u8> {
    field(1, &field(2, records))
}

#[test]
fn a_small_body_that_would_be_large_in_memory_is_refused_before_it_is_made() {
    const MILLION: usize = 1_000_000;
    let context = Context { max_expanded: 64 << 20, ..CONTEXT };
    let refused = |result: Result<(), DecodeError>| matches!(result, Err(DecodeError::Expands { .. }));
    let logs = |body: &[u8]| decode::<LogRecord>(body, Encoding::Protobuf, context).map(drop);
    let spans = |body: &[u8]| decode::<Span>(body, Encoding::Protobuf, context).map(drop);
    let points = |body: &[u8]| decode::<MetricPoint>(body, Encoding::Protobuf, context).map(drop);

    assert!(refused(logs(&with_records(&empty(2, MILLION)))), "records");
    assert!(refused(logs(&with_records(&field(2, &empty(6, 2 * MILLION))))), "attributes");
    let list = field(5, &empty(1, MILLION));
    assert!(refused(logs(&with_records(&field(2, &field(5, &list))))), "elements of a list");
    assert!(refused(logs(&with_records(&field(2, &field(6, &field(2, &list)))))), "of an attribute");
    let group = [0x0B, 0x0C];
    let hidden = [&group[..], &with_records(&empty(2, MILLION))].concat();
    assert!(refused(logs(&hidden)), "behind what is passed over");

    assert!(refused(spans(&with_records(&empty(2, MILLION)))), "spans");
    assert!(refused(spans(&with_records(&field(2, &empty(11, MILLION))))), "events");
    assert!(refused(spans(&with_records(&field(2, &empty(13, MILLION))))), "links");
    assert!(refused(points(&with_records(&empty(2, MILLION)))), "metrics");
    assert!(refused(points(&with_records(&field(2, &field(5, &empty(1, MILLION)))))), "points");
    let buckets = field(2, &vec![1; 10 * MILLION]);
    assert!(refused(points(&with_records(&field(2, &field(10, &field(1, &field(8, &buckets))))))), "buckets");

    let json =
        format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{}{{}}]}}]}}]}}"#, "{},".repeat(MILLION));
    assert!(refused(decode::<LogRecord>(json.as_bytes(), Encoding::Json, context).map(drop)), "objects");
    assert!(logs(&with_records(&empty(2, 1000))).is_ok());
}

#[test]
fn a_resource_that_would_fill_memory_with_its_copies_is_refused() {
    let context = Context { max_expanded: 64 << 20, ..CONTEXT };
    let pair = |text: &str| field(1, &[field(1, b"k"), field(2, &field(1, text.as_bytes()))].concat());
    let request = |records| {
        let resource = field(1, &pair(&"x".repeat(1 << 20)));
        field(1, &[resource, field(2, &empty(2, records))].concat())
    };
    let decoded = decode::<LogRecord>(&request(20), Encoding::Protobuf, context).unwrap();
    assert!(decoded.expanded > 20 << 20, "{}", decoded.expanded);
    assert!(matches!(
        decode::<LogRecord>(&request(100), Encoding::Protobuf, context),
        Err(DecodeError::Expands { .. })
    ));
    let metric = [field(2, "d".repeat(1 << 20).as_bytes()), field(5, &empty(1, 100))].concat();
    let metrics = with_records(&field(2, &metric));
    assert!(matches!(
        decode::<MetricPoint>(&metrics, Encoding::Protobuf, context),
        Err(DecodeError::Expands { .. })
    ));
}

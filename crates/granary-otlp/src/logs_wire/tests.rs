//! Both ways from bytes to log records lead to the same.

use granary_model::AttributesBuilder;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{
    ArrayValue, EntityRef, InstrumentationScope, KeyValue, KeyValueList, any_value,
};
use opentelemetry_proto::tonic::logs::v1::{LogRecord as Message, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource as OtlpResource;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::logs::{from_messages, from_protobuf};

const CONTEXT: Context = Context { received_unix_nano: 1, max_attributes: 6, max_expanded: 1 << 30 };

fn value() -> impl Strategy<Value = AnyValue> {
    use any_value::Value::{
        ArrayValue as Array, BoolValue, BytesValue, DoubleValue, IntValue, KvlistValue, StringValue,
        StringValueStrindex,
    };
    let single = prop_oneof![
        8 => "[a-z\u{e4}\u{1f600}]{0,12}|[a-z]{120,130}".prop_map(StringValue),
        1 => any::<bool>().prop_map(BoolValue),
        3 => prop_oneof![any::<i64>(), any::<i16>().prop_map(i64::from)].prop_map(IntValue),
        2 => any::<f64>().prop_map(DoubleValue),
        1 => vec(any::<u8>(), 0..5).prop_map(BytesValue),
        1 => any::<i32>().prop_map(StringValueStrindex),
    ];
    let any = |value| option::weighted(0.9, value).prop_map(|value| AnyValue { value });
    any(single).prop_recursive(3, 12, 3, |inner| {
        let pair = ("[a-c]{0,2}", option::of(inner.clone())).prop_map(|(key, value)| KeyValue {
            key,
            value,
            ..KeyValue::default()
        });
        prop_oneof![
            vec(inner, 0..3).prop_map(|values| AnyValue { value: Some(Array(ArrayValue { values })) }),
            vec(pair, 0..3).prop_map(|values| AnyValue { value: Some(KvlistValue(KeyValueList { values })) }),
        ]
    })
}

fn pairs() -> impl Strategy<Value = Vec<KeyValue>> {
    let pair = ("[a-d]{0,2}|session.id", option::weighted(0.9, value())).prop_map(|(key, value)| KeyValue {
        key,
        value,
        ..KeyValue::default()
    });
    vec(pair, 0..8)
}

fn id(length: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => vec(any::<u8>(), length), 1 => vec(any::<u8>(), 0..4)]
}

fn record() -> impl Strategy<Value = Message> {
    let numbers = (any::<[u64; 2]>(), any::<i32>(), any::<u32>(), any::<u32>());
    let texts = ("[a-z]{0,4}", "[a-z]{0,4}", id(16), id(8));
    (numbers, texts, option::of(value()), pairs()).prop_map(|(numbers, texts, body, attributes)| {
        let ([time, observed], severity_number, dropped_attributes_count, flags) = numbers;
        let (severity_text, event_name, trace_id, span_id) = texts;
        Message {
            time_unix_nano: time >> 1,
            observed_time_unix_nano: observed >> (time % 3),
            severity_number,
            severity_text,
            body,
            attributes,
            dropped_attributes_count,
            flags,
            trace_id,
            span_id,
            event_name,
        }
    })
}

fn scope_logs() -> impl Strategy<Value = ScopeLogs> {
    let scope = ("[a-z]{0,3}", "[0-9]{0,3}", pairs(), any::<u32>()).prop_map(
        |(name, version, attributes, dropped_attributes_count)| InstrumentationScope {
            name,
            version,
            attributes,
            dropped_attributes_count,
        },
    );
    (option::of(scope), vec(record(), 0..5), "[a-z]{0,3}")
        .prop_map(|(scope, log_records, schema_url)| ScopeLogs { scope, log_records, schema_url })
}

fn resource_logs() -> impl Strategy<Value = ResourceLogs> {
    let resource =
        (pairs(), any::<u32>(), prop::bool::weighted(0.1)).prop_map(|(attributes, dropped, refers)| {
            let entity = EntityRef { r#type: "host".to_owned(), ..EntityRef::default() };
            OtlpResource {
                attributes,
                dropped_attributes_count: dropped,
                entity_refs: if refers { vec![entity] } else { Vec::new() },
            }
        });
    (option::of(resource), vec(scope_logs(), 0..3), "[a-z]{0,3}")
        .prop_map(|(resource, scope_logs, schema_url)| ResourceLogs { resource, scope_logs, schema_url })
}

fn request() -> impl Strategy<Value = ExportLogsServiceRequest> {
    vec(resource_logs(), 0..3).prop_map(|resource_logs| ExportLogsServiceRequest { resource_logs })
}

/// What came of it, as text: a NaN is equal to itself there.
fn outcome(decoded: Result<Decoded<LogRecord>, DecodeError>) -> String {
    match decoded {
        Ok(decoded) => format!("{decoded:#?}"),
        Err(error) => error.to_string(),
    }
}

proptest! {
    #[test]
    fn every_request_means_the_same_on_both_ways(request in request()) {
        let body = request.encode_to_vec();
        prop_assert_eq!(outcome(from_protobuf(&body, CONTEXT)), outcome(from_messages(&body, CONTEXT)));
    }

    #[test]
    fn bytes_that_were_changed_are_read_or_refused_the_same(
        request in request(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..4),
    ) {
        let mut body = request.encode_to_vec();
        for (at, byte, change) in changes {
            if body.is_empty() {
                break;
            }
            let at = at.index(body.len());
            match change {
                0 => body[at] = byte,
                1 => body.insert(at, byte),
                2 => drop(body.remove(at)),
                _ => body.truncate(at),
            }
        }
        prop_assert_eq!(outcome(from_protobuf(&body, CONTEXT)), outcome(from_messages(&body, CONTEXT)));
    }
}

#[test]
fn what_senders_write_takes_the_direct_way() {
    let message: ExportLogsServiceRequest =
        serde_json::from_str(include_str!("../../fixtures/api_request.logs.json")).unwrap();
    let decoded = read(&message.encode_to_vec(), CONTEXT, &mut AttributesBuilder::default());
    assert!(decoded.unwrap().is_some());
}

#[test]
fn a_message_in_two_parts_is_put_together() {
    let part = |key: &str| {
        ResourceLogs {
            resource: Some(OtlpResource {
                attributes: vec![KeyValue { key: key.to_owned(), ..KeyValue::default() }],
                ..OtlpResource::default()
            }),
            scope_logs: vec![ScopeLogs::default()],
            ..ResourceLogs::default()
        }
        .encode_to_vec()
    };
    let merged = [part("a"), part("b")].concat();
    let mut body = vec![0x0A, u8::try_from(merged.len()).unwrap()];
    body.extend(merged);
    let decoded = from_protobuf(&body, CONTEXT).unwrap();
    assert_eq!(decoded.records[0].resource.attributes.len(), 2);
    assert_eq!(outcome(Ok(decoded)), outcome(from_messages(&body, CONTEXT)));
}

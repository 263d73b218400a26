//! The JSON form, in the spellings clients really use.

use granary_model::{LogRecord, MetricKind, MetricPoint, Number, Span, StatusCode, Value, ValueRef};
use granary_otlp::{Decoded, Encoding, decode};

use crate::{CONTEXT, RECEIVED};

fn logs(json: &str) -> Decoded<LogRecord> {
    decode(json.as_bytes(), Encoding::Json, CONTEXT).unwrap()
}

fn one_log(record: &str) -> Decoded<LogRecord> {
    logs(&format!(r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{record}]}}]}}]}}"#))
}

#[test]
fn integers_may_be_quoted_or_bare_and_mean_the_same() {
    let bare = one_log(
        r#"{"timeUnixNano":1791447318137000000,"attributes":[{"key":"event.sequence","value":{"intValue":15}}]}"#,
    );
    let quoted = one_log(
        r#"{"timeUnixNano":"1791447318137000000","attributes":[{"key":"event.sequence","value":{"intValue":"15"}}]}"#,
    );
    assert_eq!(bare, quoted);
    let record = &bare.records[0].records[0];
    assert_eq!(record.time_unix_nano, 1_791_447_318_137_000_000);
    assert_eq!(record.attributes.get("event.sequence"), Some(ValueRef::Int(15)));
}

#[test]
fn every_type_of_value_arrives_as_what_it_is() {
    let decoded = one_log(
        r#"{"body":{"kvlistValue":{"values":[{"key":"k","value":{"arrayValue":{"values":[{"intValue":1},{}]}}}]}},
            "attributes":[
              {"key":"a","value":{"stringValue":"x"}}, {"key":"b","value":{"boolValue":true}},
              {"key":"c","value":{"doubleValue":10}}, {"key":"d","value":{"bytesValue":"AAEC"}},
              {"key":"e","value":{}}, {"key":"f","value":{"arrayValue":{}}}, {"key":"g"}]}"#,
    );
    let record = &decoded.records[0].records[0];
    let values: Vec<_> = record.attributes.values().map(ValueRef::to_value).collect();
    assert_eq!(
        values,
        [
            "x".into(),
            Value::Bool(true),
            Value::Double(10.0),
            Value::Bytes(vec![0, 1, 2]),
            Value::Empty,
            Value::Array(vec![]),
            Value::Empty
        ]
    );
    assert_eq!(record.body.to_text(), r#"{"k":[1,null]}"#);
}

#[test]
fn ids_are_hex_in_either_case_and_may_be_left_out() {
    let decoded = one_log(r#"{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"eee19b7ec3c1b174"}"#);
    let record = &decoded.records[0].records[0];
    assert_eq!(record.trace_id.to_string(), "5b8efff798038103d269b633813fc60c");
    assert_eq!(record.span_id.to_string(), "eee19b7ec3c1b174");
    assert!(one_log(r#"{"traceId":"","spanId":""}"#).records[0].records[0].trace_id.is_absent());
}

#[test]
fn a_record_without_a_time_gets_the_time_it_was_observed_or_received() {
    let none = one_log("{}");
    assert_eq!(none.records[0].records[0].time_unix_nano, RECEIVED);
    let observed = one_log(r#"{"timeUnixNano":"0","observedTimeUnixNano":"7"}"#);
    assert_eq!(observed.records[0].records[0].time_unix_nano, 7);
}

#[test]
fn one_bad_record_is_counted_and_the_others_go_on() {
    let decoded = one_log(
        r#"{"body":{"stringValue":"first"}},{"attributes":[{"key":"n","value":{"intValue":"many"}}]},
           {"traceId":"abcd"},{"timeUnixNano":"18446744073709551615"},{"body":{"stringValue":"last"}}"#,
    );
    let bodies: Vec<_> = decoded.records[0].records.iter().map(|r| r.body.to_text().into_owned()).collect();
    assert_eq!(bodies, ["first", "last"]);
    insta::assert_snapshot!(decoded.rejected, @"1 malformed: the record is not valid OTLP JSON (Data error at line 1, column 53 of it); 1 invalid_id: trace id has 2 bytes, expected 16; 1 time_out_of_range: the record's time is 18446744073709551615 ns, later than 2262-04-11T23:47:16Z");
}

#[test]
fn the_reason_for_a_refusal_does_not_quote_the_record() {
    let decoded = one_log(r#"{"attributes":[{"key":"n","value":{"intValue":"sk-ant-api03-secret"}}]}"#);
    assert_eq!(decoded.rejected.total(), 1);
    assert!(!decoded.rejected.to_string().contains("sk-ant"));
}

#[test]
fn unknown_fields_and_another_signal_s_fields_are_passed_over() {
    assert_eq!(logs(r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}],"new":1}"#).accepted(), 0);
    assert_eq!(logs("{}").accepted(), 0);
    assert_eq!(logs(r#"{"resourceLogs":null}"#).accepted(), 0);
}

#[test]
fn a_span_arrives_whole() {
    let json = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"claude-code"}}]},
      "schemaUrl":"https://opentelemetry.io/schemas/1.40.0","scopeSpans":[{"scope":{"name":"com.anthropic.claude_code.tracing","version":"1.0.0"},
      "spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174","parentSpanId":"eee19b7ec3c1b173",
        "name":"claude_code.llm_request","kind":1,"startTimeUnixNano":"1000","endTimeUnixNano":"3000","flags":257,
        "events":[{"timeUnixNano":"1500","name":"gen_ai.request.attempt","attributes":[{"key":"attempt","value":{"intValue":1}}]}],
        "links":[{"traceId":"5b8efff798038103d269b633813fc60d","spanId":"eee19b7ec3c1b175"}],"status":{"code":2,"message":"overloaded"}}]}]}]}"#;
    let decoded: Decoded<Span> = decode(json.as_bytes(), Encoding::Json, CONTEXT).unwrap();
    let group = &decoded.records[0];
    assert_eq!(group.resource.service_name(), "claude-code");
    let span = &group.records[0];
    assert_eq!((span.start_time_unix_nano, span.end_time_unix_nano, span.flags), (1000, 3000, 257));
    assert_eq!((span.status, span.status_message.as_str()), (StatusCode::Error, "overloaded"));
    assert_eq!(span.events[0].attributes.get("attempt"), Some(ValueRef::Int(1)));
    assert_eq!(span.links[0].span_id.to_string(), "eee19b7ec3c1b175");
}

#[test]
fn all_five_kinds_of_metric_are_read() {
    let json = r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
      {"name":"g","gauge":{"dataPoints":[{"timeUnixNano":"1","asInt":"5"}]}},
      {"name":"s","unit":"USD","sum":{"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[{"timeUnixNano":"1","asDouble":10}]}},
      {"name":"h","histogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1","count":"3","sum":6.5,"bucketCounts":["1","2"],"explicitBounds":[1.5]}]}},
      {"name":"e","exponentialHistogram":{"aggregationTemporality":1,"dataPoints":[{"timeUnixNano":"1","count":2,"scale":3,"zeroCount":"1","positive":{"offset":4,"bucketCounts":["1"]}}]}},
      {"name":"q","summary":{"dataPoints":[{"timeUnixNano":"1","count":"9","sum":4.5,"quantileValues":[{"quantile":0.5,"value":2}]}]}},
      {"name":"?"}]}]}]}"#;
    let decoded: Decoded<MetricPoint> = decode(json.as_bytes(), Encoding::Json, CONTEXT).unwrap();
    let kinds: Vec<_> = decoded.records[0].records.iter().map(|p| (&*p.name, p.kind.clone())).collect();
    assert_eq!(kinds.len(), 5);
    assert_eq!(kinds[0], ("g", MetricKind::Gauge { value: Some(Number::Int(5)) }));
    assert_eq!(
        kinds[1],
        ("s", MetricKind::Sum { value: Some(Number::Double(10.0)), temporality: 1, monotonic: true })
    );
    assert!(matches!(&kinds[2].1, MetricKind::Histogram { bucket_counts, .. } if bucket_counts == &[1, 2]));
    assert!(matches!(&kinds[3].1, MetricKind::ExponentialHistogram { scale: 3, zero_count: 1, .. }));
    assert!(matches!(&kinds[4].1, MetricKind::Summary { count: 9, .. }));
    assert_eq!(
        decoded.rejected.to_string(),
        "1 unknown_metric_kind: metric with a name of 1 bytes has no data of a known kind"
    );
}

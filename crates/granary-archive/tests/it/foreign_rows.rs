//! Rows that the OpenTelemetry Collector inserted itself are archived too.

use granary_model::{LogRecord, Value};
use granary_otlp::{Context, Encoding, decode};

use crate::support::Fixture;
use granary_archive::LineKind;

#[tokio::test]
async fn rows_of_the_collector_come_back_with_strings_for_values() {
    let fixture = Fixture::new("collector").await;
    let owner = &fixture.warehouse.owner;
    owner
        .execute(
            "INSERT INTO otel_logs (Timestamp, TraceId, SpanId, TraceFlags, SeverityText, SeverityNumber, ServiceName, \
             Body, ResourceAttributes, ScopeName, LogAttributes) VALUES \
             ('2026-11-20 09:06:45.000000001', '5b8efff798038103d269b633813fc60c', 'eee19b7ec3c1b174', 1, 'INFO', 9, \
             'claude-code', 'claude_code.api_request', {'service.name':'claude-code'}, 'scope', \
             {'session.id':'foreign','input_tokens':'12','b':'\\xff\\n'}), \
             ('1969-12-31 23:59:59', '', '', 0, '', 0, '', 'before 1970', {}, '', {'session.id':'foreign'})",
        )
        .await
        .unwrap();
    owner
        .execute(
            "INSERT INTO otel_metrics_histogram (MetricName, Attributes, TimeUnix, Count, Sum, BucketCounts, \
             ExplicitBounds, AggregationTemporality) VALUES \
             ('h', {'session.id':'foreign'}, '2026-11-20 09:06:46', 2, inf, [1,1], [0.5], 1)",
        )
        .await
        .unwrap();

    let lines = fixture.lines("foreign").await;
    let events: Vec<_> = lines.iter().filter(|line| matches!(line.kind, LineKind::Event(_))).collect();
    assert_eq!(events.len(), 3);
    assert!(events[0].json.contains("before 1970"));
    assert!(events[2].json.contains(r#""sum":"Infinity","min":0.0,"max":0.0"#), "{}", events[2].json);
    let context = Context { received_unix_nano: 0, max_attributes: 100, max_expanded: 1 << 30 };
    let decoded = decode::<LogRecord>(events[1].json.as_bytes(), Encoding::Json, context).unwrap();
    let record = &decoded.records[0].records[0];
    assert_eq!(record.time_unix_nano, 1_795_165_605_000_000_001);
    assert_eq!(record.trace_id.to_string(), "5b8efff798038103d269b633813fc60c");
    assert_eq!((record.flags, record.severity_number), (1, 9));
    assert_eq!(record.body, Value::from("claude_code.api_request"));
    assert_eq!(record.attributes.get("input_tokens"), Some("12".into()));
    assert_eq!(record.attributes.get("b"), Some("\u{fffd}\n".into()));

    let id: u128 = owner
        .query("SELECT toString(EventId) FROM otel_logs WHERE TraceFlags = 1")
        .fetch_one::<String>()
        .await
        .unwrap()
        .parse()
        .unwrap();
    assert!(events[1].json.contains(&format!(r#""eventId":"{id:032x}""#)));
}

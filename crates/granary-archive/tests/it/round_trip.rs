//! What goes in comes out: every record of an archive decodes to the record that was stored.

use futures::TryStreamExt;
use granary_archive::LineKind;
use granary_model::{
    Attribute, Attributes, EventId, Exemplar, ExponentialBuckets, Facts, LogRecord, MetricKind, MetricPoint,
    Number, QuantileValue, Record, Records, Resource, Scope, Span, SpanEvent, SpanId, SpanLink, StatusCode,
    TraceId, Value,
};
use granary_otlp::{Context, Decode, Encoding, decode};

use crate::support::{Fixture, INGESTED_MS, SESSION, Stored, TIME, records, store, tenant};

const CONTEXT: Context = Context { received_unix_nano: 0, max_attributes: 1000, max_expanded: 1 << 30 };

/// One of each record, with one of everything in it.
pub(crate) fn logs() -> Records<LogRecord> {
    let everything = Attributes::new(vec![
        Attribute::new("session.id", SESSION),
        Attribute::new("event.sequence", 7_i64),
        Attribute::new("empty", Value::Empty),
        Attribute::new("empty.string", ""),
        Attribute::new("text", "a\tb\n\"c\" \\ / \u{0} \u{7f} é 漢 🦀"),
        Attribute::new("true", true),
        Attribute::new("false", false),
        Attribute::new("int.min", i64::MIN),
        Attribute::new("int.max", i64::MAX),
        Attribute::new("double", 0.002_765_190_000_000_000_3),
        Attribute::new("double.whole", 10.0),
        Attribute::new("double.small", 5e-324),
        Attribute::new("double.negative.zero", -0.0),
        Attribute::new("bytes", Value::Bytes((0..=255).collect())),
        Attribute::new("looks.like.int", "17"),
        Attribute::new("looks.like.json", "[1,2]"),
        Attribute::new(
            "array",
            Value::Array(vec![1_i64.into(), 1.0.into(), "1".into(), true.into(), Value::Empty]),
        ),
        Attribute::new("array.empty", Value::Array(vec![])),
        Attribute::new(
            "map",
            Value::Map(vec![
                Attribute::new("z", Value::Array(vec![Value::Map(vec![])])),
                Attribute::new("a", 1e300),
                Attribute::new("a", "again"),
            ]),
        ),
        Attribute::new("repeated", 1_i64),
        Attribute::new("repeated", "one"),
    ]);
    let bare = LogRecord { time_unix_nano: TIME + 5, observed_time_unix_nano: TIME, ..event_of_session() };
    let full = LogRecord {
        time_unix_nano: TIME,
        observed_time_unix_nano: TIME + 1_234_567_891,
        severity_number: 9,
        severity_text: "INFO".to_owned(),
        body: Value::Map(vec![Attribute::new("k", Value::Array(vec![0.5.into()]))]),
        attributes: everything,
        dropped_attributes: 3,
        flags: 0x301,
        trace_id: TraceId([0xAB; 16]),
        span_id: SpanId([0xCD; 8]),
        event_name: "otlp.name".to_owned(),
    };
    Records {
        resource: Resource {
            attributes: Attributes::new(vec![
                Attribute::new("service.name", "claude-code"),
                Attribute::new("process.pid", 42_i64),
            ]),
            schema_url: "https://opentelemetry.io/schemas/1.40.0".to_owned(),
        }
        .into(),
        scope: Scope {
            name: "com.anthropic.claude_code.events".to_owned(),
            version: "2.1.328".to_owned(),
            attributes: Attributes::new(vec![Attribute::new("scope.flag", true)]),
            schema_url: "https://example.com/scope".to_owned(),
            dropped_attributes: 0,
        },
        records: vec![full, bare],
    }
}

fn event_of_session() -> LogRecord {
    LogRecord { attributes: session_only(), ..LogRecord::default() }
}

fn session_only() -> Attributes {
    Attributes::new(vec![Attribute::new("session.id", SESSION)])
}

pub(crate) fn spans() -> Records<Span> {
    let full = Span {
        trace_id: TraceId([1; 16]),
        span_id: SpanId([2; 8]),
        parent_span_id: SpanId([3; 8]),
        trace_state: "vendor=1".to_owned(),
        name: "claude_code.llm_request".to_owned(),
        kind: 3,
        start_time_unix_nano: TIME + 1,
        end_time_unix_nano: TIME + 3_000_000_001,
        attributes: session_only(),
        dropped_attributes: 1,
        events: vec![
            SpanEvent {
                time_unix_nano: TIME + 2,
                name: "attempt".to_owned(),
                attributes: Attributes::new(vec![
                    Attribute::new("attempt", 1_i64),
                    Attribute::new("why", "x"),
                ]),
                dropped_attributes: 0,
            },
            SpanEvent { time_unix_nano: TIME + 3, name: "bare".to_owned(), ..SpanEvent::default() },
        ],
        dropped_events: 2,
        links: vec![SpanLink {
            trace_id: TraceId([4; 16]),
            span_id: SpanId([5; 8]),
            trace_state: "a=b".to_owned(),
            attributes: Attributes::new(vec![Attribute::new("weight", 0.25)]),
            ..SpanLink::default()
        }],
        dropped_links: 4,
        status: StatusCode::Error,
        status_message: "overloaded".to_owned(),
        flags: 257,
    };
    let bare = Span {
        trace_id: TraceId([1; 16]),
        span_id: SpanId([9; 8]),
        start_time_unix_nano: TIME + 2,
        end_time_unix_nano: TIME + 2,
        attributes: session_only(),
        ..Span::default()
    };
    records(vec![full, bare])
}

fn point(name: &str, nanos: u64, kind: MetricKind) -> MetricPoint {
    MetricPoint {
        name: name.into(),
        description: "Number of tokens used".into(),
        unit: "tokens".into(),
        attributes: session_only(),
        start_time_unix_nano: TIME - 1_000,
        time_unix_nano: TIME + nanos,
        flags: 0,
        kind,
        exemplars: Vec::new(),
    }
}

pub(crate) fn points() -> Records<MetricPoint> {
    let exemplar = |value: f64, attributes| Exemplar {
        attributes: Attributes::new(attributes),
        time_unix_nano: TIME - 1,
        value: Some(Number::Double(value)),
        trace_id: TraceId([6; 16]),
        span_id: SpanId([7; 8]),
    };
    let buckets = |offset, counts| ExponentialBuckets { offset, counts };
    let mut records = records(vec![
        point("gauge.int", 1, MetricKind::Gauge { value: Some(Number::Int(-3)) }),
        point("gauge.none", 2, MetricKind::Gauge { value: None }),
        MetricPoint {
            start_time_unix_nano: 0,
            flags: 1,
            exemplars: vec![exemplar(1.5, vec![]), exemplar(2.0, vec![Attribute::new("n", 2_i64)])],
            ..point(
                "sum",
                3,
                MetricKind::Sum { value: Some(Number::Double(7565.0)), temporality: 1, monotonic: true },
            )
        },
        point(
            "histogram.missing",
            4,
            MetricKind::Histogram {
                count: 2,
                sum: None,
                min: None,
                max: Some(0.0),
                bucket_counts: vec![1, 0, 1],
                explicit_bounds: vec![0.1, 1e9],
                temporality: 2,
            },
        ),
        point(
            "exponential",
            5,
            MetricKind::ExponentialHistogram {
                count: 9,
                sum: Some(0.1),
                min: Some(-1.0),
                max: None,
                scale: -2,
                zero_count: 1,
                zero_threshold: 1e-9,
                positive: buckets(-3, vec![1, u64::MAX]),
                negative: buckets(4, vec![]),
                temporality: 1,
            },
        ),
        point(
            "summary",
            6,
            MetricKind::Summary {
                count: 3,
                sum: 4.5,
                quantiles: vec![
                    QuantileValue { quantile: 0.5, value: 1.5 },
                    QuantileValue { quantile: 1.0, value: 2.0 },
                ],
            },
        ),
    ]);
    records.scope.dropped_attributes = 5;
    records
}

/// A session's records as they come out of its archive, each with its id.
async fn archived<R: Decode>(fixture: &Fixture, session: &str) -> Vec<(u128, Records<R>)> {
    let mut lines = fixture.archive.read(&tenant(), session).await.unwrap();
    let mut found = Vec::new();
    while let Some(line) = lines.try_next().await.unwrap() {
        let LineKind::Event(info) = line.kind else { continue };
        let decoded = decode::<R>(line.json.as_bytes(), Encoding::Json, CONTEXT).unwrap();
        assert_eq!(decoded.rejected.total(), 0, "{}", decoded.rejected);
        assert_eq!(decoded.accepted(), u64::from(info.signal == R::SIGNAL), "{}", line.json);
        if info.signal == R::SIGNAL {
            let json: serde_json::Value = serde_json::from_str(&line.json).unwrap();
            let id = u128::from_str_radix(json["granary"]["eventId"].as_str().unwrap(), 16).unwrap();
            assert_eq!(json["granary"]["redactedFields"], serde_json::json!(["body"]));
            assert_eq!(info.ingested_at_ms, INGESTED_MS);
            found.push((id, decoded.records.into_iter().next().unwrap()));
            assert_eq!(info.time_unix_nano, found.last().unwrap().1.records[0].time_unix_nano());
        }
    }
    found
}

/// Each record by itself, with its resource and scope.
fn one_by_one<R: Clone>(records: &Records<R>) -> Vec<Records<R>> {
    let alone = |record: &R| Records { records: vec![record.clone()], ..clone_group(records) };
    records.records.iter().map(alone).collect()
}

fn clone_group<R>(records: &Records<R>) -> Records<R> {
    Records {
        resource: std::sync::Arc::clone(&records.resource),
        scope: records.scope.clone(),
        records: Vec::new(),
    }
}

/// Stores and archives records, and takes them out of the object again. They have to be given in order.
async fn round_trip<R>(test: &str, session: &str, given: &Records<R>, id: impl Fn(&Records<R>) -> EventId)
where
    R: Decode + Stored + Clone + PartialEq + std::fmt::Debug,
{
    let fixture = Fixture::new(test).await;
    store(&fixture.warehouse.owner, given).await;
    fixture.archive.archive_session(&tenant(), session).await.unwrap();
    // From here on, only the object has them.
    for table in ["otel_logs", "otel_traces", "otel_metrics_sum"] {
        fixture.warehouse.owner.execute(&format!("TRUNCATE TABLE {table}")).await.unwrap();
    }
    let (ids, found): (Vec<_>, Vec<_>) = archived::<R>(&fixture, session).await.into_iter().unzip();
    assert_eq!(format!("{found:#?}"), format!("{:#?}", one_by_one(given)));
    assert_eq!(ids, one_by_one(given).iter().map(|one| id(one).0).collect::<Vec<_>>());
    assert_eq!(
        ids,
        found.iter().map(|one| id(one).0).collect::<Vec<_>>(),
        "a restored record is the same event"
    );
}

fn log_id(of: &Records<LogRecord>) -> EventId {
    let record = &of.records[0];
    let facts = Facts::read(&of.resource, &record.attributes, record.body.as_str());
    EventId::of_log("default", &of.resource, record, &facts, &mut Vec::new())
}

fn span_id(of: &Records<Span>) -> EventId {
    EventId::of_span("default", &of.resource, &of.records[0], &mut Vec::new())
}

fn point_id(of: &Records<MetricPoint>) -> EventId {
    EventId::of_point("default", &of.resource, &of.records[0], &mut Vec::new())
}

#[tokio::test]
async fn log_records_come_back_with_every_type_of_value() {
    round_trip("logs", SESSION, &logs(), log_id).await;
}

#[tokio::test]
async fn spans_come_back_with_their_events_and_links() {
    round_trip("spans", SESSION, &spans(), span_id).await;
}

#[tokio::test]
async fn metric_points_of_all_kinds_come_back_with_what_was_missing_still_missing() {
    round_trip("points", SESSION, &points(), point_id).await;
}

const FIXTURE_SESSION: &str = "e89be90c-aada-4b07-96c0-afe302f37c44";

fn fixture<R: Decode>(json: &str) -> Records<R> {
    let context = Context { received_unix_nano: TIME, ..CONTEXT };
    let mut records = decode::<R>(json.as_bytes(), Encoding::Json, context).unwrap().records.swap_remove(0);
    records.records.sort_by_key(Record::time_unix_nano);
    records
}

#[tokio::test]
async fn what_claude_code_really_sends_comes_back() {
    let logs = fixture(include_str!("../../../granary-otlp/fixtures/api_request.logs.json"));
    round_trip("real_logs", FIXTURE_SESSION, &logs, log_id).await;
    let spans = fixture(include_str!("../../../granary-otlp/fixtures/llm_request.traces.json"));
    round_trip("real_spans", FIXTURE_SESSION, &spans, span_id).await;
    let mut points = fixture(include_str!("../../../granary-otlp/fixtures/token_usage.metrics.json"));
    // Points of one time are ordered by their ids.
    let alone = |point: &MetricPoint| Records { records: vec![point.clone()], ..clone_group(&points) };
    let mut ordered = points.records.clone();
    ordered.sort_by_key(|point| point_id(&alone(point)));
    points.records = ordered;
    round_trip("real_points", FIXTURE_SESSION, &points, point_id).await;
}

#[tokio::test]
async fn the_signals_of_a_session_stand_in_one_order_between_header_and_trailer() {
    let fixture = Fixture::new("order").await;
    for store in [store(&fixture.warehouse.owner, &logs())] {
        store.await;
    }
    store(&fixture.warehouse.owner, &spans()).await;
    store(&fixture.warehouse.owner, &points()).await;
    let archived = fixture.archive.archive_session(&tenant(), SESSION).await.unwrap();
    assert_eq!((archived.contents.logs, archived.contents.spans, archived.contents.metric_points), (2, 2, 6));

    let text = fixture.object_text().await;
    let granary: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["granary"].take())
        .collect();
    let order: Vec<_> = granary
        .iter()
        .filter_map(|member| {
            let time: u64 = member["time"].as_str()?.parse().ok()?;
            Some((time - TIME, member["signal"].as_str()?))
        })
        .collect();
    assert_eq!(
        order,
        [
            (0, "logs"),
            (1, "traces"),
            (1, "metrics"),
            (2, "traces"),
            (2, "metrics"),
            (3, "metrics"),
            (4, "metrics"),
            (5, "logs"),
            (5, "metrics"),
            (6, "metrics"),
        ]
    );
    let (header, trailer) = (&granary[0], granary.last().unwrap());
    assert_eq!(header["format"], 2);
    assert_eq!((header["tenant"].as_str(), header["session"].as_str()), (Some("default"), Some(SESSION)));
    assert_eq!(trailer["firstTime"], "2026-11-20T09:06:45.000000000Z");
    assert_eq!(trailer["lastTime"], "2026-11-20T09:06:45.000000006Z");
    assert_eq!(trailer["sha256"], archived.contents.sha256.as_str());
    assert_eq!(archived.key.to_string(), format!("sessions/2026/11/20/{SESSION}.jsonl.gz"));
}

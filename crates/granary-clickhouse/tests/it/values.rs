//! Every column comes back as it was sent.

use granary_clickhouse::{Append, GroupRef, MetricColumns, Query, Warehouse};
use granary_model::{
    Attribute, Attributes, Exemplar, ExponentialBuckets, MetricKind, MetricPoint, Number, QuantileValue,
    SpanId, TraceId,
};

use crate::records::{TIME, api_request, envelope, logs, resource, scope, seal, span, spans};

async fn json(query: Query) -> String {
    let query = query
        .with_setting("output_format_json_quote_64bit_integers", "0")
        .with_setting("output_format_json_quote_decimals", "0")
        .with_setting("date_time_output_format", "iso");
    let bytes = query.fetch_bytes("JSONEachRow").unwrap().collect().await.unwrap();
    let lines = String::from_utf8(bytes.to_vec()).unwrap();
    let rows: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    serde_json::to_string_pretty(&rows).unwrap()
}

async fn table(warehouse: &Warehouse, table: &str) -> String {
    json(warehouse.query(&format!("SELECT * REPLACE (lower(hex(EventId)) AS EventId) FROM {table}"))).await
}

#[tokio::test]
async fn a_log_record_comes_back_whole() {
    let test = granary_testkit::warehouse("log_values").await;
    test.owner.insert(&seal(&logs(&[api_request()]), "1")).await.unwrap();
    insta::assert_snapshot!("log_record", table(&test.owner, "otel_logs").await);
}

#[tokio::test]
async fn a_span_comes_back_whole() {
    let test = granary_testkit::warehouse("span_values").await;
    test.owner.insert(&seal(&spans(&[span()]), "1")).await.unwrap();
    insta::assert_snapshot!("span", table(&test.owner, "otel_traces").await);
}

#[tokio::test]
async fn a_point_of_each_kind_comes_back_whole() {
    let test = granary_testkit::warehouse("metric_values").await;
    let buckets = |offset, counts: &[u64]| ExponentialBuckets { offset, counts: counts.to_vec() };
    let kinds = [
        MetricKind::Gauge { value: Some(Number::Int(-5)) },
        MetricKind::Sum { value: Some(Number::Double(0.25)), temporality: 1, monotonic: true },
        MetricKind::Histogram {
            count: 3,
            sum: Some(6.5),
            min: None,
            max: Some(4.0),
            bucket_counts: vec![1, 2],
            explicit_bounds: vec![1.5],
            temporality: 2,
        },
        MetricKind::ExponentialHistogram {
            count: 4,
            sum: Some(9.0),
            min: Some(-1.0),
            max: Some(5.0),
            scale: 3,
            zero_count: 1,
            zero_threshold: 0.001,
            positive: buckets(4, &[1, 1]),
            negative: buckets(-2, &[1]),
            temporality: 1,
        },
        MetricKind::Summary {
            count: 9,
            sum: 4.5,
            quantiles: vec![QuantileValue { quantile: 0.5, value: 2.0 }],
        },
    ];
    let (resource, scope) = (resource(), scope());
    let mut columns = MetricColumns::default();
    for (index, kind) in kinds.into_iter().enumerate() {
        let point = MetricPoint {
            name: format!("metric.{index}").into(),
            description: "what it counts".into(),
            unit: "{call}".into(),
            attributes: Attributes::new(vec![
                Attribute::new("session.id", "s1"),
                Attribute::new("user.id", "u1"),
                Attribute::new("n", 1_i64),
            ]),
            start_time_unix_nano: TIME - 1000,
            time_unix_nano: TIME,
            flags: 1,
            kind,
            exemplars: vec![Exemplar {
                attributes: Attributes::new(vec![Attribute::new("e", "x")]),
                time_unix_nano: TIME - 1,
                value: Some(Number::Double(0.5)),
                trace_id: TraceId([3; 16]),
                span_id: SpanId([4; 8]),
            }],
        };
        columns.append(envelope(), GroupRef { resource: &resource, scope: &scope }, &point, &[]);
    }
    let mut seen = Vec::new();
    let MetricColumns { gauge, sum, histogram, exponential_histogram, summary } = &columns;
    for block in [
        seal(gauge, "1"),
        seal(sum, "1"),
        seal(histogram, "1"),
        seal(exponential_histogram, "1"),
        seal(summary, "1"),
    ] {
        assert_eq!(block.rows, 1, "{}", block.table);
        test.owner.insert(&block).await.unwrap();
        seen.push(format!("{}\n{}\n", block.table, table(&test.owner, block.table).await));
    }
    insta::assert_snapshot!("metric_points", seen.concat());
}

#[tokio::test]
async fn wide_dictionaries_and_large_blocks_survive() {
    let test = granary_testkit::warehouse("large").await;
    // More distinct tools than one, two and then four bytes can number, over several compressed frames.
    for (token, distinct) in [("1", 300_u32), ("2", 70_000)] {
        let records: Vec<_> = (0..distinct)
            .map(|n| {
                let mut record = api_request();
                record.attributes = Attributes::new(vec![
                    Attribute::new("tool_name", format!("tool-{n}")),
                    Attribute::new(format!("key-{n}"), "v"),
                ]);
                record
            })
            .collect();
        test.owner.insert(&seal(&logs(&records), token)).await.unwrap();
        let query = test
            .owner
            .query("SELECT uniqExact(ToolName), uniqExact(mapKeys(LogAttributes)), countIf(LogAttributes['tool_name'] != ToolName) FROM otel_logs");
        assert_eq!(
            query.fetch_one::<(u64, u64, u64)>().await.unwrap(),
            (u64::from(distinct), u64::from(distinct), 0)
        );
    }
}

#[tokio::test]
async fn a_block_whose_rows_have_no_attributes_is_taken() {
    let test = granary_testkit::warehouse("empty").await;
    let mut record = api_request();
    record.attributes = Attributes::default();
    test.owner.insert(&seal(&logs(&[record]), "1")).await.unwrap();
    assert_eq!(
        test.owner.query("SELECT length(LogAttributes) FROM otel_logs").fetch_one::<u64>().await.unwrap(),
        0
    );
}

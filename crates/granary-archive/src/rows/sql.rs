//! The statement that reads a session from all seven tables.
//!
//! A row comes as one line of text: time, sequence, kind and id, by which rows are ordered, then two JSON
//! objects, one of the columns that all tables share and one of the table's own, all with tabs between them.
//! JSON has no bare tab or line break in it, so nothing needs to be escaped twice.

use std::sync::OnceLock;

/// What the texts depend upon, pinned; and bounds for a session of any size.
pub(super) const SETTINGS: [(&str, &str); 11] = [
    ("output_format_json_quote_64bit_integers", "0"),
    // As text, a double is read back exactly, and NaN and the infinities can be said.
    ("output_format_json_quote_64bit_floats", "1"),
    ("output_format_json_quote_denormals", "1"),
    ("output_format_json_escape_forward_slashes", "0"),
    // A String column can hold any bytes, JSON cannot.
    ("output_format_json_validate_utf8", "1"),
    ("output_format_json_map_as_array_of_tuples", "0"),
    // Past this much, the server sorts on its disk.
    ("max_bytes_before_external_sort", "268435456"),
    ("max_threads", "4"),
    // An upload that waits for its store must not end the statement.
    ("http_send_timeout", "300"),
    ("max_execution_time", "0"),
    ("session_timezone", "UTC"),
];

/// Kinds of rows, in the order in which rows of the same moment come.
pub(super) mod kind {
    pub(in super::super) const LOG: u8 = 0;
    pub(in super::super) const SPAN: u8 = 1;
    pub(in super::super) const GAUGE: u8 = 2;
    pub(in super::super) const SUM: u8 = 3;
    pub(in super::super) const HISTOGRAM: u8 = 4;
    pub(in super::super) const EXPONENTIAL_HISTOGRAM: u8 = 5;
    pub(in super::super) const SUMMARY: u8 = 6;
}

/// The columns that all tables have.
const SHARED: &str = "ResourceAttributes, ResourceSchemaUrl, ScopeName, ScopeVersion, ScopeAttributes, ScopeSchemaUrl, \
     AttributeTypes, RedactedFields, toUnixTimestamp64Milli(IngestedAt) AS IngestedMs";

const LOG: &str = "TraceId, SpanId, TraceFlags, SeverityText, SeverityNumber, Body, LogAttributes AS Attributes, \
     EventName, ObservedDelay, Flags, DroppedAttributes";

const SPAN: &str = "TraceId, SpanId, ParentSpanId, TraceState, SpanName, SpanKind, SpanAttributes AS Attributes, Duration, \
     StatusCode, StatusMessage, Flags, DroppedAttributes, DroppedEvents, DroppedLinks, \
     arrayMap(t -> toUnixTimestamp64Nano(t), `Events.Timestamp`) AS EventTimes, `Events.Name` AS EventNames, \
     `Events.Attributes` AS EventAttributes, `Links.TraceId` AS LinkTraceIds, `Links.SpanId` AS LinkSpanIds, \
     `Links.TraceState` AS LinkTraceStates, `Links.Attributes` AS LinkAttributes";

const POINT: &str = "ScopeDroppedAttrCount AS ScopeDropped, MetricName, MetricDescription, MetricUnit, Attributes, \
     toUnixTimestamp64Nano(StartTimeUnix) AS StartTime, Flags";

const EXEMPLARS: &str = "`Exemplars.FilteredAttributes` AS ExemplarAttributes, \
     arrayMap(t -> toUnixTimestamp64Nano(t), `Exemplars.TimeUnix`) AS ExemplarTimes, \
     `Exemplars.Value` AS ExemplarValues, `Exemplars.SpanId` AS ExemplarSpanIds, `Exemplars.TraceId` AS ExemplarTraceIds";

/// All rows of the session, in order.
pub(super) fn all_rows() -> &'static str {
    static SQL: OnceLock<String> = OnceLock::new();
    SQL.get_or_init(|| statement(""))
}

/// Rows of the session from a key on, in order.
pub(super) fn page_of_rows() -> &'static str {
    static SQL: OnceLock<String> = OnceLock::new();
    SQL.get_or_init(|| statement(" LIMIT {limit:UInt64} OFFSET {offset:UInt64}"))
}

fn statement(limit: &str) -> String {
    let tables = [
        table("otel_logs", kind::LOG, "Timestamp", "Sequence", LOG),
        table("otel_traces", kind::SPAN, "Timestamp", "toUInt64(0)", SPAN),
        metric("otel_metrics_gauge", kind::GAUGE, &format!("Value, {EXEMPLARS}")),
        metric(
            "otel_metrics_sum",
            kind::SUM,
            &format!("Value, AggregationTemporality AS Temporality, IsMonotonic, {EXEMPLARS}"),
        ),
        metric(
            "otel_metrics_histogram",
            kind::HISTOGRAM,
            &format!(
                "Count, Sum, Min, Max, BucketCounts, ExplicitBounds, AggregationTemporality AS Temporality, {EXEMPLARS}"
            ),
        ),
        metric(
            "otel_metrics_exponential_histogram",
            kind::EXPONENTIAL_HISTOGRAM,
            &format!(
                "Count, Sum, Min, Max, Scale, ZeroCount, ZeroThreshold, PositiveOffset, PositiveBucketCounts, \
                 NegativeOffset, NegativeBucketCounts, AggregationTemporality AS Temporality, {EXEMPLARS}"
            ),
        ),
        metric(
            "otel_metrics_summary",
            kind::SUMMARY,
            "Count, Sum, `ValueAtQuantiles.Quantile` AS Quantiles, `ValueAtQuantiles.Value` AS QuantileValues",
        ),
    ]
    .join("\nUNION ALL\n");
    format!(
        "SELECT concat(toString(RowTime), '\\t', toString(RowSequence), '\\t', toString(RowKind), '\\t', \
         toString(RowId), '\\t', Shared, '\\t', Own) FROM (\n{tables}\n)\n\
         ORDER BY RowTime, RowSequence, RowKind, RowId, Own{limit}"
    )
}

fn metric(table_name: &str, kind: u8, own: &str) -> String {
    table(table_name, kind, "TimeUnix", "toUInt64(0)", &format!("{POINT}, {own}"))
}

fn table(name: &str, kind: u8, time: &str, sequence: &str, own: &str) -> String {
    let time = format!("toUnixTimestamp64Nano({time})");
    format!(
        "SELECT {time} AS RowTime, {sequence} AS RowSequence, toUInt8({kind}) AS RowKind, EventId AS RowId, \
         formatRowNoNewline('JSONEachRow', {SHARED}) AS Shared, formatRowNoNewline('JSONEachRow', {own}) AS Own \
         FROM {name} WHERE TenantId = {{tenant:String}} AND SessionId = {{session:String}} \
         AND ({time}, {sequence}, toUInt8({kind}), EventId) \
         >= ({{time:Int64}}, {{sequence:UInt64}}, {{kind:UInt8}}, {{id:UInt128}})"
    )
}

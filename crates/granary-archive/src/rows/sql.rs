//! The statements that read a session, or several small ones, from all seven tables.
//!
//! A row comes as one line of text: time, sequence, kind and id, by which rows are ordered, then two JSON
//! objects, one of the columns that all tables share and one of the table's own, all with tabs between them.
//! JSON has no bare tab or line break in it, so nothing needs to be escaped twice.

use granary_clickhouse::Warehouse;

use crate::hours::{self, Hours};
use crate::names::IN_SESSIONS;

/// What the texts depend upon, pinned; and bounds for a session of any size.
pub(super) const SETTINGS: [(&str, &str); 10] = [
    ("output_format_json_quote_64bit_integers", "0"),
    // As text, a double is read back exactly, and NaN and the infinities can be said.
    ("output_format_json_quote_64bit_floats", "1"),
    ("output_format_json_quote_denormals", "1"),
    ("output_format_json_escape_forward_slashes", "0"),
    // A String column can hold any bytes, JSON cannot.
    ("output_format_json_validate_utf8", "1"),
    ("output_format_json_map_as_array_of_tuples", "0"),
    ("session_timezone", "UTC"),
    // A page is little work; ingest and queries need the processors more.
    ("max_threads", "2"),
    // A reader that goes away ends its statement, which the server does for those that only read.
    ("readonly", "2"),
    ("cancel_http_readonly_queries_on_client_close", "1"),
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
     AttributeTypes, RedactedFields, toUnixTimestamp64Milli(IngestedAt) AS IngestedMs, BatchId, TeamId, TimeOutOfRange";

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

/// A table as the statement reads it.
struct Table {
    name: &'static str,
    kind: u8,
    time: &'static str,
    sequence: &'static str,
    own: String,
}

/// Where rows are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    OneServer,
    /// The texts are made by the server that is asked: a shard does not know what their columns are to be called.
    Shards,
}

impl Origin {
    pub(super) fn of(warehouse: &Warehouse) -> Self {
        if warehouse.cluster().is_some() { Self::Shards } else { Self::OneServer }
    }

    /// What follows `FROM`.
    fn rows(self, table: &str, condition: &str) -> String {
        match self {
            Self::OneServer => format!("{table} WHERE {condition}"),
            Self::Shards => format!("(SELECT * FROM {table} WHERE {condition})"),
        }
    }
}

/// What rows are ordered by.
const KEY: &str = "RowTime, RowSequence, RowKind, RowId";

/// All rows of several sessions, one session after the other in the order in which they are bound; the line begins
/// with the session's place among them, from 1.
pub(super) fn rows_of_sessions(from: Origin, hours: Option<Hours>) -> String {
    let tables = union(|table| {
        let keys = table.keys();
        let texts = table.texts();
        let within = hours::within(hours, table.time);
        let of_sessions = from.rows(table.name, &format!("{IN_SESSIONS}{within}"));
        format!("SELECT TenantId, SessionId, {keys}{texts} FROM {of_sessions}")
    });
    format!(
        "SELECT concat(toString(indexOf(arrayZip({{tenants:Array(String)}}, {{sessions:Array(String)}}), \
         (toString(TenantId), SessionId)) AS Place), '\\t', {LINE}) FROM (\n{tables}\n)\n\
         ORDER BY Place, {KEY}, Own, Shared LIMIT {{limit:UInt64}}"
    )
}

/// The log rows of one insert, if `rows` of them or more are there already; the line begins with what they can be chosen by.
/// In a cluster an insert is told of by each shard, for its own rows.
pub(super) fn rows_of_insert(from: Origin, hours: Option<Hours>) -> String {
    const OF_INSERT: &str = "TenantId = {tenant:String} \
         AND Timestamp >= fromUnixTimestamp64Nano({first:Int64}) AND Timestamp <= fromUnixTimestamp64Nano({last:Int64}) \
         AND IngestedAt >= fromUnixTimestamp64Milli({first_received:Int64}) \
         AND IngestedAt <= fromUnixTimestamp64Milli({last_received:Int64}) \
         AND BatchId IN (SELECT arrayJoin(Batches) FROM stored_inserts \
         WHERE StoredAt = fromUnixTimestamp64Milli({stored:Int64}) AND TenantId = {tenant:String} AND Key = {key:UInt64})";
    const CHOSEN_BY: &str = "formatRowNoNewline('JSONEachRow', SessionId, UserId, TeamId, ToolName, SeverityText, \
         SeverityNumber, AgentEvent, EventId)";
    let shard = match from {
        Origin::OneServer => "",
        Origin::Shards => " AND _shard_num = {shard:UInt32}",
    };
    let [logs, ..] = tables();
    let (keys, texts) = (logs.keys(), logs.texts());
    let within = hours::within(hours, logs.time);
    let found = format!("Found >= {{rows:UInt64}} AND {OF_INSERT}{shard}{within}");
    let found = from.rows("otel_logs", &found);
    format!(
        "WITH (SELECT count() FROM otel_logs WHERE {OF_INSERT}{shard}{within}) AS Found\n\
         SELECT concat(ChosenBy, '\\t', {LINE}) FROM (\n\
         SELECT {CHOSEN_BY} AS ChosenBy, {keys}{texts} FROM {found}\n)\n\
         ORDER BY {KEY}, Own, Shared"
    )
}

/// As many rows of one key, or more, that are not the same row are not there: the key has the event's identity in it, and
/// a receiver takes one event once.
const SPARE_ROWS: u64 = 100;

/// Rows of the session from a key on, up to a time, within hours where a key can tell them apart. In a table of a hundred million rows
/// naming them is to read 0.3 million rows of keys and not 3.4 million.
///
/// Each table gives as many rows as a page has, and some. They are chosen by their keys before any is formatted, so a stretch of
/// time with far more rows costs little more. Rows of one key, which differ in their texts alone, are in the order of the texts:
/// that is why there must be all of those at the page's end, and so [`SPARE_ROWS`] behind it.
pub(super) fn page_of_rows(from: Origin, hours: Option<Hours>) -> String {
    let tables = union(|table| {
        let rows = table.select(from, &table.texts(), &hours::within(hours, table.time));
        format!(
            "SELECT * FROM ({rows} ORDER BY {KEY} LIMIT {{limit:UInt64}} + {{offset:UInt64}} + {SPARE_ROWS})"
        )
    });
    format!(
        "SELECT {LINE} FROM (\n{tables}\n)\n\
         ORDER BY {KEY}, Own, Shared LIMIT {{limit:UInt64}} OFFSET {{offset:UInt64}}"
    )
}

/// A row as text.
const LINE: &str = "concat(toString(RowTime), '\\t', toString(RowSequence), '\\t', toString(RowKind), '\\t', \
     toString(RowId), '\\t', Shared, '\\t', Own)";

fn union(of: impl Fn(&Table) -> String) -> String {
    tables().iter().map(of).collect::<Vec<_>>().join("\nUNION ALL\n")
}

impl Table {
    fn metric(name: &'static str, kind: u8, own: &str) -> Self {
        let own = format!("{POINT}, {own}");
        Self { name, kind, time: "TimeUnix", sequence: "toUInt64(0)", own }
    }

    fn key(&self) -> String {
        let Self { kind, time, sequence, .. } = self;
        format!("(toUnixTimestamp64Nano({time}), {sequence}, toUInt8({kind}), EventId)")
    }

    /// The columns that rows are ordered by.
    fn keys(&self) -> String {
        let Self { kind, time, sequence, .. } = self;
        format!(
            "toUnixTimestamp64Nano({time}) AS RowTime, {sequence} AS RowSequence, toUInt8({kind}) AS RowKind, \
             EventId AS RowId"
        )
    }

    /// The columns that hold the row itself.
    fn texts(&self) -> String {
        let own = &self.own;
        format!(
            ", formatRowNoNewline('JSONEachRow', {SHARED}) AS Shared, formatRowNoNewline('JSONEachRow', {own}) AS Own"
        )
    }

    /// Keys of the session's rows, and further columns.
    fn select(&self, from: Origin, columns: &str, and: &str) -> String {
        let Self { name, time, .. } = self;
        let of_session = format!(
            "TenantId = {{tenant:String}} AND SessionId = {{session:String}} \
             AND {time} >= fromUnixTimestamp64Nano({{time:Int64}}) AND {time} <= fromUnixTimestamp64Nano({{until:Int64}}) \
             AND {} >= ({{time:Int64}}, {{sequence:UInt64}}, {{kind:UInt8}}, {{id:UInt128}}){and}",
            self.key()
        );
        format!("SELECT {}{columns} FROM {}", self.keys(), from.rows(name, &of_session))
    }
}

fn tables() -> [Table; 7] {
    [
        Table {
            name: "otel_logs",
            kind: kind::LOG,
            time: "Timestamp",
            sequence: "Sequence",
            own: LOG.to_owned(),
        },
        Table {
            name: "otel_traces",
            kind: kind::SPAN,
            time: "Timestamp",
            sequence: "toUInt64(0)",
            own: SPAN.to_owned(),
        },
        Table::metric("otel_metrics_gauge", kind::GAUGE, &format!("Value, {EXEMPLARS}")),
        Table::metric(
            "otel_metrics_sum",
            kind::SUM,
            &format!("Value, AggregationTemporality AS Temporality, IsMonotonic, {EXEMPLARS}"),
        ),
        Table::metric(
            "otel_metrics_histogram",
            kind::HISTOGRAM,
            &format!(
                "Count, Sum, Min, Max, BucketCounts, ExplicitBounds, AggregationTemporality AS Temporality, {EXEMPLARS}"
            ),
        ),
        Table::metric(
            "otel_metrics_exponential_histogram",
            kind::EXPONENTIAL_HISTOGRAM,
            &format!(
                "Count, Sum, Min, Max, Scale, ZeroCount, ZeroThreshold, PositiveOffset, PositiveBucketCounts, \
                 NegativeOffset, NegativeBucketCounts, AggregationTemporality AS Temporality, {EXEMPLARS}"
            ),
        ),
        Table::metric(
            "otel_metrics_summary",
            kind::SUMMARY,
            "Count, Sum, `ValueAtQuantiles.Quantile` AS Quantiles, `ValueAtQuantiles.Value` AS QuantileValues",
        ),
    ]
}

//! Log records, spans and metric points as OTLP means them, after decoding.
//!
//! The nesting of OTLP is kept (resource, scope, records), so that what a thousand records share is held,
//! redacted and looked at once.

use std::sync::Arc;

use crate::keys::Known;
use crate::{Attributes, EventId, Facts, Signal, SpanId, TraceId, Value};

/// Who sends: the attributes that every record of one process shares.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resource {
    /// `service.name` and what else the sender says of itself.
    pub attributes: Attributes,
    /// Where the names of the attributes are defined.
    pub schema_url: String,
}

impl Resource {
    /// `service.name`, or nothing where the sender gave none.
    #[must_use]
    pub fn service_name(&self) -> &str {
        const SERVICE_NAME: Known = Known::new("service.name");
        self.attributes.known_text(SERVICE_NAME).unwrap_or_default()
    }
}

/// Which instrumentation within the sender produced the records.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scope {
    /// For Claude Code's events `com.anthropic.claude_code.events`.
    pub name: String,
    /// The instrumentation's version.
    pub version: String,
    /// What the scope says of itself.
    pub attributes: Attributes,
    /// Where the names of the attributes are defined.
    pub schema_url: String,
    /// Attributes the sender left out.
    pub dropped_attributes: u32,
}

/// Records of one resource and one scope.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Records<R> {
    /// Shared with the other scopes of the same resource.
    pub resource: Arc<Resource>,
    /// The scope.
    pub scope: Scope,
    /// The records, in the order they came.
    pub records: Vec<R>,
}

/// What the three signals' records have in common.
pub trait Record: Send + Sized + 'static {
    /// The signal the record belongs to.
    const SIGNAL: Signal;

    /// The record's own attributes.
    fn attributes(&self) -> &Attributes;

    /// When it happened, in nanoseconds since 1970.
    fn time_unix_nano(&self) -> u64;

    /// Bytes that it has in common with other records, besides resource and scope, and of which its row has a copy.
    fn shared_bytes(&self) -> usize {
        0
    }

    /// What it says, as typed values.
    fn facts<'a>(&'a self, resource: &'a Resource) -> Facts<'a>;

    /// The id by which a repeated delivery is known. `scratch` is emptied and used; it saves an allocation.
    fn event_id(
        &self,
        tenant: &str,
        resource: &Resource,
        facts: &Facts<'_>,
        scratch: &mut Vec<u8>,
    ) -> EventId;
}

/// One log record; for a coding agent, one event.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogRecord {
    /// When the event happened; where the sender left it out, when it was observed or received.
    pub time_unix_nano: u64,
    /// When the event was seen by the sender; where left out, the event's own time.
    pub observed_time_unix_nano: u64,
    /// 1 (TRACE) to 24 (FATAL4); 0 is unset, as Claude Code leaves it.
    pub severity_number: u8,
    /// The sender's own word for the severity.
    pub severity_text: String,
    /// Text or structure; Claude Code writes `claude_code.<event>`.
    pub body: Value,
    /// The event's attributes.
    pub attributes: Attributes,
    /// Attributes the sender left out.
    pub dropped_attributes: u32,
    /// The W3C trace flags in the low eight bits.
    pub flags: u32,
    /// The trace the event happened in.
    pub trace_id: TraceId,
    /// The span the event happened in.
    pub span_id: SpanId,
    /// OTLP's own event name, which Claude Code leaves empty.
    pub event_name: String,
}

impl Record for LogRecord {
    const SIGNAL: Signal = Signal::Logs;

    fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    fn time_unix_nano(&self) -> u64 {
        self.time_unix_nano
    }

    fn facts<'a>(&'a self, resource: &'a Resource) -> Facts<'a> {
        Facts::read(resource, &self.attributes, self.body.as_str())
    }

    fn event_id(
        &self,
        tenant: &str,
        resource: &Resource,
        facts: &Facts<'_>,
        scratch: &mut Vec<u8>,
    ) -> EventId {
        EventId::of_log(tenant, resource, self, facts, scratch)
    }
}

/// How a span ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StatusCode {
    /// The sender says nothing.
    #[default]
    Unset,
    /// The sender says it went well.
    Ok,
    /// The sender says it failed.
    Error,
}

/// One span.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Span {
    /// The trace the span belongs to.
    pub trace_id: TraceId,
    /// The span's own id.
    pub span_id: SpanId,
    /// The span it happened in; absent for a root.
    pub parent_span_id: SpanId,
    /// W3C `tracestate`.
    pub trace_state: String,
    /// What was done.
    pub name: String,
    /// OTLP's number: 1 internal, 2 server, 3 client, 4 producer, 5 consumer; 0 unset.
    pub kind: i32,
    /// When it began, in nanoseconds since 1970.
    pub start_time_unix_nano: u64,
    /// When it ended, in nanoseconds since 1970.
    pub end_time_unix_nano: u64,
    /// The span's attributes.
    pub attributes: Attributes,
    /// Attributes the sender left out.
    pub dropped_attributes: u32,
    /// Moments within the span.
    pub events: Vec<SpanEvent>,
    /// Events the sender left out.
    pub dropped_events: u32,
    /// Other spans it is tied to.
    pub links: Vec<SpanLink>,
    /// Links the sender left out.
    pub dropped_links: u32,
    /// How it ended.
    pub status: StatusCode,
    /// The sender's words on how it ended.
    pub status_message: String,
    /// The W3C trace flags and OTLP's own in the bits above.
    pub flags: u32,
}

impl Record for Span {
    const SIGNAL: Signal = Signal::Traces;

    fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    fn time_unix_nano(&self) -> u64 {
        self.start_time_unix_nano
    }

    fn facts<'a>(&'a self, resource: &'a Resource) -> Facts<'a> {
        Facts::read(resource, &self.attributes, None)
    }

    fn event_id(&self, tenant: &str, resource: &Resource, _: &Facts<'_>, scratch: &mut Vec<u8>) -> EventId {
        EventId::of_span(tenant, resource, self, scratch)
    }
}

/// A moment within a span.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SpanEvent {
    /// When, in nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// What.
    pub name: String,
    /// The event's attributes.
    pub attributes: Attributes,
    /// Attributes the sender left out.
    pub dropped_attributes: u32,
}

/// A tie from a span to another, in the same or another trace.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SpanLink {
    /// The other span's trace.
    pub trace_id: TraceId,
    /// The other span.
    pub span_id: SpanId,
    /// The other span's `tracestate`.
    pub trace_state: String,
    /// What the tie means.
    pub attributes: Attributes,
    /// Attributes the sender left out.
    pub dropped_attributes: u32,
    /// The W3C trace flags and OTLP's own in the bits above.
    pub flags: u32,
}

/// A number as a metric carries it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// `asInt`
    Int(i64),
    /// `asDouble`
    Double(f64),
}

impl Number {
    /// The number as the collector's tables hold it.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "the collector's Value column is Float64")]
            Self::Int(number) => number as f64,
            Self::Double(number) => number,
        }
    }
}

/// One data point of a metric, with what it needs of the metric around it.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricPoint {
    /// The metric's name.
    pub name: Arc<str>,
    /// What the metric counts, in the sender's words.
    pub description: Arc<str>,
    /// The metric's unit, in UCUM where the sender keeps to the convention.
    pub unit: Arc<str>,
    /// The point's attributes.
    pub attributes: Attributes,
    /// Since when the point counts; 0 where the sender does not say.
    pub start_time_unix_nano: u64,
    /// When the point was taken.
    pub time_unix_nano: u64,
    /// Bit 0: no value was recorded.
    pub flags: u32,
    /// The point's value, by kind of metric.
    pub kind: MetricKind,
    /// Single measurements kept beside the aggregate.
    pub exemplars: Vec<Exemplar>,
}

impl Record for MetricPoint {
    const SIGNAL: Signal = Signal::Metrics;

    fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    fn time_unix_nano(&self) -> u64 {
        self.time_unix_nano
    }

    fn shared_bytes(&self) -> usize {
        self.name.len() + self.description.len() + self.unit.len()
    }

    fn facts<'a>(&'a self, resource: &'a Resource) -> Facts<'a> {
        Facts::read(resource, &self.attributes, None)
    }

    fn event_id(&self, tenant: &str, resource: &Resource, _: &Facts<'_>, scratch: &mut Vec<u8>) -> EventId {
        EventId::of_point(tenant, resource, self, scratch)
    }
}

/// The value of a data point, by the five kinds of metric.
///
/// `temporality` is OTLP's number: 1 delta, 2 cumulative, 0 unset.
#[derive(Debug, Clone, PartialEq)]
pub enum MetricKind {
    /// The last value of something that goes up and down.
    Gauge {
        /// The value; `None` where the point carries none.
        value: Option<Number>,
    },
    /// A sum over time.
    Sum {
        /// The value; `None` where the point carries none.
        value: Option<Number>,
        /// Delta or cumulative.
        temporality: i32,
        /// Whether it only grows.
        monotonic: bool,
    },
    /// Counts in buckets with given bounds.
    Histogram {
        /// How many measurements.
        count: u64,
        /// Their sum.
        sum: Option<f64>,
        /// The smallest.
        min: Option<f64>,
        /// The largest.
        max: Option<f64>,
        /// Counts per bucket, one more than there are bounds.
        bucket_counts: Vec<u64>,
        /// Upper bounds of the buckets.
        explicit_bounds: Vec<f64>,
        /// Delta or cumulative.
        temporality: i32,
    },
    /// Counts in buckets whose bounds grow by a constant factor.
    ExponentialHistogram {
        /// How many measurements.
        count: u64,
        /// Their sum.
        sum: Option<f64>,
        /// The smallest.
        min: Option<f64>,
        /// The largest.
        max: Option<f64>,
        /// The factor between bounds is 2^(2^-scale).
        scale: i32,
        /// Measurements that count as zero.
        zero_count: u64,
        /// Up to this size a measurement counts as zero.
        zero_threshold: f64,
        /// Buckets above zero.
        positive: ExponentialBuckets,
        /// Buckets below zero.
        negative: ExponentialBuckets,
        /// Delta or cumulative.
        temporality: i32,
    },
    /// Quantiles computed by the sender.
    Summary {
        /// How many measurements.
        count: u64,
        /// Their sum.
        sum: f64,
        /// The quantiles.
        quantiles: Vec<QuantileValue>,
    },
}

/// Consecutive buckets of an exponential histogram.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExponentialBuckets {
    /// The index of the first bucket.
    pub offset: i32,
    /// Counts from there on.
    pub counts: Vec<u64>,
}

/// One quantile of a summary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QuantileValue {
    /// From 0 to 1.
    pub quantile: f64,
    /// The value there.
    pub value: f64,
}

/// A single measurement kept beside an aggregate.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Attributes of the measurement that the point itself does not have.
    pub attributes: Attributes,
    /// When it was taken.
    pub time_unix_nano: u64,
    /// What was measured; `None` where it carries none.
    pub value: Option<Number>,
    /// The trace it was taken in.
    pub trace_id: TraceId,
    /// The span it was taken in.
    pub span_id: SpanId,
}

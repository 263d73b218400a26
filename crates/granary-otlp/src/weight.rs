//! What a request takes in memory, told before it is read.
//!
//! Two bytes on the wire can be a span with sixteen empty fields, and what a resource says once stands in the row of
//! each of its records. So a limit on bytes as they come is no limit on memory. The bytes of a request are looked
//! through for the messages they will become, which costs a small part of making them; the rows are counted once the
//! records are there.

use granary_model::{Attribute, LogRecord, MetricPoint, Record, Records, Span, SpanEvent, SpanLink};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1 as logs;
use opentelemetry_proto::tonic::metrics::v1 as metrics;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1 as traces;

use crate::DecodeError;
use crate::wire::{Reader, WireValue};

/// A kind of message: what one of it takes, and which of its fields are messages.
pub(crate) struct Shape {
    bytes: usize,
    /// What a byte of it becomes: more than one where numbers are packed.
    of_byte: usize,
    fields: &'static [(u32, &'static Shape)],
}

/// `prost` goes no deeper.
const DEEPEST: u32 = 100;

const fn shape(bytes: usize, fields: &'static [(u32, &'static Shape)]) -> Shape {
    Shape { bytes, of_byte: 0, fields }
}

/// As the message, and as what it is made into.
const fn twice<A, B>() -> usize {
    size_of::<A>() + size_of::<B>()
}

static VALUE: Shape = shape(twice::<AnyValue, Attribute>(), &[(5, &LIST), (6, &MAP)]);
static LIST: Shape = shape(0, &[(1, &VALUE)]);
static MAP: Shape = shape(0, &[(1, &PAIR)]);
static PAIR: Shape = shape(twice::<KeyValue, Attribute>(), &[(2, &VALUE)]);
static RESOURCE: Shape = shape(twice::<Resource, granary_model::Resource>(), &[(1, &PAIR)]);
static SCOPE: Shape = shape(size_of::<granary_model::Scope>(), &[(3, &PAIR)]);

pub(crate) static LOGS: Shape = shape(0, &[(1, &RESOURCE_LOGS)]);
static RESOURCE_LOGS: Shape = shape(size_of::<logs::ResourceLogs>(), &[(1, &RESOURCE), (2, &SCOPE_LOGS)]);
static SCOPE_LOGS: Shape = shape(twice::<logs::ScopeLogs, Records<LogRecord>>(), &[(1, &SCOPE), (2, &LOG)]);
static LOG: Shape = shape(twice::<logs::LogRecord, LogRecord>(), &[(5, &VALUE), (6, &PAIR)]);

pub(crate) static TRACES: Shape = shape(0, &[(1, &RESOURCE_SPANS)]);
static RESOURCE_SPANS: Shape =
    shape(size_of::<traces::ResourceSpans>(), &[(1, &RESOURCE), (2, &SCOPE_SPANS)]);
static SCOPE_SPANS: Shape = shape(twice::<traces::ScopeSpans, Records<Span>>(), &[(1, &SCOPE), (2, &SPAN)]);
static SPAN: Shape = shape(twice::<traces::Span, Span>(), &[(9, &PAIR), (11, &EVENT), (13, &LINK)]);
static EVENT: Shape = shape(twice::<traces::span::Event, SpanEvent>(), &[(3, &PAIR)]);
static LINK: Shape = shape(twice::<traces::span::Link, SpanLink>(), &[(4, &PAIR)]);

pub(crate) static METRICS: Shape = shape(0, &[(1, &RESOURCE_METRICS)]);
static RESOURCE_METRICS: Shape =
    shape(size_of::<metrics::ResourceMetrics>(), &[(1, &RESOURCE), (2, &SCOPE_METRICS)]);
static SCOPE_METRICS: Shape =
    shape(twice::<metrics::ScopeMetrics, Records<MetricPoint>>(), &[(1, &SCOPE), (2, &METRIC)]);
static METRIC: Shape = shape(
    size_of::<metrics::Metric>(),
    &[(5, &NUMBERS), (7, &NUMBERS), (9, &HISTOGRAMS), (10, &EXPONENTIALS), (11, &SUMMARIES), (12, &PAIR)],
);
static NUMBERS: Shape = shape(0, &[(1, &NUMBER)]);
static NUMBER: Shape = shape(twice::<metrics::NumberDataPoint, MetricPoint>(), &[(5, &EXEMPLAR), (7, &PAIR)]);
static HISTOGRAMS: Shape = shape(0, &[(1, &HISTOGRAM)]);
static HISTOGRAM: Shape =
    shape(twice::<metrics::HistogramDataPoint, MetricPoint>(), &[(8, &EXEMPLAR), (9, &PAIR)]);
static EXPONENTIALS: Shape = shape(0, &[(1, &EXPONENTIAL)]);
static EXPONENTIAL: Shape = shape(
    twice::<metrics::ExponentialHistogramDataPoint, MetricPoint>(),
    &[(1, &PAIR), (8, &BUCKETS), (9, &BUCKETS), (11, &EXEMPLAR)],
);
static BUCKETS: Shape = Shape { bytes: 0, of_byte: size_of::<u64>(), fields: &[] };
static SUMMARIES: Shape = shape(0, &[(1, &SUMMARY)]);
static SUMMARY: Shape =
    shape(twice::<metrics::SummaryDataPoint, MetricPoint>(), &[(6, &QUANTILE), (7, &PAIR)]);
static QUANTILE: Shape =
    shape(twice::<metrics::summary_data_point::ValueAtQuantile, granary_model::QuantileValue>(), &[]);
static EXEMPLAR: Shape = shape(twice::<metrics::Exemplar, granary_model::Exemplar>(), &[(7, &PAIR)]);

/// What a pair of attributes takes when it is read without its message.
pub(crate) const PAIR_BYTES: usize = size_of::<Attribute>();

/// The same of a record, and of a scope with its resource.
pub(crate) const LOG_BYTES: usize = size_of::<LogRecord>();
pub(crate) const GROUP_BYTES: usize = size_of::<Records<LogRecord>>() + size_of::<granary_model::Resource>();

/// The columns of a row besides what its attributes and its resource say.
const ROW_BYTES: usize = 512;

/// Refuses a request whose messages would take more than `limit`.
pub(crate) fn must_fit(body: &[u8], shape: &Shape, limit: usize) -> Result<(), DecodeError> {
    if body.len().saturating_add(of_messages(body, shape, 0)) > limit {
        return Err(DecodeError::Expands { limit });
    }
    Ok(())
}

/// What a value that holds others takes.
pub(crate) fn of_value(message: &[u8]) -> usize {
    of_messages(message, &VALUE, 0)
}

fn of_messages(message: &[u8], shape: &Shape, depth: u32) -> usize {
    let mut bytes = shape.bytes.saturating_add(message.len().saturating_mul(shape.of_byte));
    if depth >= DEEPEST || shape.fields.is_empty() {
        return bytes;
    }
    let mut fields = Reader::new(message);
    while !fields.is_at_end() {
        let Some(field) = fields.field() else {
            // Not protobuf, or a part of it that nobody writes and `prost` passes over: what follows may be anything.
            return bytes.saturating_add(fields.left().saturating_mul(OBJECT_BYTES / 2));
        };
        if let WireValue::Bytes(inner) = field.value
            && let Some((_, shape)) = shape.fields.iter().find(|(number, _)| *number == field.number)
        {
            bytes = bytes.saturating_add(of_messages(inner, shape, depth + 1));
        }
    }
    bytes
}

/// The largest of the messages, as every JSON object could be one.
const OBJECT_BYTES: usize = twice::<traces::Span, Span>();

/// Refuses a JSON request whose objects would take more than `limit`.
pub(crate) fn must_fit_json(body: &[u8], limit: usize) -> Result<(), DecodeError> {
    let objects = objects(body);
    if body.len().saturating_add(objects.saturating_mul(OBJECT_BYTES)) > limit {
        return Err(DecodeError::Expands { limit });
    }
    Ok(())
}

/// How many objects there are. What stands in a string is none, as code that agents write is full of braces.
fn objects(mut json: &[u8]) -> usize {
    let mut objects = 0;
    while let Some(at) = memchr::memchr2(b'{', b'"', json) {
        let is_object = json[at] == b'{';
        json = &json[at + 1..];
        if is_object {
            objects += 1;
            continue;
        }
        json = behind_string(json);
    }
    objects
}

/// What follows a string of which the first quote is gone.
fn behind_string(mut json: &[u8]) -> &[u8] {
    while let Some(at) = memchr::memchr2(b'"', b'\\', json) {
        if json[at] == b'"' {
            return &json[at + 1..];
        }
        json = json.get(at + 2..).unwrap_or_default();
    }
    &[]
}

/// What the rows of records take: each has a copy of what it shares with the others.
pub(crate) fn of_rows<R: Record>(groups: &[Records<R>]) -> usize {
    let of_group = |group: &Records<R>| {
        let scope = &group.scope;
        let shared = group.resource.attributes.bytes()
            + group.resource.schema_url.len()
            + scope.attributes.bytes()
            + scope.name.len()
            + scope.version.len()
            + scope.schema_url.len();
        let own = group.records.iter().map(Record::shared_bytes).fold(0, usize::saturating_add);
        group.records.len().saturating_mul(ROW_BYTES + shared).saturating_add(own)
    };
    groups.iter().map(of_group).fold(0, usize::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_counted_and_what_looks_like_one_in_a_string_is_not() {
        assert_eq!(objects(br#"{"a":{},"b":[{},{}]}"#), 4);
        assert_eq!(objects(br#"{"code":"fn f() { \"{\" }","b":{}}"#), 2);
        assert_eq!(objects(br#"{"cut":"{{{"#), 1);
        assert_eq!(objects(b"{\"cut\":\"\\"), 1);
    }
}

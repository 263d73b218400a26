//! Events as log records, spans and points: how they are sent, and what must be stored of them.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;

use crate::oracle::events::{Content, EventName, Events};
use crate::otlp::{integer, text};

/// The signal that a sender sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Logs,
    Traces,
    Metrics,
}

/// Where a signal's events are stored.
pub(crate) struct Stored {
    pub(crate) table: &'static str,
    /// The column of the attributes that the sender gave the event.
    pub(crate) attributes: &'static str,
    /// What is compared besides the payload, in the order of [`Signal::expected`].
    pub(crate) columns: &'static str,
}

impl Signal {
    pub(crate) const ALL: [Self; 3] = [Self::Logs, Self::Traces, Self::Metrics];

    /// Every other sender sends logs, as agents do most of all.
    pub(crate) fn of(sender: u32) -> Self {
        match sender % 4 {
            1 => Self::Traces,
            2 => Self::Metrics,
            _ => Self::Logs,
        }
    }

    /// Behind the receiver's address.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Logs => "/v1/logs",
            Self::Traces => "/v1/traces",
            Self::Metrics => "/v1/metrics",
        }
    }

    pub(crate) fn stored(self) -> Stored {
        match self {
            Self::Logs => Stored {
                table: "otel_logs",
                attributes: "LogAttributes",
                columns: "SessionId, AgentEvent, Model, ToolName, toString(InputTokens), toString(Cost), \
                          toString(DurationMs), toString(toUnixTimestamp64Nano(Timestamp))",
            },
            Self::Traces => Stored {
                table: "otel_traces",
                attributes: "SpanAttributes",
                columns: "SessionId, SpanName, toString(Duration), lower(TraceId), lower(SpanId), \
                          toString(toUnixTimestamp64Nano(Timestamp))",
            },
            Self::Metrics => Stored {
                table: "otel_metrics_sum",
                attributes: "Attributes",
                columns: "SessionId, MetricName, toString(Value), toString(IsMonotonic), \
                          toString(toUnixTimestamp64Nano(TimeUnix))",
            },
        }
    }

    /// What those columns must hold for the event.
    pub(crate) fn expected(self, events: Events, name: EventName) -> Vec<String> {
        let content = events.content(name);
        let mut columns = vec![content.payload, content.session];
        match self {
            Self::Logs => columns.extend([
                content.kind.to_owned(),
                content.model.to_owned(),
                content.tool.to_owned(),
                content.input_tokens.to_string(),
                dollars(content.cost_micro_usd),
                content.duration_ms.to_string(),
            ]),
            Self::Traces => columns.extend([
                content.kind.to_owned(),
                (content.duration_ms * MILLISECOND).to_string(),
                format!("{:032x}", trace_of(name)),
                format!("{:016x}", span_of(name)),
            ]),
            Self::Metrics => {
                columns.extend([METRIC.to_owned(), content.duration_ms.to_string(), "true".to_owned()]);
            }
        }
        columns.push(content.time.to_string());
        columns
    }

    /// One request with these events.
    pub(crate) fn request(self, events: Events, names: &[EventName]) -> Vec<u8> {
        let contents = names.iter().map(|name| (*name, events.content(*name)));
        let resource = Some(Resource {
            attributes: vec![text("service.name", "claude-code"), text("team.id", "oracle")],
            ..Resource::default()
        });
        match self {
            Self::Logs => {
                let log_records = contents.map(|(name, content)| log(name, &content)).collect();
                let scope_logs = vec![ScopeLogs { log_records, ..ScopeLogs::default() }];
                let resource_logs = vec![ResourceLogs { resource, scope_logs, ..ResourceLogs::default() }];
                ExportLogsServiceRequest { resource_logs }.encode_to_vec()
            }
            Self::Traces => {
                let spans = contents.map(|(name, content)| span(name, &content)).collect();
                let scope_spans = vec![ScopeSpans { spans, ..ScopeSpans::default() }];
                let resource_spans =
                    vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }];
                ExportTraceServiceRequest { resource_spans }.encode_to_vec()
            }
            Self::Metrics => {
                let data_points = contents.map(|(name, content)| point(name, &content)).collect();
                let sum = Sum { data_points, aggregation_temporality: 1, is_monotonic: true };
                let metrics = vec![Metric {
                    name: METRIC.to_owned(),
                    data: Some(metric::Data::Sum(sum)),
                    ..Metric::default()
                }];
                let scope_metrics = vec![ScopeMetrics { metrics, ..ScopeMetrics::default() }];
                let resource_metrics =
                    vec![ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() }];
                ExportMetricsServiceRequest { resource_metrics }.encode_to_vec()
            }
        }
    }
}

const METRIC: &str = "claude_code.active_time.total";
const MILLISECOND: u64 = 1_000_000;

fn log(name: EventName, content: &Content) -> LogRecord {
    let mut attributes = common(name, content);
    attributes.push(text("event.name", content.kind));
    attributes.push(integer("event.sequence", name.number));
    attributes.push(integer("duration_ms", content.duration_ms));
    if !content.model.is_empty() {
        attributes.push(text("model", content.model));
        attributes.push(integer("input_tokens", content.input_tokens));
        attributes.push(text("cost_usd", &dollars(content.cost_micro_usd)));
    }
    if !content.tool.is_empty() {
        attributes.push(text("tool_name", content.tool));
        attributes
            .push(text("success", if content.duration_ms.is_multiple_of(7) { "false" } else { "true" }));
    }
    LogRecord {
        time_unix_nano: content.time,
        body: Some(AnyValue { value: Some(Value::StringValue(format!("claude_code.{}", content.kind))) }),
        attributes,
        ..LogRecord::default()
    }
}

fn span(name: EventName, content: &Content) -> Span {
    Span {
        trace_id: trace_of(name).to_be_bytes().to_vec(),
        span_id: span_of(name).to_be_bytes().to_vec(),
        name: content.kind.to_owned(),
        start_time_unix_nano: content.time,
        end_time_unix_nano: content.time + content.duration_ms * MILLISECOND,
        attributes: common(name, content),
        ..Span::default()
    }
}

fn point(name: EventName, content: &Content) -> NumberDataPoint {
    NumberDataPoint {
        attributes: common(name, content),
        start_time_unix_nano: content.time - MILLISECOND,
        time_unix_nano: content.time,
        value: Some(number_data_point::Value::AsInt(i64::try_from(content.duration_ms).unwrap_or(i64::MAX))),
        ..NumberDataPoint::default()
    }
}

/// A hundred spans to a trace; neither id is ever zero, which OTLP takes for none.
fn trace_of(name: EventName) -> u128 {
    u128::from(name.sender + 1) << 64 | u128::from(name.number / 100)
}

fn span_of(name: EventName) -> u64 {
    u64::from(name.sender + 1) << 48 | name.number
}

fn common(name: EventName, content: &Content) -> Vec<KeyValue> {
    vec![
        text("session.id", &content.session),
        text("user.id", &format!("user-{}", name.sender % 3)),
        text("oracle.id", &name.to_string()),
        text("oracle.payload", &content.payload),
    ]
}

/// As ClickHouse prints a decimal: without zeros at the end.
fn dollars(micro_usd: u64) -> String {
    let text = format!("{}.{:06}", micro_usd / 1_000_000, micro_usd % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

//! `otel_traces`.

use granary_model::{SpanEvent, SpanLink, StatusCode};
use serde::Deserialize;

use super::super::letters::{Letters, Pairs};
use super::{span_id, trace_id, unix_nano};

/// A row's own columns.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct SpanRow {
    trace_id: String,
    span_id: String,
    parent_span_id: String,
    trace_state: String,
    span_name: String,
    span_kind: String,
    attributes: Pairs,
    duration: u64,
    status_code: String,
    status_message: String,
    flags: u32,
    dropped_attributes: u32,
    dropped_events: u32,
    dropped_links: u32,
    event_times: Vec<i64>,
    event_names: Vec<String>,
    event_attributes: Vec<Pairs>,
    link_trace_ids: Vec<String>,
    link_span_ids: Vec<String>,
    link_trace_states: Vec<String>,
    link_attributes: Vec<Pairs>,
}

impl SpanRow {
    pub(in super::super) fn record(
        self,
        time_unix_nano: u64,
        mut letters: Letters<'_>,
    ) -> granary_model::Span {
        let attributes = letters.attributes(self.attributes);
        let events = (self.event_times.into_iter().zip(self.event_names))
            .zip(letters.list(self.event_attributes))
            .map(|((time, name), attributes)| SpanEvent {
                time_unix_nano: unix_nano(time),
                name,
                attributes,
                dropped_attributes: 0,
            })
            .collect();
        let links = (self.link_trace_ids.iter().zip(&self.link_span_ids).zip(self.link_trace_states))
            .zip(letters.list(self.link_attributes))
            .map(|(((trace, span), trace_state), attributes)| SpanLink {
                trace_id: trace_id(trace),
                span_id: span_id(span),
                trace_state,
                attributes,
                dropped_attributes: 0,
                flags: 0,
            })
            .collect();
        granary_model::Span {
            trace_id: trace_id(&self.trace_id),
            span_id: span_id(&self.span_id),
            parent_span_id: span_id(&self.parent_span_id),
            trace_state: self.trace_state,
            name: self.span_name,
            kind: kind_number(&self.span_kind),
            start_time_unix_nano: time_unix_nano,
            end_time_unix_nano: time_unix_nano.saturating_add(self.duration),
            attributes,
            dropped_attributes: self.dropped_attributes,
            events,
            dropped_events: self.dropped_events,
            links,
            dropped_links: self.dropped_links,
            status: match self.status_code.as_str() {
                "Ok" => StatusCode::Ok,
                "Error" => StatusCode::Error,
                _ => StatusCode::Unset,
            },
            status_message: self.status_message,
            flags: self.flags,
        }
    }
}

/// OTLP's number for the collector's word.
fn kind_number(name: &str) -> i32 {
    match name {
        "Internal" => 1,
        "Server" => 2,
        "Client" => 3,
        "Producer" => 4,
        "Consumer" => 5,
        _ => 0,
    }
}

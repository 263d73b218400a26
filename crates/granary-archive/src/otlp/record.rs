//! Log records and spans as OTLP's JSON writes them.

use granary_model::{LogRecord, Span, SpanEvent, SpanLink, StatusCode};
use serde::ser::{Serialize, Serializer};

use super::value::{Fields, Json};

impl Serialize for Json<'_, LogRecord> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let LogRecord {
            time_unix_nano,
            observed_time_unix_nano,
            severity_number,
            severity_text,
            body,
            attributes,
            dropped_attributes,
            flags,
            trace_id,
            span_id,
            event_name,
        } = self.0;
        let mut fields = Fields::start(serializer)?;
        fields.long("timeUnixNano", *time_unix_nano)?;
        fields.long("observedTimeUnixNano", *observed_time_unix_nano)?;
        fields.some("severityNumber", severity_number)?;
        fields.some("severityText", severity_text)?;
        fields.some("eventName", event_name)?;
        if *body != granary_model::Value::Empty {
            fields.always("body", &Json(body))?;
        }
        fields.attributes("attributes", attributes)?;
        fields.some("droppedAttributesCount", dropped_attributes)?;
        fields.some("flags", flags)?;
        fields.text("traceId", trace_id)?;
        fields.text("spanId", span_id)?;
        fields.end()
    }
}

impl Serialize for Json<'_, Span> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Span {
            trace_id,
            span_id,
            parent_span_id,
            trace_state,
            name,
            kind,
            start_time_unix_nano,
            end_time_unix_nano,
            attributes,
            dropped_attributes,
            events,
            dropped_events,
            links,
            dropped_links,
            status,
            status_message,
            flags,
        } = self.0;
        let mut fields = Fields::start(serializer)?;
        fields.text("traceId", trace_id)?;
        fields.text("spanId", span_id)?;
        fields.text("parentSpanId", parent_span_id)?;
        fields.some("traceState", trace_state)?;
        fields.some("flags", flags)?;
        fields.some("name", name)?;
        fields.some("kind", kind)?;
        fields.long("startTimeUnixNano", *start_time_unix_nano)?;
        fields.long("endTimeUnixNano", *end_time_unix_nano)?;
        fields.attributes("attributes", attributes)?;
        fields.some("droppedAttributesCount", dropped_attributes)?;
        fields.list("events", events)?;
        fields.some("droppedEventsCount", dropped_events)?;
        fields.list("links", links)?;
        fields.some("droppedLinksCount", dropped_links)?;
        fields.always("status", &Status { code: *status, message: status_message })?;
        fields.end()
    }
}

struct Status<'a> {
    code: StatusCode,
    message: &'a String,
}

impl Serialize for Status<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let code = match self.code {
            StatusCode::Unset => 0,
            StatusCode::Ok => 1,
            StatusCode::Error => 2,
        };
        let mut fields = Fields::start(serializer)?;
        fields.some("code", &code)?;
        fields.some("message", self.message)?;
        fields.end()
    }
}

impl Serialize for Json<'_, SpanEvent> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let SpanEvent { time_unix_nano, name, attributes, dropped_attributes } = self.0;
        let mut fields = Fields::start(serializer)?;
        fields.long("timeUnixNano", *time_unix_nano)?;
        fields.some("name", name)?;
        fields.attributes("attributes", attributes)?;
        fields.some("droppedAttributesCount", dropped_attributes)?;
        fields.end()
    }
}

impl Serialize for Json<'_, SpanLink> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let SpanLink { trace_id, span_id, trace_state, attributes, dropped_attributes, flags } = self.0;
        let mut fields = Fields::start(serializer)?;
        fields.text("traceId", trace_id)?;
        fields.text("spanId", span_id)?;
        fields.some("traceState", trace_state)?;
        fields.attributes("attributes", attributes)?;
        fields.some("droppedAttributesCount", dropped_attributes)?;
        fields.some("flags", flags)?;
        fields.end()
    }
}

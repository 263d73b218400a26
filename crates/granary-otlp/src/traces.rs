//! `ExportTraceServiceRequest` to spans.

use std::sync::Arc;

use granary_model::{Records, Rejected, Span, SpanEvent, SpanLink, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span as OtlpSpan};
use prost::Message as _;

use crate::attributes::{attributes, resource, scope, span_id, trace_id};
use crate::error::Refusal;
use crate::json::json_envelope;
use crate::time::{first_known, within_range};
use crate::{AttributeBudget, Context, DecodeError, Decoded, weight};

json_envelope!("resourceSpans", "scopeSpans", "spans");

pub(crate) fn from_protobuf(body: &[u8], context: Context) -> Result<Decoded<Span>, DecodeError> {
    weight::must_fit(body, &weight::TRACES, context.max_expanded)?;
    let request = ExportTraceServiceRequest::decode(body)?;
    let mut rejected = Rejected::default();
    let mut records = Vec::new();
    for ResourceSpans { resource: of, scope_spans, schema_url } in request.resource_spans {
        let resource = resource(of, schema_url);
        for ScopeSpans { scope: of, spans, schema_url } in scope_spans {
            let mut group = Records {
                resource: Arc::clone(&resource),
                scope: scope(of, schema_url),
                records: Vec::with_capacity(spans.len()),
            };
            for span in spans {
                match self::span(span, context) {
                    Ok(span) => group.records.push(span),
                    Err(refusal) => rejected.add(refusal.reason, refusal.detail),
                }
            }
            records.push(group);
        }
    }
    Ok(Decoded { records, rejected, expanded: 0 })
}

pub(crate) fn from_json(body: &[u8], context: Context) -> Result<Decoded<Span>, DecodeError> {
    read_json(body, |json, group, rejected| {
        match crate::json::record(json).and_then(|span| self::span(span, context)) {
            Ok(span) => group.push(span),
            Err(refusal) => rejected.add(refusal.reason, refusal.detail),
        }
    })
}

fn span(span: OtlpSpan, context: Context) -> Result<Span, Refusal> {
    let OtlpSpan {
        trace_id: trace,
        span_id: own,
        trace_state,
        parent_span_id,
        flags,
        name,
        kind,
        start_time_unix_nano,
        end_time_unix_nano,
        attributes: pairs,
        dropped_attributes_count,
        events,
        dropped_events_count,
        links,
        dropped_links_count,
        status,
    } = span;
    let trace = trace_id(&trace)?;
    let own = span_id("span id", &own)?;
    // A span that names neither its trace nor itself can be tied to nothing.
    if trace.is_absent() || own.is_absent() {
        return Err(Refusal::invalid_id(
            "the trace or span id of a span",
            0,
            if trace.is_absent() { 16 } else { 8 },
        ));
    }
    let start = first_known(
        "the span's start",
        &[start_time_unix_nano, end_time_unix_nano, context.received_unix_nano],
    )?;
    let attributes = attributes(pairs);
    let mut budget = AttributeBudget::new(context);
    budget.spend(&attributes)?;
    let status = status.unwrap_or_default();
    Ok(Span {
        trace_id: trace,
        span_id: own,
        parent_span_id: span_id("parent span id", &parent_span_id)?,
        trace_state,
        name,
        kind,
        start_time_unix_nano: start,
        end_time_unix_nano: within_range("the span's end", end_time_unix_nano)?,
        attributes,
        dropped_attributes: dropped_attributes_count,
        events: events.into_iter().map(|e| event(e, start, &mut budget)).collect::<Result<_, _>>()?,
        dropped_events: dropped_events_count,
        links: links.into_iter().map(|l| link(l, &mut budget)).collect::<Result<_, _>>()?,
        dropped_links: dropped_links_count,
        status: match status.code {
            1 => StatusCode::Ok,
            2 => StatusCode::Error,
            _ => StatusCode::Unset,
        },
        status_message: status.message,
        flags,
    })
}

fn event(event: Event, span_start: u64, budget: &mut AttributeBudget) -> Result<SpanEvent, Refusal> {
    let Event { time_unix_nano, name, attributes: pairs, dropped_attributes_count } = event;
    let attributes = attributes(pairs);
    budget.spend(&attributes)?;
    Ok(SpanEvent {
        time_unix_nano: first_known("the time of a span's event", &[time_unix_nano, span_start])?,
        name,
        attributes,
        dropped_attributes: dropped_attributes_count,
    })
}

fn link(link: Link, budget: &mut AttributeBudget) -> Result<SpanLink, Refusal> {
    let Link {
        trace_id: trace,
        span_id: span,
        trace_state,
        attributes: pairs,
        dropped_attributes_count,
        flags,
    } = link;
    let attributes = attributes(pairs);
    budget.spend(&attributes)?;
    Ok(SpanLink {
        trace_id: trace_id(&trace)?,
        span_id: span_id("the span id of a link", &span)?,
        trace_state,
        attributes,
        dropped_attributes: dropped_attributes_count,
        flags,
    })
}

//! `otel_traces`.

use granary_model::{Span, StatusCode};

use super::{Append, Row, attribute_types, nanos, table};
use crate::native::{AttributeMap, Fixed, List, LowText, Text};

table! {
    /// A block of `otel_traces`.
    SpanColumns, "otel_traces",
    timestamp: Fixed<8> = "Timestamp", Fixed::new("DateTime64(9)");
    trace_id: Text = "TraceId", Text::default();
    span_id: Text = "SpanId", Text::default();
    parent_span_id: Text = "ParentSpanId", Text::default();
    trace_state: Text = "TraceState", Text::default();
    name: LowText = "SpanName", LowText::default();
    kind: LowText = "SpanKind", LowText::default();
    attributes: AttributeMap = "SpanAttributes", AttributeMap::default();
    duration: Fixed<8> = "Duration", Fixed::new("UInt64");
    status_code: LowText = "StatusCode", LowText::default();
    status_message: Text = "StatusMessage", Text::default();
    event_times: List<Fixed<8>> = "Events.Timestamp", List::new("Array(DateTime64(9))", Fixed::new("DateTime64(9)"));
    event_names: List<LowText> = "Events.Name", List::new("Array(LowCardinality(String))", LowText::default());
    event_attributes: List<AttributeMap> = "Events.Attributes", List::new("Array(Map(LowCardinality(String), String))", AttributeMap::default());
    link_trace_ids: List<Text> = "Links.TraceId", List::new("Array(String)", Text::default());
    link_span_ids: List<Text> = "Links.SpanId", List::new("Array(String)", Text::default());
    link_trace_states: List<Text> = "Links.TraceState", List::new("Array(String)", Text::default());
    link_attributes: List<AttributeMap> = "Links.Attributes", List::new("Array(Map(LowCardinality(String), String))", AttributeMap::default());
    model: LowText = "Model", LowText::default();
    tool: LowText = "ToolName", LowText::default();
    flags: Fixed<4> = "Flags", Fixed::new("UInt32");
    dropped_attributes: Fixed<4> = "DroppedAttributes", Fixed::new("UInt32");
    dropped_events: Fixed<4> = "DroppedEvents", Fixed::new("UInt32");
    dropped_links: Fixed<4> = "DroppedLinks", Fixed::new("UInt32");
}

/// The collector's word for OTLP's span kind.
const fn kind_name(kind: i32) -> &'static str {
    match kind {
        1 => "Internal",
        2 => "Server",
        3 => "Client",
        4 => "Producer",
        5 => "Consumer",
        _ => "Unspecified",
    }
}

/// The collector's word for the status.
const fn status_name(status: StatusCode) -> &'static str {
    match status {
        StatusCode::Unset => "Unset",
        StatusCode::Ok => "Ok",
        StatusCode::Error => "Error",
    }
}

impl Append<Span> for SpanColumns {
    fn append_row(&mut self, row: Row<'_, Span>) {
        let Row { group, record: span, facts, .. } = row;
        let mut scratch = std::mem::take(&mut self.scratch);
        // A span has no body; the groups are resource, scope, span, events, links.
        scratch.clear();
        attribute_types::group(&mut scratch, &group.resource.attributes);
        attribute_types::group(&mut scratch, &group.scope.attributes);
        attribute_types::group(&mut scratch, &span.attributes);
        attribute_types::list(&mut scratch, span.events.iter().map(|event| &event.attributes));
        attribute_types::list(&mut scratch, span.links.iter().map(|link| &link.attributes));
        self.shared.push(row, &scratch);

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
        } = span;
        self.timestamp.push(nanos(*start_time_unix_nano));
        scratch.clear();
        trace_id.push_hex(&mut scratch);
        self.trace_id.push(&scratch);
        scratch.clear();
        span_id.push_hex(&mut scratch);
        self.span_id.push(&scratch);
        scratch.clear();
        parent_span_id.push_hex(&mut scratch);
        self.parent_span_id.push(&scratch);
        self.trace_state.push(trace_state.as_bytes());
        self.name.push(name.as_bytes());
        self.kind.push(kind_name(*kind).as_bytes());
        self.attributes.push(attributes);
        self.duration.push(end_time_unix_nano.saturating_sub(*start_time_unix_nano).to_le_bytes());
        self.status_code.push(status_name(*status).as_bytes());
        self.status_message.push(status_message.as_bytes());
        self.event_times
            .push(|times| events.iter().for_each(|event| times.push(nanos(event.time_unix_nano))));
        self.event_names.push(|names| events.iter().for_each(|event| names.push(event.name.as_bytes())));
        self.event_attributes.push(|maps| events.iter().for_each(|event| maps.push(&event.attributes)));
        self.link_trace_ids.push(|ids| {
            for link in links {
                scratch.clear();
                link.trace_id.push_hex(&mut scratch);
                ids.push(&scratch);
            }
        });
        self.link_span_ids.push(|ids| {
            for link in links {
                scratch.clear();
                link.span_id.push_hex(&mut scratch);
                ids.push(&scratch);
            }
        });
        self.link_trace_states
            .push(|states| links.iter().for_each(|link| states.push(link.trace_state.as_bytes())));
        self.link_attributes.push(|maps| links.iter().for_each(|link| maps.push(&link.attributes)));
        self.model.push(facts.model.as_bytes());
        self.tool.push(facts.tool.as_bytes());
        self.flags.push(flags.to_le_bytes());
        self.dropped_attributes.push(dropped_attributes.to_le_bytes());
        self.dropped_events.push(dropped_events.to_le_bytes());
        self.dropped_links.push(dropped_links.to_le_bytes());
        self.scratch = scratch;
    }
}

//! Which texts does a record of each signal have?
//!
//! Every type is taken apart whole, so that a field that is added to the model cannot be forgotten here.

use std::sync::Arc;

use granary_model::{Exemplar, LogRecord, MetricPoint, Record, Resource, Scope, Span, SpanEvent, SpanLink};

use crate::apply::Pass;

/// The records that a [`Redactor`](crate::Redactor) knows: those of the three signals.
pub trait Redactable: Record + sealed::Sealed {}

impl Redactable for LogRecord {}
impl Redactable for Span {}
impl Redactable for MetricPoint {}

pub(crate) mod sealed {
    use crate::apply::Pass;

    pub trait Sealed: Sized {
        /// Redacts every text of the record; `before` is a record like it that is redacted already.
        fn redact(&mut self, pass: &mut Pass<'_>, before: Option<&Self>);
    }
}

impl sealed::Sealed for LogRecord {
    fn redact(&mut self, pass: &mut Pass<'_>, before: Option<&Self>) {
        let Self {
            time_unix_nano: _,
            observed_time_unix_nano: _,
            severity_number: _,
            severity_text,
            body,
            attributes,
            dropped_attributes: _,
            flags: _,
            trace_id: _,
            span_id: _,
            event_name,
        } = self;
        pass.text("severity_text", severity_text, before.map(|before| &*before.severity_text));
        pass.field("body", body, before.map(|before| &before.body));
        pass.attributes("", attributes, before.map(|before| &before.attributes));
        pass.text("event_name", event_name, before.map(|before| &*before.event_name));
    }
}

impl sealed::Sealed for Span {
    fn redact(&mut self, pass: &mut Pass<'_>, before: Option<&Self>) {
        let Self {
            trace_id: _,
            span_id: _,
            parent_span_id: _,
            trace_state,
            name,
            kind: _,
            start_time_unix_nano: _,
            end_time_unix_nano: _,
            attributes,
            dropped_attributes: _,
            events,
            dropped_events: _,
            links,
            dropped_links: _,
            status: _,
            status_message,
            flags: _,
        } = self;
        pass.text("trace_state", trace_state, before.map(|before| &*before.trace_state));
        pass.text("name", name, before.map(|before| &*before.name));
        pass.attributes("", attributes, before.map(|before| &before.attributes));
        pass.text("status_message", status_message, before.map(|before| &*before.status_message));
        for SpanEvent { time_unix_nano: _, name, attributes, dropped_attributes: _ } in events {
            pass.text("events.name", name, None);
            pass.attributes("events.", attributes, None);
        }
        for link in links {
            let SpanLink {
                trace_id: _,
                span_id: _,
                trace_state,
                attributes,
                dropped_attributes: _,
                flags: _,
            } = link;
            pass.text("links.trace_state", trace_state, None);
            pass.attributes("links.", attributes, None);
        }
    }
}

impl sealed::Sealed for MetricPoint {
    fn redact(&mut self, pass: &mut Pass<'_>, before: Option<&Self>) {
        let Self {
            name,
            description,
            unit,
            attributes,
            start_time_unix_nano: _,
            time_unix_nano: _,
            flags: _,
            kind: _,
            exemplars,
        } = self;
        shared_text(pass, "name", name, before.map(|before| &before.name));
        shared_text(pass, "description", description, before.map(|before| &before.description));
        shared_text(pass, "unit", unit, before.map(|before| &before.unit));
        pass.attributes("", attributes, before.map(|before| &before.attributes));
        for Exemplar { attributes, time_unix_nano: _, value: _, trace_id: _, span_id: _ } in exemplars {
            pass.attributes("exemplars.", attributes, None);
        }
    }
}

/// Redacts a text that the points of one metric share.
fn shared_text(pass: &mut Pass<'_>, field: &str, text: &mut Arc<str>, before: Option<&Arc<str>>) {
    if before.is_some_and(|before| Arc::ptr_eq(before, text)) {
        return;
    }
    if let Some(redacted) = pass.shared_text(field, text, before.map(|before| &**before)) {
        *text = redacted.into();
    }
}

/// Redacts the resource of records.
pub(crate) fn redact_resource(pass: &mut Pass<'_>, resource: &mut Resource) {
    let Resource { attributes, schema_url } = resource;
    pass.attributes("resource.", attributes, None);
    pass.text("resource.schema_url", schema_url, None);
}

/// Redacts the scope of records.
pub(crate) fn redact_scope(pass: &mut Pass<'_>, scope: &mut Scope) {
    let Scope { name, version, attributes, schema_url, dropped_attributes: _ } = scope;
    pass.text("scope.name", name, None);
    pass.text("scope.version", version, None);
    pass.attributes("scope.", attributes, None);
    pass.text("scope.schema_url", schema_url, None);
}

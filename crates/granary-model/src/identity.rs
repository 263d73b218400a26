//! What makes an event one event: the id by which a repeated delivery is known.
//!
//! `event.sequence` restarts with the process and processes can share a session, so it identifies nothing by
//! itself. The id hashes everything that names the event; where a record carries none of the ids that clients
//! give their events, all of its attributes are hashed, so that two events of a foreign agent that
//! differ in one attribute only stay two. The hash is part of what is stored: it must not change.

use twox_hash::XxHash3_128;

use crate::keys::Known;
use crate::{
    Attributes, Facts, LogRecord, MetricKind, MetricPoint, Number, Record, Resource, Span, ValueRef,
};

/// 128 bits that two events share only if they are the same event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(pub u128);

/// Ids that clients give single events; any of them tells two events apart.
const EVENT_KEYS: [Known; 6] = Known::all([
    "event.sequence",
    "request_id",
    "client_request_id",
    "tool_use_id",
    "message.uuid",
    "cursor.event.id",
]);

impl EventId {
    /// The id of a log record. `scratch` is emptied and used; it saves an allocation a record.
    #[must_use]
    pub fn of_log(
        tenant: &str,
        resource: &Resource,
        record: &LogRecord,
        facts: &Facts<'_>,
        scratch: &mut Vec<u8>,
    ) -> Self {
        let mut fields = Fields::new(scratch, tenant, resource);
        fields.text(facts.event);
        fields.text(facts.session);
        fields.number(record.time_unix_nano);
        fields.bytes(&record.trace_id.0);
        fields.bytes(&record.span_id.0);
        fields.value((&record.body).into());
        let mut named = false;
        for key in EVENT_KEYS {
            match record.attributes.known(key) {
                Some(value) => {
                    named = true;
                    fields.value(value);
                }
                None => fields.text(""),
            }
        }
        if !named {
            fields.attributes(&record.attributes);
        }
        fields.finish()
    }

    /// The id of a span: trace and span id name it, whatever else a repeated delivery may differ in.
    #[must_use]
    pub fn of_span(tenant: &str, resource: &Resource, span: &Span, scratch: &mut Vec<u8>) -> Self {
        let mut fields = Fields::new(scratch, tenant, resource);
        fields.bytes(&span.trace_id.0);
        fields.bytes(&span.span_id.0);
        fields.text(&span.name);
        fields.number(span.start_time_unix_nano);
        fields.finish()
    }

    /// The id of a data point: its series, its times and its value.
    #[must_use]
    pub fn of_point(tenant: &str, resource: &Resource, point: &MetricPoint, scratch: &mut Vec<u8>) -> Self {
        let mut fields = Fields::new(scratch, tenant, resource);
        fields.text(&point.name);
        fields.number(point.start_time_unix_nano);
        fields.number(point.time_unix_nano());
        fields.attributes(&point.attributes);
        match &point.kind {
            MetricKind::Gauge { value } | MetricKind::Sum { value, .. } => match value {
                Some(Number::Int(number)) => fields.bytes(&number.to_le_bytes()),
                Some(Number::Double(number)) => fields.bytes(&number.to_bits().to_le_bytes()),
                None => fields.text(""),
            },
            MetricKind::Histogram { count, .. }
            | MetricKind::ExponentialHistogram { count, .. }
            | MetricKind::Summary { count, .. } => fields.number(*count),
        }
        fields.finish()
    }
}

/// Fields in a row, each with its length in front, so that no two rows of fields read alike.
struct Fields<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Fields<'a> {
    fn new(out: &'a mut Vec<u8>, tenant: &str, resource: &Resource) -> Self {
        out.clear();
        let mut fields = Self { out };
        fields.text(tenant);
        fields.text(resource.service_name());
        fields
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.out.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn number(&mut self, number: u64) {
        self.out.extend_from_slice(&number.to_le_bytes());
    }

    fn value(&mut self, value: ValueRef<'_>) {
        let at = self.out.len();
        self.out.extend_from_slice(&[0; 8]);
        value.push_text(self.out);
        let length = (self.out.len() - at - 8) as u64;
        self.out[at..at + 8].copy_from_slice(&length.to_le_bytes());
    }

    fn attributes(&mut self, attributes: &Attributes) {
        for attribute in attributes {
            self.text(attribute.key);
            self.value(attribute.value);
        }
    }

    fn finish(self) -> EventId {
        EventId(XxHash3_128::oneshot(self.out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Attribute;

    fn id(attributes: Vec<Attribute>, time: u64) -> EventId {
        let resource = Resource::default();
        let record = LogRecord {
            time_unix_nano: time,
            body: "claude_code.tool_result".into(),
            attributes: Attributes::new(attributes),
            ..LogRecord::default()
        };
        let facts = Facts::read(&resource, &record.attributes, record.body.as_str());
        EventId::of_log("default", &resource, &record, &facts, &mut Vec::new())
    }

    #[test]
    fn the_id_of_an_event_does_not_change_between_versions() {
        let attributes = vec![Attribute::new("session.id", "s"), Attribute::new("event.sequence", 7_i64)];
        assert_eq!(format!("{:032x}", id(attributes, 1).0), "1951483e7d49cc6d8ea8d996d0b25d50");
    }

    #[test]
    fn an_attribute_that_a_collector_adds_does_not_make_a_second_event() {
        let sent = vec![Attribute::new("session.id", "s"), Attribute::new("event.sequence", 7_i64)];
        let mut enriched = sent.clone();
        enriched.push(Attribute::new("collector.host", "c1"));
        assert_eq!(id(sent.clone(), 1), id(enriched, 1));
        assert_ne!(id(sent.clone(), 1), id(sent, 2));
    }

    #[test]
    fn events_without_an_id_of_their_own_are_told_apart_by_any_attribute() {
        assert_ne!(id(vec![Attribute::new("chunk", "a")], 1), id(vec![Attribute::new("chunk", "b")], 1));
        assert_eq!(id(vec![Attribute::new("chunk", "a")], 1), id(vec![Attribute::new("chunk", "a")], 1));
    }
}

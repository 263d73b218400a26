//! One record as a line of the OTLP file format: its resource, its scope, itself.

use granary_model::{LogRecord, MetricPoint, Resource, Scope, Span};
use serde::ser::{Serialize, Serializer};

use super::value::{Fields, Json};

/// A record of any signal.
pub(crate) enum RecordLine {
    Log(LogRecord),
    Span(Span),
    Point(MetricPoint),
}

/// Writes the line, with `member` as its field `granary`.
pub(crate) fn write_line(
    member: &impl Serialize,
    resource: &Resource,
    scope: &Scope,
    record: &RecordLine,
) -> serde_json::Result<String> {
    serde_json::to_string(&Line { member, group: Group { resource, scope, record } })
}

struct Line<'a, M> {
    member: &'a M,
    group: Group<'a>,
}

#[derive(Clone, Copy)]
struct Group<'a> {
    resource: &'a Resource,
    scope: &'a Scope,
    record: &'a RecordLine,
}

impl<M: Serialize> Serialize for Line<'_, M> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let resources = match self.group.record {
            RecordLine::Log(_) => "resourceLogs",
            RecordLine::Span(_) => "resourceSpans",
            RecordLine::Point(_) => "resourceMetrics",
        };
        let mut fields = Fields::start(serializer)?;
        fields.always("granary", self.member)?;
        fields.always(resources, &[OfResource(self.group)])?;
        fields.end()
    }
}

/// A `ResourceLogs`, `ResourceSpans` or `ResourceMetrics`.
struct OfResource<'a>(Group<'a>);

impl Serialize for OfResource<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Resource { attributes, schema_url } = self.0.resource;
        let scopes = match self.0.record {
            RecordLine::Log(_) => "scopeLogs",
            RecordLine::Span(_) => "scopeSpans",
            RecordLine::Point(_) => "scopeMetrics",
        };
        let mut fields = Fields::start(serializer)?;
        fields.always("resource", &Entity { name: "", version: "", attributes, dropped: 0 })?;
        fields.always(scopes, &[OfScope(self.0)])?;
        fields.some("schemaUrl", schema_url)?;
        fields.end()
    }
}

/// A `ScopeLogs`, `ScopeSpans` or `ScopeMetrics`.
struct OfScope<'a>(Group<'a>);

impl Serialize for OfScope<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Group { scope, record, .. } = self.0;
        let Scope { name, version, attributes, schema_url, dropped_attributes } = scope;
        let mut fields = Fields::start(serializer)?;
        fields.always("scope", &Entity { name, version, attributes, dropped: *dropped_attributes })?;
        match record {
            RecordLine::Log(record) => fields.always("logRecords", &[Json(record)])?,
            RecordLine::Span(span) => fields.always("spans", &[Json(span)])?,
            RecordLine::Point(point) => fields.always("metrics", &[Json(point)])?,
        }
        fields.some("schemaUrl", schema_url)?;
        fields.end()
    }
}

/// A `Resource` or an `InstrumentationScope`.
struct Entity<'a> {
    name: &'a str,
    version: &'a str,
    attributes: &'a granary_model::Attributes,
    dropped: u32,
}

impl Serialize for Entity<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = Fields::start(serializer)?;
        fields.some("name", &self.name)?;
        fields.some("version", &self.version)?;
        fields.attributes("attributes", self.attributes)?;
        fields.some("droppedAttributesCount", &self.dropped)?;
        fields.end()
    }
}

//! What a record, a session and an outcome are.
//!
//! These are the words every other crate uses. There is no I/O here and nothing is async:
//! a record is what [OTLP](https://opentelemetry.io/docs/specs/otlp/) says it is, after decoding and
//! before any storage form.

mod attributes;
mod attributes_builder;
mod equal;
mod facts;
mod identity;
mod ids;
mod key_tree;
mod keys;
mod outcome;
mod record;
mod signal;
mod value;
mod value_ref;

pub use attributes::{Attribute, AttributeRef, Attributes, Iter};
pub use attributes_builder::{AttributesBuilder, NotUtf8};
pub use equal::is_equal;
pub use facts::{Facts, TEAM_KEY, bare_event_name, bare_model_name};
pub use identity::EventId;
pub use ids::{SpanId, TenantId, TraceId};
pub use keys::Keys;
pub use outcome::{DropReason, Outcome, Rejected};
pub use record::{
    Exemplar, ExponentialBuckets, LogRecord, MetricKind, MetricPoint, Number, QuantileValue, Record, Records,
    Resource, Scope, Span, SpanEvent, SpanLink, StatusCode,
};
pub use signal::Signal;
pub use value::Value;
pub use value_ref::ValueRef;

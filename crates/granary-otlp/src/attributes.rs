//! OTLP's key-value pairs, values, ids, resources and scopes to ours.

use std::cell::RefCell;
use std::sync::Arc;

use granary_model::{Attribute, Attributes, AttributesBuilder, Resource, Scope, SpanId, TraceId, Value};
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource as OtlpResource;

use crate::error::Refusal;

thread_local! {
    /// The keys of the records before, of all requests that this thread read.
    static BUILDER: RefCell<AttributesBuilder> = RefCell::default();
}

/// Lends this thread's builder.
pub(crate) fn with_builder<T>(build: impl FnOnce(&mut AttributesBuilder) -> T) -> T {
    BUILDER.with_borrow_mut(|builder| {
        // A request that could not be read to its end has left something.
        builder.clear();
        build(builder)
    })
}

pub(crate) fn attributes(pairs: Vec<KeyValue>) -> Attributes {
    with_builder(|builder| {
        for Attribute { key, value } in entries(pairs) {
            builder.push(key.as_bytes(), value);
        }
        builder.finish().expect("keys and strings are UTF-8")
    })
}

fn entries(pairs: Vec<KeyValue>) -> Vec<Attribute> {
    pairs
        .into_iter()
        // The string table that `key_strindex` points into exists in the profiles signal only.
        .map(|KeyValue { key, value, key_strindex: _ }| Attribute {
            key,
            value: value.map(self::value).unwrap_or_default(),
        })
        .collect()
}

pub(crate) fn value(AnyValue { value }: AnyValue) -> Value {
    match value {
        // The string table exists in the profiles signal only.
        None | Some(any_value::Value::StringValueStrindex(_)) => Value::Empty,
        Some(any_value::Value::StringValue(text)) => Value::String(text),
        Some(any_value::Value::BoolValue(truth)) => Value::Bool(truth),
        Some(any_value::Value::IntValue(number)) => Value::Int(number),
        Some(any_value::Value::DoubleValue(number)) => Value::Double(number),
        Some(any_value::Value::BytesValue(bytes)) => Value::Bytes(bytes),
        Some(any_value::Value::ArrayValue(array)) => {
            Value::Array(array.values.into_iter().map(self::value).collect())
        }
        Some(any_value::Value::KvlistValue(list)) => Value::Map(entries(list.values)),
    }
}

pub(crate) fn trace_id(bytes: &[u8]) -> Result<TraceId, Refusal> {
    TraceId::from_slice(bytes).ok_or_else(|| Refusal::invalid_id("trace id", bytes.len(), 16))
}

pub(crate) fn span_id(what: &str, bytes: &[u8]) -> Result<SpanId, Refusal> {
    SpanId::from_slice(bytes).ok_or_else(|| Refusal::invalid_id(what, bytes.len(), 8))
}

pub(crate) fn resource(resource: Option<OtlpResource>, schema_url: String) -> Arc<Resource> {
    // Entity references only repeat keys of the attributes.
    let OtlpResource { attributes, dropped_attributes_count: _, entity_refs: _ } =
        resource.unwrap_or_default();
    Arc::new(Resource { attributes: self::attributes(attributes), schema_url })
}

pub(crate) fn scope(scope: Option<InstrumentationScope>, schema_url: String) -> Scope {
    let InstrumentationScope { name, version, attributes, dropped_attributes_count } =
        scope.unwrap_or_default();
    Scope {
        name,
        version,
        attributes: self::attributes(attributes),
        schema_url,
        dropped_attributes: dropped_attributes_count,
    }
}

//! How is an attribute written?

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};

pub(crate) fn text(key: &str, value: impl Into<String>) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

/// Writes a number the way half of the events do: as a string.
pub(crate) fn spelled(key: &str, value: u64) -> KeyValue {
    text(key, value.to_string())
}

/// Writes a boolean the way the events do: as a string.
pub(crate) fn spelled_flag(key: &str, value: bool) -> KeyValue {
    text(key, if value { "true" } else { "false" })
}

pub(crate) fn int(key: &str, value: u64) -> KeyValue {
    attribute(key, Value::IntValue(value.cast_signed()))
}

pub(crate) fn double(key: &str, value: f64) -> KeyValue {
    attribute(key, Value::DoubleValue(value))
}

pub(crate) fn boolean(key: &str, value: bool) -> KeyValue {
    attribute(key, Value::BoolValue(value))
}

pub(crate) fn texts(key: &str, values: &[&str]) -> KeyValue {
    let values = values.iter().map(|value| string((*value).to_owned())).collect();
    attribute(key, Value::ArrayValue(ArrayValue { values }))
}

pub(crate) fn string(value: String) -> AnyValue {
    AnyValue { value: Some(Value::StringValue(value)) }
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

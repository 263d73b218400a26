//! The fields of a line that a replay shows, read from OTLP's JSON.
//!
//! Lenient, as what is read was written by this crate and verified: a field that is not what it should be is
//! as if it were not there.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use granary_model::{Attribute, Attributes, Value};
use serde_json::Value as Json;

/// A field by its path; a number in the path is a position in a list.
pub(crate) fn field<'a>(json: &'a Json, path: &[&str]) -> &'a Json {
    path.iter().fold(json, |json, part| match json {
        Json::Array(items) => part.parse().ok().and_then(|at: usize| items.get(at)).unwrap_or(&Json::Null),
        json => &json[*part],
    })
}

/// A list of `KeyValue`.
pub(crate) fn attributes(json: &Json) -> Attributes {
    Attributes::new(entries(json))
}

fn entries(json: &Json) -> Vec<Attribute> {
    json.as_array()
        .into_iter()
        .flatten()
        .map(|pair| Attribute::new(pair["key"].as_str().unwrap_or_default(), value(&pair["value"])))
        .collect()
}

/// An `AnyValue`.
pub(crate) fn value(json: &Json) -> Value {
    let Some((kind, json)) = json.as_object().and_then(|fields| fields.iter().next()) else {
        return Value::Empty;
    };
    let text = json.as_str().unwrap_or_default();
    match kind.as_str() {
        "stringValue" => Value::String(text.to_owned()),
        "boolValue" => Value::Bool(json == &Json::Bool(true)),
        "intValue" => text.parse().map_or(Value::Empty, Value::Int),
        "doubleValue" => Value::Double(json.as_f64().or_else(|| text.parse().ok()).unwrap_or_default()),
        "bytesValue" => Value::Bytes(BASE64_STANDARD.decode(text).unwrap_or_default()),
        "arrayValue" => Value::Array(json["values"].as_array().into_iter().flatten().map(value).collect()),
        "kvlistValue" => Value::Map(entries(&json["values"])),
        _ => Value::Empty,
    }
}

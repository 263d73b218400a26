//! A ClickHouse type as the JSON Schema of what an answer has for it.

use serde_json::{Value, json};

/// The schema of a value in an answer of JSON.
pub(super) fn schema(type_name: &str) -> Value {
    if let Some(inner) = inside(type_name, "Nullable") {
        return with_null(schema(inner));
    }
    if let Some(inner) = inside(type_name, "LowCardinality") {
        return schema(inner);
    }
    if let Some(inner) = inside(type_name, "SimpleAggregateFunction") {
        return inner.split_once(", ").map_or(json!({}), |(_, inner)| schema(inner));
    }
    if let Some(inner) = inside(type_name, "Array") {
        return json!({ "type": "array", "items": schema(inner) });
    }
    if let Some(inner) = inside(type_name, "Map") {
        return json!({ "type": "object", "additionalProperties": split(inner).last().map_or(json!({}), |value| schema(value)) });
    }
    match type_name.split('(').next().unwrap_or_default() {
        "String" | "FixedString" | "UUID" | "IPv4" | "IPv6" | "Enum8" | "Enum16" => {
            json!({ "type": "string" })
        }
        "DateTime" | "DateTime64" => json!({ "type": "string", "format": "date-time" }),
        "Date" | "Date32" => json!({ "type": "string", "format": "date" }),
        "Bool" => json!({ "type": "boolean" }),
        "UInt8" | "UInt16" | "UInt32" | "Int8" | "Int16" | "Int32" => json!({ "type": "integer" }),
        // Those that a double does not hold come as text.
        "UInt64" | "Int64" | "UInt128" | "Int128" | "UInt256" | "Int256" => json!({
            "type": ["integer", "string"], "pattern": "^-?[0-9]+$",
            "description": "a whole number; as text where it is beyond 2^53",
        }),
        "Decimal" => json!({ "type": ["number", "string"] }),
        // What is no number, or is infinite, is null.
        "Float32" | "Float64" => json!({ "type": ["number", "null"] }),
        // Tuples, variants, JSON: anything.
        _ => json!({}),
    }
}

/// What is between the parentheses of `name(…)`.
fn inside<'a>(type_name: &'a str, name: &str) -> Option<&'a str> {
    type_name.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')
}

/// The parts between commas that stand in no parentheses.
fn split(inner: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    let parts = inner.split(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    });
    parts.map(str::trim).collect()
}

fn with_null(schema: Value) -> Value {
    match schema.get("type").cloned() {
        Some(Value::String(name)) => {
            let mut schema = schema;
            schema["type"] = json!([name, "null"]);
            schema
        }
        Some(Value::Array(mut names)) => {
            let mut schema = schema;
            if !names.contains(&json!("null")) {
                names.push(json!("null"));
            }
            schema["type"] = Value::Array(names);
            schema
        }
        _ => schema,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_becomes_what_json_has_for_it() {
        for (type_name, expected) in [
            ("LowCardinality(String)", json!({ "type": "string" })),
            ("LowCardinality(Nullable(String))", json!({ "type": ["string", "null"] })),
            ("Nullable(DateTime64(9, 'UTC'))", json!({ "type": ["string", "null"], "format": "date-time" })),
            ("Nullable(Float64)", json!({ "type": ["number", "null"] })),
            (
                "Array(Array(UInt8))",
                json!({ "type": "array", "items": { "type": "array", "items": { "type": "integer" } } }),
            ),
            (
                "Map(String, Array(Bool))",
                json!({ "type": "object", "additionalProperties": { "type": "array", "items": { "type": "boolean" } } }),
            ),
            ("SimpleAggregateFunction(sum, UInt8)", json!({ "type": "integer" })),
            ("Tuple(a UInt8)", json!({})),
        ] {
            assert_eq!(schema(type_name), expected, "{type_name}");
        }
    }
}

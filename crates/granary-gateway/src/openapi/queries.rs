//! A named query in the document: its path, its parameters, and its answer in each format.

use serde_json::{Map, Value, json};

use super::problems::{ALWAYS, OF_A_QUERY, responses_of};
use super::{object, reference, types};
use crate::{Format, Inspection, NamedQuery, ParameterDescription};

pub(super) fn row_name(query: &NamedQuery) -> String {
    format!("{}_row", query.name())
}

pub(super) fn answer_name(query: &NamedQuery) -> String {
    format!("{}_answer", query.name())
}

pub(super) fn path(query: &NamedQuery) -> Value {
    let described = query.describe();
    let names: Vec<_> = query.formats().map(|format| json!(format.name())).collect();
    let format = json!({
        "name": "format", "in": "path", "required": true, "description": "how the answer is written",
        "schema": { "type": "string", "enum": names },
    });
    let cursor = described.pages.then(|| {
        json!({ "name": "cursor", "in": "query", "required": false, "schema": { "type": "string" },
            "description": "empty for the first page, then what X-Next-Cursor or Link of the page before says" })
    });
    let of_query = described.parameters.iter().map(parameter);
    let parameters = [format].into_iter().chain(of_query).chain(cursor).collect::<Vec<_>>();
    let content: Map<_, _> =
        query.formats().map(|format| (format.content_type().to_owned(), content(query, format))).collect();
    let mut headers = super::routes::usual_headers();
    for (name, of) in [("ratelimit", "rate_limit"), ("ratelimit-policy", "rate_limit_policy")] {
        headers.insert(name.to_owned(), reference("headers", of));
    }
    headers.insert("cache-control".to_owned(), json!({ "schema": { "type": "string" } }));
    let of_session: &[_] = if query.is_about_a_session() { &["unknown-session"] } else { &[] };
    let mut responses = responses_of(&[&OF_A_QUERY[..], &ALWAYS, of_session].concat());
    let ok = json!({ "description": "the answer", "headers": headers, "content": content });
    responses.insert("200".to_owned(), ok);
    responses.insert("304".to_owned(), json!({ "description": "the client has this answer" }));
    json!({ "get": {
        "operationId": query.name(),
        "tags": [query.group()],
        "summary": query.question(),
        "description": format!("Reads {}.", query.tables().join(", ")),
        "parameters": parameters,
        "responses": responses,
    } })
}

fn content(query: &NamedQuery, format: Format) -> Value {
    let columns: Vec<_> = query.columns().iter().map(|column| column.name.as_str()).collect();
    let schema = if format == Format::Json {
        reference("schemas", &answer_name(query))
    } else {
        let columns = columns.join(", ");
        json!({ "type": "string", "description": format!("the rows, each with {columns}") })
    };
    json!({ "schema": schema })
}

/// An answer in JSON.
pub(super) fn answer(query: &NamedQuery) -> Value {
    json!({
        "type": "object",
        "required": ["meta", "data", "rows"],
        "properties": {
            "meta": { "type": "array", "items": reference("schemas", "AnswerColumn") },
            "data": { "type": "array", "items": reference("schemas", &row_name(query)) },
            "rows": { "type": "integer", "description": "how many rows there are" },
            "rows_before_limit_at_least": { "type": "integer", "description": "how many there would be without the limit, at least" },
            "statistics": reference("schemas", "AnswerStatistics"),
        },
    })
}

/// A row of an answer in JSON.
pub(super) fn row(query: &NamedQuery, inspection: Option<&Inspection>) -> Value {
    let mut required = Vec::new();
    let mut properties = Map::new();
    for column in query.columns() {
        let known =
            inspection.and_then(|inspection| inspection.columns.iter().find(|one| one.name == column.name));
        let mut schema = known.map_or(json!({}), |known| types::schema(&known.type_name));
        schema["description"] = json!(column.meaning);
        properties.insert(column.name.clone(), schema);
        if known.is_some_and(|known| known.is_always_there) {
            required.push(json!(column.name));
        }
    }
    let mut schema = object([
        ("type", json!("object")),
        ("properties", Value::Object(properties)),
        ("additionalProperties", json!(false)),
    ]);
    if !required.is_empty() {
        schema.insert("required".to_owned(), Value::Array(required));
    }
    Value::Object(schema)
}

fn parameter(described: &ParameterDescription) -> Value {
    let mut schema = match described.type_name {
        "time" => reference("schemas", "Moment"),
        "enum" => json!({ "type": "string", "enum": described.values }),
        "uint" => json!({ "type": "integer", "minimum": 0 }),
        "float" => json!({ "type": "number" }),
        "bool" => json!({ "type": "boolean" }),
        _ => json!({ "type": "string" }),
    };
    for (name, value) in [("minimum", &described.min), ("maximum", &described.max)] {
        if let Some(value) = value {
            schema[name] = value.clone();
        }
    }
    if described.repeatable {
        schema = json!({ "type": "array", "items": schema });
    }
    if let Some(default) = &described.default {
        // Beside a reference in 3.1, other keywords count too.
        schema["default"] = default.clone();
    }
    json!({
        "name": described.name, "in": "query", "required": described.required, "description": described.help,
        "schema": schema,
    })
}

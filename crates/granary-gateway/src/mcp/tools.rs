//! Each named query as a tool: what it is for, and what it takes.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::message::{Fault, Request};
use crate::{Caller, Catalogue, NamedQuery, ParamError, ParameterDescription, RawParams};

/// What a model is told of all tools at once, so that no tool has to.
pub(super) const INSTRUCTIONS: &str = "\
Granary is a warehouse of what coding agents did: requests, costs, tools, sessions, errors. Each tool asks one question \
of it and answers with a table. from and to are moments such as 2026-11-20T09:00:00Z or spans before now such as -7d, -24h; \
the range begins at from and ends before to, now by default. user, team, project, model, tool, session, terminal and version \
narrow the question to these values. An answer shows the first rows and says when there are more: narrow the question, or \
give limit. Nothing can be changed through these tools.";

/// The queries that a caller may ask as tools.
#[derive(Debug)]
pub(super) struct Tools {
    catalogue: Arc<Catalogue>,
    caller: Caller,
    /// All of them where none is named.
    groups: Option<Vec<String>>,
}

impl Tools {
    /// Those of the groups that the address names: `?groups=cost,errors`. A model reads the whole list, so fewer is
    /// better.
    pub(super) fn of(
        catalogue: Arc<Catalogue>,
        caller: &Caller,
        given: &RawParams,
    ) -> Result<Self, ParamError> {
        let mut groups = None;
        for (name, value) in given.iter() {
            if name != "groups" {
                return Err(ParamError::Unknown {
                    parameter: name.to_owned(),
                    known: vec!["groups".to_owned()],
                });
            }
            let named = value.split(',').map(|group| group.trim().to_owned());
            groups.get_or_insert_with(Vec::new).extend(named);
        }
        let is_group = |group: &String| catalogue.iter().any(|query| query.group() == group);
        if let Some(none) = groups.iter().flatten().find(|group| !is_group(group)) {
            let mut known: Vec<_> = catalogue.iter().map(|query| query.group().to_owned()).collect();
            known.sort();
            known.dedup();
            let expected = format!("one or more of {}, with commas between them", known.join(", "));
            return Err(ParamError::invalid("groups", none, &expected));
        }
        Ok(Self { catalogue, caller: caller.clone(), groups })
    }

    pub(super) fn get(&self, name: &str) -> Option<Arc<NamedQuery>> {
        self.all().find(|query| query.name() == name).cloned()
    }

    fn all(&self) -> impl Iterator<Item = &Arc<NamedQuery>> {
        let named = |query: &&Arc<NamedQuery>| {
            self.groups.as_ref().is_none_or(|groups| groups.iter().any(|group| group == query.group()))
        };
        self.catalogue.iter().filter(named).filter(|query| self.caller.may_ask(query).is_ok())
    }

    /// All of them on one page, in the order of their names.
    pub(super) fn list(&self, request: &Request) -> Result<Vec<Value>, Fault> {
        if request.params.contains_key("cursor") {
            return Err(Fault::invalid_params("no such cursor; the list of tools has one page"));
        }
        Ok(self.all().map(|query| tool(query)).collect())
    }
}

fn tool(query: &NamedQuery) -> Value {
    let columns: Vec<_> = query.columns().iter().map(|column| column.name.as_str()).collect();
    let described = query.describe();
    let required: Vec<_> =
        described.parameters.iter().filter(|one| one.required).map(|one| json!(one.name)).collect();
    let properties: Map<_, _> =
        described.parameters.iter().map(|parameter| (parameter.name.clone(), property(parameter))).collect();
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        schema["required"] = Value::Array(required);
    }
    json!({
        "name": query.name(),
        "description": format!("{} Columns: {}.", query.question(), columns.join(", ")),
        "inputSchema": schema,
        "annotations": { "readOnlyHint": true, "openWorldHint": false },
    })
}

/// The schema of an argument. What all queries have in common is in [`INSTRUCTIONS`].
fn property(parameter: &ParameterDescription) -> Value {
    let is_common = matches!(parameter.name.as_str(), "from" | "to" | "limit")
        || parameter.type_name == "string" && parameter.repeatable;
    let mut schema = match parameter.type_name {
        "uint" => json!({ "type": "integer" }),
        "float" => json!({ "type": "number" }),
        "bool" => json!({ "type": "boolean" }),
        "enum" => json!({ "type": "string", "enum": parameter.values }),
        _ if parameter.repeatable => json!({ "type": "array", "items": { "type": "string" } }),
        _ => json!({ "type": "string" }),
    };
    let mut add = |name: &str, value: Option<Value>| {
        if let (Some(schema), Some(value)) = (schema.as_object_mut(), value) {
            schema.insert(name.to_owned(), value);
        }
    };
    add("description", (!is_common && !parameter.help.is_empty()).then(|| json!(parameter.help)));
    // How many rows an agent gets if it does not say is not the query's to say.
    add("default", parameter.default.clone().filter(|_| parameter.name != "limit"));
    add("minimum", parameter.min.clone());
    add("maximum", parameter.max.clone());
    schema
}

/// Arguments as a caller over HTTP would give them.
pub(super) fn arguments(given: Option<&Value>) -> Result<RawParams, String> {
    let given = match given {
        None | Some(Value::Null) => return Ok(RawParams::default()),
        Some(Value::Object(given)) => given,
        Some(_) => return Err("arguments must be an object of names and values".to_owned()),
    };
    let mut params = RawParams::default();
    for (name, value) in given {
        match value {
            Value::Null => {}
            Value::Array(values) => {
                for value in values {
                    params.push(name.clone(), scalar(name, value)?);
                }
            }
            value => params.push(name.clone(), scalar(name, value)?),
        }
    }
    Ok(params)
}

fn scalar(name: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        _ => Err(format!("the parameter {name} is neither a value nor a list of values")),
    }
}

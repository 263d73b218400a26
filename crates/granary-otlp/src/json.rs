//! The JSON form of a request, read so that one bad record does not cost the others.
//!
//! The envelope of resources and scopes is read first, with each record left as a slice of the text; then
//! record by record with `opentelemetry-proto`'s own deserializers. Names that are not known are passed
//! over, as OTLP asks.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::Refusal;

/// Makes the envelope's types and `read_json` for one signal, whose field names it takes.
macro_rules! json_envelope {
    ($resources:literal, $scopes:literal, $records:literal) => {
        #[derive(serde::Deserialize)]
        struct JsonRequest<'a> {
            #[serde(borrow, default, rename = $resources)]
            resources: Option<Vec<JsonResource<'a>>>,
        }

        #[derive(serde::Deserialize)]
        struct JsonResource<'a> {
            #[serde(default)]
            resource: Option<opentelemetry_proto::tonic::resource::v1::Resource>,
            #[serde(borrow, default, rename = $scopes)]
            scopes: Option<Vec<JsonScope<'a>>>,
            #[serde(default, rename = "schemaUrl")]
            schema_url: Option<String>,
        }

        #[derive(serde::Deserialize)]
        struct JsonScope<'a> {
            #[serde(default)]
            scope: Option<opentelemetry_proto::tonic::common::v1::InstrumentationScope>,
            #[serde(borrow, default, rename = $records)]
            records: Option<Vec<&'a serde_json::value::RawValue>>,
            #[serde(default, rename = "schemaUrl")]
            schema_url: Option<String>,
        }

        /// Reads the envelope and hands each record's text to `take`, with the group it belongs to.
        fn read_json<R>(
            body: &[u8],
            mut take: impl FnMut(&serde_json::value::RawValue, &mut Vec<R>, &mut Rejected),
        ) -> Result<Decoded<R>, DecodeError> {
            crate::json::must_be_object(body)?;
            let request: JsonRequest<'_> = serde_json::from_slice(body)?;
            let mut rejected = Rejected::default();
            let mut groups = Vec::new();
            for JsonResource { resource: of, scopes, schema_url } in request.resources.unwrap_or_default() {
                let resource = resource(of, schema_url.unwrap_or_default());
                for JsonScope { scope: of, records, schema_url } in scopes.unwrap_or_default() {
                    let mut group = Vec::new();
                    for json in records.unwrap_or_default() {
                        take(json, &mut group, &mut rejected);
                    }
                    groups.push(Records {
                        resource: std::sync::Arc::clone(&resource),
                        scope: scope(of, schema_url.unwrap_or_default()),
                        records: group,
                    });
                }
            }
            Ok(Decoded { records: groups, rejected, expanded: 0 })
        }
    };
}
pub(crate) use json_envelope;

/// A derived deserializer also takes a list of a struct's fields, which OTLP does not know.
pub(crate) fn must_be_object(body: &[u8]) -> Result<(), serde_json::Error> {
    match body.trim_ascii_start().first() {
        Some(b'{') | None => Ok(()),
        Some(_) => Err(serde::de::Error::custom("expected an object")),
    }
}

/// Reads one record.
pub(crate) fn record<T: DeserializeOwned>(json: &RawValue) -> Result<T, Refusal> {
    serde_json::from_str(json.get()).or_else(|error| {
        // Protobuf's JSON mapping lets an empty list be left out; the deserializer insists on it.
        let completed =
            serde_json::from_str(json.get()).map(with_empty_lists).and_then(serde_json::from_value);
        completed.map_err(|_| Refusal::malformed(describe(&error)))
    })
}

/// Writes out the `values` that an empty `arrayValue` or `kvlistValue` may leave out.
fn with_empty_lists(mut json: serde_json::Value) -> serde_json::Value {
    fn complete(json: &mut serde_json::Value) {
        match json {
            serde_json::Value::Object(fields) => {
                for (name, value) in fields.iter_mut() {
                    if let (true, serde_json::Value::Object(list)) =
                        (matches!(name.as_str(), "arrayValue" | "kvlistValue"), &mut *value)
                    {
                        list.entry("values").or_insert_with(|| serde_json::Value::Array(Vec::new()));
                    }
                    complete(value);
                }
            }
            serde_json::Value::Array(values) => values.iter_mut().for_each(complete),
            _ => {}
        }
    }
    complete(&mut json);
    json
}

/// The kind and place of a JSON error, without its text: that can quote the sender's data, which is not
/// redacted yet.
fn describe(error: &serde_json::Error) -> String {
    format!(
        "the record is not valid OTLP JSON ({:?} error at line {}, column {} of it)",
        error.classify(),
        error.line(),
        error.column()
    )
}

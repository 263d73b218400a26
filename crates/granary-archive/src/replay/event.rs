//! A line's record as one flat JSON object, for people and small programs.

use granary_model::{Attributes, Facts, Resource, Signal};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value as Json, json};

use super::ReplayCursor;
use crate::EventInfo;
use crate::format::nano_text;
use crate::otlp::{attributes, field, value};

/// One event of a replayed session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayEvent {
    /// The event's place in the session, which has its time.
    pub id: ReplayCursor,
    /// What kind of record it is.
    pub signal: Signal,
    /// The agent's name of the event, the span's name, or the metric's.
    pub name: String,
    /// The event as one flat JSON object. Always there: `time` (RFC 3339, UTC), `signal`, `name`, `attributes` (plain
    /// JSON). Where known: `session`, `prompt`, `user`, `team`, `project`, `service`, `trace_id`, `span_id`.
    ///
    /// - Logs: `severity`, `body`.
    /// - Spans: `duration_ms`, `parent_span_id`, `kind`, `status`, `status_message`, `events` and `links`, each with
    ///   attributes of its own.
    /// - Metrics: `kind`, `unit`, `temporality`, `value`, or `count`, `sum`, `min`, `max`, `bucket_counts`,
    ///   `explicit_bounds`, `quantiles` by kind.
    pub json: String,
}

/// Reads a record's line.
///
/// # Errors
///
/// The line is not JSON; what is wrong with it, without its text.
pub(crate) fn flatten(id: ReplayCursor, info: EventInfo, line: &str) -> Result<ReplayEvent, String> {
    let line: Json =
        serde_json::from_str(line).map_err(|error| format!("{:?} error in its line", error.classify()))?;
    let (resources, scopes, records) = match info.signal {
        Signal::Logs => ("resourceLogs", "scopeLogs", "logRecords"),
        Signal::Traces => ("resourceSpans", "scopeSpans", "spans"),
        Signal::Metrics => ("resourceMetrics", "scopeMetrics", "metrics"),
    };
    let resource = Resource {
        attributes: attributes(field(&line, &[resources, "0", "resource", "attributes"])),
        ..Resource::default()
    };
    let record = field(&line, &[resources, "0", scopes, "0", records, "0"]);
    let (own, name, rest) = match info.signal {
        Signal::Logs => log(record),
        Signal::Traces => span(record),
        Signal::Metrics => metric(record),
    };
    let body = record["body"]["stringValue"].as_str();
    let facts = Facts::read(&resource, &own, body);
    let name =
        if info.signal == Signal::Logs && !facts.event.is_empty() { facts.event.to_owned() } else { name };

    let mut flat = Flat(vec![
        ("time", nano_text(info.time_unix_nano).into()),
        ("signal", info.signal.name().into()),
        ("name", name.as_str().into()),
    ]);
    flat.text("session", facts.session);
    flat.text("prompt", facts.prompt);
    flat.text("user", facts.user);
    flat.text("team", facts.team);
    flat.text("project", facts.project);
    flat.text("service", resource.service_name());
    for (name, id) in [("trace_id", "traceId"), ("span_id", "spanId")] {
        flat.text(name, record[id].as_str().unwrap_or_default());
    }
    flat.0.extend(rest.0);
    flat.0.push(("attributes", plain(&own)));
    let json = serde_json::to_string(&flat).map_err(|error| error.to_string())?;
    Ok(ReplayEvent { id, signal: info.signal, name, json })
}

type Parts = (Attributes, String, Flat);

fn log(record: &Json) -> Parts {
    let mut flat = Flat::default();
    flat.text("severity", record["severityText"].as_str().unwrap_or_default());
    flat.some("body", plain_value(&record["body"]));
    (attributes(&record["attributes"]), text(&record["eventName"]), flat)
}

fn span(span: &Json) -> Parts {
    const KINDS: [&str; 6] = ["", "internal", "server", "client", "producer", "consumer"];
    let start = long(&span["startTimeUnixNano"]).unwrap_or_default();
    let end = long(&span["endTimeUnixNano"]).unwrap_or_default();
    let mut flat = Flat::default();
    flat.text("parent_span_id", span["parentSpanId"].as_str().unwrap_or_default());
    flat.some("duration_ms", milliseconds(end.saturating_sub(start)));
    let kind = span["kind"].as_u64().and_then(|kind| usize::try_from(kind).ok());
    flat.text("kind", kind.and_then(|kind| KINDS.get(kind)).copied().unwrap_or_default());
    flat.text(
        "status",
        match span["status"]["code"].as_u64() {
            Some(1) => "ok",
            Some(2) => "error",
            _ => "",
        },
    );
    flat.text("status_message", span["status"]["message"].as_str().unwrap_or_default());
    flat.list("events", &span["events"], |event| {
        json!({
            "time": long(&event["timeUnixNano"]).map(nano_text),
            "name": text(&event["name"]),
            "attributes": plain(&attributes(&event["attributes"])),
        })
    });
    flat.list("links", &span["links"], |link| {
        json!({
            "trace_id": text(&link["traceId"]),
            "span_id": text(&link["spanId"]),
            "attributes": plain(&attributes(&link["attributes"])),
        })
    });
    (attributes(&span["attributes"]), text(&span["name"]), flat)
}

fn metric(metric: &Json) -> Parts {
    const KINDS: [(&str, &str); 5] = [
        ("gauge", "gauge"),
        ("sum", "sum"),
        ("histogram", "histogram"),
        ("exponentialHistogram", "exponential_histogram"),
        ("summary", "summary"),
    ];
    let mut flat = Flat::default();
    let (field, kind) = KINDS.into_iter().find(|(field, _)| metric[field].is_object()).unwrap_or_default();
    let data = &metric[field];
    let point = &data["dataPoints"][0];
    flat.text("kind", kind);
    flat.text("unit", metric["unit"].as_str().unwrap_or_default());
    flat.text(
        "temporality",
        match data["aggregationTemporality"].as_u64() {
            Some(1) => "delta",
            Some(2) => "cumulative",
            _ => "",
        },
    );
    flat.some(
        "value",
        point["asInt"]
            .as_str()
            .and_then(|text| text.parse::<i64>().ok())
            .map_or_else(|| point["asDouble"].clone(), Json::from),
    );
    flat.some("count", long(&point["count"]).into());
    for name in ["sum", "min", "max", "scale"] {
        flat.some(name, point[name].clone());
    }
    flat.some("zero_count", long(&point["zeroCount"]).into());
    flat.list("bucket_counts", &point["bucketCounts"], |count| long(count).into());
    flat.list("explicit_bounds", &point["explicitBounds"], Json::clone);
    for (name, side) in [("positive", &point["positive"]), ("negative", &point["negative"])] {
        if side["bucketCounts"].is_array() {
            let counts: Vec<_> = side["bucketCounts"].as_array().into_iter().flatten().map(long).collect();
            flat.some(
                name,
                json!({ "offset": side["offset"].as_i64().unwrap_or_default(), "counts": counts }),
            );
        }
    }
    flat.list("quantiles", &point["quantileValues"], Json::clone);
    (attributes(&point["attributes"]), text(&metric["name"]), flat)
}

fn text(json: &Json) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

/// A 64-bit integer, which OTLP's JSON writes as a string.
fn long(json: &Json) -> Option<u64> {
    json.as_str()?.parse().ok()
}

#[expect(clippy::cast_precision_loss, reason = "a span of 104 days is exact to the nanosecond")]
fn milliseconds(nanos: u64) -> Json {
    (nanos as f64 / 1e6).into()
}

fn plain_value(json: &Json) -> Json {
    serde_json::to_value(value(json)).unwrap_or_default()
}

/// Attributes as an object; of a repeated key the first counts, as everywhere.
fn plain(attributes: &Attributes) -> Json {
    let mut object = Map::new();
    for attribute in attributes {
        object
            .entry(attribute.key)
            .or_insert_with(|| serde_json::to_value(attribute.value).unwrap_or_default());
    }
    object.into()
}

/// Fields in the order in which they are written.
#[derive(Default)]
struct Flat(Vec<(&'static str, Json)>);

impl Flat {
    fn text(&mut self, name: &'static str, text: &str) {
        if !text.is_empty() {
            self.0.push((name, text.into()));
        }
    }

    fn some(&mut self, name: &'static str, json: Json) {
        if !json.is_null() {
            self.0.push((name, json));
        }
    }

    fn list(&mut self, name: &'static str, items: &Json, each: impl Fn(&Json) -> Json) {
        let items: Vec<_> = items.as_array().into_iter().flatten().map(each).collect();
        if !items.is_empty() {
            self.0.push((name, items.into()));
        }
    }
}

impl Serialize for Flat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, json) in &self.0 {
            map.serialize_entry(name, json)?;
        }
        map.end()
    }
}

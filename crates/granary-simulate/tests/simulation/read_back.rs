//! What do requests say, read back from the protobufs?

use granary_simulate::{Model, Request, SimulatedSession, Team, TimedRequest, Tokens, Truth};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric, number_data_point};
use opentelemetry_proto::tonic::trace::v1::Span;

/// 2026-11-16T00:00:00Z, a Monday.
pub(crate) const MONDAY: u64 = 1_794_787_200_000_000_000;

/// A day in nanoseconds.
pub(crate) const DAY: u64 = 24 * 60 * 60 * 1_000_000_000;

/// A team and a week of its sessions.
pub(crate) fn week(seed: u64, users: usize, count: usize) -> Vec<SimulatedSession> {
    Team::new(seed, users).sessions(MONDAY, MONDAY + 7 * DAY, count).collect()
}

pub(crate) fn logs(requests: &[TimedRequest]) -> impl Iterator<Item = &LogRecord> {
    requests
        .iter()
        .filter_map(|request| match &request.body {
            Request::Logs(logs) => Some(logs),
            _ => None,
        })
        .flat_map(|logs| &logs.resource_logs)
        .flat_map(|logs| &logs.scope_logs)
        .flat_map(|logs| &logs.log_records)
}

pub(crate) fn spans(requests: &[TimedRequest]) -> impl Iterator<Item = &Span> {
    requests
        .iter()
        .filter_map(|request| match &request.body {
            Request::Traces(traces) => Some(traces),
            _ => None,
        })
        .flat_map(|traces| &traces.resource_spans)
        .flat_map(|spans| &spans.scope_spans)
        .flat_map(|spans| &spans.spans)
}

pub(crate) fn metrics(requests: &[TimedRequest]) -> impl Iterator<Item = &Metric> {
    requests
        .iter()
        .filter_map(|request| match &request.body {
            Request::Metrics(metrics) => Some(metrics),
            _ => None,
        })
        .flat_map(|metrics| &metrics.resource_metrics)
        .flat_map(|metrics| &metrics.scope_metrics)
        .flat_map(|metrics| &metrics.metrics)
}

pub(crate) fn value<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    attributes.iter().find(|attribute| attribute.key == key)?.value.as_ref()?.value.as_ref()
}

pub(crate) fn text<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a str> {
    match value(attributes, key)? {
        Value::StringValue(text) => Some(text),
        other => panic!("{key} is {other:?}"),
    }
}

pub(crate) fn int(attributes: &[KeyValue], key: &str) -> Option<u64> {
    match value(attributes, key)? {
        Value::IntValue(number) => Some(number.unsigned_abs()),
        other => panic!("{key} is {other:?}"),
    }
}

/// Sums a counter over its points, those with this label only if there is one.
pub(crate) fn sum(requests: &[TimedRequest], name: &str, label: Option<(&str, &str)>) -> f64 {
    metrics(requests)
        .filter(|metric| metric.name == name)
        .flat_map(|metric| match &metric.data {
            Some(metric::Data::Sum(sum)) => &sum.data_points,
            other => panic!("{name} is {other:?}"),
        })
        .filter(|point| label.is_none_or(|(key, wanted)| text(&point.attributes, key) == Some(wanted)))
        .map(|point| match point.value {
            Some(number_data_point::Value::AsDouble(value)) => value,
            other => panic!("a point of {name} is {other:?}"),
        })
        .sum()
}

/// Returns a text that must be there.
fn name<'a>(attributes: &'a [KeyValue], key: &str) -> &'a str {
    text(attributes, key).unwrap_or_else(|| panic!("no {key} in {attributes:?}"))
}

/// Returns a number that must be there.
pub(crate) fn count(attributes: &[KeyValue], key: &str) -> u64 {
    int(attributes, key).unwrap_or_else(|| panic!("no {key} in {attributes:?}"))
}

/// Returns the tokens of a request and what they cost in nano-dollars.
pub(crate) fn spending(attributes: &[KeyValue]) -> (Tokens, u64) {
    let tokens = Tokens {
        input: count(attributes, "input_tokens"),
        output: count(attributes, "output_tokens"),
        cache_read: count(attributes, "cache_read_tokens"),
        cache_creation: count(attributes, "cache_creation_tokens"),
    };
    let model = Model::named(name(attributes, "model"));
    (tokens, model.map_or(0, |model| model.price().cost_nano_usd(tokens)))
}

/// Counts in the protobufs what a [`Truth`] says, except for the secrets and what only metrics tell.
pub(crate) fn read_back(requests: &[TimedRequest]) -> Truth {
    let mut truth = Truth::default();
    for record in logs(requests) {
        let attributes = &record.attributes;
        let event = name(attributes, "event.name");
        truth.log_records += 1;
        *truth.events.entry(event.to_owned()).or_default() += 1;
        match event {
            "api_request" | "api_error" => {
                let model = truth.models.entry(name(attributes, "model").to_owned()).or_default();
                if event == "api_error" {
                    model.errors += 1;
                    continue;
                }
                let (tokens, cost_nano_usd) = spending(attributes);
                model.requests += 1;
                model.tokens += tokens;
                model.cost_nano_usd += cost_nano_usd;
            }
            "tool_decision" | "tool_result" => {
                let tool = truth.tools.entry(name(attributes, "tool_name").to_owned()).or_default();
                match text(attributes, "decision") {
                    Some("accept") => tool.accepted += 1,
                    Some(_) => tool.rejected += 1,
                    None => {
                        tool.calls += 1;
                        tool.failures += u64::from(name(attributes, "success") == "false");
                    }
                }
            }
            "managed_settings_resolved" => truth.processes += 1,
            _ => {}
        }
    }
    for span in spans(requests) {
        *truth.spans.entry(span.name.clone()).or_default() += 1;
    }
    truth
}

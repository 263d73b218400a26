//! Does what is said of the sessions agree with what they send?

use crate::read_back::{int, logs, read_back, sum, text, value, week};
use granary_simulate::{Tokens, Truth};
use opentelemetry_proto::tonic::common::v1::any_value::Value;

/// How far a sum of doubles may be from the exact one.
const ROUNDING: f64 = 1e-6;

#[test]
fn the_truth_of_each_session_is_what_its_requests_add_up_to() {
    for session in week(1, 12, 120) {
        let truth = session.truth();
        let expected = Truth {
            lines_added: 0,
            lines_removed: 0,
            commits: 0,
            pull_requests: 0,
            secrets: Vec::new(),
            ..truth.clone()
        };
        assert_eq!(read_back(&session.requests()), expected);
    }
}

#[test]
fn the_reported_costs_add_up_to_the_truth() {
    for session in week(2, 8, 60) {
        let requests = session.requests();
        let mut micros = 0;
        let mut usd = 0.0;
        for record in logs(&requests) {
            if let Some(Value::DoubleValue(cost)) = value(&record.attributes, "cost_usd") {
                usd += cost;
                micros += int(&record.attributes, "cost_usd_micros").unwrap();
            }
        }
        let truth = session.truth();
        let nano = as_float(truth.cost_nano_usd());
        assert!((usd - nano / 1e9).abs() < ROUNDING, "{usd} and {nano}");
        // Each request's micros are rounded by at most a half.
        assert!((as_float(micros) - nano / 1e3).abs() <= as_float(truth.api_requests()) / 2.0);
    }
}

#[test]
fn the_counters_add_up_to_the_truth() {
    for session in week(3, 10, 80) {
        let requests = session.requests();
        let truth = session.truth();
        let Tokens { input, output, cache_read, cache_creation } = truth.tokens();
        for (name, label, expected) in [
            ("claude_code.session.count", None, as_float(truth.processes)),
            ("claude_code.cost.usage", None, as_float(truth.cost_nano_usd()) / 1e9),
            ("claude_code.token.usage", Some(("type", "input")), as_float(input)),
            ("claude_code.token.usage", Some(("type", "output")), as_float(output)),
            ("claude_code.token.usage", Some(("type", "cacheRead")), as_float(cache_read)),
            ("claude_code.token.usage", Some(("type", "cacheCreation")), as_float(cache_creation)),
            ("claude_code.lines_of_code.count", Some(("type", "added")), as_float(truth.lines_added)),
            ("claude_code.lines_of_code.count", Some(("type", "removed")), as_float(truth.lines_removed)),
            ("claude_code.commit.count", None, as_float(truth.commits)),
            ("claude_code.pull_request.count", None, as_float(truth.pull_requests)),
        ] {
            let counted = sum(&requests, name, label);
            assert!((counted - expected).abs() < ROUNDING, "{name} {label:?}: {counted}, not {expected}");
        }
    }
}

#[test]
fn every_secret_of_the_truth_was_sent() {
    let mut secrets = 0;
    for session in week(4, 12, 120) {
        let requests = session.requests();
        let sent: String = logs(&requests)
            .filter_map(|record| text(&record.attributes, "tool_parameters"))
            .collect::<Vec<_>>()
            .join("\n");
        for secret in &session.truth().secrets {
            assert!(sent.contains(secret.as_str()), "{secret}");
            secrets += 1;
        }
    }
    assert!(secrets > 3, "{secrets}");
}

#[test]
fn truths_of_many_sessions_add_up() {
    let sessions = week(5, 6, 40);
    let mut total = Truth::default();
    let mut requests = Vec::new();
    for session in &sessions {
        total.add(session.truth());
        requests.extend(session.requests());
    }
    let read = read_back(&requests);
    assert_eq!(
        (read.log_records, read.models, read.tools, read.events, read.spans),
        (total.log_records, total.models, total.tools, total.events, total.spans)
    );
}

#[expect(clippy::cast_precision_loss, reason = "no sum here comes near 2^53")]
fn as_float(number: u64) -> f64 {
    number as f64
}

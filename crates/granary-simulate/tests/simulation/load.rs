//! Are the requests of the load generator many, unique and true?

use std::collections::HashSet;

use crate::read_back::{count, spending, text};
use granary_simulate::load::{LogBatches, Sent};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message as _;

fn records(request: &ExportLogsServiceRequest) -> &[LogRecord] {
    &request.resource_logs[0].scope_logs[0].log_records
}

#[test]
fn every_request_has_as_many_records_as_asked_for() {
    for records_per_request in [1, 20, 333, 1_000] {
        let batches = LogBatches::new(1, records_per_request);
        assert!(batches.take(60).all(|request| records(&request).len() == records_per_request));
    }
}

#[test]
fn the_same_seed_gives_the_same_requests_and_another_seed_gives_others() {
    let sent = |seed| -> Vec<_> { LogBatches::new(seed, 20).take(100).collect() };
    assert_eq!(sent(3), sent(3));
    let ids = |seed| -> HashSet<String> {
        let requests: Vec<_> = sent(seed);
        requests
            .iter()
            .flat_map(records)
            .filter_map(|record| Some(text(&record.attributes, "session.id")?.to_owned()))
            .collect()
    };
    assert!(ids(3).is_disjoint(&ids(4)));
}

#[test]
fn no_time_and_no_id_comes_twice() {
    let (mut times, mut messages, mut uses, mut spans) =
        (HashSet::new(), HashSet::new(), HashSet::new(), HashSet::new());
    let mut made = 0;
    // More than one round of every client's records.
    for request in LogBatches::new(5, 20).take(1_500) {
        for record in records(&request) {
            made += 1;
            assert!(times.insert(record.time_unix_nano));
            let attributes = &record.attributes;
            if let Some(uuid) = text(attributes, "message.uuid") {
                assert!(messages.insert(uuid.to_owned()), "{uuid}");
            }
            if text(attributes, "event.name") == Some("tool_decision") {
                let id = text(attributes, "tool_use_id").unwrap();
                assert!(id.starts_with("toolu_01") && uses.insert(id.to_owned()), "{id}");
                assert!(record.span_id.is_empty() || spans.insert(record.span_id.clone()));
            }
        }
    }
    assert_eq!(made, 30_000);
    assert!(uses.len() > 5_000 && messages.len() > 5_000);
}

#[test]
fn a_result_keeps_the_ids_of_its_decision() {
    let mut decisions = HashSet::new();
    let (mut results, mut known) = (0, 0);
    for request in LogBatches::new(6, 20).take(1_000) {
        for record in records(&request) {
            let attributes = &record.attributes;
            let ids = |key| text(attributes, key).map(str::to_owned);
            let ids = (ids("tool_use_id"), ids("request_id"), ids("session.id"), ids("prompt.id"));
            match text(attributes, "event.name") {
                Some("tool_decision") => assert!(decisions.insert(ids)),
                Some("tool_result") => {
                    results += 1;
                    known += usize::from(decisions.contains(&ids));
                }
                _ => {}
            }
        }
    }
    // The decision of a few stands in a batch that was left out because it was not full.
    assert!(known * 100 > results * 97, "{known} of {results}");
}

#[test]
fn what_was_sent_is_what_the_requests_add_up_to() {
    let mut batches = LogBatches::new(7, 50);
    let mut seen = Sent::default();
    for _ in 0..400 {
        for record in records(batches.advance()) {
            let attributes = &record.attributes;
            seen.records += 1;
            match text(attributes, "event.name") {
                Some("api_request") => {
                    let (_, cost) = spending(attributes);
                    assert_eq!(count(attributes, "cost_usd_micros"), (cost + 500) / 1_000);
                    seen.api_requests += 1;
                    seen.cost_nano_usd += cost;
                }
                Some("tool_result") => {
                    seen.tool_results += 1;
                    seen.tool_failures += u64::from(text(attributes, "success") == Some("false"));
                }
                _ => {}
            }
        }
    }
    assert_eq!(seen, batches.sent());
}

#[test]
fn a_record_is_about_as_large_as_a_real_one_and_says_its_time_twice_and_the_same() {
    let mut bytes = 0;
    let start = 1_800_000_000_123_000_000;
    for (number, request) in (0..).zip(LogBatches::new(8, 10).starting_at(start).spaced(2_000_000).take(200))
    {
        bytes += request.encoded_len();
        let first = &records(&request)[0];
        assert_eq!(first.time_unix_nano, start + number * 20_000_000);
        assert_eq!(first.time_unix_nano, first.observed_time_unix_nano);
    }
    assert!((750..950).contains(&(bytes / 2_000)), "{}", bytes / 2_000);
    let request = LogBatches::new(8, 1).starting_at(start).next().unwrap();
    assert_eq!(text(&records(&request)[0].attributes, "event.timestamp"), Some("2027-01-15T08:00:00.123Z"));
}

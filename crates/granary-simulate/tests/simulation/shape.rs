//! Do the requests look like the real client's?

use std::collections::{HashMap, HashSet};

use crate::read_back::{DAY, MONDAY, int, logs, metrics, spans, text, value, week};
use granary_simulate::{Request, SimulatedSession, Team};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::metric;
use prost::Message as _;

const STANDARD: [&str; 12] = [
    "team.id",
    "department",
    "project",
    "user.id",
    "session.id",
    "organization.id",
    "user.email",
    "user.account_uuid",
    "user.account_id",
    "anthropic.provider",
    "anthropic.custom_base_url",
    "terminal.type",
];

#[test]
fn the_same_seed_gives_the_same_requests_and_another_seed_gives_others() {
    let sent = |seed| -> Vec<_> { week(seed, 5, 12).iter().map(SimulatedSession::requests).collect() };
    assert_eq!(sent(7), sent(7));
    assert_ne!(sent(7), sent(8));
}

#[test]
fn sessions_come_ordered_by_start_and_end_within_the_window() {
    let sessions = week(9, 10, 200);
    assert_eq!(sessions.len(), 200);
    assert!(sessions.is_sorted_by_key(|session| session.start_unix_nano));
    for session in &sessions {
        assert!(session.start_unix_nano >= MONDAY && session.end_unix_nano <= MONDAY + 7 * DAY);
    }
}

#[test]
fn a_window_shorter_than_a_session_is_not_overrun() {
    let team = Team::new(9, 4);
    let to = MONDAY + 60 * 1_000_000_000;
    assert!(team.sessions(MONDAY, to, 30).all(|session| session.end_unix_nano <= to));
}

#[test]
fn a_session_begins_and_ends_with_what_it_records() {
    for session in week(10, 6, 40) {
        let requests = session.requests();
        let first = logs(&requests).map(|record| record.time_unix_nano).min().unwrap();
        let last_log = logs(&requests).map(|record| record.time_unix_nano).max().unwrap();
        let last_span = spans(&requests).map(|span| span.end_time_unix_nano).max().unwrap_or(0);
        assert_eq!(first, session.start_unix_nano);
        assert!(last_log.max(last_span) <= session.end_unix_nano);
    }
}

#[test]
fn requests_come_in_the_order_of_time_and_after_what_they_carry() {
    for session in week(11, 6, 40) {
        let requests = session.requests();
        assert!(requests.is_sorted_by_key(|request| request.time_unix_nano));
        for request in &requests {
            let carried = std::slice::from_ref(request);
            assert!(logs(carried).all(|record| record.time_unix_nano <= request.time_unix_nano));
            assert!(spans(carried).all(|span| span.end_time_unix_nano <= request.time_unix_nano));
        }
    }
}

#[test]
fn every_record_span_and_point_has_the_standard_attributes_in_the_clients_order() {
    for session in week(12, 8, 30) {
        let requests = session.requests();
        let points = metrics(&requests).flat_map(|metric| match &metric.data {
            Some(metric::Data::Sum(sum)) => sum.data_points.iter().map(|point| &point.attributes),
            other => panic!("{} is {other:?}", metric.name),
        });
        let records = logs(&requests).map(|record| &record.attributes);
        let spans = spans(&requests).map(|span| &span.attributes);
        for attributes in records.chain(spans).chain(points) {
            let first: Vec<&str> =
                attributes.iter().take(12).map(|attribute| attribute.key.as_str()).collect();
            assert_eq!(first, STANDARD);
            assert_eq!(text(attributes, "session.id"), Some(session.id.as_str()));
            assert_eq!(text(attributes, "user.email"), Some(session.user.email.as_str()));
            let keys: HashSet<&str> = attributes.iter().map(|attribute| attribute.key.as_str()).collect();
            assert_eq!(keys.len(), attributes.len(), "a key stands twice");
        }
    }
}

#[test]
fn event_sequence_counts_from_zero_in_each_process() {
    let mut resumed = 0;
    for session in week(13, 8, 120) {
        let requests = session.requests();
        let mut processes = 0;
        let mut expected = 0;
        for record in logs(&requests) {
            let sequence = int(&record.attributes, "event.sequence").unwrap();
            if sequence == 0 {
                processes += 1;
                expected = 0;
            }
            assert_eq!(sequence, expected);
            expected += 1;
        }
        assert_eq!(processes, session.truth().processes);
        resumed += processes - 1;
    }
    assert!(resumed > 0, "no session was resumed");
}

#[test]
fn a_record_says_its_time_and_its_name_twice_and_the_same() {
    for session in week(14, 4, 10) {
        for record in logs(&session.requests()) {
            assert_eq!(record.time_unix_nano, record.observed_time_unix_nano);
            assert_eq!(record.time_unix_nano % 1_000_000, 0);
            let name = text(&record.attributes, "event.name").unwrap();
            let body = record.body.as_ref().and_then(|body| body.value.as_ref());
            assert_eq!(body, Some(&Value::StringValue(format!("claude_code.{name}"))));
            assert!(record.event_name.is_empty() && record.severity_number == 0);
        }
    }
}

#[test]
fn every_span_but_a_root_has_a_parent_in_its_trace() {
    for session in week(15, 8, 60) {
        let requests = session.requests();
        let known: HashSet<_> = spans(&requests).map(|span| (&span.trace_id, &span.span_id)).collect();
        assert_eq!(known.len(), spans(&requests).count(), "an id stands twice");
        for span in spans(&requests) {
            let is_root = span.name == "claude_code.interaction";
            assert_eq!(span.parent_span_id.is_empty(), is_root, "{}", span.name);
            assert!(is_root || known.contains(&(&span.trace_id, &span.parent_span_id)), "{}", span.name);
            assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
        }
        for record in logs(&requests).filter(|record| !record.span_id.is_empty()) {
            assert!(known.contains(&(&record.trace_id, &record.span_id)));
        }
        if !session.user.traces {
            assert!(known.is_empty() && logs(&requests).all(|record| record.trace_id.is_empty()));
        }
    }
}

#[test]
fn a_span_hangs_where_the_client_hangs_it() {
    let allowed: HashMap<&str, &[&str]> = HashMap::from([
        ("claude_code.llm_request", &["claude_code.interaction", "claude_code.tool.execution"][..]),
        ("claude_code.tool", &["claude_code.interaction", "claude_code.tool.execution"]),
        ("claude_code.tool.blocked_on_user", &["claude_code.tool"]),
        ("claude_code.tool.execution", &["claude_code.tool"]),
    ]);
    for session in week(16, 8, 40) {
        let requests = session.requests();
        let names: HashMap<_, _> = spans(&requests).map(|span| (&span.span_id, span.name.as_str())).collect();
        for span in spans(&requests).filter(|span| !span.parent_span_id.is_empty()) {
            let parent = names[&span.parent_span_id];
            assert!(allowed[span.name.as_str()].contains(&parent), "{} under {parent}", span.name);
        }
    }
}

#[test]
fn a_span_lasts_as_long_as_it_says() {
    let mut spans_seen = 0;
    for session in week(25, 8, 40) {
        for span in spans(&session.requests()) {
            let key = match span.name.as_str() {
                "claude_code.interaction" => "interaction.duration_ms",
                _ => "duration_ms",
            };
            let lasted_ms = (span.end_time_unix_nano - span.start_time_unix_nano) / 1_000_000;
            assert_eq!(int(&span.attributes, key), Some(lasted_ms), "{}", span.name);
            spans_seen += 1;
        }
    }
    assert!(spans_seen > 500, "{spans_seen}");
}

#[test]
fn a_result_follows_its_decision_unless_it_was_against() {
    for session in week(17, 8, 40) {
        let requests = session.requests();
        let of = |event: &str| -> HashMap<&str, (u64, Option<&str>)> {
            logs(&requests)
                .filter(|record| text(&record.attributes, "event.name") == Some(event))
                .map(|record| {
                    let id = text(&record.attributes, "tool_use_id").unwrap();
                    (id, (record.time_unix_nano, text(&record.attributes, "decision")))
                })
                .collect()
        };
        let (decisions, results) = (of("tool_decision"), of("tool_result"));
        for (id, (decided, decision)) in &decisions {
            match results.get(id) {
                Some((done, _)) => assert!(done > decided && *decision == Some("accept")),
                None => assert_eq!(*decision, Some("reject")),
            }
        }
        assert!(results.keys().all(|id| decisions.contains_key(id)));
    }
}

#[test]
fn values_have_the_types_the_client_gives_them() {
    type Check = fn(&Value) -> bool;
    let integer: Check = |value| matches!(value, Value::IntValue(_));
    let string: Check = |value| matches!(value, Value::StringValue(_));
    let double: Check = |value| matches!(value, Value::DoubleValue(_));
    let boolean: Check = |value| matches!(value, Value::BoolValue(_));
    let types = [
        ("api_request", "duration_ms", integer),
        ("api_request", "cost_usd", double),
        ("api_request", "cost_usd_micros", integer),
        ("api_request", "input_tokens", integer),
        ("tool_result", "duration_ms", string),
        ("tool_result", "success", string),
        ("tool_result", "tool_input_size_bytes", string),
        ("api_error", "status_code", integer),
        ("api_error", "attempt", integer),
        ("api_retries_exhausted", "total_attempts", string),
        ("compaction", "pre_tokens", string),
        ("subagent_completed", "total_tokens", integer),
        ("subagent_completed", "is_async", boolean),
        ("user_prompt", "prompt_length", string),
        ("assistant_response", "response_length", integer),
        ("mcp_server_connection", "duration_ms", string),
        ("mcp_server_connection", "is_plugin", boolean),
        ("plugin_loaded", "has_hooks", boolean),
    ];
    let mut seen = HashSet::new();
    for session in week(18, 12, 120) {
        for record in logs(&session.requests()) {
            let name = text(&record.attributes, "event.name").unwrap();
            for (event, key, check) in types.iter().filter(|(event, _, _)| *event == name) {
                if let Some(value) = value(&record.attributes, key) {
                    assert!(check(value), "{event} {key} is {value:?}");
                    seen.insert((event, key));
                }
            }
        }
    }
    assert_eq!(seen.len(), types.len(), "only {seen:?} were sent");
}

#[test]
fn an_error_without_an_answer_has_no_status() {
    let mut without = 0;
    for session in week(19, 12, 150) {
        for record in logs(&session.requests()) {
            if text(&record.attributes, "event.name") == Some("api_error") {
                let status = value(&record.attributes, "status_code");
                let error = text(&record.attributes, "error").unwrap();
                assert_eq!(status.is_none(), matches!(error, "Request was aborted." | "Connection error."));
                without += u64::from(status.is_none());
            }
        }
    }
    assert!(without > 0);
}

#[test]
fn nobody_reads_a_prompt_or_an_answer() {
    for session in week(20, 6, 30) {
        let requests = session.requests();
        let texts = ["prompt", "prompt_text", "response", "user_prompt"];
        let records = logs(&requests).map(|record| &record.attributes);
        for attributes in records.chain(spans(&requests).map(|span| &span.attributes)) {
            for key in texts {
                assert!(text(attributes, key).is_none_or(|text| text == "<REDACTED>"));
            }
        }
    }
}

#[test]
fn requests_are_as_large_as_the_clients_and_never_too_large() {
    const MOST_BYTES: usize = 4 * 1024 * 1024;
    let (mut records, mut bytes, mut batches) = (0, 0, 0);
    for session in week(21, 10, 120) {
        for request in session.requests() {
            let length = match &request.body {
                Request::Logs(logs) => logs.encoded_len(),
                Request::Traces(traces) => traces.encoded_len(),
                Request::Metrics(metrics) => metrics.encoded_len(),
            };
            assert!(length < MOST_BYTES, "{length}");
            let carried = logs(std::slice::from_ref(&request)).count();
            if carried > 0 {
                records += carried;
                bytes += length;
                batches += 1;
            }
        }
    }
    assert!((700..1_150).contains(&(bytes / records)), "{} bytes a record", bytes / records);
    assert!((2..25).contains(&(records / batches)), "{} records a request", records / batches);
}

#[test]
fn a_delta_point_begins_before_it_ends_and_its_series_do_not_overlap() {
    for session in week(22, 6, 40) {
        let requests = session.requests();
        let mut ends: HashMap<String, u64> = HashMap::new();
        for metric in metrics(&requests) {
            let Some(metric::Data::Sum(sum)) = &metric.data else { panic!("{} is no sum", metric.name) };
            assert_eq!((sum.aggregation_temporality, sum.is_monotonic), (1, true));
            for point in &sum.data_points {
                assert!(point.start_time_unix_nano <= point.time_unix_nano);
                let series = format!("{} {:?}", metric.name, point.attributes);
                let end = ends.insert(series, point.time_unix_nano).unwrap_or(0);
                assert!(end <= point.start_time_unix_nano, "{}", metric.name);
            }
        }
    }
}

#[test]
fn a_few_sessions_cost_many_times_the_median() {
    let sessions = week(23, 15, 300);
    let mut costs: Vec<u64> = sessions.iter().map(|session| session.truth().cost_nano_usd()).collect();
    costs.sort_unstable();
    let median = costs[costs.len() / 2];
    assert!((50_000_000..5_000_000_000).contains(&median), "{median} nano-dollars");
    assert!(costs[costs.len() - 1] > 8 * median, "{} and {median}", costs[costs.len() - 1]);
}

#[test]
fn half_of_the_people_send_traces_and_some_work_more_than_others() {
    let team = Team::new(24, 20);
    assert_eq!(team.users().filter(|user| user.traces).count(), 10);
    let emails: HashSet<&str> = team.users().map(|user| user.email.as_str()).collect();
    assert_eq!(emails.len(), 20);
    let mut sessions: HashMap<String, u64> = HashMap::new();
    for session in team.sessions(MONDAY, MONDAY + 7 * DAY, 400) {
        *sessions.entry(session.user.email.clone()).or_default() += 1;
    }
    assert!(sessions.values().max().unwrap() > &40, "{sessions:?}");
}

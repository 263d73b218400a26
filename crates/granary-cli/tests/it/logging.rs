//! What a running granary writes for machines.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::Value;

use crate::process::{granary, send_signal};

#[test]
fn a_log_of_json_has_nothing_else_in_it_and_says_where_everything_is() {
    let dir = tempfile::tempdir().unwrap();
    let free =
        ["--otlp-grpc", "--otlp-http", "--gateway", "--clickhouse-http"].map(|flag| [flag, "127.0.0.1:0"]);
    let mut command = granary(dir.path());
    command.args(["up", "--log-format", "json"]).args(free.as_flattened());
    let mut up = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut parts = Vec::new();
    for line in BufReader::new(up.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        let event: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        if event["message"] != "granary is up" {
            continue;
        }
        assert!(!event["address"].as_str().unwrap().is_empty(), "{line}");
        parts.push(event["part"].as_str().unwrap().to_owned());
        if parts.last().is_some_and(|part| part == "archive") {
            // The rest of the lines, until it has ended, are read as well.
            send_signal(up.id(), Signal::TERM);
        }
    }
    assert!(up.wait().unwrap().success());
    assert_eq!(parts, ["OTLP over gRPC", "OTLP over HTTP", "queries", "ClickHouse", "archive"]);
    let mut told = String::new();
    up.stdout.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!(told, "");
}

#[test]
fn a_start_that_fails_is_an_event_of_such_a_log_and_a_line_where_there_is_no_log() {
    let dir = tempfile::tempdir().unwrap();
    let fails = |level: &str| {
        let mut command = granary(dir.path());
        command.args(["gateway", "--log-format", "json", "--log-level", level]);
        let output = command.output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let told = fails("info");
    let events: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = events.last().unwrap();
    assert_eq!(last["level"], "ERROR");
    assert!(last["message"].as_str().unwrap().contains("needs a ClickHouse server"), "{told}");
    assert!(fails("off").starts_with("granary: `granary gateway` needs a ClickHouse server"));
}

//! The commands of an operator: the log, the quarantine, the rules.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use rustix::process::Signal;

use crate::process::{Up, granary, record, request, send_signal, stdout};

#[tokio::test]
async fn the_log_is_inspected_beside_a_running_granary_and_verified_after_it() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start_with(dir.path(), &["a", "b"]).await;
    let inspected = stdout(&granary(dir.path()).args(["wal", "inspect"]).output().unwrap());
    assert!(inspected.contains("1 records") && inspected.contains("confirmed"), "{inspected}");
    assert!(up.stop().success());

    let verify = || granary(dir.path()).args(["wal", "verify", "--format", "json"]).output().unwrap();
    let verified: serde_json::Value = serde_json::from_str(&stdout(&verify())).unwrap();
    assert_eq!(verified["segments"][0]["records"], 1);
    // A byte in the only record, and the checkpoint that says it is stored.
    let segment = dir.path().join("wal/00000000000000000001.wal");
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = 4096 + (bytes.len() - 4096) / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let damaged = stdout(&verify());
    assert!(damaged.contains("problem"), "damage of confirmed data is told and is no loss: {damaged}");
}

#[test]
fn a_log_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let output = granary(dir.path()).args(["wal", "verify"]).output().unwrap();
    assert!(!output.status.success());
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("no write-ahead log") && message.contains("--ingest-wal-dir"), "{message}");
}

#[test]
fn an_empty_quarantine_says_so_and_a_wrong_name_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let listed = stdout(&granary(dir.path()).args(["quarantine", "list"]).output().unwrap());
    assert!(listed.contains("nothing is quarantined"), "{listed}");
    for name in ["../secrets", "not-there"] {
        let output = granary(dir.path()).args(["quarantine", "drop", name]).output().unwrap();
        assert!(!output.status.success(), "{name}");
    }
}

#[test]
fn a_text_is_redacted_and_the_rules_that_fired_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = granary(dir.path())
        .args(["redact", "try"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Put together here, so that no scanner takes this file for a leak.
    let key = format!("sk-ant-api03-{}", "Ab3".repeat(31));
    writeln!(child.stdin.take().unwrap(), "the key is {key}\nand this is plain").unwrap();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr.clone()).unwrap();
    let text = stdout(&output);
    assert!(!text.contains(&key) && text.contains("and this is plain"), "{text}");
    assert!(told.contains("anthropic"), "{told}");
    let rules = stdout(&granary(dir.path()).args(["redact", "rules"]).output().unwrap());
    assert!(rules.lines().count() > 10 && rules.contains("anthropic"), "{rules}");
}

#[tokio::test]
async fn what_is_stored_is_watched_from_another_process_and_only_what_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start_with(dir.path(), &["before"]).await;
    let mut watching = granary(dir.path())
        .args(["live", "--event", "api_request", "--session", "session-1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(watching.stderr.take().unwrap());
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    assert!(line.starts_with("watching otel"), "{line}");

    let of_another = record("other").replace("session-1", "session-2");
    let body = request(&[of_another, record("after")]);
    let post = reqwest::Client::new().post(format!("{}/v1/logs", up.otlp_http()));
    post.header("Content-Type", "application/json").body(body).send().await.unwrap();
    let mut shown = String::new();
    BufReader::new(watching.stdout.take().unwrap()).read_line(&mut shown).unwrap();
    assert!(shown.contains("session-  api_request") && shown.contains("$0.2500"), "{shown}");
    send_signal(watching.id(), Signal::INT);
    assert!(watching.wait().unwrap().success());
    assert!(up.stop().success());
}

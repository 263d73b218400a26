//! What agents have left on disk comes in through the door, once, beside what came live.

use std::io::{BufRead, Write};
use std::path::Path;

use reqwest::Client;
use serde_json::{Value, json};

use crate::process::{Up, granary, record, request, stdout};

const SESSION: &str = "4ea228fe-2d27-448c-a680-ee8e40d8914b";

/// A session as Claude Code writes it down: a prompt, an answer in three lines, a tool, another answer, a compaction.
fn transcript() -> String {
    let line = |second: u32, uuid: &str, own: Value| {
        let mut line = json!({
            "sessionId": SESSION, "timestamp": format!("2026-09-01T10:00:{second:02}.250Z"), "uuid": uuid,
            "version": "2.1.287", "cwd": "/work", "isSidechain": false, "userType": "external"
        });
        line.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
        line.to_string()
    };
    let usage = json!({
        "input_tokens": 1000, "output_tokens": 200, "cache_read_input_tokens": 5000, "cache_creation_input_tokens": 300,
        "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200}
    });
    let answer = |second, uuid: &str, id: &str, block: Value| {
        let message = json!({"id": id, "model": "claude-haiku-4-5-20251001", "role": "assistant", "content": [block], "usage": usage});
        line(second, uuid, json!({"type": "assistant", "requestId": format!("req_{id}"), "message": message}))
    };
    [
        r#"{"type":"summary","summary":"A session","leafUuid":"x"}"#.to_owned(),
        line(0, "u1", json!({"type": "user", "message": {"role": "user", "content": "the key is hunter2hunter2"}})),
        answer(2, "a1", "msg_1", json!({"type": "thinking", "thinking": "…"})),
        answer(3, "a2", "msg_1", json!({"type": "text", "text": "I look."})),
        answer(4, "a3", "msg_1", json!({"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}})),
        "{ this is no JSON".to_owned(),
        line(6, "r1", json!({"type": "user", "toolUseResult": {"durationMs": 1234}, "message": {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": true, "content": "no such file"}]}})),
        answer(9, "a4", "msg_2", json!({"type": "text", "text": "Done."})),
        line(10, "s1", json!({"type": "system", "subtype": "compact_boundary",
            "compactMetadata": {"trigger": "auto", "preTokens": 9000, "postTokens": 800}})),
    ]
    .join("\n")
}

/// What an import says, and whether it was content.
fn import(data_dir: &Path, up: &Up, arguments: &[&str]) -> (Value, bool) {
    let to = format!("http://{}", up.otlp_grpc().trim_start_matches("http://"));
    let mut command = granary(data_dir);
    command.args(["import", "--format", "json", "--to", &to]).args(arguments);
    let output = command.output().unwrap();
    let summary = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (summary, output.status.success())
}

fn count(summary: &Value, what: &str) -> u64 {
    summary["events"].as_object().unwrap().values().map(|counts| counts[what].as_u64().unwrap()).sum()
}

#[tokio::test]
async fn a_transcript_becomes_the_events_that_the_client_would_have_sent_and_only_once() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path(), &[]);
    let files = tempfile::tempdir().unwrap();
    let file = files.path().join("project/session.jsonl");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, transcript()).unwrap();
    let folder = files.path().to_str().unwrap();

    // The second request came live, too, a moment earlier by the client's clock.
    let live = record("req_msg_2").replace("1795165605889000000", "1788256808000000000");
    let url = format!("{}/v1/logs", up.otlp_http());
    let sent = Client::new().post(&url).header("Content-Type", "application/json").body(request(&[live]));
    assert!(sent.send().await.unwrap().status().is_success());
    up.settled().await;

    let (would, _) = import(dir.path(), &up, &[folder, "--dry-run"]);
    assert_eq!((count(&would, "imported"), count(&would, "already_there")), (6, 1), "{would}");
    let (summary, is_content) = import(dir.path(), &up, &[folder, "--attribute", "team.id=platform"]);
    assert!(!is_content, "a line was skipped");
    assert_eq!(summary["skipped_lines"][0]["line"], 6, "{summary}");
    assert_eq!(summary["skipped"], 1, "{summary}");
    assert_eq!(summary["passed_over"]["summary"], 1, "{summary}");
    assert_eq!((count(&summary, "imported"), count(&summary, "already_there")), (6, 1), "{summary}");
    up.settled().await;

    let (again, _) = import(dir.path(), &up, &[folder]);
    assert_eq!((count(&again, "imported"), count(&again, "already_there")), (0, 7), "{again}");
    up.settled().await;
    let show = |event: &str| {
        let shown =
            granary(dir.path()).args(["sessions", "replay", SESSION, "--speed", "max", "--jsonl"]).output();
        let events: Vec<Value> =
            stdout(&shown.unwrap()).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of: Vec<String> = events
            .iter()
            .map(Value::to_string)
            .filter(|text| text.contains(&format!("claude_code.{event}")))
            .collect();
        of
    };
    let [request] = &show("api_request")[..] else { panic!("{:?}", show("api_request")) };
    for part in ["req_msg_1", "cost.estimated", "cache_creation_1h_tokens", "platform"] {
        assert!(request.contains(part), "{part}: {request}");
    }
    stdout(&granary(dir.path()).args(["sessions", "archive", SESSION]).output().unwrap());
    let object = dir.path().join(format!("archive/sessions/2026/09/01/{SESSION}.jsonl.gz"));
    let object = flate2::read::GzDecoder::new(std::fs::File::open(object).unwrap());
    let lines: Vec<String> = std::io::BufReader::new(object).lines().map(Result::unwrap).collect();
    let mark = r#"{"key":"granary.import","value":{"stringValue":"transcript"}}"#;
    assert_eq!(lines.iter().filter(|line| line.contains(mark)).count(), 6, "everything imported is marked");
    let [prompt] = &show("user_prompt")[..] else { panic!() };
    assert!(prompt.contains("<REDACTED>") && !prompt.contains("hunter2"), "{prompt}");
    let [tool] = &show("tool_result")[..] else { panic!() };
    assert!(tool.contains("1234") && tool.contains("toolu_1") && tool.contains("Bash"), "{tool}");
    assert_eq!((show("compaction").len(), show("assistant_response").len()), (1, 2));
    assert!(up.stop().success());
}

#[tokio::test]
async fn otlp_files_of_every_form_are_imported_once() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path(), &[]);
    let files = tempfile::tempdir().unwrap();
    let lines = [request(&[record("a"), record("b")]), "not OTLP".to_owned(), request(&[record("c")])];
    let lines = lines.map(|line| line.replace('\n', "")).join("\n");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(lines.as_bytes()).unwrap();
    std::fs::write(files.path().join("events.jsonl.gz"), gzip.finish().unwrap()).unwrap();
    // The same once more, in the other compression and with one that is new.
    let other = request(&[record("a"), record("d")]).replace('\n', "");
    std::fs::write(files.path().join("more.jsonl.zst"), zstd::encode_all(other.as_bytes(), 3).unwrap())
        .unwrap();
    let folder = files.path().to_str().unwrap();
    let (first, is_content) = import(dir.path(), &up, &[folder]);
    assert!(!is_content);
    assert_eq!((count(&first, "imported"), count(&first, "already_there")), (4, 1), "{first}");
    assert_eq!((&first["skipped"], &first["skipped_lines"][0]["line"]), (&json!(1), &json!(2)), "{first}");
    up.settled().await;
    let (again, _) = import(dir.path(), &up, &[folder]);
    assert_eq!((count(&again, "imported"), count(&again, "already_there")), (0, 5), "{again}");
    assert!(up.stop().success());
}

#[test]
fn an_import_without_a_receiver_or_files_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let files = tempfile::tempdir().unwrap();
    let nothing = granary(dir.path()).args(["import", files.path().to_str().unwrap()]).output().unwrap();
    let message = String::from_utf8(nothing.stderr).unwrap();
    assert!(!nothing.status.success() && message.contains("nothing to import"), "{message}");
    let file = files.path().join("x.jsonl");
    std::fs::write(&file, transcript()).unwrap();
    let alone =
        granary(dir.path()).args(["import", "--to", "http://127.0.0.1:9", file.to_str().unwrap()]).output();
    let message = String::from_utf8(alone.unwrap().stderr).unwrap();
    assert!(message.contains("granary up"), "{message}");
}

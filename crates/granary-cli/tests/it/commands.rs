//! The commands beside `up`, with a granary that runs and without one.

use crate::process::{Up, granary, stdout};

#[tokio::test]
async fn a_command_asks_the_granary_that_runs_and_starts_an_engine_where_none_does() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start_with(dir.path(), &["a", "b"]).await;
    let ask = |format: &str| {
        let mut query = granary(dir.path());
        query.args([
            "query",
            "cost_by_model",
            "-p",
            "from=2026-11-01T00:00:00Z",
            "-p",
            "to=2026-12-01T00:00:00Z",
        ]);
        stdout(&query.args(["--format", format]).output().unwrap())
    };
    let csv = ask("csv");
    let (header, row) = csv.trim().split_once('\n').unwrap();
    assert!(header.starts_with("\"model\",\"requests\",\"cost\",\"cost_list\","), "{header}");
    assert!(row.starts_with("\"claude-opus-4-6\",2,0.5,0.5,100000,"), "{row}");
    let json: serde_json::Value = serde_json::from_str(&ask("json")).unwrap();
    assert_eq!(json["data"][0]["cost"], 0.5);
    assert!(ask("table").contains("claude-opus-4-6"));
    assert!(ask("tsv").contains("\nclaude-opus-4-6\t2\t0.5\t"));
    assert!(ask("prometheus").contains("\ngranary_cost_by_model_cost{model=\"claude-opus-4-6\"} 0.5\n"));
    assert!(ask("markdown").contains("\n| claude-opus-4-6 | 2 | 0.5 |"));
    assert!(up.stop().success());
    assert_eq!(ask("csv"), csv, "the same from an engine of its own");
}

#[tokio::test]
async fn what_nobody_reads_any_more_is_no_failure() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start_with(dir.path(), &["a"]).await;
    for arguments in [&["sessions", "show", "session-1"][..], &["config"], &["keys", "list"], &["query"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = granary(dir.path());
        command.args(arguments).stdout(writer).stderr(std::process::Stdio::piped());
        let output = command.spawn().unwrap().wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(up.stop().success());
}

#[tokio::test]
async fn a_session_is_listed_shown_archived_and_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start_with(dir.path(), &["a", "b"]).await;
    let run =
        |arguments: &[&str]| stdout(&granary(dir.path()).arg("sessions").args(arguments).output().unwrap());

    let listed = run(&["list", "-p", "from=2026-11-01T00:00:00Z", "-p", "to=2026-12-01T00:00:00Z"]);
    assert!(listed.contains("session-1"), "{listed}");
    let shown = run(&["show", "session-1"]);
    assert!(shown.contains("requests") && shown.contains("api_request"), "{shown}");
    assert!(shown.contains("2026-11-20T09:06:45.889Z") && !shown.contains("889000000"), "{shown}");
    assert!(shown.contains("50000 tokens in with cache"), "{shown}");
    let archived = run(&["archive", "session-1"]);
    assert!(archived.contains("sessions/2026/11/20/session-1.jsonl.gz"), "{archived}");
    assert!(dir.path().join("archive/sessions/2026/11/20/session-1.jsonl.gz").is_file());
    let replayed = run(&["replay", "session-1", "--speed", "max", "--jsonl"]);
    assert_eq!(replayed.lines().count(), 2);
    replayed.lines().for_each(|line| drop(serde_json::from_str::<serde_json::Value>(line).unwrap()));
    let told = run(&["replay", "session-1", "--speed", "max"]);
    assert!(
        told.contains("2026-11-20T09:06:45.889Z  api_request") && told.contains("in_with_cache=50000"),
        "{told}"
    );
    let sse = reqwest::get(format!("{}/v1/sessions/session-1/replay?speed=max", up.gateway())).await.unwrap();
    assert_eq!(sse.headers()["Content-Type"], "text/event-stream");
    assert_eq!(sse.text().await.unwrap().matches("event: logs").count(), 2);

    let missing = granary(dir.path()).args(["sessions", "show", "nobody"]).output().unwrap();
    assert!(String::from_utf8(missing.stderr).unwrap().contains("no session \"nobody\""));
    assert!(up.stop().success());
}

#[test]
fn every_setting_is_printed_with_where_it_comes_from() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("granary.toml");
    std::fs::write(&file, "[gateway]\nburst = 7\n[clickhouse]\npassword = \"hush\"\n").unwrap();
    let mut config = granary(dir.path());
    config
        .env("GRANARY_INGEST_LANES", "3")
        .args(["config", "--otlp-http", "127.0.0.1:9", "--config"])
        .arg(&file);
    let printed = stdout(&config.output().unwrap());
    for line in [
        "ingest.http = \"127.0.0.1:9\"  # flag --otlp-http",
        "ingest.lanes = 3  # environment GRANARY_INGEST_LANES",
        "gateway.max_query_time = \"30s\"  # default",
        "clickhouse.password = \"***\"  # file",
        "gateway.burst = 7  # file",
    ] {
        assert!(printed.contains(line), "{line} is not in\n{printed}");
    }
    assert!(!printed.contains("hush"));
}

#[test]
fn what_is_printed_as_settings_can_be_given_back_as_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let first = stdout(&granary(dir.path()).args(["config", "--format", "toml"]).output().unwrap());
    let file = dir.path().join("again.toml");
    std::fs::write(&file, &first).unwrap();
    let again =
        granary(dir.path()).args(["config", "--format", "toml", "--config"]).arg(&file).output().unwrap();
    let values = |text: &str| {
        text.lines().map(|line| line.split("  # ").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(values(&stdout(&again)), values(&first));
}

#[test]
fn queries_are_listed_and_described_without_a_warehouse() {
    let dir = tempfile::tempdir().unwrap();
    let listed = stdout(&granary(dir.path()).arg("query").output().unwrap());
    assert!(listed.contains("cost\tcost_by_model\t"), "{listed}");
    let described =
        stdout(&granary(dir.path()).args(["query", "cost_by_model", "--describe"]).output().unwrap());
    assert!(described.contains("bucket") && described.contains("cost_list"), "{described}");
    let unknown = granary(dir.path()).args(["query", "cost_by_modle"]).output().unwrap();
    assert!(String::from_utf8(unknown.stderr).unwrap().contains("no query \"cost_by_modle\""));
    assert!(!dir.path().join("engine").exists(), "no engine was started");
}

#[test]
fn completions_are_printed_for_each_shell() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = stdout(&granary(dir.path()).args(["completions", shell]).output().unwrap());
        assert!(script.contains("otlp-http"), "{shell}");
    }
}

#[test]
fn help_has_examples() {
    let dir = tempfile::tempdir().unwrap();
    for arguments in [vec!["--help"], vec!["up", "-h"], vec!["query", "--help"]] {
        let help = stdout(&granary(dir.path()).args(&arguments).output().unwrap());
        assert!(help.contains("Example"), "{arguments:?}");
    }
}

#[test]
fn migrations_are_shown_before_they_are_applied() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Up::start(dir.path(), &[]);
    let running: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("running.json")).unwrap()).unwrap();
    let migrate = |more: &[&str]| {
        let mut command = granary(other.path());
        command
            .env("GRANARY_CLICKHOUSE_URL", server.clickhouse())
            .env("GRANARY_CLICKHOUSE_USER", running["owner"]["user"].as_str().unwrap())
            .env("GRANARY_CLICKHOUSE_PASSWORD", running["owner"]["password"].as_str().unwrap())
            .env("GRANARY_CLICKHOUSE_DATABASE", "fresh");
        stdout(&command.arg("migrate").args(more).output().unwrap())
    };
    let dry = migrate(&["--dry-run"]);
    assert!(dry.contains("pending  0001_logs") && dry.contains("0 applied"), "{dry}");
    assert!(migrate(&[]).contains("applied  0001_logs"));
    assert_eq!(migrate(&[]), "database fresh is up to date\n");
    assert!(server.stop().success());
}

#[tokio::test]
async fn a_gateway_forgets_what_it_keeps_when_it_is_told_to() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start_with(dir.path(), &["a"]).await;
    let url = format!("{}/v1/queries/cost_summary.json", up.gateway());
    for found in ["miss", "hit"] {
        assert_eq!(reqwest::get(&url).await.unwrap().headers()["x-cache"], found);
    }
    let flush = || granary(dir.path()).args(["cache", "flush", "--at", up.gateway()]).output().unwrap();
    assert!(stdout(&flush()).ends_with("has forgotten 1 answers\n"));
    assert_eq!(reqwest::get(&url).await.unwrap().headers()["x-cache"], "miss");
    let nowhere =
        granary(dir.path()).args(["cache", "flush", "--at", "http://127.0.0.1:1"]).output().unwrap();
    assert!(!nowhere.status.success());
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("say where it is with --at"));
}

//! `granary keys`, and what a granary that runs makes of it.

use std::path::Path;

use reqwest::{Client, StatusCode};

use crate::process::{Up, eventually, granary, record, request, stdout};

fn keys(data_dir: &Path, arguments: &[&str]) -> String {
    stdout(&granary(data_dir).arg("keys").args(arguments).output().unwrap())
}

fn fails(data_dir: &Path, arguments: &[&str]) -> String {
    let output = granary(data_dir).args(arguments).output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

fn listed(data_dir: &Path) -> Vec<serde_json::Value> {
    let lines = keys(data_dir, &["list", "--format", "ndjson"]);
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn status(up: &Up, token: &str) -> StatusCode {
    let post =
        Client::new().post(format!("{}/v1/logs", up.otlp_http())).header("Content-Type", "application/json");
    post.bearer_auth(token).body(request(&[record("a")])).send().await.unwrap().status()
}

#[tokio::test]
async fn a_key_is_made_used_rotated_and_revoked_while_granary_runs() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path(), &[]);
    let first = keys(dir.path(), &["create", "--team", "platform", "--name", "build agents"]);
    let first = first.trim();
    let id = first.split('_').nth(1).unwrap();
    eventually("the first key", async || status(&up, "none").await == StatusCode::UNAUTHORIZED).await;
    assert_eq!(status(&up, first).await, StatusCode::OK);

    let second = keys(dir.path(), &["rotate", id, "--grace", "0s"]);
    eventually("the new secret", async || status(&up, second.trim()).await == StatusCode::OK).await;
    assert_eq!(status(&up, first).await, StatusCode::UNAUTHORIZED);

    assert!(keys(dir.path(), &["revoke", id]).contains("revoked"));
    eventually("the end", async || status(&up, second.trim()).await == StatusCode::UNAUTHORIZED).await;
    assert_eq!(listed(dir.path())[0]["state"], "revoked");
    assert!(fails(dir.path(), &["keys", "rotate", id]).contains("is revoked"));
    assert!(up.stop().success());
}

#[test]
fn keys_are_listed_with_what_they_are_and_without_their_secrets() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(listed(dir.path()), Vec::<serde_json::Value>::new());
    let limits = ["--requests-per-second", "50", "--bytes-per-second", "5MiB", "--expires", "90d"];
    let token =
        keys(dir.path(), &[&["create", "--tenant", "acme", "--name", "a \"name\""][..], &limits].concat());
    let open = keys(dir.path(), &["create"]);
    assert_eq!(token.lines().count(), 1, "the token and nothing else");
    let [acme, default] = &listed(dir.path())[..] else { panic!("two keys") };
    assert_eq!((&acme["tenant"], &acme["state"]), (&"acme".into(), &"valid".into()));
    assert_eq!((&acme["requests_per_second"], &acme["bytes_per_second"]), (&50.into(), &(5 << 20).into()));
    assert!(acme["until"].as_str().unwrap() > acme["created"].as_str().unwrap());
    assert_eq!((&default["tenant"], &default["until"]), (&"default".into(), &serde_json::Value::Null));
    let csv = keys(dir.path(), &["list", "--format", "csv"]);
    assert!(csv.starts_with("\"id\",\"tenant\",\"team\",\"name\",\"state\","), "{csv}");
    assert!(csv.contains(r#""acme",\N,"a ""name""","valid","#), "{csv}");
    assert!(keys(dir.path(), &["list", "--format", "table"]).contains("acme"));
    let file = std::fs::read_to_string(dir.path().join("ingest-keys.toml")).unwrap();
    for token in [token, open] {
        let secret = token.trim().rsplit('_').next().unwrap();
        assert!(!file.contains(&secret[..43]) && !csv.contains(&secret[..43]));
    }
}

#[test]
fn a_key_that_is_not_there_is_named_and_no_file_is_made() {
    let dir = tempfile::tempdir().unwrap();
    for command in ["revoke", "rotate"] {
        let said = fails(dir.path(), &["keys", command, "Ab3dEf7h"]);
        assert!(said.contains("no key \"Ab3dEf7h\"") && said.contains("granary keys list"), "{said}");
    }
    assert!(!dir.path().join("ingest-keys.toml").exists());
    let said = fails(dir.path(), &["keys", "create", "--tenant", ""]);
    assert!(said.contains("tenant"), "{said}");
}

#[test]
fn an_address_that_others_reach_is_refused_without_keys() {
    let dir = tempfile::tempdir().unwrap();
    let wide =
        ["up", "--otlp-http", "0.0.0.0:0", "--otlp-grpc", "127.0.0.1:0", "--clickhouse-http", "127.0.0.1:0"];
    let said = fails(dir.path(), &[&wide[..], &["--gateway", "127.0.0.1:0", "--log-level", "warn"]].concat());
    assert!(said.contains("granary keys create") && said.contains("--otlp-http"), "{said}");
    assert_eq!(said.trim().lines().count(), 1, "{said}");
    assert!(!dir.path().join("engine").exists(), "that is said before anything starts");
}

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
    assert!(csv.starts_with("\"id\",\"role\",\"tenant\",\"team\",\"user\",\"name\",\"state\","), "{csv}");
    assert!(csv.contains(r#""ingest","acme",\N,\N,"a ""name""","valid","#), "{csv}");
    assert!(keys(dir.path(), &["list", "--format", "table"]).contains("acme"));
    let file = std::fs::read_to_string(dir.path().join("ingest-keys.toml")).unwrap();
    for token in [token, open] {
        let secret = token.trim().rsplit('_').next().unwrap();
        assert!(!file.contains(&secret[..43]) && !csv.contains(&secret[..43]));
    }
}

#[tokio::test]
async fn one_file_has_the_keys_for_sending_and_for_asking() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path(), &[]);
    let asked = async |token: &str| {
        let get = Client::new().get(format!("{}/v1/queries", up.gateway()));
        get.bearer_auth(token).send().await.unwrap().status()
    };
    assert_eq!(asked("none").await, StatusCode::OK, "without keys this machine is answered");
    let sender = keys(dir.path(), &["create"]);
    let limited = ["--group", "cost", "--fix", "project=a", "--fix", "project=b", "--network", "127.0.0.0/8"];
    let viewer = ["create", "--role", "viewer", "--user", "dev@example.com"];
    let viewer = keys(dir.path(), &[&viewer[..], &limited].concat());
    let (sender, viewer) = (sender.trim(), viewer.trim());
    // Before the file is read, whatever is shown is let in; the first key may be read before the second.
    eventually("the gateway's keys", async || {
        asked("none").await == StatusCode::UNAUTHORIZED && asked(viewer).await == StatusCode::OK
    })
    .await;
    eventually("the receiver's keys", async || {
        status(&up, "none").await == StatusCode::UNAUTHORIZED
            && status(&up, viewer).await == StatusCode::FORBIDDEN
    })
    .await;
    assert_eq!(status(&up, sender).await, StatusCode::OK);
    assert_eq!(asked(sender).await, StatusCode::FORBIDDEN, "who sends does not ask");
    let listed = &listed(dir.path())[1];
    for (column, value) in [
        ("role", "viewer"),
        ("user", "dev@example.com"),
        ("groups", "cost"),
        ("fixed", "project=a project=b"),
        ("networks", "127.0.0.0/8"),
    ] {
        assert_eq!(listed[column], value);
    }
    let id = viewer.split('_').nth(1).unwrap();
    keys(dir.path(), &["revoke", id]);
    eventually("the end", async || asked(viewer).await == StatusCode::UNAUTHORIZED).await;
    assert!(up.stop().success());
}

#[test]
fn a_key_that_would_mean_something_else_than_it_says_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    for (arguments, says) in [
        (&["--role", "viewer"][..], "the role viewer needs a user"),
        (&["--role", "team"], "the role team needs a team"),
        (&["--role", "analyst", "--user", "x"], "the role analyst has no user"),
        (&["--group", "cost"], "asks nothing"),
        (&["--role", "root"], "there are ingest, viewer, team, analyst and admin"),
        (&["--role", "analyst", "--fix", "project"], "expected NAME=VALUE"),
        (&["--role", "analyst", "--fix", "project="], "must be 1 to"),
        (&["--role", "analyst", "--network", "10.0.0.0/80"], "no network"),
    ] {
        let said = fails(dir.path(), &[&["keys", "create"][..], arguments].concat());
        assert!(said.contains(says), "{said}");
    }
    assert!(!dir.path().join("ingest-keys.toml").exists());
}

#[test]
fn a_gateway_that_others_reach_is_refused_without_keys() {
    let dir = tempfile::tempdir().unwrap();
    let wide = ["up", "--gateway", "0.0.0.0:0", "--otlp-http", "127.0.0.1:0", "--otlp-grpc", "127.0.0.1:0"];
    let said = fails(
        dir.path(),
        &[&wide[..], &["--clickhouse-http", "127.0.0.1:0", "--log-level", "warn"]].concat(),
    );
    assert!(
        said.contains("granary keys create --role analyst") && said.contains("--gateway 127.0.0.1"),
        "{said}"
    );
    assert!(!dir.path().join("engine").exists(), "that is said before anything starts");
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

//! What is handed to developers' machines in `deploy/claude-code` does what it says.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use granary_access::{Key, KeyFile, KeyFileError, NewKey};
use granary_ingest::IngestConfig;
use jiff::Timestamp;
use reqwest::StatusCode;
use serde::Deserialize;

use crate::events::{body_of, log};
use crate::receiver::{Receiver, config};

/// A client's settings; a key that the client does not know is a mistake of ours.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ManagedSettings {
    env: BTreeMap<String, String>,
    otel_headers_helper: String,
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/claude-code").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(file(name)).unwrap()
}

fn managed() -> ManagedSettings {
    serde_json::from_str(&text("managed-settings.json")).unwrap()
}

/// Runs the helper on a machine that has the key there, and nowhere else.
fn helper(token_file: &Path) -> Output {
    Command::new("sh")
        .arg(file("otel-headers.sh"))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("GRANARY_TOKEN_FILE", token_file)
        .output()
        .unwrap()
}

#[tokio::test]
async fn the_headers_helper_s_headers_open_the_door() {
    let dir = tempfile::tempdir().unwrap();
    let keys_file = dir.path().join("ingest-keys.toml");
    let (key, token) =
        Key::generate(NewKey { tenant: "default".to_owned(), ..NewKey::default() }, Timestamp::now());
    KeyFile::change(&keys_file, |file| {
        file.keys.push(key);
        Ok::<_, KeyFileError>(())
    })
    .unwrap();
    let receiver = Receiver::start_with("rollout", IngestConfig { keys_file, ..config() }).await;
    let post =
        || receiver.post("logs").header("Content-Type", "application/json").body(body_of(&[log("rollout")]));
    assert_eq!(post().send().await.unwrap().status(), StatusCode::UNAUTHORIZED);

    let token_file = dir.path().join("token");
    std::fs::write(&token_file, format!("{}\n", token.reveal())).unwrap();
    let printed = helper(&token_file);
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let headers: BTreeMap<String, String> = serde_json::from_slice(&printed.stdout).unwrap();
    let with_headers = headers.iter().fold(post(), |post, (name, value)| post.header(name, value));
    assert_eq!(with_headers.send().await.unwrap().status(), StatusCode::OK);
    receiver.finish().await;
}

#[test]
fn the_headers_helper_prints_nothing_where_there_is_no_key() {
    let dir = tempfile::tempdir().unwrap();
    let broken = dir.path().join("broken");
    std::fs::write(&broken, "not \"a\" key\n").unwrap();
    let empty = dir.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    for token_file in [broken, empty] {
        let printed = helper(&token_file);
        assert!(!printed.status.success());
        assert_eq!(String::from_utf8_lossy(&printed.stdout), "");
        assert!(
            !String::from_utf8_lossy(&printed.stderr).contains("not \"a\" key"),
            "a key's text is not to be shown"
        );
    }
}

#[test]
fn the_managed_settings_send_where_a_helper_s_headers_are_sent() {
    let ManagedSettings { env, otel_headers_helper } = managed();
    assert!(env["OTEL_EXPORTER_OTLP_PROTOCOL"].starts_with("http/"), "helpers are for HTTP alone");
    assert!(otel_headers_helper.ends_with("/otel-headers.sh"));
    assert_eq!(env["CLAUDE_CODE_ENABLE_TELEMETRY"], "1");
}

#[test]
fn the_environment_file_says_what_the_managed_settings_say() {
    let file = text("claude-code.env");
    let lines = file.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let mut file: BTreeMap<_, _> = lines.map(|line| line.split_once('=').unwrap()).collect();
    // It has the key itself where the settings have the helper, and an example of a project.
    assert!(file.remove("OTEL_EXPORTER_OTLP_HEADERS").is_some());
    let mut env = managed().env;
    assert!(file.remove("OTEL_RESOURCE_ATTRIBUTES") > env.remove("OTEL_RESOURCE_ATTRIBUTES").as_deref());
    let env: BTreeMap<_, _> = env.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(file, env);
}

#[test]
fn the_environment_files_give_a_shell_the_key() {
    for (name, header) in [
        ("claude-code.env", "Authorization=Bearer TOKEN"),
        ("gemini/gemini.env", "Authorization=Bearer%20TOKEN"),
    ] {
        let printed = Command::new("sh")
            .args(["-c", "set -a; . \"$0\"; env"])
            .arg(file(name))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&printed.stderr), "", "{name}");
        let header = format!("OTEL_EXPORTER_OTLP_HEADERS={header}");
        assert!(String::from_utf8_lossy(&printed.stdout).lines().any(|line| line == header), "{name}");
    }
}

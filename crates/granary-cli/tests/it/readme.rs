//! Every command of the README does what it says.

use std::process::Command;

use reqwest::Client;

use crate::process::{Up, granary, record, request, stdout};

const README: &str = include_str!("../../../../README.md");

/// The commands of the README's `sh` blocks, in order, continued lines joined.
fn commands() -> Vec<String> {
    let mut commands = Vec::new();
    for block in README.split("```sh\n").skip(1) {
        let block = block.split("```").next().unwrap().replace("\\\n", " ");
        commands.extend(block.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
    }
    commands
}

#[tokio::test]
async fn every_command_of_the_readme_works() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path(), &[]);
    let url = format!("{}/v1/logs", up.otlp_http());
    Client::new()
        .post(url)
        .header("Content-Type", "application/json")
        .body(request(&[record("a")]))
        .send()
        .await
        .unwrap();
    let mut exported = Vec::new();
    let mut ran = 0;
    for command in commands() {
        ran += 1;
        let command = command.split("  #").next().unwrap().trim().replace("SESSION", "session-1");
        // The two commands have tests of their own: this one runs in the second, `demo.rs` runs the first.
        if matches!(command.as_str(), "cargo run --release -- demo" | "cargo test --workspace") {
            continue;
        }
        if command == "claude" {
            // What Claude Code does with the variables: they name a door that takes what it sends.
            let variables: std::collections::HashMap<_, _> = exported.iter().cloned().collect();
            assert_eq!(variables["OTEL_EXPORTER_OTLP_PROTOCOL"], "grpc");
            assert_eq!(variables["CLAUDE_CODE_ENABLE_TELEMETRY"], "1");
            assert_eq!(variables["OTEL_EXPORTER_OTLP_ENDPOINT"], "http://127.0.0.1:4317", "the default door");
            tonic::transport::Endpoint::new(up.otlp_grpc().to_owned()).unwrap().connect().await.unwrap();
        } else if let Some(assignments) = command.strip_prefix("export ") {
            exported.extend(assignments.split_whitespace().map(|pair| {
                let (name, value) = pair.split_once('=').unwrap();
                (name.to_owned(), value.to_owned())
            }));
        } else if let Some(url) = command.strip_prefix("curl ") {
            let url = url.trim_matches(['\'', '"']).trim_start_matches("-N ").trim_matches(['\'', '"']);
            let url = url.replace("http://127.0.0.1:8080", up.gateway());
            let response = reqwest::get(&url).await.unwrap();
            assert!(response.status().is_success(), "{command}: {}", response.text().await.unwrap());
        } else if let Some(arguments) = command.strip_prefix("granary up") {
            // It would run for ever; that its flags are right is what can be seen.
            let output =
                granary(dir.path()).arg("config").args(arguments.split_whitespace()).output().unwrap();
            stdout(&output);
        } else if let Some(arguments) = command.strip_prefix("granary ") {
            let output = granary(dir.path()).args(arguments.split_whitespace()).output().unwrap();
            stdout(&output);
        } else {
            assert!(command.starts_with("cargo install "), "what is {command:?}?");
            assert!(Command::new("cargo").arg("--version").output().unwrap().status.success());
        }
    }
    assert!(ran > 8, "{ran} commands were found");
    assert!(up.stop().success());
}

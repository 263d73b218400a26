//! Every command of the README does what it says.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use reqwest::{Client, StatusCode};

use crate::process::{Up, eventually, granary, record, request, stdout};

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

/// The words of a command as a shell takes it apart.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for letter in text.trim().chars() {
        match letter {
            '\'' | '"' if quote.is_none() => quote = Some(letter),
            _ if quote == Some(letter) => quote = None,
            ' ' if quote.is_none() => words.push(String::new()),
            _ => words.last_mut().unwrap().push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Sends a record, with an authorization or without one.
async fn post(up: &Up, authorization: Option<&str>) -> StatusCode {
    let mut post =
        Client::new().post(format!("{}/v1/logs", up.otlp_http())).header("Content-Type", "application/json");
    if let Some(value) = authorization {
        post = post.header("Authorization", value);
    }
    post.body(request(&[record("a")])).send().await.unwrap().status()
}

/// What curl does with those words, with the key that is in them or without it.
async fn ask(gateway: &str, words: &[String], with_key: bool) -> reqwest::Response {
    let behind = |flag: &str| {
        let values = words.iter().zip(words.iter().skip(1));
        values.filter(|(name, _)| *name == flag).map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    let url = words.iter().find(|word| word.starts_with("http")).unwrap();
    let url = url.replace("http://127.0.0.1:8080", gateway);
    let client = Client::new();
    let mut request = match behind("--data-binary").pop() {
        Some(body) => client.post(url).body(body),
        None => client.get(url),
    };
    for header in behind("-H") {
        let (name, value) = header.split_once(": ").unwrap();
        if with_key || name != "X-Api-Key" {
            request = request.header(name, value);
        }
    }
    for login in behind("-u").into_iter().filter(|_| with_key) {
        let (user, password) = login.split_once(':').unwrap();
        request = request.basic_auth(user, Some(password));
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn every_command_of_the_readme_works() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path(), &[]);
    assert_eq!(post(&up, None).await, StatusCode::OK);
    let mut exported = Vec::new();
    let mut token = "TOKEN".to_owned();
    let mut ran = 0;
    for command in commands() {
        ran += 1;
        let command = command.split("  #").next().unwrap().trim().replace("SESSION", "session-1");
        let command = command.replace("TOKEN", &token);
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
            exported.extend(words(assignments).into_iter().map(|pair| {
                let (name, value) = pair.split_once('=').unwrap();
                (name.to_owned(), value.to_owned())
            }));
            if let Some((_, headers)) = exported.iter().find(|(name, _)| name == "OTEL_EXPORTER_OTLP_HEADERS")
            {
                // What an exporter makes of it is let in with it, and not without.
                let (name, value) = headers.split_once('=').unwrap();
                assert_eq!(name, "Authorization");
                eventually("the first key", async || post(&up, None).await == StatusCode::UNAUTHORIZED).await;
                assert_eq!(post(&up, Some(value)).await, StatusCode::OK);
            }
        } else if let Some(url) = command.strip_prefix("curl ") {
            let words = words(url);
            // It is there by now, and so are the keys before it.
            let asked = async |with_key: bool| ask(up.gateway(), &words, with_key).await;
            assert_eq!(asked(false).await.status(), StatusCode::UNAUTHORIZED, "{command}");
            eventually("the key", async || asked(true).await.status() != StatusCode::UNAUTHORIZED).await;
            let response = asked(true).await;
            assert!(response.status().is_success(), "{command}: {}", response.text().await.unwrap());
        } else if let Some(arguments) = command.strip_prefix("granary up") {
            // It would run for ever; that its flags are right is what can be seen.
            let output = granary(dir.path()).arg("config").args(words(arguments)).output().unwrap();
            stdout(&output);
        } else if let Some(arguments) = command.strip_prefix("granary live") {
            // It would run for ever, too, once it watches.
            let mut live = granary(dir.path());
            let mut live = live.arg("live").args(words(arguments)).stderr(Stdio::piped()).spawn().unwrap();
            let mut line = String::new();
            BufReader::new(live.stderr.take().unwrap()).read_line(&mut line).unwrap();
            assert!(line.starts_with("watching"), "{line}");
            live.kill().unwrap();
            live.wait().unwrap();
        } else if let Some(arguments) = command.strip_prefix("granary ") {
            let (arguments, file) = arguments.split_once(" > ").unwrap_or((arguments, ""));
            let output = granary(dir.path()).args(words(arguments)).output().unwrap();
            if file.ends_with(".parquet") {
                assert!(output.status.success() && output.stdout.starts_with(b"PAR1"), "{command}");
                continue;
            }
            let printed = stdout(&output);
            if arguments.starts_with("keys create") {
                printed.trim().clone_into(&mut token);
            }
        } else {
            assert!(command.starts_with("cargo install "), "what is {command:?}?");
            assert!(Command::new("cargo").arg("--version").output().unwrap().status.success());
        }
    }
    assert!(ran > 8, "{ran} commands were found");
    assert!(up.stop().success());
}

//! `granary up`: what it serves, how it stops, what it survives.

use reqwest::{Client, StatusCode};
use rustix::process::Signal;

use crate::process::{Up, eventually, is_alive, record, request, send_signal};

async fn send(up: &Up, ids: &[&str]) -> reqwest::Result<StatusCode> {
    let records: Vec<_> = ids.iter().map(|id| record(id)).collect();
    let post =
        Client::new().post(format!("{}/v1/logs", up.otlp_http())).header("Content-Type", "application/json");
    Ok(post.body(request(&records)).send().await?.status())
}

/// The number of requests that the warehouse knows of.
async fn requests(up: &Up) -> u64 {
    let url = format!(
        "{}/v1/queries/cost_summary.json?from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z",
        up.gateway()
    );
    let answer: serde_json::Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    answer["data"][0]["requests"].as_u64().unwrap_or_else(|| panic!("{answer}"))
}

async fn ready(up: &Up) -> bool {
    reqwest::get(format!("{}/readyz", up.gateway())).await.unwrap().status() == StatusCode::OK
}

#[tokio::test]
async fn what_is_sent_is_answered_by_a_query_and_survives_an_ordered_stop() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path(), &[]);
    assert_eq!(reqwest::get(format!("{}/livez", up.gateway())).await.unwrap().status(), StatusCode::OK);
    eventually("readiness", async || ready(&up).await).await;
    assert_eq!(send(&up, &["a", "b"]).await.unwrap(), StatusCode::OK);
    up.settled().await;
    assert_eq!(requests(&up).await, 2);

    let engine = up.engine_id();
    assert!(up.stop().success());
    assert!(!is_alive(engine), "the engine went first");

    let up = Up::start(dir.path(), &[]);
    assert_eq!(requests(&up).await, 2);
    assert!(up.stop().success());
}

#[tokio::test]
async fn an_engine_that_dies_is_started_again_and_nothing_answered_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path(), &[]);
    assert_eq!(send(&up, &["a"]).await.unwrap(), StatusCode::OK);
    let engine = up.engine_id();
    send_signal(engine, Signal::KILL);
    // What comes while the engine is away waits for it in the log.
    assert_eq!(send(&up, &["b"]).await.unwrap(), StatusCode::OK);
    up.settled().await;
    assert_ne!(up.engine_id(), engine);
    eventually("readiness", async || ready(&up).await).await;
    assert_eq!(requests(&up).await, 2);
    assert!(up.stop().success());
}

#[tokio::test]
async fn when_granary_is_killed_the_engine_goes_too() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path(), &[]);
    let engine = up.engine_id();
    up.kill();
    eventually("the engine's end", async || !is_alive(engine)).await;
    assert!(Up::start(dir.path(), &[]).stop().success(), "the folder is free again");
}

#[tokio::test]
async fn a_clickhouse_server_serves_in_place_of_the_embedded_engine() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Up::start(dir.path(), &[]);
    let running: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("running.json")).unwrap()).unwrap();
    let (user, password) =
        (running["owner"]["user"].as_str().unwrap(), running["owner"]["password"].as_str().unwrap());
    let arguments = [
        "--clickhouse-url",
        server.clickhouse(),
        "--clickhouse-user",
        user,
        "--clickhouse-password",
        password,
        "--clickhouse-database",
        "team",
    ];
    let up = Up::start(other.path(), &arguments);
    assert_eq!(send(&up, &["a"]).await.unwrap(), StatusCode::OK);
    up.settled().await;
    assert_eq!((requests(&up).await, requests(&server).await), (1, 0), "a database of its own");
    assert!(up.stop().success());
    assert!(server.stop().success());
}

#[tokio::test]
async fn a_receiver_that_has_run_before_takes_events_while_its_server_is_away() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = Up::start(dir.path(), &[]);
    let running: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("running.json")).unwrap()).unwrap();
    let address = server.clickhouse().to_owned();
    let arguments = |url: &str| {
        ["url", "user", "password"]
            .into_iter()
            .zip([
                url,
                running["owner"]["user"].as_str().unwrap(),
                running["owner"]["password"].as_str().unwrap(),
            ])
            .map(|(name, value)| format!("--clickhouse-{name}={value}"))
            .collect::<Vec<_>>()
    };
    let start = |url: &str| {
        let arguments = arguments(url);
        Up::start(other.path(), &arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let up = start(&address);
    assert_eq!(send(&up, &["a"]).await.unwrap(), StatusCode::OK);
    up.settled().await;
    assert!(up.stop().success());

    // Nobody listens there.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let up = start(&format!("http://{nobody}"));
    assert!(!ready(&up).await);
    assert_eq!(send(&up, &["b"]).await.unwrap(), StatusCode::OK);
    assert!(up.stop().success());

    let up = start(&address);
    up.settled().await;
    assert_eq!(requests(&up).await, 2);
    assert!(up.stop().success());
    assert!(server.stop().success());
}

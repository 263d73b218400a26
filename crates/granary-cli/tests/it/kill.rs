//! `kill -9` under load: every event that was answered with success is there after a restart.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use reqwest::{Client, StatusCode};

use crate::process::{Up, eventually, granary, record, request, stdout};

const SENDERS: usize = 4;
const KILLS: usize = 3;
/// Events that must have been answered before each kill.
const ANSWERED: usize = 200;

/// Sends batch after batch until nobody answers any more; notes the ids of the answered ones.
async fn sender(url: String, name: String, answered: Arc<Mutex<BTreeSet<String>>>) {
    let client = Client::new();
    for batch in 0.. {
        let ids: Vec<_> = (0..10).map(|n| format!("{name}-{batch}-{n}")).collect();
        let body = request(&ids.iter().map(|id| record(id)).collect::<Vec<_>>());
        match client.post(&url).header("Content-Type", "application/json").body(body).send().await {
            Ok(response) if response.status() == StatusCode::OK => answered.lock().unwrap().extend(ids),
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

#[tokio::test]
async fn every_event_answered_with_success_is_there_after_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let answered = Arc::new(Mutex::new(BTreeSet::new()));
    for round in 0..KILLS {
        let up = Up::start(dir.path(), &[]);
        let before = answered.lock().unwrap().len();
        let senders: Vec<_> = (0..SENDERS)
            .map(|n| {
                let url = format!("{}/v1/logs", up.otlp_http());
                tokio::spawn(sender(url, format!("{round}-{n}"), Arc::clone(&answered)))
            })
            .collect();
        eventually("load", async || answered.lock().unwrap().len() >= before + ANSWERED).await;
        up.kill();
        for sender in senders {
            sender.await.unwrap();
        }
    }
    let up = Up::start(dir.path(), &[]);
    up.settled().await;
    let mut query = granary(dir.path());
    query.args(["query", "session_timeline", "--param", "session=session-1", "--param", "limit=100000"]);
    let lines = stdout(&query.args(["--format", "ndjson"]).output().unwrap());
    let stored: BTreeSet<String> = lines
        .lines()
        .map(|line| {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            row["attributes"]["request_id"].as_str().unwrap().to_owned()
        })
        .collect();
    let answered = answered.lock().unwrap();
    assert_eq!(lines.lines().count(), stored.len(), "no event is there twice");
    let missing: Vec<_> = answered.difference(&stored).collect();
    assert!(
        missing.is_empty(),
        "{} of {} answered events are gone: {:?}…",
        missing.len(),
        answered.len(),
        missing.first()
    );
    assert!(answered.len() >= KILLS * ANSWERED);
    assert!(up.stop().success());
}

//! The operator's folder while the gateway runs.

use std::path::Path;

use granary_gateway::Catalogue;
use serde_json::{Value, json};

use crate::server::{Running, serve_over};
use crate::support::until;

/// A query whose question and one value say which version it is.
fn version(number: u32) -> String {
    format!(
        "/*\nquestion = 'version {number}?'\nfilters = []\ntables = ['otel_logs']\n[columns]\nx = 'whatever'\n*/\n\
         SELECT {number} AS x FROM otel_logs WHERE TenantId = {{tenant:String}} LIMIT 1"
    )
}

async fn watching(dir: &Path) -> Running {
    serve_over(Catalogue::load(Some(dir)).unwrap(), |_| {}).await
}

async fn get(running: &Running, path: &str) -> (u16, Value) {
    let reply = reqwest::get(format!("http://{}{path}", running.address)).await.unwrap();
    (reply.status().as_u16(), reply.json().await.unwrap_or_default())
}

async fn answers(running: &Running, number: u32) {
    until(async || {
        let (status, answer) = get(running, "/v1/queries/mine.json").await;
        status == 200 && answer["data"] == json!([{ "x": number }])
    })
    .await;
}

#[tokio::test]
async fn a_file_takes_effect_without_a_restart_and_its_last_good_version_stays_while_it_is_broken() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ours/mine.sql");
    std::fs::create_dir(dir.path().join("ours")).unwrap();
    std::fs::write(&file, version(1)).unwrap();
    let running = watching(dir.path()).await;
    answers(&running, 1).await;
    std::fs::write(&file, version(2)).unwrap();
    answers(&running, 2).await;

    for (broken, problem) in [
        ("SELECT 1", "does not start with a header between /* and */"),
        (
            &version(3).replace("WHERE TenantId = {tenant:String}", "WHERE TenantId != {tenant:String}"),
            "is read without WHERE TenantId = {tenant:String} on it",
        ),
    ] {
        std::fs::write(&file, broken).unwrap();
        until(async || {
            let problems = get(&running, "/v1/queries").await.1["problems"].clone();
            problems[0]["reason"].as_str().is_some_and(|reason| reason.contains(problem))
                && problems[0]["is_earlier_in_force"] == true
        })
        .await;
        answers(&running, 2).await;
    }
    let metrics =
        reqwest::get(format!("http://{}/metrics", running.address)).await.unwrap().text().await.unwrap();
    assert!(metrics.contains("granary_gateway_query_files{state=\"broken\"} 1\n"), "{metrics}");
    assert!(metrics.contains("granary_gateway_query_files{state=\"in_force\"} 1\n"), "{metrics}");

    std::fs::remove_file(&file).unwrap();
    until(async || get(&running, "/v1/queries/mine.json").await.0 == 404).await;
    assert_eq!(get(&running, "/v1/queries").await.1["problems"], json!([]));
}

#[tokio::test]
async fn an_answer_under_way_ends_as_the_version_it_began_with() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ours/mine.sql");
    std::fs::create_dir(dir.path().join("ours")).unwrap();
    let long = version(1)
        .replace("1 AS x FROM otel_logs", "repeat('x', 1000) AS x FROM numbers(20000) AS n, otel_logs")
        .replace(" LIMIT 1", " LIMIT 20000");
    std::fs::write(&file, &long).unwrap();
    let running = watching(dir.path()).await;
    let url = format!("http://{}/v1/queries/mine.csv", running.address);
    let under_way = reqwest::get(&url).await.unwrap();
    std::fs::write(&file, version(2)).unwrap();
    answers(&running, 2).await;
    let text = under_way.text().await.unwrap();
    assert_eq!(text.lines().count(), 20_001);
}

//! The roles with what the chart gives them, run.

use std::path::Path;
use std::process::Command;

use granary_testkit::TestS3;
use reqwest::{Client, StatusCode};

use super::rendering::{Workload, renderings};
use crate::process::{eventually, granary, record, request, stdout};
use crate::roles::{Process, Server};

/// What the container runs, with the addresses, the users and the folders of this test.
fn command(workload: &Workload, dir: &Path, server: &Server, store: &TestS3) -> Command {
    let mut command = granary(dir);
    let container = &workload.containers()[0];
    command.args(container["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()));
    for (name, value) in workload.variables() {
        let value = match name.as_str() {
            "GRANARY_CLICKHOUSE_URL" => server.owner.url.clone(),
            "GRANARY_CLICKHOUSE_USER" => server.owner.user.clone(),
            "GRANARY_CLICKHOUSE_READER_USER" => server.reader.user.clone(),
            "GRANARY_ARCHIVE_URL" => format!("s3://{}/archive", store.bucket),
            "GRANARY_ARCHIVE_S3_ENDPOINT" => store.endpoint.clone(),
            "GRANARY_ARCHIVE_S3_ACCESS_KEY_ID" => store.access_key_id.clone(),
            // Its own address stands for the name of all.
            "GRANARY_INGEST_PEERS" => "[\"127.0.0.1:4319\"]".to_owned(),
            "GRANARY_INGEST_PEER_ADDRESS" => "127.0.0.1:0".to_owned(),
            // Where the doors are is read as people read it.
            "GRANARY_LOG_FORMAT" => "text".to_owned(),
            "GRANARY_DATA_DIR" => dir.join(&workload.role).display().to_string(),
            _ => match value.strip_prefix("/etc/granary/") {
                Some(file) => dir.join(file).display().to_string(),
                None => value,
            },
        };
        command.env(name, value);
    }
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_starts_with_what_the_chart_gives_it_and_answers_its_probes() {
    let rendering = &renderings()[0];
    let dirs: [tempfile::TempDir; 2] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let (server, dir) = (Server::start(dirs[0].path()), dirs[1].path());
    let store = granary_testkit::s3("helm").await;
    for (folder, file, text) in [
        ("secrets", "clickhouse-password", server.owner.password.as_str()),
        ("secrets", "clickhouse-reader-password", &server.reader.password),
        ("secrets", "s3-secret-access-key", &store.secret_access_key),
        ("secrets", "cursor-key", "any text"),
        ("secrets", "peer-secret", "any text"),
    ] {
        std::fs::create_dir_all(dir.join(folder)).unwrap();
        std::fs::write(dir.join(folder).join(file), text).unwrap();
    }
    let keys = dir.join("keys/keys.toml");
    std::fs::create_dir_all(keys.parent().unwrap()).unwrap();
    let create = |role: &str| {
        let mut create = granary(dir);
        create.args(["keys", "create", "--role", role, "--ingest-keys-file"]).arg(&keys);
        stdout(&create.output().unwrap()).trim().to_owned()
    };
    let (sender, analyst) = (create("ingest"), create("analyst"));

    let of = |role: &str| command(&rendering.workload(role), dir, &server, &store);
    assert!(stdout(&of("migrate").output().unwrap()).contains("is up to date"));
    let running = [
        ("ingest", "health", Process::run(of("ingest"), "health")),
        ("gateway", "queries", Process::run(of("gateway"), "archive")),
        ("archiver", "health", Process::run(of("archiver"), "health")),
    ];
    let client = Client::new();
    for (role, door, process) in &running {
        let container = rendering.workload(role).containers()[0].clone();
        for kind in ["livenessProbe", "readinessProbe"] {
            let path = container[kind]["httpGet"]["path"].as_str().unwrap();
            let url = format!("{}{path}", process.url(door));
            eventually("the probe", async || {
                client.get(&url).send().await.is_ok_and(|a| a.status() == StatusCode::OK)
            })
            .await;
        }
    }
    let [(_, _, receiver), (_, _, gateway), _] = &running;
    let post = client.post(format!("{}/v1/logs", receiver.url("OTLP over HTTP"))).bearer_auth(&sender);
    let post = post.header("Content-Type", "application/json").body(request(&[record("a")]));
    assert_eq!(post.send().await.unwrap().status(), StatusCode::OK);
    let ask = client.get(format!("{}/v1/queries/active_sessions.json", gateway.url("queries")));
    assert_eq!(ask.bearer_auth(&analyst).send().await.unwrap().status(), StatusCode::OK);
    let waiting = async || {
        let told = client.get(format!("{}/metrics", receiver.url("health"))).send().await.unwrap();
        let told = told.text().await.unwrap();
        let line = told.lines().find(|line| line.starts_with("granary_wal_waiting_bytes ")).unwrap();
        line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()
    };
    eventually("an empty queue", async || waiting().await == 0).await;
    for (role, _, process) in running {
        assert!(process.stop().success(), "{role}");
    }
    // The test pod looks at what the roles left, without doors that are open.
    let doctor = of("doctor").output().unwrap();
    assert!(stdout(&doctor).contains("clickhouse reader"));
    assert!(server.up.stop().success());
}

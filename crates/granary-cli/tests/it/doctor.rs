//! `granary doctor`: each thing that can be wrong, made wrong.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use granary_clickhouse::{ClickHouseConfig, Warehouse};
use serde_json::Value;

use crate::process::{Up, granary, stdout};

/// State and words of each check, by name.
struct Diagnosis(Value, bool);

impl Diagnosis {
    fn of(dir: &Path, arguments: &[&str]) -> Self {
        let output = granary(dir).args(["doctor", "--json"]).args(arguments).output().unwrap();
        let document = serde_json::from_slice(&output.stdout);
        let document = document.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
        Self(document, output.status.success())
    }

    fn check(&self, name: &str) -> &Value {
        let checks = self.0["checks"].as_array().unwrap();
        checks
            .iter()
            .find(|check| check["name"] == name)
            .unwrap_or_else(|| panic!("no {name} in {checks:#?}"))
    }

    #[track_caller]
    fn assert(&self, name: &str, state: &str, words: &str) {
        let check = self.check(name);
        assert_eq!(check["state"], state, "{check:#}");
        assert!(check["found"].as_str().unwrap().contains(words), "{check:#}");
        assert_eq!(
            check["advice"].is_null(),
            state == "ok",
            "what is wrong comes with what to do: {check:#}"
        );
        if state == "fail" {
            assert!(!self.1 && self.0["state"] == "fail", "the exit code says so");
        }
    }
}

/// The users of a granary that runs: owner and reader.
fn users(dir: &Path) -> [ClickHouseConfig; 2] {
    let running: Value = serde_json::from_slice(&std::fs::read(dir.join("running.json")).unwrap()).unwrap();
    ["owner", "reader"].map(|user| serde_json::from_value(running[user].clone()).unwrap())
}

#[tokio::test]
async fn a_granary_that_runs_is_well_and_what_is_made_wrong_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start_with(dir.path(), &["a"]).await;
    let address = |url: &str| url.split_once("://").unwrap().1.to_owned();
    let [grpc, http, gateway] = [up.otlp_grpc(), up.otlp_http(), up.gateway()].map(address);
    let doors = ["--otlp-grpc", &grpc, "--otlp-http", &http, "--gateway", &gateway];
    let well = Diagnosis::of(dir.path(), &doors);
    for name in [
        "redaction",
        "catalogue",
        "senders",
        "clickhouse",
        "clickhouse reader",
        "clickhouse version",
        "clickhouse clock",
        "clickhouse rights",
        "clickhouse reader's rights",
        "schema",
        "deduplication",
        "archive",
        "archive lag",
        "log folder",
        "log room",
        "running.json",
        "OTLP over gRPC",
        "OTLP over HTTP",
        "gateway",
    ] {
        if name == "log folder" && well.check(name)["found"].as_str().unwrap().contains("tmpfs") {
            continue;
        }
        well.assert(name, "ok", "");
    }
    assert!(well.1, "{:#}", well.0);
    let left: Vec<_> =
        std::fs::read_dir(dir.path().join("wal")).unwrap().flatten().map(|file| file.file_name()).collect();
    assert!(
        !left.iter().any(|name| name.to_string_lossy().contains("doctor")),
        "nothing is left behind: {left:?}"
    );
    assert_eq!(walk(&dir.path().join("archive")), 0);

    let [owner, reader] = users(dir.path());
    let warehouse = Warehouse::new(&owner);
    let sql = "ALTER TABLE granary_migrations DELETE WHERE Version = (SELECT max(Version) FROM granary_migrations) \
               SETTINGS mutations_sync = 1";
    warehouse.execute(sql).await.unwrap();
    let sql = "ALTER TABLE cost_hourly MODIFY SETTING non_replicated_deduplication_window = 0";
    warehouse.execute(sql).await.unwrap();
    let keys = dir.path().join("ingest-keys.toml");
    stdout(&granary(dir.path()).args(["keys", "create"]).output().unwrap());
    std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o644)).unwrap();
    let queries = tempfile::tempdir().unwrap();
    std::fs::create_dir(queries.path().join("ours")).unwrap();
    std::fs::write(queries.path().join("ours/broken.sql"), "SELECT 1").unwrap();
    let queries = queries.path().to_str().unwrap();
    let wrong = Diagnosis::of(
        dir.path(),
        &[
            "--gateway-query-dir",
            queries,
            "--archive-quiet",
            "0s",
            "--archive-interval",
            "1ms",
            "--ingest-wal-max-bytes",
            "900TiB",
            "--otlp-http",
            "127.0.0.1:9",
            "--ingest-wal-dir",
            "/dev/shm/granary",
            "--archive-keep-tenants",
            "[\"acme\"]",
            "--ingest-peers",
            "[\"127.0.0.1:9\"]",
            "--ingest-peer-address",
            "127.0.0.1:4319",
        ],
    );
    wrong.assert(
        "other receivers",
        "fail",
        "127.0.0.1:9: client error (Connect): tcp connect error: Connection refused",
    );
    wrong.assert("catalogue", "fail", "broken");
    wrong.assert("retention", "fail", "acme");
    wrong.assert("schema", "fail", "not applied");
    wrong.assert("deduplication", "fail", "cost_hourly");
    wrong.assert("log room", "warn", "900");
    wrong.assert("log folder", "warn", "tmpfs");
    wrong.assert("ingest keys", "warn", "644");
    wrong.assert("OTLP over HTTP", "warn", "refused");
    let wrong = Diagnosis::of(dir.path(), &["--archive-quiet", "0s", "--archive-interval", "1ms"]);
    wrong.assert("archive lag", "warn", "1 sessions are due");

    // A server of its own, as other users see it.
    let server = |user: &ClickHouseConfig, reader: &ClickHouseConfig| {
        let flags = [
            ("--clickhouse-url", &owner.url),
            ("--clickhouse-user", &user.user),
            ("--clickhouse-password", &user.password),
            ("--clickhouse-reader-user", &reader.user),
            ("--clickhouse-reader-password", &reader.password),
        ];
        let flags: Vec<String> =
            flags.iter().flat_map(|(flag, value)| [(*flag).to_owned(), (*value).clone()]).collect();
        Diagnosis::of(dir.path(), &flags.iter().map(String::as_str).collect::<Vec<_>>())
    };
    server(&owner, &owner).assert("clickhouse reader's rights", "warn", "INSERT");
    server(&reader, &reader).assert("clickhouse rights", "fail", "INSERT");
    let stranger = ClickHouseConfig { password: "wrong".to_owned(), ..reader.clone() };
    server(&owner, &stranger).assert("clickhouse reader", "fail", "does not answer");
    assert!(up.stop().success());
}

#[test]
fn what_is_not_there_is_told_with_where_it_was_looked_for() {
    let dir = tempfile::tempdir().unwrap();
    let away = Diagnosis::of(dir.path(), &["--clickhouse-url", "http://127.0.0.1:9"]);
    away.assert("clickhouse", "fail", "http://127.0.0.1:9");
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let nowhere = file.join("archive");
    let nowhere = Diagnosis::of(
        dir.path(),
        &["--archive", nowhere.to_str().unwrap(), "--clickhouse-http", "127.0.0.1:0"],
    );
    nowhere.assert("archive", "fail", "file");
    let people =
        granary(dir.path()).args(["doctor", "--clickhouse-url", "http://127.0.0.1:9"]).output().unwrap();
    let said = String::from_utf8(people.stdout).unwrap();
    assert!(said.contains("fail  clickhouse") && said.contains("→ see to it that the server runs"), "{said}");
    let told = String::from_utf8(people.stderr).unwrap();
    assert!(told.contains("checks failed"), "{told}");
}

/// Files below a folder.
fn walk(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { walk(&entry.path()) } else { 1 }).sum()
}

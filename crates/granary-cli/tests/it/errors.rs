//! What is in the way of a start is said in one line, with an exit code.

use std::net::TcpListener;
use std::path::Path;

use crate::process::{Up, granary};

/// Runs a command that must fail; returns its exit code and what it said.
fn fails(data_dir: &Path, arguments: &[&str]) -> (i32, String) {
    let output = granary(data_dir).args(arguments).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{arguments:?}: {said}");
    (output.status.code().unwrap(), said)
}

const FREE: [&str; 8] = [
    "--clickhouse-http",
    "127.0.0.1:0",
    "--otlp-grpc",
    "127.0.0.1:0",
    "--otlp-http",
    "127.0.0.1:0",
    "--gateway",
    "127.0.0.1:0",
];

#[test]
fn a_taken_port_is_named_with_the_flag_that_moves_it() {
    let dir = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (at, flag) in [(0, "--clickhouse-http"), (2, "--otlp-grpc"), (4, "--otlp-http"), (6, "--gateway")] {
        let mut arguments = vec!["up"];
        arguments.extend(FREE);
        arguments[at + 2] = &address;
        // Without the lines of the start, which is under way when the last ports are bound.
        arguments.extend(["--log-level", "warn"]);
        let (code, said) = fails(dir.path(), &arguments);
        assert_eq!(code, 1);
        assert!(said.contains(&address) && said.contains(flag), "{said}");
        assert_eq!(said.trim().lines().count(), 1, "{said}");
        assert_eq!(said.matches("Address already in use").count(), 1, "{said}");
    }
}

#[test]
fn a_service_with_shared_tables_is_no_cluster() {
    let dir = tempfile::tempdir().unwrap();
    let both = ["config", "--clickhouse-cluster", "granary", "--clickhouse-shared-merge-tree", "true"];
    let (_, said) = fails(dir.path(), &both);
    assert!(
        said.contains("clickhouse.cluster and clickhouse.shared_merge_tree exclude one another"),
        "{said}"
    );
}

#[test]
fn a_data_folder_in_use_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let up = Up::start(dir.path(), &[]);
    let mut arguments = vec!["up"];
    arguments.extend(FREE);
    let (_, said) = fails(dir.path(), &arguments);
    assert!(said.contains("another granary is using the data folder"), "{said}");
    assert!(up.stop().success());
}

#[test]
fn an_engine_that_is_missing_or_none_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (_, said) = fails(dir.path(), &["up", "--engine-library", "/nowhere/libchdb.so"]);
    assert!(said.contains("/nowhere/libchdb.so"), "{said}");
    let none = dir.path().join("libchdb.so");
    std::fs::write(&none, "none").unwrap();
    let mut arguments = vec!["up", "--engine-library", none.to_str().unwrap()];
    arguments.extend(FREE);
    let (_, said) = fails(dir.path(), &arguments);
    assert!(said.contains("cannot be loaded"), "{said}");
}

#[test]
fn a_setting_that_cannot_be_used_is_named_with_where_it_came_from() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("granary.toml");
    std::fs::write(&file, "[ingest]\nmax_bodi = \"1MiB\"\n").unwrap();
    for (arguments, telling) in [
        (vec!["up", "--otlp-http", "nowhere"], vec!["--otlp-http", "ingest.http"]),
        (vec!["up", "--ingest-commit-interval", "soon"], vec!["--ingest-commit-interval"]),
        (vec!["up", "--config", file.to_str().unwrap()], vec!["max_bodi", "granary.toml"]),
        (vec!["up", "--config", "/nowhere.toml"], vec!["/nowhere.toml"]),
    ] {
        let (code, said) = fails(dir.path(), &arguments);
        assert_eq!(code, 64, "{said}");
        for word in telling {
            assert!(said.contains(word), "{word}: {said}");
        }
    }
    let output = granary(dir.path()).env("GRANARY_GATEWAY_BURST", "many").arg("config").output().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("GRANARY_GATEWAY_BURST"));
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (_, said) = fails(dir.path(), &["up", "--clickhouse-url", "http://127.0.0.1:1"]);
    assert!(said.contains("http://127.0.0.1:1") && said.contains("cannot be reached"), "{said}");
}

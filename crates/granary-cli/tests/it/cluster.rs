//! Migrations and the doctor over two shards, by the settings.

use std::process::Output;

use serde_json::Value;

use crate::process::{granary, stdout};

#[tokio::test]
async fn a_cluster_is_set_up_by_migrate_and_looked_at_by_the_doctor() {
    let dir = tempfile::tempdir().unwrap();
    let sharded = granary_testkit::sharded_warehouse("cli").await;
    let owner = &sharded.whole.owner_config;
    let hosts = serde_json::to_string(&owner.cluster.as_ref().unwrap().hosts).unwrap();
    let run = |command: &[&str], cluster: &str| -> Output {
        let mut granary = granary(dir.path());
        granary.args(command).args([
            "--clickhouse-url",
            &owner.url,
            "--clickhouse-database",
            &owner.database,
        ]);
        granary.args(["--clickhouse-user", &owner.user, "--clickhouse-password", &owner.password]);
        granary.args(["--clickhouse-cluster", cluster, "--clickhouse-cluster-hosts", &hosts]);
        granary.output().unwrap()
    };
    let diagnosis = |cluster: &str| {
        let output = run(&["doctor", "--json"], cluster);
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        let checks = document["checks"].as_array().unwrap().clone();
        let check = checks.into_iter().find(|check| check["name"] == "cluster").unwrap();
        format!("{} {}", check["state"].as_str().unwrap(), check["found"].as_str().unwrap())
    };
    let well = "ok two_shards: 2 shards, 2 servers, all with the same tables";
    assert_eq!(diagnosis("two_shards"), well);
    assert_eq!(diagnosis("another"), "fail another is not among two_shards");

    sharded.shards[1].execute(&format!("DROP DATABASE {} SYNC", owner.database)).await.unwrap();
    let lacking = diagnosis("two_shards");
    assert!(lacking.starts_with("fail some servers of two_shards lack archive_leases, "), "{lacking}");
    let migrated = stdout(&run(&["migrate"], "two_shards"));
    assert!(migrated.contains("applied  0001_logs"), "{migrated}");
    assert_eq!(diagnosis("two_shards"), well);
}

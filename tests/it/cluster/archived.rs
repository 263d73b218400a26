//! Sessions of two shards, archived, erased and restored.

use std::time::{Duration, SystemTime};

use futures::StreamExt;
use granary_archive::{Archive, ArchiveConfig, RestoreOptions};
use granary_clickhouse::{TABLES, Warehouse, publish};
use granary_model::TenantId;
use granary_testkit::{Sent, ShardedWarehouse, replicated_warehouse, sharded_warehouse};

use super::contents::{contents, on_one_server, read};
use crate::isolation::warehouses::telemetry_in;

/// [`contents`] but for the times of traces, in which no session is named: they stay when a session goes.
async fn of_sessions(warehouse: &Warehouse) -> Vec<(String, u64, u64)> {
    let mut contents = contents(warehouse).await;
    contents.retain(|(table, ..)| table != "otel_traces_trace_id_ts");
    contents
}

#[tokio::test]
async fn sessions_of_two_shards_are_archived_erased_and_restored_as_those_of_one_server() {
    let (sharded, empty) = (sharded_warehouse("archived").await, sharded_warehouse("restored").await);
    Box::pin(archive_erase_and_restore("archived", sharded, empty)).await;
}

/// Every statement that replicas are sent goes by the engine's parser on its way; see [`granary_testkit::Replicas`].
#[tokio::test]
async fn sessions_of_replicated_tables_are_archived_erased_and_restored_by_statements_that_the_parser_reads()
{
    let (replicated, sent) = replicated_warehouse("archived").await;
    let (empty, sent_then) = replicated_warehouse("restored").await;
    publish::publish(&replicated.whole.owner, "published_replicated").await.unwrap();
    Box::pin(archive_erase_and_restore("replicated", replicated, empty)).await;

    let sent: Vec<_> = sent.sent().into_iter().chain(sent_then.sent()).collect();
    let for_all: Vec<_> = sent.iter().filter(|sent| sent.is_for_all()).collect();
    for kind in [
        "CREATE DATABASE IF NOT EXISTS",
        "CREATE TABLE IF NOT EXISTS otel_logs_local",
        "CREATE TABLE IF NOT EXISTS otel_logs ",
        "CREATE MATERIALIZED VIEW IF NOT EXISTS cost_hourly_mv UUID",
        "CREATE OR REPLACE VIEW {published:Identifier}.",
        "ALTER TABLE otel_logs_local ON CLUSTER `two_shards` ADD COLUMN",
        "ALTER TABLE otel_logs_local ON CLUSTER `two_shards` DELETE WHERE",
        "ALTER TABLE cost_hourly_local ON CLUSTER `two_shards` DELETE WHERE",
        "OPTIMIZE TABLE cost_hourly_local ON CLUSTER `two_shards` PARTITION ID",
        "SYSTEM SYNC REPLICA ON CLUSTER `two_shards` `",
    ] {
        assert!(for_all.iter().any(|sent| sent.statement.contains(kind)), "{kind}");
    }
    for sent in &for_all {
        let within: u64 = sent.settings["distributed_ddl_task_timeout"].parse().unwrap();
        assert!(within <= 3_000 && sent.settings["alter_sync"] == "2", "{sent:?}");
    }
    let all_have = |start: &str, table: &str, setting: (&str, &str)| {
        let of_table = |sent: &&Sent| sent.statement.starts_with(start) && sent.statement.contains(table);
        let of_table: Vec<_> = sent.iter().filter(of_table).collect();
        let has = |sent: &&Sent| sent.settings.get(setting.0).is_some_and(|value| value == setting.1);
        assert!(!of_table.is_empty() && of_table.iter().all(has), "{start} {table} {setting:?}");
    };
    all_have("INSERT INTO", " session_erasures ", ("insert_quorum_parallel", "0"));
    all_have("INSERT INTO", " session_archives", ("insert_quorum", "auto"));
    all_have("INSERT INTO", " otel_logs FORMAT Native", ("insert_quorum", "auto"));
    all_have("INSERT INTO", " cost_hourly FORMAT Native", ("insert_quorum", "auto"));
    for (start, table) in [
        ("SELECT Round AS round", "FROM session_erasures"),
        ("SELECT count() AS found", "FROM session_erasures"),
        ("SELECT max(Epoch)", "FROM session_restores"),
        ("SELECT count() AS rows", "FROM session_erasure_events"),
    ] {
        all_have(start, table, ("select_sequential_consistency", "1"));
    }
}

async fn archive_erase_and_restore(test: &'static str, sharded: ShardedWarehouse, empty: ShardedWarehouse) {
    let shards = &sharded.shards;
    let telemetry = telemetry_in(test, sharded.whole).await;
    let whole = &telemetry.everybody.owner;
    // A record without a session is in no archive.
    for shard in shards {
        for table in TABLES {
            let delete =
                format!("ALTER TABLE {table}_local DELETE WHERE SessionId = '' SETTINGS mutations_sync = 2");
            shard.execute(&delete).await.unwrap();
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let config = ArchiveConfig { url: folder.path().display().to_string(), ..ArchiveConfig::default() };
    let archive = Archive::open(&config, whole.clone()).await.unwrap();
    let due = archive.due(SystemTime::now() + Duration::from_hours(1)).await.unwrap();
    assert!(due.len() > 20, "{}", due.len());
    for due in &due {
        archive.archive_session(&due.tenant, &due.session).await.unwrap();
        archive.verify_session(&due.tenant, &due.session).await.unwrap();
    }
    assert!(archive.due(SystemTime::now() + Duration::from_hours(1)).await.unwrap().is_empty());
    let marks: Vec<(u64,)> = read(whole, "SELECT count() FROM session_archives").await;
    assert_eq!(marks[0].0, due.len() as u64);
    for shard in shards {
        let strangers = "SELECT count() FROM session_archives_local WHERE (TenantId, SessionId) NOT IN \
             (SELECT TenantId, SessionId FROM otel_logs_local UNION ALL SELECT TenantId, SessionId FROM otel_traces_local \
             UNION ALL SELECT TenantId, SessionId FROM otel_metrics_sum_local)";
        assert_eq!(
            shard.query(strangers).fetch_one::<u64>().await.unwrap(),
            0,
            "a mark lies with its session"
        );
    }

    let of_shard = "SELECT toString(TenantId), SessionId FROM sessions_local WHERE TenantId = 'acme' ORDER BY Requests DESC LIMIT 1";
    for shard in shards {
        let [(tenant, session)] = <[(String, String); 1]>::try_from(read(shard, of_shard).await).unwrap();
        let erased = archive.erase(&TenantId::new(&tenant), &session).await.unwrap();
        assert!(erased.rows > 0 && erased.objects.len() == 1, "{erased:?}");
        let without = on_one_server(&format!("{test}_erased"), whole).await;
        assert_eq!(
            of_sessions(whole).await,
            of_sessions(&without.owner).await,
            "the rollups are those of the others"
        );
        let left: Vec<(u64,)> = read(
            whole,
            "SELECT count() FROM cost_hourly WHERE Requests = 0 OR toInt64(Requests) < 0 OR startsWith(TenantId, 'granary')",
        )
        .await;
        assert_eq!(left[0].0, 0, "neither zeros, nor inverses, nor receipts are left");
    }

    for is_new in [true, false] {
        let restored: Vec<_> = archive.restore(&empty.whole.owner, RestoreOptions::default()).collect().await;
        assert_eq!(restored.len(), due.len() - 2);
        for session in restored {
            assert_eq!(session.unwrap().restored > 0, is_new);
        }
        assert_eq!(of_sessions(whole).await, of_sessions(&empty.whole.owner).await);
    }
}

//! Each event is on its shard once, and in that shard's rollups, whatever fails between them and the receiver.

use std::collections::BTreeSet;
use std::time::Duration;

use granary_clickhouse::{ClickHouseConfig, ClusterConfig, ServerLife, Warehouse};
use granary_ingest::{IngestConfig, Quarantine};
use granary_load::FaultyProxy;
use granary_testkit::{ShardedWarehouse, Shards, sharded_warehouse};

use crate::events::{body_of, log};
use crate::receiver::{Receiver, config, eventually};

/// So many events, of as many sessions, go to both shards.
const EVENTS: usize = 40;

fn events(name: &str) -> Vec<String> {
    let of_session =
        |number| log(&format!("{name}{number}")).replace("\"s\"", &format!("\"s-{name}{number}\""));
    (0..EVENTS).map(of_session).collect()
}

async fn send(receiver: &Receiver, name: &str) {
    let body = body_of(&events(name));
    let sent =
        receiver.post("logs").header("Content-Type", "application/json").body(body).send().await.unwrap();
    assert_eq!(sent.status(), reqwest::StatusCode::OK);
}

/// How many rows each shard has, after a check that each event is there once and in the rollups as often.
async fn once(sharded: &Warehouse, shards: &[Warehouse; 2], names: &[&str]) -> [u64; 2] {
    let stored: Vec<String> = sharded.query("SELECT Body FROM otel_logs").fetch_all().await.unwrap();
    let distinct: BTreeSet<_> = stored.iter().collect();
    assert_eq!((stored.len(), distinct.len()), (EVENTS * names.len(), EVENTS * names.len()));
    let mut counts = [0; 2];
    for (shard, count) in shards.iter().zip(&mut counts) {
        let of_shard = "SELECT assumeNotNull((SELECT count() FROM otel_logs_local)), \
             assumeNotNull((SELECT sum(Events) FROM sessions_local)), \
             assumeNotNull((SELECT sum(Rows) FROM stored_inserts_local))";
        let (rows, in_sessions, in_inserts): (u64, u64, u64) =
            shard.query(of_shard).fetch_one().await.unwrap();
        assert_eq!((in_sessions, in_inserts), (rows, rows), "the shard's rollups are of its rows");
        *count = rows;
    }
    assert_eq!(counts[0] + counts[1], stored.len() as u64);
    assert!(counts[0] > 0 && counts[1] > 0, "{counts:?}");
    counts
}

async fn rows_of(shard: &Warehouse) -> u64 {
    shard.query("SELECT count() FROM otel_logs_local").fetch_one().await.unwrap()
}

#[tokio::test]
async fn an_insert_of_which_one_shard_took_its_part_and_the_other_did_not_is_completed() {
    let ShardedWarehouse { whole, shards } = sharded_warehouse("partly").await;
    let into = whole.owner.clone();
    let receiver = Receiver::start_on(whole, into.clone(), config()).await;
    send(&receiver, "a").await;
    receiver.accounting.settled().await;
    let before = once(&into, &shards, &["a"]).await;

    let broken = "ALTER TABLE otel_logs_local ADD CONSTRAINT broken CHECK NOT startsWith(Body, 'b')";
    shards[1].execute(broken).await.unwrap();
    send(&receiver, "b").await;
    eventually("the first shard's part", async || rows_of(&shards[0]).await > before[0]).await;
    assert_eq!(rows_of(&shards[1]).await, before[1], "the second has not taken its own");
    shards[1].execute("ALTER TABLE otel_logs_local DROP CONSTRAINT broken").await.unwrap();
    receiver.accounting.settled().await;
    let before = once(&into, &shards, &["a", "b"]).await;

    // The second shard has its rows, and not all that is made of them.
    let thrower = "CREATE MATERIALIZED VIEW thrower TO session_ends_local AS SELECT TenantId, SessionId, IngestedAt AS EndedAt \
         FROM otel_logs_local WHERE throwIf(startsWith(Body, 'c')) = 1";
    shards[1].execute(thrower).await.unwrap();
    send(&receiver, "c").await;
    eventually("the second shard's rows", async || rows_of(&shards[1]).await > before[1]).await;
    shards[1].execute("DROP VIEW thrower").await.unwrap();
    receiver.accounting.settled().await;
    once(&into, &shards, &["a", "b", "c"]).await;
    receiver.finish().await;
}

#[tokio::test]
async fn an_insert_whose_answer_was_lost_is_not_stored_twice_on_any_shard() {
    let ShardedWarehouse { whole, shards } = sharded_warehouse("lost_answer").await;
    let target = whole.owner_config.url.trim_start_matches("http://").parse().unwrap();
    let switch = FaultyProxy::start(target).await.unwrap();
    let through = Warehouse::new(&ClickHouseConfig {
        url: format!("http://{}", switch.address),
        timeout: Duration::from_secs(5),
        ..whole.owner_config.clone()
    });
    let into = whole.owner.clone();
    switch.swallow_inserts(3);
    let receiver = Receiver::start_on(whole, through, config()).await;
    send(&receiver, "a").await;
    receiver.accounting.settled().await;
    assert_eq!(switch.swallowed(), 3, "the fault must have happened");
    once(&into, &shards, &["a"]).await;
    // Another server of the cluster knows the insert as well.
    receiver.finish().await;
}

#[tokio::test]
async fn what_comes_while_a_shard_is_killed_and_started_again_is_there_once() {
    let cluster = Shards::start("killed").await;
    let ShardedWarehouse { whole, shards } = cluster.warehouse("killed").await;
    let into = whole.owner.clone();
    let receiver = Receiver::start_on(whole, into.clone(), config()).await;
    let names = ["a", "b", "c", "d", "e", "f"];
    for (number, name) in names.iter().enumerate() {
        send(&receiver, name).await;
        if number % 2 == 0 {
            cluster.kill(number / 2 % 2).await;
        }
    }
    receiver.accounting.settled().await;
    once(&into, &shards, &names).await;
    receiver.finish().await;
}

/// Kills the second shard, and waits until it is back and can be told from what it was.
async fn start_again(cluster: &Shards, shard: &Warehouse) {
    // A server says its uptime in seconds, and is known to be another one by it.
    let started = shard.life().await.unwrap().unwrap();
    eventually("another second", async || {
        let now = shard.query("SELECT toUnixTimestamp64Milli(now64(3))").fetch_one::<i64>().await.unwrap();
        now > started.started_ms + 5_000
    })
    .await;
    cluster.kill(1).await;
    let is_another = |life: Option<ServerLife>| life.is_some_and(|life| !life.is_same_as(&started));
    eventually("the shard", async || shard.life().await.is_ok_and(is_another)).await;
}

#[tokio::test]
async fn rows_that_one_shard_has_lost_are_sent_again_and_the_other_s_are_not() {
    let cluster = Shards::start("lost").await;
    let ShardedWarehouse { whole, shards } = cluster.warehouse("lost").await;
    let into = whole.owner.clone();
    let receiver = Receiver::start_on(whole, into.clone(), config()).await;
    send(&receiver, "a").await;
    receiver.accounting.settled().await;
    let before = once(&into, &shards, &["a"]).await;
    let (whole, wal) = receiver.abandon().await;

    // What a machine that lost its power would have lost: rows, and what was made of them.
    for table in ["otel_logs_local", "sessions_local", "stored_inserts_local"] {
        shards[1].execute(&format!("TRUNCATE TABLE {table}")).await.unwrap();
    }
    start_again(&cluster, &shards[1]).await;

    let receiver = Receiver::start_at(whole, into.clone(), wal, config()).await;
    send(&receiver, "b").await;
    eventually("what was lost", async || {
        let count = "SELECT count() FROM otel_logs";
        into.query(count).fetch_one::<u64>().await.is_ok_and(|count| count >= 2 * EVENTS as u64)
    })
    .await;
    receiver.accounting.settled().await;
    let after = once(&into, &shards, &["a", "b"]).await;
    assert!(after[1] > before[1], "{before:?} {after:?}");
    receiver.finish().await;
}

/// The engine has no replicas; a shard that lacks rows answers as one that is behind does.
#[tokio::test]
async fn a_replica_that_was_started_again_and_is_behind_is_sent_nothing_that_was_confirmed() {
    let cluster = Shards::start("behind").await;
    let ShardedWarehouse { whole, shards } = cluster.warehouse("behind").await;
    let name = whole.owner_config.cluster.as_ref().unwrap().name.clone();
    let into = Warehouse::new(&ClickHouseConfig {
        cluster: Some(Box::new(ClusterConfig::replicated(&name))),
        ..whole.owner_config.clone()
    });
    let receiver = Receiver::start_on(whole, into.clone(), config()).await;
    send(&receiver, "a").await;
    receiver.accounting.settled().await;
    let before = once(&into, &shards, &["a"]).await;
    let (whole, wal) = receiver.abandon().await;
    shards[1].execute("TRUNCATE TABLE otel_logs_local").await.unwrap();
    start_again(&cluster, &shards[1]).await;

    let receiver = Receiver::start_at(whole, into.clone(), wal, config()).await;
    send(&receiver, "b").await;
    receiver.accounting.settled().await;
    let counts = "SELECT countIf(startsWith(Body, 'a')), countIf(startsWith(Body, 'b')) FROM otel_logs";
    let counts: (u64, u64) = into.query(counts).fetch_one().await.unwrap();
    assert_eq!(counts, (before[0], EVENTS as u64), "what is not there yet is not sent by anybody else");
    receiver.finish().await;
}

/// After ten thousand inserts of others a table has forgotten a token; one without a window has at once.
#[tokio::test]
async fn what_one_shard_refused_is_tried_again_after_the_other_has_forgotten_its_token() {
    let ShardedWarehouse { whole, shards } = sharded_warehouse("refused").await;
    let into = whole.owner.clone();
    let impatient = IngestConfig { insert_stuck_after: Duration::ZERO, ..config() };
    let receiver = Receiver::start_on(whole, into.clone(), impatient).await;
    let broken = "ALTER TABLE otel_logs_local ADD CONSTRAINT broken CHECK NOT startsWith(Body, 'a')";
    shards[1].execute(broken).await.unwrap();
    send(&receiver, "a").await;
    eventually("the first shard's part", async || rows_of(&shards[0]).await > 0).await;
    // What waits behind it has it put aside.
    send(&receiver, "b").await;
    let quarantine = Quarantine::new(receiver.wal.path().join("refused"));
    eventually("the refusal", async || !quarantine.list().unwrap().is_empty()).await;
    receiver.accounting.settled().await;
    shards[1].execute("ALTER TABLE otel_logs_local DROP CONSTRAINT broken").await.unwrap();
    let forgetful = "ALTER TABLE otel_logs_local MODIFY SETTING non_replicated_deduplication_window = 0";
    shards[0].execute(forgetful).await.unwrap();
    for (name, head) in quarantine.list().unwrap() {
        let (insert, head) = (quarantine.load(&name).unwrap(), head.unwrap());
        let later_ms = head.since_ms + 3_600_000;
        head.insert_again(&insert, &into, into.timeout(), later_ms).await.unwrap();
    }
    let counts =
        "SELECT countIf(startsWith(Body, 'a')), uniqExactIf(Body, startsWith(Body, 'a')) FROM otel_logs";
    let counts: (u64, u64) = into.query(counts).fetch_one().await.unwrap();
    assert_eq!(counts, (EVENTS as u64, EVENTS as u64));
    receiver.finish().await;
}

//! From the log into ClickHouse: nothing acknowledged is lost, nothing is doubled, and nobody blocks the rest.

use std::time::Duration;

use bytesize::ByteSize;
use granary_clickhouse::{ClickHouseConfig, Warehouse};
use granary_ingest::{Ingest, IngestConfig};
use granary_model::Signal;
use granary_redact::{RedactConfig, Redactor};
use granary_service::metrics::Registry;
use granary_testkit::TestWarehouse;
use reqwest::StatusCode;
use tokio_util::sync::CancellationToken;

use crate::events::{log, logs_of, send, send_ok};
use crate::receiver::{Receiver, config};
use granary_load::FaultyProxy;

/// The test's database through a connection that can be cut.
pub(crate) async fn behind_switch(test: &str) -> (TestWarehouse, FaultyProxy, Warehouse) {
    let warehouse = granary_testkit::warehouse(test).await;
    let target = warehouse.owner_config.url.trim_start_matches("http://").parse().unwrap();
    let switch = FaultyProxy::start(target).await.unwrap();
    let through = Warehouse::new(&ClickHouseConfig {
        url: format!("http://{}", switch.address),
        timeout: Duration::from_secs(5),
        ..warehouse.owner_config.clone()
    });
    (warehouse, switch, through)
}

#[tokio::test]
async fn an_event_is_acknowledged_while_the_warehouse_is_down_and_stored_when_it_is_back() {
    let (warehouse, switch, through) = behind_switch("down").await;
    switch.off();
    let receiver = Receiver::start_on(warehouse, through, config()).await;
    send_ok(&receiver, &[log("a"), log("b")]).await;
    let counts = receiver.accounting.of(Signal::Logs);
    assert_eq!((counts.received, counts.waiting, counts.stored), (2, 2, 0));
    switch.on();
    receiver.accounting.settled().await;
    assert_eq!(receiver.accounting.of(Signal::Logs).stored, 2);
    assert_eq!(logs_of(&receiver.finish().await).await, ["a", "b"]);
}

#[tokio::test]
async fn what_was_acknowledged_before_a_restart_is_stored_after_it() {
    let (warehouse, switch, through) = behind_switch("restart").await;
    switch.off();
    let receiver = Receiver::start_on(warehouse, through.clone(), config()).await;
    send_ok(&receiver, &[log("a"), log("b")]).await;
    let (warehouse, wal) = receiver.abandon().await;
    switch.on();
    let receiver = Receiver::start_at(warehouse, through, wal, config()).await;
    let counts = receiver.accounting.of(Signal::Logs);
    assert_eq!((counts.received, counts.recovered), (0, 2));
    send_ok(&receiver, &[log("c")]).await;
    assert_eq!(logs_of(&receiver.finish().await).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn an_answer_lost_after_the_commit_does_not_double_the_rows() {
    let (warehouse, switch, through) = behind_switch("cut").await;
    switch.swallow_inserts(3);
    let receiver = Receiver::start_on(warehouse, through, config()).await;
    send_ok(&receiver, &[log("a")]).await;
    receiver.accounting.settled().await;
    assert_eq!(switch.swallowed(), 3, "the fault must have happened");
    let warehouse = receiver.finish().await;
    assert_eq!(logs_of(&warehouse).await, ["a"]);
    let sessions: u64 = warehouse.owner.query("SELECT sum(Events) FROM sessions").fetch_one().await.unwrap();
    assert_eq!(sessions, 1, "in the rollup, too");
}

#[tokio::test]
async fn an_insert_that_was_under_way_at_a_restart_is_not_doubled() {
    let (warehouse, switch, through) = behind_switch("under_way").await;
    switch.swallow_inserts(u64::MAX);
    let receiver = Receiver::start_on(warehouse, through.clone(), config()).await;
    send_ok(&receiver, &[log("a"), log("b")]).await;
    switch.wait_for_swallowed(1).await;
    let (warehouse, wal) = receiver.abandon().await;
    assert_eq!(logs_of(&warehouse).await, ["a", "b"], "committed, and nobody knows");
    switch.swallow_inserts(0);
    let receiver = Receiver::start_at(warehouse, through, wal, config()).await;
    send_ok(&receiver, &[log("c")]).await;
    assert_eq!(logs_of(&receiver.finish().await).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_full_log_tells_senders_to_come_back_and_takes_data_again_when_it_is_relieved() {
    let (warehouse, switch, through) = behind_switch("full").await;
    switch.off();
    let small = IngestConfig {
        max_decompressed: ByteSize::kib(64),
        max_expanded: ByteSize::kib(64),
        max_block: ByteSize::kib(64),
        wal_segment_bytes: ByteSize::kib(64),
        wal_max_bytes: ByteSize::kib(640),
        wal_keep: Duration::ZERO,
        duplicate_window: Duration::ZERO,
        ..config()
    };
    let receiver = Receiver::start_on(warehouse, through, small).await;
    let mut stored = Vec::new();
    let refused = loop {
        let name = incompressible(stored.len() as u64);
        let response = send(&receiver, &[log(&name)]).await;
        if response.status() != StatusCode::OK {
            break response;
        }
        stored.push(name);
        assert!(stored.len() < 10_000, "the log never fills");
    };
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers().contains_key("Retry-After"));
    switch.on();
    receiver.accounting.settled().await;
    while send(&receiver, &[log("after")]).await.status() != StatusCode::OK {
        tokio::task::yield_now().await;
    }
    stored.push("after".to_owned());
    stored.sort();
    let warehouse = receiver.finish().await;
    assert_eq!(logs_of(&warehouse).await, stored);
}

#[tokio::test]
async fn a_log_that_is_to_keep_more_than_it_has_room_for_gives_up_the_old_and_not_the_new() {
    let crowded = IngestConfig {
        max_decompressed: ByteSize::kib(64),
        max_expanded: ByteSize::kib(64),
        max_block: ByteSize::kib(64),
        wal_segment_bytes: ByteSize::kib(64),
        wal_max_bytes: ByteSize::kib(640),
        wal_keep: Duration::from_hours(1),
        // The room has to come with the inserts.
        housekeeping_interval: Duration::from_hours(1),
        ..config()
    };
    let receiver = Receiver::start_with("crowded", crowded).await;
    let mut sent = 0;
    let mut names = Vec::new();
    while sent < 3 * 640 * 1024 {
        let name = incompressible(names.len() as u64);
        // A log that is full for a moment says so, and is not for long.
        while send(&receiver, &[log(&name)]).await.status() == StatusCode::SERVICE_UNAVAILABLE {
            receiver.accounting.settled().await;
        }
        sent += name.len();
        names.push(name);
    }
    names.sort();
    assert_eq!(logs_of(&receiver.finish().await).await, names);
}

/// Three thousand letters that do not compress to nothing.
fn incompressible(seed: u64) -> String {
    (0..200).map(|part| format!("{:x}", noise(seed * 200 + part))).collect()
}

#[tokio::test]
async fn a_log_without_room_for_the_largest_commits_is_refused_at_the_start_with_the_settings_to_change() {
    let warehouse = granary_testkit::warehouse("too_small").await;
    let dir = tempfile::tempdir().unwrap();
    let small =
        IngestConfig { wal_dir: dir.path().to_owned(), wal_max_bytes: ByteSize::mib(100), ..config() };
    let redactor = Redactor::new(&RedactConfig::default()).unwrap();
    let ready = CancellationToken::new();
    let refused = Ingest::bind(&small, warehouse.owner.clone(), redactor, &Registry::default(), ready)
        .await
        .unwrap_err();
    let says = refused.to_string();
    for part in ["ingest.wal_max_bytes is 100.0 MiB", "ingest.max_expanded = 128.0 MiB"] {
        assert!(says.contains(part), "{says}");
    }
}

fn noise(seed: u64) -> u64 {
    seed.wrapping_add(1)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .rotate_left(29)
        .wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

#[tokio::test]
async fn what_the_server_has_lost_with_its_restart_is_sent_again() {
    let warehouse = granary_testkit::warehouse("lost").await;
    let owner = warehouse.owner.clone();
    let receiver = Receiver::start_on(warehouse, owner.clone(), config()).await;
    send_ok(&receiver, &[log("a"), log("b")]).await;
    receiver.accounting.settled().await;
    let (warehouse, wal) = receiver.abandon().await;
    for table in ["otel_logs", "sessions", "session_models", "tool_usage_hourly", "cost_hourly"] {
        owner.execute(&format!("TRUNCATE TABLE {table}")).await.unwrap();
    }
    // The log was last delivered to a server that was started at another time.
    let opened = granary_wal::open(&granary_wal::Config::new(wal.path())).unwrap();
    let checkpoint = opened.log.checkpoint().unwrap();
    let blob = String::from_utf8(checkpoint.blob.to_vec()).unwrap();
    let mut kept: serde_json::Value = serde_json::from_str(&blob).unwrap();
    kept["server_started_ms"] = (kept["server_started_ms"].as_i64().unwrap() - 60_000).into();
    opened.log.advance_checkpoint(checkpoint.mark, kept.to_string().into()).unwrap();
    drop(opened);

    let receiver = Receiver::start_at(warehouse, owner, wal, config()).await;
    send_ok(&receiver, &[log("c")]).await;
    let warehouse = receiver.finish().await;
    assert_eq!(logs_of(&warehouse).await, ["a", "b", "c"]);
    let sessions: u64 = warehouse.owner.query("SELECT sum(Events) FROM sessions").fetch_one().await.unwrap();
    assert_eq!(sessions, 3);
}

#[tokio::test]
async fn an_insert_that_takes_longer_than_its_time_is_given_more_until_it_is_stored() {
    let (warehouse, switch, through) = behind_switch("slow").await;
    let hasty = IngestConfig { insert_timeout: Duration::from_millis(100), ..config() };
    let receiver = Receiver::start_on(warehouse, through, hasty).await;
    send_ok(&receiver, &[log("a")]).await;
    receiver.accounting.settled().await;
    switch.delay(Duration::from_millis(300));
    send_ok(&receiver, &[log("b")]).await;
    receiver.accounting.settled().await;
    switch.delay(Duration::ZERO);
    assert_eq!(logs_of(&receiver.finish().await).await, ["a", "b"]);
}

#[tokio::test]
async fn the_counts_of_a_receiver_are_in_the_warehouse_and_agree_with_the_tables() {
    let receiver = Receiver::start("counted").await;
    send_ok(&receiver, &[log("a"), log("b")]).await;
    send_ok(&receiver, &[log("b"), log("c")]).await;
    let warehouse = receiver.finish().await;
    let counted: Vec<(String, u64)> = warehouse
        .owner
        .query("SELECT toString(Outcome), sum(Records) FROM ingest_accounting WHERE Signal = 'logs' GROUP BY 1 ORDER BY 1")
        .fetch_all()
        .await
        .unwrap();
    let expected = [("duplicate", 1), ("received", 4), ("stored", 3)];
    assert_eq!(counted, expected.map(|(outcome, records)| (outcome.to_owned(), records)));
    let strangers: u64 = warehouse
        .owner
        .query(
            "SELECT count() FROM otel_logs WHERE toStartOfMinute(toDateTime(IngestedAt, 'UTC')) NOT IN \
             (SELECT Minute FROM ingest_accounting)",
        )
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(strangers, 0, "rows count in the minute they came in");
}

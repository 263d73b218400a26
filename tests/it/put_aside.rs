//! Rows that ClickHouse refuses are put aside, hold nobody up, and come back.

use std::time::Duration;

use bytesize::ByteSize;
use granary_clickhouse::Warehouse;
use granary_ingest::{IngestConfig, Quarantine};
use granary_model::Signal;
use reqwest::StatusCode;

use crate::events::{log, send_ok};
use crate::receiver::{Receiver, config, eventually};

/// A point of a gauge, told from others by its time.
async fn send_point(receiver: &Receiver, number: u32) {
    let body = format!(
        r#"{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":[{{"name":"g","gauge":{{"dataPoints":[{{"asInt":"1","timeUnixNano":"{}"}}]}}}}]}}]}}]}}"#,
        1_790_000_000_000_000_000 + u64::from(number)
    );
    let sent =
        receiver.post("metrics").header("Content-Type", "application/json").body(body).send().await.unwrap();
    assert_eq!(sent.status(), StatusCode::OK);
}

fn quarantine(receiver: &Receiver) -> Quarantine {
    Quarantine::new(receiver.wal.path().join("refused"))
}

async fn points(warehouse: &Warehouse) -> u64 {
    warehouse.query("SELECT count() FROM otel_metrics_gauge").fetch_one().await.unwrap()
}

#[tokio::test]
async fn rows_that_are_refused_for_good_are_put_aside_and_hold_nobody_up() {
    let warehouse = granary_testkit::warehouse("refused").await;
    let owner = warehouse.owner.clone();
    owner.execute("ALTER TABLE otel_metrics_gauge DROP COLUMN Flags").await.unwrap();
    let receiver = Receiver::start_on(warehouse, owner.clone(), config()).await;
    send_point(&receiver, 1).await;
    send_ok(&receiver, &[log("a")]).await;
    receiver.accounting.settled().await;
    assert_eq!(receiver.accounting.of(Signal::Metrics).quarantined, 1);
    assert_eq!(receiver.accounting.of(Signal::Logs).stored, 1);

    let quarantine = quarantine(&receiver);
    let listed = quarantine.list().unwrap();
    let [(name, Ok(head))] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!((head.table.as_str(), head.rows, head.retries), ("otel_metrics_gauge", 1, false));
    assert!(head.reason.contains("Flags"), "{}", head.reason);

    let insert = quarantine.load(name).unwrap();
    assert!(owner.insert(&insert).await.is_err());
    owner.execute("ALTER TABLE otel_metrics_gauge ADD COLUMN Flags UInt32").await.unwrap();
    owner.insert(&insert).await.unwrap();
    quarantine.remove(name).unwrap();
    assert!(quarantine.list().unwrap().is_empty());
    assert_eq!(points(&receiver.finish().await.owner).await, 1);
}

#[tokio::test]
async fn a_table_that_is_stuck_holds_nobody_up_and_gets_its_rows_when_it_takes_them_again() {
    let warehouse = granary_testkit::warehouse("stuck").await;
    let owner = warehouse.owner.clone();
    let impatient = IngestConfig {
        insert_stuck_after: Duration::ZERO,
        housekeeping_interval: Duration::from_millis(50),
        ..config()
    };
    let receiver = Receiver::start_on(warehouse, owner.clone(), impatient).await;
    owner.execute("SYSTEM STOP MERGES otel_metrics_gauge").await.unwrap();
    owner.execute("ALTER TABLE otel_metrics_gauge MODIFY SETTING parts_to_throw_insert = 1").await.unwrap();
    send_point(&receiver, 1).await;
    receiver.accounting.settled().await;
    // There is a part now, so the table has too many.
    send_point(&receiver, 2).await;
    send_ok(&receiver, &[log("a")]).await;
    receiver.accounting.settled().await;
    assert_eq!(receiver.accounting.of(Signal::Logs).stored, 1);
    assert_eq!(receiver.accounting.of(Signal::Metrics).quarantined, 1);
    assert_eq!(points(&owner).await, 1);

    owner
        .execute("ALTER TABLE otel_metrics_gauge MODIFY SETTING parts_to_throw_insert = 3000")
        .await
        .unwrap();
    eventually("the release", async || receiver.accounting.of(Signal::Metrics).released == 1).await;
    eventually("an empty quarantine", async || quarantine(&receiver).list().unwrap().is_empty()).await;
    let warehouse = receiver.finish().await;
    assert_eq!(points(&warehouse.owner).await, 2);
    let counted: Vec<(String, u64)> = warehouse
        .owner
        .query("SELECT toString(Outcome), sum(Records) FROM ingest_accounting WHERE Signal = 'metrics' GROUP BY 1 ORDER BY 1")
        .fetch_all()
        .await
        .unwrap();
    let expected = [("quarantined", 1), ("received", 2), ("released", 1), ("stored", 1)];
    assert_eq!(counted, expected.map(|(outcome, records)| (outcome.to_owned(), records)));
}

#[tokio::test]
async fn a_full_quarantine_takes_nothing_more_and_what_it_does_not_take_waits_in_the_log() {
    let warehouse = granary_testkit::warehouse("quarantine_full").await;
    let owner = warehouse.owner.clone();
    owner.execute("ALTER TABLE otel_metrics_gauge DROP COLUMN Flags").await.unwrap();
    let small = IngestConfig { quarantine_max_bytes: ByteSize::b(1), ..config() };
    let receiver = Receiver::start_on(warehouse, owner, small).await;
    send_point(&receiver, 1).await;
    receiver.accounting.settled().await;
    send_point(&receiver, 2).await;
    let failed = r#"granary_insert_failures_total{table="otel_metrics_gauge"} 2"#;
    eventually("the second refusal", async || receiver.metrics().contains(failed)).await;
    let counts = receiver.accounting.of(Signal::Metrics);
    assert_eq!((counts.quarantined, counts.waiting), (1, 1));

    let quarantine = quarantine(&receiver);
    let listed = quarantine.list().unwrap();
    let [(name, Ok(_))] = &listed[..] else { panic!("{listed:?}") };
    quarantine.remove(name).unwrap();
    receiver.accounting.settled().await;
    assert_eq!(receiver.accounting.of(Signal::Metrics).quarantined, 2);
    receiver.finish().await;
}

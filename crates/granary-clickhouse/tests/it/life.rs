//! What is asked of the server when an insert is in doubt.

use granary_clickhouse::{ClickHouseConfig, Warehouse};
use uuid::Uuid;

use crate::cluster::replicated;
use crate::records::{BATCH, api_request, logs, seal};

#[tokio::test]
async fn the_server_says_when_it_and_its_machine_were_started() {
    let test = granary_testkit::warehouse("life").await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_millis()).unwrap();
    let life = test.owner.life().await.unwrap().expect("a server alone has a life");
    assert!(life.started_ms <= now && life.started_ms > now - 3_600_000, "{life:?} at {now}");
    let machine = life.machine_started_ms.expect("the embedded engine knows its machine's uptime");
    assert!(machine <= life.started_ms, "{life:?}");
    assert!(life.machine_was_up_at(now) && !life.machine_was_up_at(machine - 60_000));
    assert!(life.is_same_as(&test.owner.life().await.unwrap().unwrap()));
}

#[tokio::test]
async fn no_start_of_a_server_tells_anything_where_tables_are_replicated() {
    let test = granary_testkit::warehouse("life_replicated").await;
    let replicated = replicated(&test.owner_config);
    assert!(Warehouse::new(&replicated).life().await.unwrap().is_none());
    let away = ClickHouseConfig { url: "http://127.0.0.1:1".to_owned(), ..replicated };
    assert!(Warehouse::new(&away).life().await.is_err(), "somebody has to answer");
}

#[tokio::test]
async fn the_batches_that_are_there_are_found_with_their_rows() {
    let test = granary_testkit::warehouse("batches").await;
    test.owner.insert(&seal(&logs(&[api_request(), api_request()]), "1")).await.unwrap();
    let other = Uuid::now_v7();
    let found = test.owner.rows_of_batches("otel_logs", &[BATCH, other]).await.unwrap();
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [(BATCH, 2)]);
}

//! A repeated insert adds nothing, in the table and in every rollup.

use granary_clickhouse::Warehouse;

use crate::records::{api_request, logs, seal, span, spans};

async fn counts(warehouse: &Warehouse) -> (u64, u64, u64, u64, u64) {
    warehouse
        .query(
            "SELECT assumeNotNull((SELECT count() FROM otel_logs)), assumeNotNull((SELECT sum(Requests) FROM cost_hourly)), \
             assumeNotNull((SELECT sum(Events) FROM sessions)), assumeNotNull((SELECT sum(Requests) FROM session_models)), \
             assumeNotNull((SELECT count() FROM otel_traces_trace_id_ts))",
        )
        .fetch_one()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_block_sent_three_times_is_stored_and_rolled_up_once() {
    let test = granary_testkit::warehouse("once").await;
    let (logs, spans) = (seal(&logs(&[api_request(), api_request()]), "a"), seal(&spans(&[span()]), "a"));
    for _ in 0..3 {
        test.owner.insert(&logs).await.unwrap();
        test.owner.insert(&spans).await.unwrap();
    }
    assert_eq!(counts(&test.owner).await, (2, 2, 2, 2, 1));
}

#[tokio::test]
async fn equal_rows_under_another_token_are_other_rows() {
    let test = granary_testkit::warehouse("twice").await;
    for token in ["a", "b"] {
        test.owner.insert(&seal(&logs(&[api_request()]), token)).await.unwrap();
    }
    assert_eq!(counts(&test.owner).await, (2, 2, 2, 2, 0));
}

#[tokio::test]
async fn rows_that_were_looked_for_are_added_once_however_many_look_at_the_same_time() {
    let test = granary_testkit::warehouse("missing_once").await;
    let block = seal(&logs(&[api_request(), api_request()]), "a");
    // Who asks for another batch sees nothing of the first attempt, as one that looked before it was stored.
    for _ in 0..2 {
        let looked_for = [uuid::Uuid::from_u128(9)];
        test.owner.insert_missing_within(&block, &looked_for, test.owner.timeout()).await.unwrap();
    }
    assert_eq!(counts(&test.owner).await, (2, 2, 2, 2, 0));
}

#[tokio::test]
async fn equal_rows_without_a_token_are_added_each_time() {
    let test = granary_testkit::warehouse("each_time").await;
    let chosen = std::collections::BTreeMap::from([("SessionId", "s"), ("EventId", "7")]);
    for _ in 0..2 {
        test.owner.insert_rows("session_erasure_events", &[&chosen], None).await.unwrap();
    }
    let rows: u64 = test.owner.query("SELECT count() FROM session_erasure_events").fetch_one().await.unwrap();
    assert_eq!(rows, 2);
}

#[tokio::test]
async fn a_block_that_cannot_be_read_is_refused_for_good_and_adds_nothing() {
    let test = granary_testkit::warehouse("damaged").await;
    let mut block = seal(&logs(&[api_request()]), "a");
    let mut frames = block.frames.concat();
    let last = frames.len() - 1;
    frames[last] ^= 1;
    block.frames = vec![frames.into()];
    let error = test.owner.insert(&block).await.unwrap_err();
    assert!(!error.is_transient(), "{error}");
    assert_eq!(counts(&test.owner).await, (0, 0, 0, 0, 0));
}

#[tokio::test]
async fn what_was_received_is_counted_once_for_each_token_and_summed() {
    let test = granary_testkit::warehouse("counts_once").await;
    for token in ["a", "a", "b", "b"] {
        let insert = "INSERT INTO ingest_accounting (TenantId, Minute, Signal, Outcome, Process, Records) \
                      VALUES ('default', '2026-11-19 08:00:00', 'logs', 'received', toUUID('01999999-0000-7000-8000-000000000000'), 3)";
        let insert = test.owner.query(insert).with_setting("insert_deduplication_token", token);
        insert.execute().await.unwrap();
    }
    test.owner.execute("OPTIMIZE TABLE ingest_accounting FINAL").await.unwrap();
    let rows: Vec<(u64, u64)> =
        test.owner.query("SELECT count(), sum(Records) FROM ingest_accounting").fetch_all().await.unwrap();
    assert_eq!(rows, [(1, 6)]);
}

//! What the receiver counted, held against itself and against the tables.

use granary_clickhouse::Warehouse;
use granary_gateway::Catalogue;
use granary_testkit::TestWarehouse;
use serde_json::{Value, json};

use crate::support::{THE_DAY, TestGateway};

/// A minute of the day, of a signal: each outcome and its records, as a process adds them.
async fn counted(warehouse: &Warehouse, tenant: &str, minute: &str, signal: &str, outcomes: &[(&str, u64)]) {
    for (outcome, records) in outcomes {
        let insert = format!(
            "INSERT INTO ingest_accounting (TenantId, Minute, Signal, Outcome, Process, Records) \
             VALUES ('{tenant}', '2026-11-19 {minute}', '{signal}', '{outcome}', generateUUIDv4(), {records})"
        );
        warehouse.execute(&insert).await.unwrap();
    }
}

/// Rows of a table that came at that time, by this writer; whose events are of long ago.
async fn stored(warehouse: &Warehouse, tenant: &str, table: &str, time: &str, rows: u64, batch: &str) {
    let event = if table.starts_with("otel_metrics") { "TimeUnix" } else { "Timestamp" };
    let insert = format!(
        "INSERT INTO {table} (TenantId, {event}, IngestedAt, BatchId) \
         SELECT '{tenant}', '2026-02-01 00:00:00', '2026-11-19 {time}', '{batch}' FROM numbers({rows})"
    );
    warehouse.execute(&insert).await.unwrap();
}

const GRANARY: &str = "01999999-0000-7000-8000-000000000000";
const A_COLLECTOR: &str = "00000000-0000-0000-0000-000000000000";

async fn answer(test: &TestWarehouse, parameters: &str) -> Vec<Value> {
    let gateway = TestGateway::over(&test.reader_config, Catalogue::embedded().unwrap(), None, |config| {
        config.burst = 100.try_into().unwrap();
    });
    let answer = gateway.json(&format!("/v1/queries/ingest_accounting.json?{parameters}")).await;
    answer["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn received_is_the_sum_of_the_ends_and_what_is_stored_is_in_the_tables() {
    let test = granary_testkit::warehouse("accounting").await;
    let logs = [
        ("received", 61),
        ("received", 40),
        ("stored", 67),
        ("duplicate", 10),
        ("rejected_malformed", 3),
        ("rejected_malformed", 2),
        ("rejected_invalid_id", 1),
        ("refused", 4),
        ("quarantined", 9),
        ("released", 3),
        ("dropped", 1),
    ];
    counted(&test.owner, "default", "08:00:00", "logs", &logs).await;
    counted(&test.owner, "default", "08:01:00", "metrics", &[("received", 9), ("stored", 9)]).await;
    counted(&test.owner, "other", "08:00:00", "logs", &[("received", 1000)]).await;
    stored(&test.owner, "default", "otel_logs", "08:00:59.999", 70, GRANARY).await;
    stored(&test.owner, "default", "otel_logs", "08:00:10", 1000, A_COLLECTOR).await;
    stored(&test.owner, "other", "otel_logs", "08:00:10", 1000, GRANARY).await;
    let kinds = ["sum", "gauge", "histogram", "exponential_histogram", "summary"];
    for (kind, rows) in kinds.into_iter().zip([5, 1, 1, 1, 1]) {
        stored(&test.owner, "default", &format!("otel_metrics_{kind}"), "08:01:00", rows, GRANARY).await;
    }

    let rows = answer(&test, THE_DAY).await;
    let logs = json!({
        "tenant": "default", "signal": "logs", "received": 101, "stored": 70, "in_wal": 5, "duplicate": 10,
        "rejected": 6, "reason": {"invalid_id": 1, "malformed": 5}, "refused": 4, "dropped": 1, "quarantined": 5, "surplus": 0,
        "rows": 70, "missing": 0, "processes": 9
    });
    let metrics = json!({
        "tenant": "default", "signal": "metrics", "received": 9, "stored": 9, "in_wal": 0, "duplicate": 0,
        "rejected": 0, "reason": {}, "refused": 0, "dropped": 0, "quarantined": 0, "surplus": 0, "rows": 9, "missing": 0,
        "processes": 2
    });
    assert_eq!(rows, [logs, metrics]);
    for row in &rows {
        let count = |column: &str| row[column].as_u64().unwrap();
        let ends = ["stored", "in_wal", "duplicate", "rejected", "refused", "dropped", "quarantined"];
        assert_eq!(count("received") + count("surplus"), ends.into_iter().map(count).sum::<u64>());
        let by_reason = row["reason"].as_object().unwrap().values();
        assert_eq!(count("rejected"), by_reason.map(|records| records.as_u64().unwrap()).sum::<u64>());
    }
}

#[tokio::test]
async fn rows_that_are_gone_and_records_that_nobody_received_are_seen() {
    let test = granary_testkit::warehouse("accounting_off").await;
    counted(&test.owner, "default", "08:00:00", "logs", &[("received", 10), ("stored", 10)]).await;
    stored(&test.owner, "default", "otel_logs", "08:00:30", 7, GRANARY).await;
    counted(&test.owner, "default", "08:00:00", "traces", &[("received", 2), ("stored", 5)]).await;
    stored(&test.owner, "default", "otel_traces", "08:00:30", 5, GRANARY).await;
    let rows = answer(&test, THE_DAY).await;
    let seen: Vec<_> = rows.iter().map(|row| (&row["signal"], &row["missing"], &row["surplus"])).collect();
    assert_eq!(seen, [(&json!("logs"), &json!(3), &json!(0)), (&json!("traces"), &json!(0), &json!(3))]);
}

#[tokio::test]
async fn a_range_is_whole_minutes_of_counts_and_rows_alike() {
    let test = granary_testkit::warehouse("accounting_minutes").await;
    for minute in ["07:59", "08:00", "08:01", "08:02"] {
        counted(&test.owner, "default", &format!("{minute}:00"), "logs", &[("received", 1), ("stored", 1)])
            .await;
        stored(&test.owner, "default", "otel_logs", &format!("{minute}:50"), 1, GRANARY).await;
    }
    let figures = |rows: Vec<Value>| -> Vec<_> {
        rows.into_iter()
            .map(|row| [row["received"].clone(), row["rows"].clone(), row["missing"].clone()])
            .collect()
    };
    let half = "from=2026-11-19T08:00:30Z&to=2026-11-19T08:01:30Z";
    assert_eq!(figures(answer(&test, half).await), [[2, 2, 0].map(Value::from)]);
    let whole = "from=2026-11-19T08:00:00Z&to=2026-11-19T08:02:00Z";
    assert_eq!(figures(answer(&test, whole).await), [[2, 2, 0].map(Value::from)]);
    let by_minute = answer(&test, &format!("{whole}&bucket=minute")).await;
    assert_eq!(by_minute[1]["bucket"], "2026-11-19T08:01:00Z");
    assert_eq!(figures(by_minute), [[1, 1, 0], [1, 1, 0]].map(|row| row.map(Value::from)));
}

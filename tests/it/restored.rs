//! Every session of the capture, archived, and restored into an empty warehouse: equal tables, column by column.

use futures::StreamExt;
use granary_archive::{Archive, ArchiveConfig, RestoreOptions};
use granary_clickhouse::{TABLES, Warehouse};
use std::time::{Duration, SystemTime};

use crate::capture::Capture;
use crate::receiver::Receiver;

/// Rows that no session has cannot be in a session's archive.
const OF_SESSIONS: &str = "SessionId != ''";

/// Every table that has something of sessions, with a statement that brings it into one form.
pub(crate) fn tables() -> Vec<(&'static str, String)> {
    let mut tables: Vec<_> =
        TABLES.map(|table| (table, format!("SELECT * FROM {table} WHERE {OF_SESSIONS}"))).to_vec();
    for (table, sql) in [
        ("sessions", "SELECT * REPLACE (arraySort(Models) AS Models) FROM sessions FINAL"),
        ("session_models", "SELECT * FROM session_models FINAL"),
        ("cost_hourly", "SELECT * FROM cost_hourly FINAL"),
        (
            "tool_usage_hourly",
            "SELECT * REPLACE (toString(finalizeAggregation(DurationQuantiles)) AS DurationQuantiles) \
             FROM tool_usage_hourly FINAL",
        ),
        ("session_archives", "SELECT * EXCEPT (ArchivedAt) FROM session_archives FINAL"),
    ] {
        tables.push((table, sql.to_owned()));
    }
    tables
}

pub(crate) async fn content(warehouse: &Warehouse, sql: &str) -> (u64, u64) {
    let sql = format!("SELECT count(), sum(cityHash64(toString(tuple(*)))) FROM ({sql})");
    warehouse.query(&sql).fetch_one().await.unwrap()
}

#[tokio::test]
async fn every_session_of_the_capture_restored_into_an_empty_warehouse_makes_equal_tables() {
    let receiver = Receiver::start("capture_archived").await;
    receiver.send_captured(Capture::open().requests()).await;
    let received = receiver.finish().await;
    // A record without a session is in a rollup and in no archive; the capture's requests all have one.
    let others: u64 = received
        .owner
        .query("SELECT count() FROM otel_logs WHERE SessionId = '' AND AgentEvent IN ('api_request', 'tool_result', 'tool_decision')")
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(others, 0);

    let folder = tempfile::tempdir().unwrap();
    let config = ArchiveConfig { url: folder.path().display().to_string(), ..ArchiveConfig::default() };
    let archive = Archive::open(&config, received.owner.clone()).await.unwrap();
    let due = archive.due(SystemTime::now() + Duration::from_hours(1)).await.unwrap();
    assert!(due.len() > 5, "{}", due.len());
    for due in &due {
        archive.archive_session(&due.tenant, &due.session).await.unwrap();
    }

    let empty = granary_testkit::warehouse("capture_restored").await;
    for expected in [true, false] {
        let restored: Vec<_> = archive.restore(&empty.owner, RestoreOptions::default()).collect().await;
        assert_eq!(restored.len(), due.len());
        for session in restored {
            let session = session.unwrap();
            assert_eq!(session.restored > 0, expected, "{session:?}");
            assert_eq!(session.marked, expected, "{session:?}");
        }
        for (table, sql) in tables() {
            assert_eq!(content(&received.owner, &sql).await, content(&empty.owner, &sql).await, "{table}");
        }
    }
}

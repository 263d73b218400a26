//! Every session of the capture, archived, verified, read back and received again: the same rows.

use futures::{StreamExt, TryStreamExt};
use granary_archive::{Archive, ArchiveConfig, LineKind};
use granary_clickhouse::{TABLES, Warehouse};
use granary_model::TenantId;
use reqwest::StatusCode;

use crate::capture::Capture;
use crate::receiver::Receiver;

/// Lines received again at once.
const AT_ONCE: usize = 64;

/// How many rows of sessions a table has, and what is in them, in an order-free hash. Left out is what belongs to
/// the delivery and not to the event.
async fn content(warehouse: &Warehouse, table: &str) -> (u64, u64, u64) {
    let sql = format!(
        "SELECT count(), groupBitXor(row), sum(row % 1000000007) FROM (SELECT cityHash64(toString(tuple(\
         * EXCEPT (BatchId, IngestedAt, RedactedFields, TimeOutOfRange)))) AS row FROM {table} WHERE SessionId != '')"
    );
    warehouse.query(&sql).fetch_one().await.unwrap()
}

#[tokio::test]
async fn every_session_of_the_capture_read_back_from_its_archive_is_its_rows() {
    let receiver = Receiver::start("archived").await;
    receiver.send_captured(Capture::open().requests()).await;
    let archived = receiver.finish().await;

    let folder = tempfile::tempdir().unwrap();
    let config = ArchiveConfig { url: folder.path().display().to_string(), ..ArchiveConfig::default() };
    let archive = Archive::open(&config, archived.owner.clone()).await.unwrap();
    let tenant = TenantId::default();
    let sessions: Vec<String> = archived
        .owner
        .query("SELECT DISTINCT SessionId FROM (SELECT SessionId FROM otel_logs UNION ALL SELECT SessionId FROM otel_traces) WHERE SessionId != ''")
        .fetch_all()
        .await
        .unwrap();
    assert!(!sessions.is_empty());

    let again = Receiver::start("received_again").await;
    for session in &sessions {
        archive.archive_session(&tenant, session).await.unwrap();
        archive.verify_session(&tenant, session).await.unwrap();
        let lines: Vec<_> = archive.read(&tenant, session).await.unwrap().try_collect().await.unwrap();
        let (again, lines) = (&again, &lines);
        futures::stream::iter(0..lines.len())
            .for_each_concurrent(AT_ONCE, |number| async move {
                let LineKind::Event(event) = &lines[number].kind else { return };
                let post = again.post(event.signal.name()).header("Content-Type", "application/json");
                let sent = post.body(lines[number].json.clone()).send().await.unwrap();
                assert_eq!(sent.status(), StatusCode::OK, "{}", lines[number].json);
            })
            .await;
    }
    let again = again.finish().await;
    for table in TABLES {
        assert_eq!(content(&archived.owner, table).await, content(&again.owner, table).await, "{table}");
    }
}

//! A session reads the same from its object and from the warehouse, however large it is.

use futures::TryStreamExt;
use granary_archive::LineKind;

use crate::support::{Fixture, INGESTED_MS, SESSION, event, records, store, store_at, tenant};

#[tokio::test]
async fn the_lines_from_the_warehouse_are_those_of_the_object() {
    let fixture = Fixture::new("same_lines").await;
    // More than the first pages hold, and rows that the page breaks cannot tell apart.
    let mut events: Vec<_> = (0..3_000).map(|n| event(SESSION, n / 7, (n % 7).try_into().unwrap())).collect();
    events.extend((0..1_000).map(|_| event(SESSION, 100, 3)));
    store(&fixture.warehouse.owner, &records(events)).await;
    let from_warehouse = fixture.lines(SESSION).await;
    fixture.archive.archive_session(&tenant(), SESSION).await.unwrap();
    fixture.warehouse.owner.execute("TRUNCATE TABLE otel_logs").await.unwrap();
    let from_object = fixture.lines(SESSION).await;
    assert_eq!(from_object.len(), 4_002);
    assert!(from_object == from_warehouse);
    let text: String = from_object.iter().map(|line| format!("{}\n", line.json)).collect();
    assert_eq!(fixture.object_text().await, text);
}

#[tokio::test]
async fn lines_larger_than_a_page_of_bytes_are_read_one_by_one() {
    let fixture = Fixture::new("large_lines").await;
    let mut large = event(SESSION, 0, 0);
    large.body = "x\n".repeat(3 << 20).into();
    store(&fixture.warehouse.owner, &records(vec![large.clone(), event(SESSION, 1, 1)])).await;
    assert_eq!(fixture.lines(SESSION).await.len(), 4);
    fixture.archive.archive_session(&tenant(), SESSION).await.unwrap();
    assert_eq!(fixture.lines(SESSION).await.len(), 4);
}

#[tokio::test]
async fn an_object_that_lacks_a_late_event_is_not_read() {
    let fixture = Fixture::new("stale").await;
    store(&fixture.warehouse.owner, &records(vec![event(SESSION, 0, 0)])).await;
    fixture.archive.archive_session(&tenant(), SESSION).await.unwrap();
    store_at(&fixture.warehouse.owner, "default", INGESTED_MS + 1, &records(vec![event(SESSION, 1, 1)]))
        .await;
    assert_eq!(fixture.lines(SESSION).await.len(), 4);
}

#[tokio::test]
async fn an_object_that_is_gone_is_read_from_the_warehouse_while_that_has_the_rows() {
    let fixture = Fixture::new("gone").await;
    store(&fixture.warehouse.owner, &records(vec![event(SESSION, 0, 0)])).await;
    fixture.archive.archive_session(&tenant(), SESSION).await.unwrap();
    let [object] = fixture.objects().try_into().unwrap();
    std::fs::remove_file(object).unwrap();
    assert_eq!(fixture.lines(SESSION).await.len(), 3);
    fixture.warehouse.owner.execute("TRUNCATE TABLE otel_logs").await.unwrap();
    let error = fixture.archive.read(&tenant(), SESSION).await.err().unwrap();
    assert!(error.to_string().ends_with("is damaged: it is not there"), "{error}");
}

#[tokio::test]
async fn one_tenant_does_not_see_another_s_session() {
    let fixture = Fixture::new("tenants").await;
    store_at(&fixture.warehouse.owner, "acme", INGESTED_MS, &records(vec![event(SESSION, 0, 0)])).await;
    assert!(fixture.archive.read(&tenant(), SESSION).await.is_err());
    assert!(fixture.archive.archive_session(&tenant(), SESSION).await.is_err());
    let acme = granary_model::TenantId::new("acme");
    let archived = fixture.archive.archive_session(&acme, SESSION).await.unwrap();
    assert_eq!(archived.key.to_string(), format!("tenants/acme/sessions/2026/11/20/{SESSION}.jsonl.gz"));
    assert!(fixture.archive.read(&tenant(), SESSION).await.is_err());
}

#[tokio::test]
async fn a_reader_that_goes_away_between_two_lines_leaves_no_statement_running() {
    let fixture = Fixture::new("vanishes").await;
    store(&fixture.warehouse.owner, &records((0..3_000).map(|n| event(SESSION, n, 0)).collect())).await;
    let mut lines = fixture.archive.read(&tenant(), SESSION).await.unwrap();
    assert!(matches!(lines.try_next().await.unwrap().unwrap().kind, LineKind::Header(_)));
    let running = "SELECT count() FROM system.processes WHERE query LIKE '%RowSequence%' AND current_database = currentDatabase() \
                   AND query NOT LIKE '%system.processes%'";
    // Even while the reader is still there: between two lines nothing is held.
    while fixture.warehouse.owner.query(running).fetch_one::<u64>().await.unwrap() > 0 {
        tokio::task::yield_now().await;
    }
    drop(lines);
}

//! Objects whose time is over are deleted, and their sessions are not archived again.

use std::time::Duration;

use granary_archive::{Archive, ArchiveConfig, ArchiveError};
use granary_model::TenantId;
use tokio_util::sync::CancellationToken;

use crate::support::{Fixture, INGESTED_MS, at_ms, event, folder_config, records, store, store_at, tenant};

const DAY: Duration = Duration::from_hours(24);

/// An archive that keeps sessions for 30 days, those of `acme` for 10 and those of `eternal` for ever.
async fn fixture(test: &str) -> (Fixture, Archive) {
    let fixture = Fixture::new(test).await;
    let owner = &fixture.warehouse.owner;
    for tenant in ["default", "acme", "eternal"] {
        store_at(owner, tenant, INGESTED_MS, &records(vec![event("s", 0, 0)])).await;
    }
    let config = ArchiveConfig {
        keep: 30 * DAY,
        keep_tenants: vec!["acme=10d".to_owned(), "eternal=0s".to_owned()],
        ..folder_config(&fixture.folder)
    };
    let archive = Archive::open(&config, owner.clone()).await.unwrap();
    assert_eq!(archive.run_once(CancellationToken::new()).await.unwrap().archived, 3);
    (fixture, archive)
}

#[tokio::test]
async fn an_object_is_deleted_once_the_time_of_its_tenant_is_over() {
    let (fixture, archive) = fixture("expire").await;
    let after = async |days: u32| archive.expire(at_ms(INGESTED_MS) + days * DAY).await.unwrap();
    assert_eq!(after(10).await, 0);
    assert_eq!(archive.expired(at_ms(INGESTED_MS) + 11 * DAY, 10).await.unwrap().len(), 1);
    assert_eq!(after(11).await, 1);
    assert_eq!(fixture.objects().len(), 2);
    assert_eq!(archive.archived(&TenantId::new("acme"), "s").await.unwrap(), None);
    assert_eq!(after(31).await, 1);
    assert_eq!(after(10_000).await, 0);
    let [left] = fixture.objects().try_into().unwrap();
    assert!(left.to_str().unwrap().contains("tenants/eternal/"), "{}", left.display());
    let status = archive.status().await.unwrap();
    assert_eq!((status.sessions, status.expired), (1, 2));
}

#[tokio::test]
async fn a_session_whose_object_has_expired_is_due_only_when_something_new_comes() {
    let (fixture, archive) = fixture("not_due").await;
    archive.expire(at_ms(INGESTED_MS) + 31 * DAY).await.unwrap();
    assert_eq!(fixture.due().await, Vec::<String>::new());
    // A late event of before counts as old as the session is.
    let owner = &fixture.warehouse.owner;
    store_at(owner, "default", INGESTED_MS + 1, &records(vec![event("s", 1, 1)])).await;
    assert_eq!(fixture.due().await, Vec::<String>::new());
    let lines = archive.read(&tenant(), "s").await.unwrap();
    assert_eq!(futures::StreamExt::count(lines).await, 4, "from the warehouse");

    let years_later = INGESTED_MS + 100 * 365 * 24 * 3_600_000;
    store_at(owner, "default", years_later, &records(vec![event("s", 2, 2)])).await;
    let due = archive.due(at_ms(years_later) + DAY).await.unwrap();
    assert_eq!(due.into_iter().map(|due| due.session).collect::<Vec<_>>(), ["s"]);
    owner
        .execute("ALTER TABLE otel_logs DELETE WHERE Sequence < 2 SETTINGS mutations_sync = 1")
        .await
        .unwrap();
    let again = archive.archive_session(&tenant(), "s").await.unwrap();
    assert_eq!(again.contents.logs, 1, "what has expired is not held against what is there");
    assert_eq!(archive.verify_session(&tenant(), "s").await.unwrap(), again);
}

#[tokio::test]
async fn a_job_killed_between_deletion_and_mark_does_it_again() {
    let (fixture, archive) = fixture("killed").await;
    let acme = archive.archived(&TenantId::new("acme"), "s").await.unwrap().unwrap();
    std::fs::remove_file(fixture.folder.path().join(acme.key.to_string())).unwrap();
    assert_eq!(archive.expire(at_ms(INGESTED_MS) + 11 * DAY).await.unwrap(), 1);
    assert_eq!(archive.archived(&TenantId::new("acme"), "s").await.unwrap(), None);
}

#[tokio::test]
async fn a_session_that_an_archiver_works_on_is_kept_until_later() {
    let (fixture, archive) = fixture("busy").await;
    let owner = &fixture.warehouse.owner;
    let claim = "INSERT INTO archive_leases SELECT 'acme', 's', generateUUIDv4(), now64(3) + 3600, false";
    owner.execute(claim).await.unwrap();
    assert_eq!(archive.expire(at_ms(INGESTED_MS) + 31 * DAY).await.unwrap(), 1, "the other tenant's");
    assert!(archive.archived(&TenantId::new("acme"), "s").await.unwrap().is_some());
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused_when_the_archive_is_opened() {
    let fixture = Fixture::new("no_sense").await;
    store(&fixture.warehouse.owner, &records(vec![event("s", 0, 0)])).await;
    let config = ArchiveConfig { keep_tenants: vec!["acme".to_owned()], ..folder_config(&fixture.folder) };
    let refused = Archive::open(&config, fixture.warehouse.owner.clone()).await.unwrap_err();
    assert!(matches!(refused, ArchiveError::Config { .. }), "{refused}");
}

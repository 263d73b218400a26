//! An erased session is nowhere, the others are as if it had never been, and what comes later of it goes, too.

use std::task::Poll;

use futures::{FutureExt as _, StreamExt as _};
use granary_archive::{Archive, ArchiveError, Over, RestoreOptions};
use granary_clickhouse::{ClickHouseConfig, Warehouse};
use granary_model::TenantId;

use crate::restore::counted;
use crate::round_trip::{logs, points, spans};
use crate::support::{Fixture, SESSION, folder_config, gzip, records, store};
use crate::tables::contents;

/// Two sessions of the same people in the same hours; `SESSION` only where it is asked for.
async fn fixture(test: &str, with_session: bool) -> Fixture {
    let fixture = Fixture::new(test).await;
    let owner = &fixture.warehouse.owner;
    store(owner, &records((0..20).map(|second| counted("other", second)).collect())).await;
    if with_session {
        store_session(owner).await;
        fixture.archive.archive_session(&TenantId::default(), SESSION).await.unwrap();
    }
    fixture.archive.archive_session(&TenantId::default(), "other").await.unwrap();
    fixture
}

async fn store_session(owner: &Warehouse) {
    // Beyond the hour of the other session, so that there are keys that only this one has.
    let mut events: Vec<_> = (0..12).map(|second| counted(SESSION, second)).collect();
    events.extend((7200..7206).map(|second| counted(SESSION, second)));
    store(owner, &records(events)).await;
    store(owner, &logs()).await;
    store(owner, &spans()).await;
    store(owner, &points()).await;
}

/// What a warehouse holds where the session never was.
async fn without(test: &str) -> Vec<(String, u64, u64)> {
    contents(&fixture(test, false).await.warehouse.owner).await
}

async fn erased_tables_are_empty(owner: &Warehouse) {
    let left: u64 = owner.query("SELECT count() FROM session_erasure_events").fetch_one().await.unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn an_erased_session_is_nowhere_and_the_rollups_are_those_of_the_others() {
    let fixture = fixture("erased", true).await;
    let owner = &fixture.warehouse.owner;
    let erased = fixture.archive.erase(&TenantId::default(), SESSION).await.unwrap();
    assert_eq!((erased.objects.len(), erased.rows), (1, 28));
    assert_eq!(contents(owner).await, Box::pin(without("never")).await);
    erased_tables_are_empty(owner).await;
    let [object] = fixture.objects().try_into().unwrap();
    assert!(object.to_string_lossy().contains("other"), "{object:?}");
    let again = fixture.archive.erase(&TenantId::default(), SESSION).await.unwrap();
    assert_eq!((again.objects.len(), again.rows), (0, 0));
    assert_eq!(contents(owner).await, Box::pin(without("never_either")).await);
    let parts: u64 = owner
        .query("SELECT count() FROM cost_hourly WHERE Requests = 0 OR toInt64(Requests) < 0 OR TenantId != 'default'")
        .fetch_one()
        .await
        .unwrap();
    assert_eq!(parts, 0, "neither zeros, nor inverses, nor receipts are left");
}

/// One server stands for a service with `SharedMergeTree`: it takes every setting that such a one is asked with.
#[tokio::test]
async fn a_session_in_shared_tables_is_erased_as_any_other() {
    let fixture = fixture("erased_shared", true).await;
    let config = ClickHouseConfig { shared_merge_tree: true, ..fixture.warehouse.owner_config.clone() };
    let archive = Archive::open(&folder_config(&fixture.folder), Warehouse::new(&config)).await.unwrap();
    let erased = archive.erase(&TenantId::default(), SESSION).await.unwrap();
    assert_eq!((erased.objects.len(), erased.rows), (1, 28));
    assert_eq!(contents(&fixture.warehouse.owner).await, Box::pin(without("never_shared")).await);
}

#[tokio::test]
async fn an_erasure_killed_at_any_moment_and_run_again_ends_where_an_undisturbed_one_ends() {
    let expected = Box::pin(without("undisturbed")).await;
    let fixture = fixture("erasure_killed", false).await;
    let owner = &fixture.warehouse.owner;
    let come = async || {
        store(owner, &records(vec![counted(SESSION, 2), counted(SESSION, 3), counted(SESSION, 7200)])).await;
        store(owner, &spans()).await;
    };
    come().await;
    let (tenant, mut moments, mut finished) = (TenantId::default(), 0, false);
    while !finished {
        let mut killed = fixture.archive.erase(&tenant, SESSION).boxed();
        let mut polls = 0;
        finished = std::future::poll_fn(|context| {
            polls += 1;
            match killed.poll_unpin(context) {
                Poll::Ready(_) => Poll::Ready(true),
                Poll::Pending if polls > moments => Poll::Ready(false),
                Poll::Pending => Poll::Pending,
            }
        })
        .await;
        drop(killed);
        fixture.archive.erase(&tenant, SESSION).await.unwrap();
        assert_eq!(contents(owner).await, expected, "killed at its pause {moments}");
        erased_tables_are_empty(owner).await;
        come().await;
        moments += STRIDE;
    }
    assert!(moments > 5 * STRIDE, "{moments}");
}

/// Not each of the moments: each step has several.
const STRIDE: usize = 9;

#[tokio::test]
async fn events_of_other_sessions_that_arrive_meanwhile_are_counted_once() {
    let fixture = fixture("meanwhile", true).await;
    let owner = &fixture.warehouse.owner;
    let arriving = async {
        for second in 20..40 {
            store(owner, &records(vec![counted("other", second)])).await;
        }
    };
    let tenant = TenantId::default();
    let (erased, ()) = tokio::join!(fixture.archive.erase(&tenant, SESSION), arriving);
    erased.unwrap();
    let expected = Fixture::new("meanwhile_alone").await;
    store(&expected.warehouse.owner, &records((0..40).map(|n| counted("other", n)).collect())).await;
    let but_marks = async |owner: &Warehouse| {
        let mut contents = contents(owner).await;
        contents.retain(|(table, _, _)| table != "session_archives");
        contents
    };
    assert_eq!(but_marks(owner).await, but_marks(&expected.warehouse.owner).await);
}

#[tokio::test]
async fn erasures_at_the_same_time_subtract_once() {
    let fixture = fixture("erasures_at_once", true).await;
    let (tenant, archive) = (TenantId::default(), &fixture.archive);
    let (one, other) = tokio::join!(archive.erase(&tenant, SESSION), archive.erase(&tenant, SESSION));
    one.unwrap();
    other.unwrap();
    assert_eq!(contents(&fixture.warehouse.owner).await, Box::pin(without("at_once_never")).await);
}

#[tokio::test]
async fn what_arrives_later_of_an_erased_session_is_not_archived_and_is_erased_at_the_next_pass() {
    let fixture = fixture("later", true).await;
    let owner = &fixture.warehouse.owner;
    fixture.archive.erase(&TenantId::default(), SESSION).await.unwrap();
    store_session(owner).await;
    assert!(!fixture.due().await.contains(&SESSION.to_owned()));
    let refused = fixture.archive.archive_session(&TenantId::default(), SESSION).await.unwrap_err();
    assert!(matches!(refused, ArchiveError::Erased { .. }), "{refused}");
    assert_eq!(fixture.archive.erase_late().await.unwrap(), 1);
    assert_eq!(contents(owner).await, Box::pin(without("later_never")).await);
    assert_eq!(fixture.archive.erase_late().await.unwrap(), 0);
}

#[tokio::test]
async fn an_erased_session_whose_sender_never_stops_holds_up_no_other() {
    let fixture = Fixture::new("restless").await;
    let owner = &fixture.warehouse.owner;
    // The one that is erased first.
    for session in ["a-restless", "b-quiet"] {
        fixture.archive.erase(&TenantId::default(), session).await.unwrap();
        store(owner, &records(vec![counted(session, 0)])).await;
    }
    let sender = async {
        for second in 1.. {
            store(owner, &records(vec![counted("a-restless", second)])).await;
        }
    };
    tokio::select! {
        erased = fixture.archive.erase_late() => assert!((1..=2).contains(&erased.unwrap())),
        () = sender => {}
    }
    let quiet: u64 =
        owner.query("SELECT count() FROM otel_logs WHERE SessionId = 'b-quiet'").fetch_one().await.unwrap();
    assert_eq!(quiet, 0);
}

#[tokio::test]
async fn an_object_of_an_erased_session_that_appears_again_is_not_restored() {
    let fixture = fixture("appears", true).await;
    let object = fixture.objects().into_iter().find(|path| path.to_string_lossy().contains(SESSION)).unwrap();
    let bytes = std::fs::read(&object).unwrap();
    fixture.archive.erase(&TenantId::default(), SESSION).await.unwrap();
    std::fs::write(&object, bytes).unwrap();
    let options = RestoreOptions { session: Some(SESSION.to_owned()), ..RestoreOptions::default() };
    let restored: Vec<_> = fixture.archive.restore(&fixture.warehouse.owner, options).collect().await;
    let [Err(refused)] = &restored[..] else { panic!("{restored:?}") };
    assert!(matches!(refused.error, ArchiveError::Erased { .. }), "{refused}");
}

#[tokio::test]
async fn both_objects_of_a_session_that_was_being_moved_are_erased() {
    let fixture = fixture("moved", true).await;
    let store = granary_archive::Store::open(&folder_config(&fixture.folder)).await.unwrap();
    let other_day = format!("sessions/2026/11/18/{SESSION}.jsonl.gz").parse().unwrap();
    let mut upload = store.create(&other_day, Over::Nothing).await.unwrap();
    upload.write(&gzip("left by an archiver that was stopped").await).await.unwrap();
    upload.finish().await.unwrap();
    let erased = fixture.archive.erase(&TenantId::default(), SESSION).await.unwrap();
    assert_eq!(erased.objects.len(), 2);
    assert_eq!(fixture.objects().len(), 1);
}

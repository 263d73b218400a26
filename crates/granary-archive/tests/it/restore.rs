//! Sessions come back from their objects, each row once, whatever was there and wherever the restore was stopped.

use std::task::Poll;

use futures::{FutureExt as _, StreamExt as _};
use granary_archive::{Archive, ArchiveError, Over, RestoreFailure, RestoreOptions, RestoredSession};
use granary_clickhouse::Warehouse;
use granary_model::{Attribute, Attributes, LogRecord, TenantId};

use crate::round_trip::{logs, points, spans};
use crate::support::{Fixture, INGESTED_MS, SESSION, event, records, store, store_at};
use crate::tables::{contents, empty};

/// A request or a tool's result, which the rollups count.
pub(crate) fn counted(session: &str, second: u64) -> LogRecord {
    let request = second.is_multiple_of(2);
    let mut event = event(session, second, i64::try_from(second).unwrap());
    let mut attributes = vec![
        Attribute::new("session.id", session),
        Attribute::new("event.name", if request { "api_request" } else { "tool_result" }),
        Attribute::new("event.sequence", i64::try_from(second).unwrap()),
        Attribute::new("duration_ms", i64::try_from(10 * second).unwrap()),
    ];
    if request {
        attributes.push(Attribute::new("model", "claude-haiku-4-5"));
        attributes.push(Attribute::new("cost_usd", 0.25));
        attributes.push(Attribute::new("input_tokens", 7_i64));
    } else {
        attributes.push(Attribute::new("tool_name", "Bash"));
        attributes.push(Attribute::new("success", "true"));
    }
    event.attributes = Attributes::new(attributes);
    event
}

/// Two sessions with records of every kind, archived.
async fn fixture(test: &str) -> Fixture {
    let fixture = Fixture::new(test).await;
    let owner = &fixture.warehouse.owner;
    for session in [SESSION, "other"] {
        store(owner, &records((0..12).map(|second| counted(session, second)).collect())).await;
    }
    store(owner, &logs()).await;
    store(owner, &spans()).await;
    store(owner, &points()).await;
    for session in [SESSION, "other"] {
        fixture.archive.archive_session(&TenantId::default(), session).await.unwrap();
    }
    fixture
}

async fn restore(archive: &Archive, into: &Warehouse) -> Vec<Result<RestoredSession, RestoreFailure>> {
    archive.restore(into, RestoreOptions::default()).collect().await
}

/// How many records were put back.
async fn restored(archive: &Archive, into: &Warehouse) -> u64 {
    restore(archive, into).await.into_iter().map(|session| session.unwrap().restored).sum()
}

#[tokio::test]
async fn an_emptied_warehouse_comes_back_column_by_column_and_a_second_run_changes_nothing() {
    let fixture = fixture("emptied").await;
    let owner = &fixture.warehouse.owner;
    let before = contents(owner).await;
    assert!(before.iter().all(|(_, rows, _)| *rows > 0), "{before:?}");
    empty(owner).await;
    assert_eq!(restored(&fixture.archive, owner).await, 34);
    assert_eq!(contents(owner).await, before);
    assert_eq!(restored(&fixture.archive, owner).await, 0);
    assert_eq!(contents(owner).await, before);
}

#[tokio::test]
async fn of_a_session_that_is_there_in_part_the_rest_is_added_and_counted_once() {
    let fixture = fixture("in_part").await;
    let owner = &fixture.warehouse.owner;
    let before = contents(owner).await;
    empty(owner).await;
    store(owner, &records((0..12).filter(|n| n % 3 == 0).map(|n| counted(SESSION, n)).collect())).await;
    assert_eq!(restored(&fixture.archive, owner).await, 30);
    assert_eq!(contents(owner).await, before);
}

#[tokio::test]
async fn an_event_that_was_stored_twice_comes_back_twice() {
    let fixture = Fixture::new("twice").await;
    let owner = &fixture.warehouse.owner;
    for ingested in [INGESTED_MS, INGESTED_MS + 5, INGESTED_MS + 9] {
        store_at(owner, "default", ingested, &records(vec![counted(SESSION, 2)])).await;
    }
    fixture.archive.archive_session(&TenantId::default(), SESSION).await.unwrap();
    let before = contents(owner).await;
    empty(owner).await;
    store(owner, &records(vec![counted(SESSION, 2)])).await;
    assert_eq!(restored(&fixture.archive, owner).await, 2);
    let count = |contents: &[(String, u64, u64)]| contents[0].1;
    assert_eq!(count(&contents(owner).await), count(&before));
}

#[tokio::test]
async fn rows_deleted_after_a_restore_are_restored_again() {
    let fixture = fixture("deleted_after").await;
    let owner = &fixture.warehouse.owner;
    let rows = contents(owner).await[0].1;
    for _ in 0..2 {
        owner
            .execute(
                "ALTER TABLE otel_logs DELETE WHERE AgentEvent = 'api_request' SETTINGS mutations_sync = 1",
            )
            .await
            .unwrap();
        assert_eq!(
            restored(&fixture.archive, owner).await,
            12,
            "the server must not take it for a repetition"
        );
        assert_eq!(contents(owner).await[0].1, rows);
    }
}

#[tokio::test]
async fn a_dry_run_says_what_is_missing_and_inserts_nothing() {
    let fixture = fixture("dry").await;
    let owner = &fixture.warehouse.owner;
    empty(owner).await;
    let options = RestoreOptions { dry_run: true, ..RestoreOptions::default() };
    let would: Vec<_> = fixture.archive.restore(owner, options).collect().await;
    assert_eq!(would.into_iter().map(|session| session.unwrap().restored).sum::<u64>(), 34);
    assert!(contents(owner).await.iter().all(|(_, rows, _)| *rows == 0));
}

#[tokio::test]
async fn sessions_are_chosen_by_name_tenant_and_first_day() {
    let fixture = fixture("chosen").await;
    store_at(&fixture.warehouse.owner, "acme", INGESTED_MS, &records(vec![counted("theirs", 0)])).await;
    fixture.archive.archive_session(&TenantId::new("acme"), "theirs").await.unwrap();
    let chosen = async |options: RestoreOptions| {
        let sessions = fixture.archive.restore(&fixture.warehouse.owner, options);
        let mut names: Vec<String> =
            sessions.map(|session| session.unwrap().session).collect::<Vec<_>>().await;
        names.sort();
        names
    };
    let all = RestoreOptions::default;
    let (default, acme) = (Some(TenantId::default()), Some(TenantId::new("acme")));
    assert_eq!(chosen(all()).await, [SESSION, "other", "theirs"]);
    assert_eq!(chosen(RestoreOptions { tenant: acme, ..all() }).await, ["theirs"]);
    assert_eq!(chosen(RestoreOptions { session: Some("other".to_owned()), ..all() }).await, ["other"]);
    let named = RestoreOptions { session: Some("other".to_owned()), tenant: default, ..all() };
    assert_eq!(chosen(named).await, ["other"]);
    let day = |day| Some(format!("2026-11-{day}").parse().unwrap());
    assert_eq!(chosen(RestoreOptions { from: day("20"), to: day("21"), ..all() }).await.len(), 3);
    assert!(chosen(RestoreOptions { from: day("21"), ..all() }).await.is_empty());
    assert!(chosen(RestoreOptions { to: day("20"), ..all() }).await.is_empty());
}

#[tokio::test]
async fn a_damaged_object_is_named_with_the_place_and_the_others_are_restored() {
    let fixture = fixture("damaged").await;
    let owner = &fixture.warehouse.owner;
    let path = fixture.objects().into_iter().find(|path| path.to_string_lossy().contains("other")).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    empty(owner).await;
    let (sound, damaged): (Vec<_>, Vec<_>) =
        restore(&fixture.archive, owner).await.into_iter().partition(Result::is_ok);
    assert_eq!(sound.len(), 1);
    let [Err(damaged)] = &damaged[..] else { panic!("{damaged:?}") };
    assert!(damaged.key.ends_with("other.jsonl.gz"), "{damaged}");
    assert!(matches!(damaged.error, ArchiveError::Corrupt { .. }), "{damaged}");
    assert!(damaged.to_string().contains("line "), "{damaged}");
    let of_it: u64 =
        owner.query("SELECT count() FROM otel_logs WHERE SessionId = 'other'").fetch_one().await.unwrap();
    assert_eq!(of_it, 0, "nothing of a damaged object is inserted");
}

#[tokio::test]
async fn a_restore_killed_at_any_moment_and_run_again_ends_where_an_undisturbed_one_ends() {
    let fixture = Fixture::new("killed").await;
    let owner = &fixture.warehouse.owner;
    store(owner, &records((0..4).map(|second| counted(SESSION, second)).collect())).await;
    store(owner, &spans()).await;
    fixture.archive.archive_session(&TenantId::default(), SESSION).await.unwrap();
    let before = contents(owner).await;
    let (mut moments, mut finished) = (0, false);
    while !finished {
        empty(owner).await;
        // A dropped request is what the server sees of a killed process: it may go on with it, or not.
        let mut killed = restore(&fixture.archive, owner).boxed();
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
        restored(&fixture.archive, owner).await;
        assert_eq!(contents(owner).await, before, "killed at its pause {moments}");
        moments += 2;
    }
    assert!(moments > 20, "{moments}");
}

#[tokio::test]
async fn rollups_that_a_killed_server_did_not_reach_are_completed() {
    let fixture = fixture("half").await;
    let owner = &fixture.warehouse.owner;
    let before = contents(owner).await;
    empty(owner).await;
    let views = ["cost_hourly_mv", "tool_usage_hourly_mv", "sessions_mv", "session_models_mv"];
    owner.execute("SYSTEM STOP MERGES session_restores").await.unwrap();
    for view in views {
        owner.execute(&format!("DETACH TABLE {view}")).await.unwrap();
    }
    restored(&fixture.archive, owner).await;
    // As if the server, and the restore with it, had gone between the tables and their views.
    for view in views {
        owner.execute(&format!("ATTACH TABLE {view}")).await.unwrap();
    }
    for statement in [
        "CREATE TABLE planned ENGINE = Memory AS SELECT * FROM session_restores WHERE State = 0",
        "TRUNCATE TABLE session_restores",
        "INSERT INTO session_restores SELECT * FROM planned",
    ] {
        owner.execute(statement).await.unwrap();
    }
    assert_ne!(contents(owner).await, before);
    assert_eq!(restored(&fixture.archive, owner).await, 0, "every row is there");
    assert_eq!(contents(owner).await, before);
}

#[tokio::test]
async fn restores_at_the_same_time_add_each_row_once() {
    let fixture = fixture("at_once").await;
    let owner = &fixture.warehouse.owner;
    let before = contents(owner).await;
    for _ in 0..3 {
        empty(owner).await;
        let one = || restore(&fixture.archive, owner);
        let all = futures::future::join4(one(), one(), one(), one()).await;
        for session in [all.0, all.1, all.2, all.3].into_iter().flatten() {
            session.unwrap();
        }
        assert_eq!(contents(owner).await, before);
    }
}

#[tokio::test]
async fn an_object_of_the_first_format_is_restored_with_what_it_has() {
    let fixture = fixture("format_1").await;
    let owner = &fixture.warehouse.owner;
    let golden = include_str!("format_1.jsonl");
    for path in fixture.objects() {
        std::fs::remove_file(path).unwrap();
    }
    empty(owner).await;
    let store = granary_archive::Store::open(&crate::support::folder_config(&fixture.folder)).await.unwrap();
    let key = "sessions/2026/11/20/format-1.jsonl.gz".parse().unwrap();
    let mut upload = store.create(&key, Over::Nothing).await.unwrap();
    upload.write(&crate::support::gzip(golden).await).await.unwrap();
    upload.finish().await.unwrap();
    assert_eq!(restored(&fixture.archive, owner).await, 2);
    let rows: Vec<(String, i64, bool)> = owner
        .query("SELECT toString(BatchId), toUnixTimestamp64Milli(IngestedAt), TimeOutOfRange FROM otel_logs ORDER BY Timestamp")
        .fetch_all()
        .await
        .unwrap();
    let nil = uuid::Uuid::nil().to_string();
    assert_eq!(rows, [(nil.clone(), INGESTED_MS, true), (nil, INGESTED_MS, false)]);
}

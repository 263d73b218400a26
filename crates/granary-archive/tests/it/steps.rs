//! A job that is stopped anywhere and run again ends where an undisturbed one ends.

use granary_archive::{ArchiveError, ArchivedSession, Over};
use tokio_util::sync::CancellationToken;

use crate::support::{Fixture, INGESTED_MS, SESSION, event, records, store, store_at, tenant};

async fn fixture(test: &str) -> Fixture {
    let fixture = Fixture::new(test).await;
    store(&fixture.warehouse.owner, &records((0..20).map(|second| event(SESSION, second, 0)).collect()))
        .await;
    fixture
}

/// The job from its beginning, and everything that can be seen afterwards.
async fn run(fixture: &Fixture) -> (ArchivedSession, Vec<u8>, Vec<String>) {
    let archived = fixture.archive.archive_session(&tenant(), SESSION).await.unwrap();
    assert_eq!(fixture.archive.verify_session(&tenant(), SESSION).await.unwrap(), archived);
    let [object] = fixture.objects().try_into().unwrap();
    (archived, std::fs::read(object).unwrap(), fixture.due().await)
}

#[tokio::test]
async fn a_job_stopped_at_any_step_and_run_again_leaves_the_same_object_and_mark() {
    let undisturbed = run(&fixture("undisturbed").await).await;

    let within_upload = fixture("within_upload").await;
    {
        let store = granary_archive::Store::open(&crate::support::folder_config(&within_upload.folder))
            .await
            .unwrap();
        let mut upload = store.create(&undisturbed.0.key, Over::Anything).await.unwrap();
        upload.write(b"half a").await.unwrap();
        // A killed process removes nothing.
        std::mem::forget(upload);
    }
    assert_eq!(within_upload.due().await, [SESSION]);
    for leftover in within_upload.objects() {
        std::fs::remove_file(leftover).unwrap();
    }
    assert_eq!(run(&within_upload).await, undisturbed);

    let uploaded = fixture("uploaded").await;
    drop(uploaded.archive.upload(&tenant(), SESSION).await.unwrap());
    assert_eq!(uploaded.due().await, [SESSION]);
    assert_eq!(run(&uploaded).await, undisturbed);

    let verified = fixture("verified").await;
    let upload = verified.archive.upload(&tenant(), SESSION).await.unwrap();
    drop(verified.archive.verify_object(upload).await.unwrap());
    assert_eq!(verified.due().await, [SESSION]);
    assert_eq!(run(&verified).await, undisturbed);

    let marked = fixture("marked").await;
    run(&marked).await;
    assert_eq!(run(&marked).await, undisturbed);
}

#[tokio::test]
async fn an_object_that_was_changed_after_it_was_uploaded_is_not_marked() {
    let fixture = fixture("changed").await;
    let uploaded = fixture.archive.upload(&tenant(), SESSION).await.unwrap();
    let [object] = fixture.objects().try_into().unwrap();
    let bytes = std::fs::read(&object).unwrap();
    std::fs::write(&object, &bytes[..bytes.len() - 1]).unwrap();
    let refused = fixture.archive.verify_object(uploaded).await.unwrap_err();
    assert!(matches!(refused, ArchiveError::Corrupt { .. }), "{refused}");
    assert_eq!(fixture.due().await, [SESSION]);
}

#[tokio::test]
async fn an_earlier_first_day_moves_the_object_and_leaves_none_behind() {
    let fixture = fixture("moves").await;
    let first = fixture.archive.archive_session(&tenant(), SESSION).await.unwrap();
    let mut earlier = event(SESSION, 0, 0);
    earlier.time_unix_nano -= 24 * 3600 * 1_000_000_000;
    store_at(&fixture.warehouse.owner, "default", INGESTED_MS + 1, &records(vec![earlier])).await;
    let moved = fixture.archive.archive_session(&tenant(), SESSION).await.unwrap();
    assert_eq!(first.key.to_string(), format!("sessions/2026/11/20/{SESSION}.jsonl.gz"));
    assert_eq!(moved.key.to_string(), format!("sessions/2026/11/19/{SESSION}.jsonl.gz"));
    assert_eq!(fixture.objects(), [fixture.folder.path().join(moved.key.to_string())]);
}

#[tokio::test]
async fn an_object_is_not_replaced_by_one_with_fewer_records() {
    let fixture = fixture("shrinks").await;
    fixture.archive.archive_session(&tenant(), SESSION).await.unwrap();
    let [object] = fixture.objects().try_into().unwrap();
    let before = std::fs::read(&object).unwrap();
    let owner = &fixture.warehouse.owner;
    owner.execute("ALTER TABLE otel_logs DELETE WHERE 1 SETTINGS mutations_sync = 1").await.unwrap();
    store_at(owner, "default", INGESTED_MS + 1, &records(vec![event(SESSION, 99, 0)])).await;
    let refused = fixture.archive.archive_session(&tenant(), SESSION).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "session {SESSION} has 1 logs, 0 spans and 0 metric points in the warehouse and 20 logs, 0 spans \
             and 0 metric points in its object, which is kept"
        )
    );
    assert_eq!(fixture.objects(), std::slice::from_ref(&object));
    assert_eq!(std::fs::read(object).unwrap(), before);
    assert_eq!(fixture.lines(SESSION).await.len(), 22, "the object is read while it has more");
}

#[tokio::test]
async fn a_session_that_nobody_knows_is_not_found() {
    let fixture = fixture("unknown").await;
    for error in [
        fixture.archive.archive_session(&tenant(), "nobody").await.unwrap_err(),
        fixture.archive.read(&tenant(), "nobody").await.err().unwrap(),
        fixture.archive.verify_session(&tenant(), SESSION).await.unwrap_err(),
    ] {
        assert!(matches!(error, ArchiveError::SessionNotFound { .. }), "{error}");
    }
    assert!(fixture.objects().is_empty());
}

/// Polls a future so many times and then drops it, as a process that is killed there does with what it holds.
async fn killed_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = Box::pin(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return std::task::Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

#[tokio::test]
async fn an_archiver_killed_anywhere_leaves_its_sessions_to_the_next_one() {
    const SESSIONS: usize = 3;
    let objects = |fixture: &Fixture| {
        let mut objects: Vec<_> = fixture
            .objects()
            .into_iter()
            .filter(|path| path.extension().is_some())
            .map(|path| {
                let name = path.file_name().unwrap().to_owned();
                (name, std::fs::read(&path).unwrap())
            })
            .collect();
        objects.sort();
        objects
    };
    let fixture_of = async |test: &str| {
        let fixture = Fixture::new(test).await;
        let events = (0..SESSIONS).flat_map(|n| (0..3).map(move |second| event(&format!("s{n}"), second, 0)));
        store(&fixture.warehouse.owner, &records(events.collect())).await;
        fixture
    };
    let undisturbed = fixture_of("not_killed").await;
    undisturbed.archive.run_once(CancellationToken::new()).await.unwrap();
    let expected = objects(&undisturbed);
    assert_eq!(expected.len(), SESSIONS);

    // One warehouse for all: the marks and leases are taken away in between.
    let fixture = fixture_of("killed").await;
    let owner = &fixture.warehouse.owner;
    let mut polls = 1;
    loop {
        let killed = killed_after(polls, fixture.archive.run_once(CancellationToken::new())).await;
        let marked = async || -> Vec<String> {
            let marks = "SELECT SessionId FROM session_archives FINAL ORDER BY SessionId";
            owner.query(marks).fetch_all().await.unwrap()
        };
        // What has a final name is whole, whether it is marked or not, and what is marked has its object.
        let found = objects(&fixture);
        assert!(found.iter().all(|object| expected.contains(object)), "after {polls} polls");
        for session in &marked().await {
            fixture.archive.verify_session(&tenant(), session).await.unwrap();
        }
        // What the killed one had sent last may still be on its way: a claim, or a mark.
        while marked().await.len() < SESSIONS {
            // The leases run out.
            owner.execute("TRUNCATE TABLE archive_leases").await.unwrap();
            let pass = fixture.archive.run_once(CancellationToken::new()).await.unwrap();
            assert_eq!(pass.failed, 0, "after {polls} polls");
        }
        assert_eq!(objects(&fixture), expected, "after {polls} polls");
        assert_eq!(fixture.due().await, Vec::<String>::new());
        if killed.is_some() {
            break;
        }
        let under_way = "SELECT count() FROM system.processes \
                         WHERE query_kind = 'Insert' AND current_database = currentDatabase()";
        while owner.query(under_way).fetch_one::<u64>().await.unwrap() > 0 {
            tokio::task::yield_now().await;
        }
        owner.execute("TRUNCATE TABLE session_archives").await.unwrap();
        owner.execute("TRUNCATE TABLE archive_leases").await.unwrap();
        for object in fixture.objects() {
            std::fs::remove_file(object).unwrap();
        }
        polls += 1 + polls / 3;
    }
    assert!(polls > 10, "{polls} polls are not every step");
}

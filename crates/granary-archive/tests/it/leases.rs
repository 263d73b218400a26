//! Several archivers share the work, and none does another's.

use std::time::{Duration, SystemTime};

use granary_archive::{Archive, ArchiveConfig, Pass};
use tokio_util::sync::CancellationToken;

use crate::support::{Fixture, event, folder_config, records, store};

/// Sessions that have been quiet for long.
async fn sessions(fixture: &Fixture, count: usize) {
    let events = (0..count).flat_map(|n| [event(&format!("s{n}"), 0, 0), event(&format!("s{n}"), 1, 1)]);
    store(&fixture.warehouse.owner, &records(events.collect())).await;
}

async fn archiver(fixture: &Fixture) -> Archive {
    Archive::open(&folder_config(&fixture.folder), fixture.warehouse.owner.clone()).await.unwrap()
}

async fn count(fixture: &Fixture, sql: &str) -> u64 {
    fixture.warehouse.owner.query(sql).fetch_one().await.unwrap()
}

const MARKS: &str = "SELECT count() FROM session_archives";

/// A claim of somebody else's, which is in force for a while.
async fn claimed_by_another(fixture: &Fixture, session: &str, seconds: i64) {
    let sql = format!(
        "INSERT INTO archive_leases SELECT 'default', '{session}', generateUUIDv4(), now64(3) + {seconds}, false"
    );
    fixture.warehouse.owner.execute(&sql).await.unwrap();
}

#[tokio::test]
async fn several_archivers_at_once_archive_each_session_once() {
    let fixture = Fixture::new("archivers").await;
    sessions(&fixture, 150).await;
    let archivers = [archiver(&fixture).await, archiver(&fixture).await, archiver(&fixture).await];
    let mut archived = 0;
    while !fixture.archive.due(SystemTime::now()).await.unwrap().is_empty() {
        let passes = archivers.iter().map(|archiver| archiver.run_once(CancellationToken::new()));
        for pass in futures::future::join_all(passes).await {
            let pass = pass.unwrap();
            assert_eq!(pass.failed, 0, "{pass:?}");
            archived += pass.archived;
        }
    }
    assert_eq!(archived, 150, "none was done twice");
    assert_eq!(count(&fixture, MARKS).await, 150);
    assert_eq!(fixture.objects().iter().filter(|path| path.extension().is_some()).count(), 150);
}

#[tokio::test]
async fn a_session_that_another_archiver_works_on_is_left_to_it_until_its_lease_is_over() {
    let fixture = Fixture::new("left").await;
    sessions(&fixture, 3).await;
    claimed_by_another(&fixture, "s1", 3_600).await;
    assert_eq!(fixture.due().await, ["s0", "s2"]);
    let pass = fixture.archive.run_once(CancellationToken::new()).await.unwrap();
    assert_eq!(pass, Pass { archived: 2, ..Pass::default() });

    let fixture = Fixture::new("expired_lease").await;
    sessions(&fixture, 3).await;
    claimed_by_another(&fixture, "s1", -1).await;
    let pass = fixture.archive.run_once(CancellationToken::new()).await.unwrap();
    assert_eq!(pass, Pass { archived: 3, ..Pass::default() });
}

#[tokio::test]
async fn what_was_done_is_free_for_others_at_once() {
    let fixture = Fixture::new("given_up").await;
    sessions(&fixture, 2).await;
    fixture.archive.run_once(CancellationToken::new()).await.unwrap();
    store(&fixture.warehouse.owner, &records(vec![event("s0", 5, 2)])).await;
    let config = ArchiveConfig { lease: Duration::from_hours(24), ..folder_config(&fixture.folder) };
    let other = Archive::open(&config, fixture.warehouse.owner.clone()).await.unwrap();
    let pass = other.run_once(CancellationToken::new()).await.unwrap();
    assert_eq!(pass, Pass { archived: 1, ..Pass::default() });
}

#[tokio::test]
async fn two_that_claim_the_same_moment_both_step_back_or_one_has_it() {
    let fixture = Fixture::new("moment").await;
    sessions(&fixture, 1).await;
    for round in 0..5 {
        let archivers = [archiver(&fixture).await, archiver(&fixture).await];
        let passes = archivers.iter().map(|archiver| archiver.run_once(CancellationToken::new()));
        let passes = futures::future::join_all(passes).await.into_iter().map(Result::unwrap);
        let archived: usize = passes.map(|pass| pass.archived).sum();
        assert!(archived <= 1, "round {round}");
        if archived == 1 {
            store(&fixture.warehouse.owner, &records(vec![event("s0", 10 + round, 2)])).await;
        }
    }
}

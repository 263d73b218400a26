//! The whole store held against the whole table.

use futures::TryStreamExt;
use granary_archive::{AuditOptions, Audited, ObjectState};

use crate::support::{Fixture, event, records, store, tenant};

async fn archived(test: &str, count: usize) -> Fixture {
    let fixture = Fixture::new(test).await;
    let events = (0..count).map(|n| event(&format!("s{n:04}"), 0, 0)).collect();
    store(&fixture.warehouse.owner, &records(events)).await;
    let pass = fixture.archive.run_once(tokio_util::sync::CancellationToken::new()).await.unwrap();
    assert_eq!(pass.archived, count);
    fixture
}

async fn audit(fixture: &Fixture, sample: f64) -> Vec<Audited> {
    fixture.archive.audit(AuditOptions { sample }).try_collect().await.unwrap()
}

#[tokio::test]
async fn an_object_damaged_by_hand_is_found() {
    let fixture = archived("by_hand", 20).await;
    let object = fixture.folder.path().join("sessions/2026/11/20/s0007.jsonl.gz");
    let mut bytes = std::fs::read(&object).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(&object, bytes).unwrap();
    let bad: Vec<_> = audit(&fixture, 1.0).await.into_iter().filter(|one| !one.state.is_good()).collect();
    let [Audited { key, state: ObjectState::Damaged { problem }, .. }] = &bad[..] else { panic!("{bad:?}") };
    assert_eq!(key, "sessions/2026/11/20/s0007.jsonl.gz");
    assert!(!problem.is_empty());
}

#[tokio::test]
async fn a_sample_reads_some_and_looks_whether_all_are_there() {
    let fixture = archived("sample", 60).await;
    let state = |audited: &[Audited], name| audited.iter().filter(|one| one.state.name() == name).count();
    let all = audit(&fixture, 1.0).await;
    assert_eq!((all.len(), state(&all, "sound")), (60, 60));
    let none = audit(&fixture, 0.0).await;
    assert_eq!((none.len(), state(&none, "present")), (60, 60));
    // That a half of sixty is none or all has a chance of one in 2^59.
    let half = audit(&fixture, 0.5).await;
    assert!((1..60).contains(&state(&half, "sound")));

    std::fs::remove_file(fixture.folder.path().join("sessions/2026/11/20/s0011.jsonl.gz")).unwrap();
    std::fs::write(fixture.folder.path().join("sessions/2026/11/20/s0012.jsonl.gz"), "shorter").unwrap();
    std::fs::write(fixture.folder.path().join("sessions/2026/11/20/stray.jsonl.gz"), "stray").unwrap();
    std::fs::write(fixture.folder.path().join("sessions/2026/11/20/notes.txt"), "not ours").unwrap();
    std::fs::write(fixture.folder.path().join("README"), "beside the sessions").unwrap();
    let bad: Vec<_> = audit(&fixture, 0.0).await.into_iter().filter(|one| !one.state.is_good()).collect();
    let bad: Vec<_> = bad.iter().map(|one| (one.key.rsplit('/').next().unwrap(), one.state.name())).collect();
    assert_eq!(
        bad,
        [
            ("notes.txt", "extra"),
            ("s0011.jsonl.gz", "missing"),
            ("s0012.jsonl.gz", "damaged"),
            ("stray.jsonl.gz", "extra"),
        ]
    );
}

#[tokio::test]
async fn an_audit_of_several_pages_of_both_sides_meets_every_key_once() {
    // A folder is listed a thousand names at a time, and names sort around the slash between folders.
    let fixture = archived("pages", 3).await;
    let day = fixture.folder.path().join("sessions/2026/11/20");
    for n in 0..2_300 {
        std::fs::write(day.join(format!("x{n:05}")), "").unwrap();
    }
    std::fs::create_dir_all(fixture.folder.path().join("sessions/2026/11-a")).unwrap();
    std::fs::write(fixture.folder.path().join("sessions/2026/11-a/f"), "").unwrap();
    let audited = audit(&fixture, 1.0).await;
    assert_eq!(audited.len(), 2_304);
    assert!(audited.is_sorted_by(|a, b| a.key < b.key));
    assert_eq!(audited.iter().filter(|one| one.state == ObjectState::Sound).count(), 3);
}

#[tokio::test]
async fn figures_say_what_is_archived_and_what_is_due() {
    let fixture = archived("figures", 5).await;
    store(&fixture.warehouse.owner, &records(vec![event("new", 0, 0)])).await;
    let status = fixture.archive.status().await.unwrap();
    assert_eq!((status.sessions, status.records, status.expired, status.leased), (5, 5, 0, 0));
    assert_eq!(status.due, 1);
    assert_eq!(status.due_since_ms, Some(crate::support::INGESTED_MS));
    assert!(status.bytes > status.compressed_bytes);
    assert_eq!(fixture.archive.latest(3).await.unwrap().len(), 3);
    let one = fixture.archive.archived(&tenant(), "s0001").await.unwrap().unwrap();
    assert!(fixture.archive.latest(100).await.unwrap().contains(&one));
}

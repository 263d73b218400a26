//! Whatever is killed, what was acknowledged is stored once.

use granary_load::oracle::{Plan, run};

/// Enough for every kind of fault to come up with this seed; the long run is `granary-load oracle`.
const KILLS: u64 = 8;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_killed_each_acknowledged_event_is_stored_and_rolled_up_once() {
    let dir = tempfile::tempdir().unwrap();
    let plan = Plan {
        granary: env!("CARGO_BIN_EXE_granary").into(),
        seed: 11,
        kills: KILLS,
        senders: 3,
        dir: dir.path().to_owned(),
        small_disk: None,
        engine_memory: Some("4GiB".to_owned()),
    };
    let outcome = run(&plan, |_, _| {}).await.unwrap();
    assert!(outcome.holds(), "{outcome:#?}");
    assert!(outcome.faults.granary_kills > 0 && outcome.faults.engine_kills > 0, "{outcome:#?}");
    assert!(outcome.verdict.acknowledged > 0 && outcome.verdict.repeated > 0, "{outcome:#?}");
}

//! Which sessions are archived, and when.

use std::time::{Duration, SystemTime};

use granary_archive::{Archive, ArchiveConfig};
use granary_model::{Attribute, Attributes, MetricKind, MetricPoint, Number, Span, SpanId, TraceId};
use granary_service::metrics::Registry;
use tokio_util::sync::CancellationToken;

use crate::support::{
    Fixture, INGESTED_MS, TIME, at_ms, event, folder_config, records, store, store_at, tenant,
};

const SECOND_MS: i64 = 1_000;

fn span(session: &str) -> Span {
    Span {
        trace_id: TraceId([1; 16]),
        span_id: SpanId([2; 8]),
        start_time_unix_nano: TIME,
        end_time_unix_nano: TIME,
        attributes: Attributes::new(vec![Attribute::new("session.id", session)]),
        ..Span::default()
    }
}

fn point(session: &str) -> MetricPoint {
    MetricPoint {
        name: "claude_code.session.count".into(),
        description: "".into(),
        unit: "".into(),
        attributes: Attributes::new(vec![Attribute::new("session.id", session)]),
        start_time_unix_nano: 0,
        time_unix_nano: TIME,
        flags: 0,
        kind: MetricKind::Gauge { value: Some(Number::Int(1)) },
        exemplars: vec![],
    }
}

#[tokio::test]
async fn a_session_is_due_once_nothing_has_arrived_for_the_quiet_time() {
    let fixture = Fixture::new("quiet").await;
    store(&fixture.warehouse.owner, &records(vec![event("a", 0, 0), event("b", 0, 0)])).await;
    store_at(&fixture.warehouse.owner, "acme", INGESTED_MS + SECOND_MS, &records(vec![event("b", 9, 1)]))
        .await;
    store(&fixture.warehouse.owner, &records(vec![event("", 0, 0)])).await;

    let due = async |after: Duration| {
        let due = fixture.archive.due(at_ms(INGESTED_MS) + after).await.unwrap();
        due.into_iter().map(|due| format!("{} {}", due.tenant, due.session)).collect::<Vec<_>>()
    };
    assert_eq!(due(Duration::from_mins(30)).await, Vec::<String>::new());
    assert_eq!(due(Duration::from_mins(30) + Duration::from_millis(1)).await, ["default a", "default b"]);
    assert_eq!(due(Duration::from_hours(1)).await, ["default a", "default b", "acme b"]);
}

#[tokio::test]
async fn a_session_without_any_log_record_is_due_too() {
    let fixture = Fixture::new("no_logs").await;
    store(&fixture.warehouse.owner, &records(vec![span("spans")])).await;
    store(&fixture.warehouse.owner, &records(vec![point("points")])).await;
    assert_eq!(fixture.due().await, ["points", "spans"]);
    for session in ["points", "spans"] {
        fixture.archive.archive_session(&tenant(), session).await.unwrap();
    }
    assert_eq!(fixture.due().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_late_record_of_any_signal_makes_an_archived_session_due_again() {
    let fixture = Fixture::new("late").await;
    let owner = &fixture.warehouse.owner;
    store(owner, &records(vec![event("s", 0, 0)])).await;
    let mut contents = Vec::new();
    for step in 0..4 {
        assert_eq!(fixture.due().await, ["s"], "before archiving {step}");
        contents.push(fixture.archive.archive_session(&tenant(), "s").await.unwrap().contents);
        assert_eq!(fixture.due().await, Vec::<String>::new(), "after archiving {step}");
        let late = INGESTED_MS + SECOND_MS * (step + 1);
        match step {
            0 => store_at(owner, "default", late, &records(vec![event("s", 1, 1)])).await,
            1 => store_at(owner, "default", late, &records(vec![span("s")])).await,
            _ => store_at(owner, "default", late, &records(vec![point("s")])).await,
        }
    }
    let counts: Vec<_> = contents.iter().map(|c| (c.logs, c.spans, c.metric_points)).collect();
    assert_eq!(counts, [(1, 0, 0), (2, 0, 0), (2, 1, 0), (2, 1, 1)]);
    assert_eq!(fixture.objects().len(), 1);
}

#[tokio::test]
async fn a_record_stored_late_under_an_early_time_of_arrival_makes_its_session_due_again() {
    let fixture = Fixture::new("backlog").await;
    store(&fixture.warehouse.owner, &records(vec![event("s", 0, 0)])).await;
    fixture.archive.archive_session(&tenant(), "s").await.unwrap();
    store_at(&fixture.warehouse.owner, "default", INGESTED_MS - SECOND_MS, &records(vec![event("s", 1, 1)]))
        .await;
    assert_eq!(fixture.due().await, ["s"]);
}

/// Waits until the sessions are archived, however many passes that takes.
pub(crate) async fn until_archived(archive: &Archive, sessions: &[&str]) {
    let all_archived = async {
        for session in sessions {
            while archive.archived(&tenant(), session).await.unwrap().is_none() {
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), all_archived).await.unwrap();
}

#[tokio::test]
async fn the_loop_archives_what_is_due_and_ends_when_told_to() {
    let fixture = Fixture::new("loop").await;
    let config = ArchiveConfig { interval: Duration::from_millis(20), ..folder_config(&fixture.folder) };
    let archive = Archive::open(&config, fixture.warehouse.owner.clone()).await.unwrap();
    let now_ms =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis().try_into().unwrap();
    let sessions = ["s0", "s1", "s2", "s3", "s4", "s5"];
    let quiet_ms = now_ms - 31 * 60 * SECOND_MS;
    let quiet = records(sessions.map(|session| event(session, 0, 0)).to_vec());
    store_at(&fixture.warehouse.owner, "default", quiet_ms, &quiet).await;
    store_at(&fixture.warehouse.owner, "default", now_ms, &records(vec![event("busy", 0, 0)])).await;

    let stop = CancellationToken::new();
    let role = tokio::spawn({
        let (archive, stop) = (archive.clone(), stop.clone());
        async move { archive.run(&Registry::default(), stop).await }
    });
    until_archived(&archive, &sessions).await;
    // A session that falls quiet while the loop runs is found by a later pass.
    store_at(&fixture.warehouse.owner, "default", quiet_ms, &records(vec![event("later", 0, 0)])).await;
    until_archived(&archive, &["later"]).await;
    stop.cancel();
    role.await.unwrap();
    assert_eq!(archive.archived(&tenant(), "busy").await.unwrap(), None);
    assert_eq!(fixture.objects().len(), 7);
}

#[tokio::test]
async fn two_loops_at_once_leave_what_one_leaves() {
    let fixture = Fixture::new("two_loops").await;
    store(&fixture.warehouse.owner, &records((0..40).map(|second| event("s", second, 0)).collect())).await;
    let tenant = tenant();
    let archived = (0..4).map(|_| fixture.archive.archive_session(&tenant, "s"));
    let archived = futures::future::join_all(archived).await;
    let archived: Vec<_> = archived.into_iter().map(Result::unwrap).collect();
    assert!(archived.iter().all(|one| *one == archived[0]));
    assert_eq!(fixture.objects().len(), 1);
    fixture.archive.verify_session(&tenant, "s").await.unwrap();
    assert_eq!(fixture.due().await, Vec::<String>::new());
}

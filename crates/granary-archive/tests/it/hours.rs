//! A session is archived in whole wherever in time its records are, though a pass looks at some hours alone.

use std::time::{Duration, SystemTime};

use granary_archive::{Archive, ArchiveConfig, Pass};
use granary_model::{Attribute, Attributes, LogRecord, Span, SpanId, TraceId};
use granary_service::metrics::Registry;
use tokio_util::sync::CancellationToken;

use crate::due::until_archived;
use crate::support::{Fixture, INGESTED_MS, TIME, event, folder_config, records, store, store_at, tenant};

const DAY: u64 = 24 * 3_600;

fn span(session: &str, second: u64) -> Span {
    Span {
        trace_id: TraceId([1; 16]),
        span_id: SpanId(second.to_be_bytes()),
        start_time_unix_nano: TIME + second * 1_000_000_000,
        end_time_unix_nano: TIME + second * 1_000_000_000,
        attributes: Attributes::new(vec![Attribute::new("session.id", session)]),
        ..Span::default()
    }
}

fn events(session: &str, seconds: impl IntoIterator<Item = u64>) -> Vec<LogRecord> {
    seconds.into_iter().zip(0..).map(|(second, sequence)| event(session, second, sequence)).collect()
}

/// What a pass archived is what there is, and what is archived without regard to hours.
async fn are_whole(fixture: &Fixture, sessions: &[(&str, u64, u64)]) {
    for (session, logs, spans) in sessions {
        let archived = fixture.archive.archived(&tenant(), session).await.unwrap().unwrap();
        assert_eq!((archived.contents.logs, archived.contents.spans), (*logs, *spans), "{session}");
        let again = fixture.archive.archive_session(&tenant(), session).await.unwrap();
        assert_eq!(again.contents, archived.contents, "{session}");
    }
}

async fn pass(fixture: &Fixture) -> Pass {
    fixture.archive.run_once(CancellationToken::new()).await.unwrap()
}

#[tokio::test]
async fn a_pass_takes_sessions_in_whole_whatever_their_days() {
    let fixture = Fixture::new("hours").await;
    let owner = &fixture.warehouse.owner;
    let mut logs = events("an hour", (0..40).map(|n| n * 90));
    logs.extend(events("days apart", [0, DAY - 1, 20 * DAY, 47 * DAY]));
    logs.extend(events("many", (0..700).map(|n| n * 7)));
    logs.extend(events("many, days apart", (0..700).map(|n| n * 900)));
    store(owner, &records(logs)).await;
    let mut spans = vec![span("days apart", 10 * DAY), span("spans", 5 * DAY), span("spans", 90 * DAY)];
    spans.extend((0..600).map(|n| span("many", n * 8)));
    store(owner, &records(spans)).await;

    assert_eq!(pass(&fixture).await, Pass { archived: 5, ..Pass::default() });
    let expected =
        [("an hour", 40, 0), ("days apart", 4, 1), ("many", 700, 600), ("many, days apart", 700, 0)];
    are_whole(&fixture, &expected).await;
    are_whole(&fixture, &[("spans", 0, 2)]).await;
    assert_eq!(pass(&fixture).await, Pass::default());
}

#[tokio::test]
async fn records_that_come_late_from_far_away_are_in_the_next_object() {
    let fixture = Fixture::new("hours_late").await;
    let owner = &fixture.warehouse.owner;
    store(owner, &records(events("s", [100 * DAY, 100 * DAY + 60]))).await;
    assert_eq!(pass(&fixture).await.archived, 1);
    store_at(owner, "default", INGESTED_MS + 1, &records(vec![span("s", 0)])).await;
    store_at(owner, "default", INGESTED_MS + 2, &records(events("s", [200 * DAY]))).await;
    assert_eq!(pass(&fixture).await.archived, 1);
    are_whole(&fixture, &[("s", 3, 1)]).await;
}

#[tokio::test]
async fn times_that_no_hour_of_a_key_tells_apart_are_archived_with_the_others() {
    let fixture = Fixture::new("hours_wild").await;
    let owner = &fixture.warehouse.owner;
    store(owner, &records(events("s", [0, 60]))).await;
    // Times as only a writer of tables can have them, and as a broken clock has.
    for (time, id) in [("1931-05-01 00:30:00", 1), ("1969-12-31 23:59:59", 2), ("2200-01-01 00:00:00", 3)] {
        let sql = format!(
            "INSERT INTO otel_logs (Timestamp, SessionId, AgentEvent, EventId, IngestedAt) \
             VALUES ('{time}', 's', 'api_request', {id}, fromUnixTimestamp64Milli({INGESTED_MS}))"
        );
        owner.execute(&sql).await.unwrap();
    }
    assert_eq!(pass(&fixture).await.archived, 1);
    are_whole(&fixture, &[("s", 5, 0)]).await;
    assert_eq!(pass(&fixture).await, Pass::default());
}

#[tokio::test]
async fn a_record_far_from_what_a_pass_knows_of_is_archived_when_all_sessions_are_looked_at() {
    let fixture = Fixture::new("hours_far").await;
    let owner = &fixture.warehouse.owner;
    let config = ArchiveConfig {
        quiet: Duration::ZERO,
        interval: Duration::from_millis(20),
        ..folder_config(&fixture.folder)
    };
    let archive = Archive::open(&config, owner.clone()).await.unwrap();
    let stop = CancellationToken::new();
    let role = tokio::spawn({
        let (archive, stop) = (archive.clone(), stop.clone());
        async move { archive.run(&Registry::default(), stop).await }
    });
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    let minutes_ago = |minutes: i64| i64::try_from(now).unwrap() - minutes * 60_000;
    // The first pass looks at all sessions, and the ones after it at what arrived within the last ten minutes.
    store_at(owner, "default", minutes_ago(1), &records(events("first", [0]))).await;
    until_archived(&archive, &["first"]).await;
    store_at(owner, "default", minutes_ago(120), &records(vec![span("s", 0)])).await;
    store_at(owner, "default", minutes_ago(1), &records(events("s", [90 * DAY]))).await;
    until_archived(&archive, &["s"]).await;
    stop.cancel();
    role.await.unwrap();
    let archived = fixture.archive.archived(&tenant(), "s").await.unwrap().unwrap().contents;
    assert_eq!((archived.logs, archived.spans), (1, 0), "the span is neither new nor near");

    assert_eq!(archive.run_once(CancellationToken::new()).await.unwrap().archived, 1);
    are_whole(&fixture, &[("s", 1, 1)]).await;
}

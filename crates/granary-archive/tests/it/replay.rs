//! A session played: from either source, from any time on, and let go of at once.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use granary_archive::{Archive, ReplayOptions, Speed};
use granary_clickhouse::Warehouse;
use granary_model::{MetricKind, MetricPoint, Number, Signal, Span, SpanId};

use crate::support::{Fixture, SESSION, TIME, event, records, store, tenant};

const SECOND: u64 = 1_000_000_000;

/// Ids and signals of what is played.
async fn played(archive: &Archive, options: ReplayOptions) -> Vec<(String, Signal)> {
    let options = ReplayOptions { speed: Speed::MAX, ..options };
    let replay = archive.replay(&tenant(), SESSION, options).await.unwrap();
    let events = replay.into_stream().map_ok(|event| (event.id.to_string(), event.signal));
    events.try_collect().await.unwrap()
}

fn point(second: u64) -> MetricPoint {
    MetricPoint {
        name: "claude_code.token.usage".into(),
        description: "".into(),
        unit: "".into(),
        attributes: event(SESSION, second, 0).attributes,
        start_time_unix_nano: 0,
        time_unix_nano: TIME + second * SECOND,
        flags: 0,
        kind: MetricKind::Gauge { value: Some(Number::Int(1)) },
        exemplars: vec![],
    }
}

fn span(second: u64) -> Span {
    Span {
        span_id: SpanId((second + 1).to_be_bytes()),
        name: "claude_code.interaction".to_owned(),
        start_time_unix_nano: TIME + second * SECOND,
        end_time_unix_nano: TIME + second * SECOND + 5,
        attributes: event(SESSION, second, 0).attributes,
        ..Span::default()
    }
}

/// A burst, a pause of weeks, some events hours apart, and a second that has more events than a page; with spans
/// before the first and a point behind the last of them.
async fn store_uneven(fixture: &Fixture) -> usize {
    const WEEKS: u64 = 3 * 7 * 86_400;
    let mut events: Vec<_> = (0..2_000).map(|n| event(SESSION, 100 + n / 50, n.cast_signed())).collect();
    events.extend((0..40).map(|n| event(SESSION, WEEKS + n * 7_200, n.cast_signed())));
    events.extend((0..2_500).map(|n| event(SESSION, 2 * WEEKS, n)));
    let owner = &fixture.warehouse.owner;
    let stored = events.len() + 4;
    store(owner, &records(events)).await;
    store(owner, &records(vec![span(0), span(90), span(WEEKS)])).await;
    store(owner, &records(vec![point(3 * WEEKS)])).await;
    stored
}

#[tokio::test]
async fn a_session_of_bursts_and_pauses_is_played_whole_from_either_source() {
    let fixture = Fixture::new("uneven").await;
    let stored = store_uneven(&fixture).await;
    let from_warehouse = played(&fixture.archive, ReplayOptions::default()).await;
    assert_eq!(from_warehouse.len(), stored);
    let mut ids: Vec<_> = from_warehouse.iter().map(|(id, _)| id.parse().unwrap()).collect();
    assert!(ids.is_sorted_by(|one, next: &granary_archive::ReplayCursor| one < next));
    ids.dedup();
    assert_eq!(ids.len(), stored);

    // What is known of the session beforehand decides how it is looked for, not what is found.
    fixture.warehouse.owner.execute("TRUNCATE TABLE sessions").await.unwrap();
    assert!(played(&fixture.archive, ReplayOptions::default()).await == from_warehouse);
    let wrong = "INSERT INTO sessions (TenantId, Day, SessionId, Start, End, Events) SELECT TenantId, toDate(max(Timestamp)), SessionId, \
                 max(Timestamp) - 1, max(Timestamp), 90000 FROM otel_logs GROUP BY TenantId, SessionId";
    fixture.warehouse.owner.execute(wrong).await.unwrap();
    assert!(played(&fixture.archive, ReplayOptions::default()).await == from_warehouse);

    fixture.archive.archive_session(&tenant(), SESSION).await.unwrap();
    assert!(played(&fixture.archive, ReplayOptions::default()).await == from_warehouse, "from the object");
}

#[tokio::test]
async fn a_part_of_a_session_is_what_a_whole_replay_has_there() {
    let fixture = Fixture::new("parts").await;
    store_uneven(&fixture).await;
    let whole = played(&fixture.archive, ReplayOptions::default()).await;
    let time = |at: usize| whole[at].0.split_once('-').unwrap().0.parse::<u64>().unwrap();
    for archived in [false, true] {
        if archived {
            fixture.archive.archive_session(&tenant(), SESSION).await.unwrap();
            // From the object, too, once the warehouse has lost something.
            fixture.warehouse.owner.execute("TRUNCATE TABLE otel_logs").await.unwrap();
        }
        for at in [0, 777, 2_020, 4_000, whole.len() - 1] {
            let behind =
                ReplayOptions { after: Some(whole[at].0.parse().unwrap()), ..ReplayOptions::default() };
            assert!(
                played(&fixture.archive, behind).await == whole[at + 1..],
                "behind {at}, archived: {archived}"
            );
            let (from, to) = (Some(time(at)), Some(time(at) + 3 * SECOND));
            let part = ReplayOptions { from, to, ..ReplayOptions::default() };
            let expected: Vec<_> =
                whole.iter().enumerate().filter(|(n, _)| (from..to).contains(&Some(time(*n)))).collect();
            let played = played(&fixture.archive, part).await;
            assert!(
                played.iter().eq(expected.iter().map(|(_, event)| *event)),
                "from {at}, archived: {archived}"
            );
        }
        let signals = vec![Signal::Traces, Signal::Metrics];
        let some = ReplayOptions { signals: signals.clone(), ..ReplayOptions::default() };
        let expected: Vec<_> = whole.iter().filter(|(_, signal)| signals.contains(signal)).cloned().collect();
        assert_eq!(played(&fixture.archive, some).await, expected);
    }
}

#[tokio::test]
async fn beyond_the_end_of_a_session_there_is_nothing_and_of_an_unknown_one_that_is_said() {
    let fixture = Fixture::new("beyond").await;
    store(&fixture.warehouse.owner, &records(vec![event(SESSION, 0, 0)])).await;
    let late = ReplayOptions { from: Some(TIME + SECOND), ..ReplayOptions::default() };
    assert_eq!(played(&fixture.archive, late.clone()).await, []);
    let never = ReplayOptions { from: Some(u64::MAX), ..ReplayOptions::default() };
    assert_eq!(played(&fixture.archive, never).await, []);
    for options in [late, ReplayOptions::default()] {
        let unknown = fixture.archive.replay(&tenant(), "nobody", options).await.err().unwrap();
        assert_eq!(unknown.to_string(), "session nobody is neither in the warehouse nor in the archive");
    }
}

#[tokio::test]
async fn a_replay_is_paused_sped_up_and_moved_and_what_is_passed_over_is_not_waited_for() {
    let fixture = Fixture::new("player").await;
    let events = [0, 60, 3_600, 7_200, 7_260].map(|second| event(SESSION, second, 0));
    store(&fixture.warehouse.owner, &records(events.to_vec())).await;
    let mut replay = fixture.archive.replay(&tenant(), SESSION, ReplayOptions::default()).await.unwrap();
    tokio::time::pause();
    let begin = tokio::time::Instant::now();
    let second_of =
        |event: Option<granary_archive::ReplayEvent>| (event.unwrap().id.time_unix_nano - TIME) / SECOND;
    assert_eq!(second_of(replay.next().await.unwrap()), 0);
    assert_eq!(second_of(replay.next().await.unwrap()), 60);
    assert_eq!(begin.elapsed().as_secs(), 60);

    tokio::time::resume();
    replay.seek(TIME + 7_100 * SECOND).await.unwrap();
    tokio::time::pause();
    let moved = tokio::time::Instant::now();
    assert_eq!(second_of(replay.next().await.unwrap()), 7_200);
    assert_eq!(moved.elapsed().as_secs(), 0, "the hours between were not waited for");
    replay.pause();
    assert!(tokio::time::timeout(Duration::from_hours(9), replay.next()).await.is_err());
    replay.set_speed("10".parse().unwrap());
    replay.resume();
    assert_eq!(second_of(replay.next().await.unwrap()), 7_260);
    assert_eq!(moved.elapsed().as_secs(), 9 * 3_600 + 6);

    tokio::time::resume();
    replay.seek(0).await.unwrap();
    assert_eq!(second_of(replay.next().await.unwrap()), 0, "back to the beginning, also after the end");
}

#[tokio::test]
async fn a_user_who_may_only_read_can_replay() {
    let fixture = Fixture::new("reader").await;
    store(&fixture.warehouse.owner, &records(vec![event(SESSION, 0, 0), event(SESSION, 60, 1)])).await;
    let reader = Warehouse::new(&fixture.warehouse.reader_config);
    let config = crate::support::folder_config(&fixture.folder);
    let archive = Archive::open(&config, reader).await.unwrap();
    let count = async || {
        let replay = archive.replay(&tenant(), SESSION, ReplayOptions::at_once()).await.unwrap();
        replay.into_stream().count().await
    };
    assert_eq!(count().await, 2, "from the warehouse");
    fixture.archive.archive_session(&tenant(), SESSION).await.unwrap();
    assert_eq!(count().await, 2, "from the object");
}

#[tokio::test]
async fn a_replay_keeps_the_pace_and_each_event_is_one_flat_object() {
    let fixture = Fixture::new("replay").await;
    let mut first = event(SESSION, 0, 0);
    first.attributes = granary_model::Attributes::new(
        [
            ("prompt.id", "p1".into()),
            ("cost_usd", 0.25.into()),
            ("tags", granary_model::Value::Array(vec![1.into()])),
        ]
        .into_iter()
        .map(|(key, value): (&str, granary_model::Value)| granary_model::Attribute::new(key, value))
        .chain(first.attributes.clone().into_entries())
        .collect(),
    );
    store(&fixture.warehouse.owner, &records(vec![first, event(SESSION, 3_600, 1)])).await;
    fixture.archive.archive_session(&tenant(), SESSION).await.unwrap();
    let options = ReplayOptions { speed: "60".parse().unwrap(), ..ReplayOptions::default() };
    // The pace counts from a moment between these two.
    let before = tokio::time::Instant::now();
    let mut replay = fixture.archive.replay(&tenant(), SESSION, options).await.unwrap();

    tokio::time::pause();
    let begin = tokio::time::Instant::now();
    let first = replay.next().await.unwrap().unwrap();
    assert_eq!((first.id.to_string(), first.name.as_str()), (format!("{TIME}-0"), "api_request"));
    assert_eq!(
        first.json,
        format!(
            r#"{{"time":"2026-11-20T09:06:45.000000000Z","signal":"logs","name":"api_request","session":"{SESSION}","prompt":"p1","team":"platform","service":"claude-code","body":"claude_code.api_request","attributes":{{"cost_usd":0.25,"event.name":"api_request","event.sequence":0,"prompt.id":"p1","session.id":"{SESSION}","tags":[1]}}}}"#
        )
    );
    assert!(begin.elapsed() < Duration::from_secs(1));
    let second = replay.next().await.unwrap().unwrap();
    assert_eq!(second.id.time_unix_nano, TIME + 3_600_000_000_000);
    let minute = Duration::from_mins(1);
    assert!(before.elapsed() >= minute, "{:?}", before.elapsed());
    // Timers go by whole milliseconds.
    assert!(begin.elapsed() <= minute + Duration::from_millis(1), "{:?}", begin.elapsed());
    assert_eq!(replay.next().await.unwrap(), None);
}

#[tokio::test]
async fn a_reader_that_goes_away_while_a_statement_runs_ends_it() {
    let fixture = Fixture::new("goes_away").await;
    store(&fixture.warehouse.owner, &records(vec![event(SESSION, 0, 0)])).await;
    // A table that takes its time.
    let slow = format!(
        "INSERT INTO other_rows (TenantId, SessionId, TimeUnix) SELECT 'default', '{SESSION}', now64(9)"
    );
    for statement in [
        "RENAME TABLE otel_metrics_summary TO other_rows",
        &slow,
        "CREATE VIEW otel_metrics_summary AS SELECT rows.* FROM numbers(1000000000000) AS many CROSS JOIN other_rows AS rows \
         WHERE cityHash64(many.number) = 1",
    ] {
        fixture.warehouse.owner.execute(statement).await.unwrap();
    }
    let running = async || {
        let running = "SELECT count() FROM system.processes WHERE query LIKE '%otel_metrics_summary%' \
                       AND current_database = currentDatabase() AND query NOT LIKE '%system.processes%'";
        fixture.warehouse.owner.query(running).fetch_one::<u64>().await.unwrap() > 0
    };
    let archive = fixture.archive.clone();
    let reader =
        tokio::spawn(
            async move { archive.replay(&tenant(), SESSION, ReplayOptions::at_once()).await.map(drop) },
        );
    until(async || running().await).await;
    reader.abort();
    assert!(reader.await.unwrap_err().is_cancelled());
    until(async || !running().await).await;
}

#[tokio::test]
async fn a_reader_that_goes_away_lets_go_of_the_object() {
    let fixture = Fixture::new("lets_go").await;
    // More than is read at a time, also when it is compressed.
    let large = |n| {
        let body: String = (0..300).map(|_| uuid::Uuid::new_v4().to_string()).collect();
        granary_model::LogRecord { body: body.into(), ..event(SESSION, n, 0) }
    };
    store(&fixture.warehouse.owner, &records((0..200).map(large).collect())).await;
    fixture.archive.archive_session(&tenant(), SESSION).await.unwrap();
    fixture.warehouse.owner.execute("TRUNCATE TABLE otel_logs").await.unwrap();
    let [object] = fixture.objects().try_into().unwrap();
    let is_open = || {
        let open = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        open.filter_map(|entry| std::fs::read_link(entry.path()).ok()).any(|path| path == object)
    };
    let mut replay = fixture.archive.replay(&tenant(), SESSION, ReplayOptions::default()).await.unwrap();
    assert!(replay.next().await.unwrap().is_some());
    assert!(is_open());
    drop(replay);
    // A file is closed by the thread that reads it.
    until(async || !is_open()).await;
}

/// Asks again until it holds; fails if it does not within two minutes.
async fn until(holds: impl AsyncFn() -> bool) {
    let again = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        while !holds().await {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(2), again).await.expect("it holds in the end");
}

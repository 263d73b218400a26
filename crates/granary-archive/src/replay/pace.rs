//! When each event of a replay is due.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;
use tokio::time::Instant;

use super::event::flatten;
use super::{ReplayEvent, ReplayOptions};
use crate::{ArchiveError, EventInfo, LineKind, LineStream, ReplayStream};

/// Longer than anyone waits, and short enough to be added to any moment.
const LONGEST_WAIT: Duration = Duration::from_hours(24 * 365);

/// Gives each event when it is due. A reader that falls behind gets what it has missed at once, and the rest
/// on time; while nobody asks, nothing is read and nothing waits.
pub(crate) fn pace(lines: LineStream, session: String, options: ReplayOptions) -> ReplayStream {
    let replay = Replay { lines, session, options, played: 0, last: None };
    stream::try_unfold(
        replay,
        |mut replay| async move { Ok(replay.next().await?.map(|event| (event, replay))) },
    )
    .boxed()
}

struct Replay {
    lines: LineStream,
    session: String,
    options: ReplayOptions,
    played: u64,
    /// The last event's own time, and when it was due.
    last: Option<(u64, Instant)>,
}

impl Replay {
    async fn next(&mut self) -> Result<Option<ReplayEvent>, ArchiveError> {
        while let Some(line) = self.lines.next().await {
            let line = line?;
            let LineKind::Event(info) = line.kind else { continue };
            self.wait_for(info).await;
            self.played += 1;
            let event = flatten(self.played, info, &line.json);
            return event
                .map(Some)
                .map_err(|problem| ArchiveError::Row { session: self.session.clone(), problem });
        }
        Ok(None)
    }

    async fn wait_for(&mut self, info: EventInfo) {
        let due = match self.last {
            None => Instant::now(),
            Some((time, due)) => due + self.wait(info.time_unix_nano.saturating_sub(time)),
        };
        self.last = Some((info.time_unix_nano, due));
        tokio::time::sleep_until(due).await;
    }

    fn wait(&self, gap_nanos: u64) -> Duration {
        let Some(factor) = self.options.speed.as_factor() else { return Duration::ZERO };
        let wait = Duration::from_nanos(gap_nanos).div_f64(factor);
        wait.min(self.options.max_gap.unwrap_or(LONGEST_WAIT)).min(LONGEST_WAIT)
    }
}

#[cfg(test)]
mod tests {
    use granary_model::Signal;

    use super::*;
    use crate::{ArchiveLine, Speed};

    const SECOND: u64 = 1_000_000_000;

    fn line(second: u64) -> ArchiveLine {
        let info = EventInfo { signal: Signal::Logs, time_unix_nano: second * SECOND, ingested_at_ms: 0 };
        ArchiveLine { kind: LineKind::Event(info), json: "{}".to_owned() }
    }

    /// Plays events that happened at the given seconds; returns at which millisecond each came.
    async fn play(seconds: &[u64], options: ReplayOptions) -> Vec<u128> {
        let lines: Vec<_> = seconds.iter().map(|second| Ok(line(*second))).collect();
        let begin = Instant::now();
        let replay = pace(stream::iter(lines).boxed(), "s".to_owned(), options);
        replay.map(|event| event.map(|_| begin.elapsed().as_millis()).unwrap()).collect().await
    }

    fn at(speed: &str) -> ReplayOptions {
        ReplayOptions { speed: speed.parse().unwrap(), max_gap: None }
    }

    #[tokio::test(start_paused = true)]
    async fn events_come_as_far_apart_as_they_happened_divided_by_the_speed() {
        assert_eq!(play(&[100, 101, 101, 161], at("1")).await, [0, 1_000, 1_000, 61_000]);
        assert_eq!(play(&[100, 101, 101, 161], at("10")).await, [0, 100, 100, 6_100]);
        assert_eq!(play(&[100, 101], at("0.1")).await, [0, 10_000]);
        assert_eq!(play(&[0, 4_000_000_000], at("max")).await, [0, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn no_wait_is_longer_than_the_longest_gap_at_any_speed() {
        for (speed, second) in [("1", 1_000), ("10", 100)] {
            let options = ReplayOptions { max_gap: Some(Duration::from_secs(5)), ..at(speed) };
            assert_eq!(play(&[0, 1, 8_000], options).await, [0, second, second + 5_000]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_falls_behind_is_caught_up_with() {
        let lines = [0, 10, 20, 30].map(|second| Ok(line(second)));
        let mut replay = pace(stream::iter(lines).boxed(), "s".to_owned(), at("1"));
        let begin = Instant::now();
        replay.next().await.unwrap().unwrap();
        tokio::time::advance(Duration::from_secs(25)).await;
        let mut came = Vec::new();
        while let Some(event) = replay.next().await {
            came.push((event.unwrap().id, begin.elapsed().as_secs()));
        }
        assert_eq!(came, [(2, 25), (3, 25), (4, 30)]);
    }

    #[tokio::test]
    async fn events_are_counted_from_one_and_keep_their_own_times() {
        let lines = [5, 7].map(|second| Ok(line(second)));
        let options = ReplayOptions { speed: Speed::MAX, max_gap: None };
        let replay = pace(stream::iter(lines).boxed(), "s".to_owned(), options);
        let events: Vec<_> =
            replay.map(|event| event.map(|e| (e.id, e.time_unix_nano)).unwrap()).collect().await;
        assert_eq!(events, [(1, 5 * SECOND), (2, 7 * SECOND)]);
    }
}

//! When each event of a replay is due, while its speed changes and it is held.
//!
//! Each event is due so long after the one before it was due, not after it was taken: a reader that falls behind is
//! caught up with. A pause moves that moment by its length, and a change of speed leaves of a wait the share that is
//! left.

use std::time::Duration;

use tokio::time::Instant;

use super::Speed;

/// Longer than anyone waits, and short enough to be added to any moment.
const LONGEST_WAIT: Duration = Duration::from_hours(24 * 365);

/// The clock of a replay.
#[derive(Debug)]
pub(super) struct Pace {
    speed: Speed,
    max_gap: Option<Duration>,
    /// The time of the event that was given last; none before the first.
    last: Option<u64>,
    /// From here on the wait for the next event counts.
    since: Instant,
    /// How much of that wait was over by then, from 0 to 1.
    waited: f64,
    paused: Option<Instant>,
}

impl Pace {
    pub(super) fn new(speed: Speed, max_gap: Option<Duration>) -> Self {
        Self { speed, max_gap, last: None, since: Instant::now(), waited: 0.0, paused: None }
    }

    /// When an event of that time is due, if it is the next; `None` while the replay is held.
    pub(super) fn due(&self, time: u64) -> Option<Instant> {
        self.paused.is_none().then(|| self.due_unless_paused(time))
    }

    fn due_unless_paused(&self, time: u64) -> Instant {
        self.since + self.wait(time).mul_f64(1.0 - self.waited)
    }

    /// An event of that time was given.
    pub(super) fn given(&mut self, time: u64) {
        self.since = self.due_unless_paused(time);
        self.waited = 0.0;
        self.last = Some(time);
    }

    /// The next event is due at once.
    pub(super) fn restart(&mut self) {
        let now = Instant::now();
        *self = Self { last: None, since: now, waited: 0.0, paused: self.paused.map(|_| now), ..*self };
    }

    pub(super) fn speed(&self) -> Speed {
        self.speed
    }

    /// Changes the speed while an event of that time is waited for, if one is.
    pub(super) fn set_speed(&mut self, speed: Speed, next: Option<u64>) {
        if let Some(time) = next {
            let now = self.paused.unwrap_or_else(Instant::now);
            let due = self.due_unless_paused(time);
            if due <= now {
                (self.since, self.waited) = (due, 1.0);
            } else {
                let left = (due - now).div_duration_f64(self.wait(time));
                (self.since, self.waited) = (now, 1.0 - left.clamp(0.0, 1.0));
            }
        }
        self.speed = speed;
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    pub(super) fn pause(&mut self) {
        self.paused.get_or_insert_with(Instant::now);
    }

    pub(super) fn resume(&mut self) {
        if let Some(paused) = self.paused.take() {
            self.since += paused.elapsed();
        }
    }

    /// How long the wait for an event of that time is in all.
    fn wait(&self, time: u64) -> Duration {
        let (Some(last), Some(factor)) = (self.last, self.speed.as_factor()) else { return Duration::ZERO };
        let wait = Duration::from_nanos(time.saturating_sub(last)).div_f64(factor);
        wait.min(self.max_gap.unwrap_or(LONGEST_WAIT)).min(LONGEST_WAIT)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn pace(speed: &str) -> Pace {
        Pace::new(speed.parse().unwrap(), None)
    }

    /// Waits for an event and gives it; the milliseconds since `begin` at which it came.
    async fn play(pace: &mut Pace, begin: Instant, second: u64) -> u128 {
        tokio::time::sleep_until(pace.due(second * SECOND).unwrap()).await;
        pace.given(second * SECOND);
        begin.elapsed().as_millis()
    }

    /// Plays events that happened at the given seconds; at which millisecond each came.
    async fn played(mut pace: Pace, seconds: &[u64]) -> Vec<u128> {
        let begin = Instant::now();
        let mut came = Vec::new();
        for second in seconds {
            came.push(play(&mut pace, begin, *second).await);
        }
        came
    }

    #[tokio::test(start_paused = true)]
    async fn events_come_as_far_apart_as_they_happened_divided_by_the_speed() {
        assert_eq!(played(pace("1"), &[100, 101, 101, 161]).await, [0, 1_000, 1_000, 61_000]);
        assert_eq!(played(pace("10"), &[100, 101, 101, 161]).await, [0, 100, 100, 6_100]);
        assert_eq!(played(pace("0.1"), &[100, 101]).await, [0, 10_000]);
        assert_eq!(played(pace("max"), &[0, 4_000_000_000]).await, [0, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn no_wait_is_longer_than_the_longest_gap_at_any_speed() {
        for (speed, second) in [("1", 1_000), ("10", 100)] {
            let pace = Pace::new(speed.parse().unwrap(), Some(Duration::from_secs(5)));
            assert_eq!(played(pace, &[0, 1, 8_000]).await, [0, second, second + 5_000]);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_falls_behind_is_caught_up_with() {
        let (mut pace, begin) = (pace("1"), Instant::now());
        play(&mut pace, begin, 0).await;
        advance(Duration::from_secs(25)).await;
        let mut came = Vec::new();
        for second in [10, 20, 30] {
            came.push(play(&mut pace, begin, second).await / 1_000);
        }
        assert_eq!(came, [25, 25, 30]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_puts_everything_off_by_its_length_wherever_in_a_wait_it_falls() {
        let (mut pace, begin) = (pace("1"), Instant::now());
        play(&mut pace, begin, 0).await;
        advance(Duration::from_secs(4)).await;
        pace.pause();
        assert_eq!(pace.due(10 * SECOND), None);
        advance(Duration::from_secs(100)).await;
        pace.pause();
        pace.resume();
        assert_eq!(play(&mut pace, begin, 10).await, 110_000);
        assert_eq!(play(&mut pace, begin, 20).await, 120_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_of_speed_leaves_the_share_of_the_wait_that_is_left() {
        let (mut pace, begin) = (pace("1"), Instant::now());
        play(&mut pace, begin, 0).await;
        advance(Duration::from_secs(5)).await;
        pace.set_speed("10".parse().unwrap(), Some(10 * SECOND));
        assert_eq!(play(&mut pace, begin, 10).await, 5_500, "half of the wait is left, at a tenth");
        assert_eq!(play(&mut pace, begin, 20).await, 6_500);
        pace.pause();
        pace.set_speed("0.5".parse().unwrap(), Some(30 * SECOND));
        advance(Duration::from_secs(60)).await;
        pace.resume();
        assert_eq!(
            play(&mut pace, begin, 30).await,
            86_500,
            "changed while held, before any of it was waited"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_of_speed_does_not_take_back_what_is_due() {
        let (mut pace, begin) = (pace("1"), Instant::now());
        play(&mut pace, begin, 0).await;
        advance(Duration::from_secs(15)).await;
        pace.set_speed("0.1".parse().unwrap(), Some(10 * SECOND));
        assert_eq!(play(&mut pace, begin, 10).await, 15_000);
        assert_eq!(play(&mut pace, begin, 11).await, 20_000, "ten seconds after the one before was due");
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_restart_the_next_is_due_at_once_unless_the_replay_is_held() {
        let (mut pace, begin) = (pace("1"), Instant::now());
        play(&mut pace, begin, 0).await;
        pace.restart();
        assert_eq!(play(&mut pace, begin, 5_000).await, 0);
        pace.pause();
        pace.restart();
        assert_eq!(pace.due(0), None);
        advance(Duration::from_secs(3)).await;
        pace.resume();
        assert_eq!(play(&mut pace, begin, 0).await, 3_000);
    }
}

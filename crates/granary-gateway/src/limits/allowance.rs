//! What one account, one tenant, or all of them together may still do.

use std::num::NonZeroU32;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::budget::{Budget, Standing};

/// The bounds of an account, of a tenant or of all; 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Bounds {
    pub(crate) requests_per_second: u32,
    /// At least one where there is a rate.
    pub(crate) burst: u32,
    pub(crate) rows_per_hour: u64,
    pub(crate) bytes_per_hour: u64,
}

impl Bounds {
    /// How long it takes until a whole burst is back.
    pub(crate) fn request_window(&self) -> Duration {
        Duration::from_secs(u64::from(self.burst.div_ceil(self.requests_per_second.max(1)).max(1)))
    }
}

/// What is left after a request was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Requests {
    pub(crate) left: u32,
    /// Until everything is back, or after a refusal, until one more may come.
    pub(crate) back_in: Duration,
    pub(crate) is_refused: bool,
}

/// The state of those bounds.
#[derive(Debug)]
pub(crate) struct Allowance {
    pub(crate) bounds: Bounds,
    requests: Option<RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>>,
    clock: DefaultClock,
    pub(crate) rows: Budget,
    pub(crate) bytes: Budget,
    used: Mutex<Instant>,
}

impl Allowance {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let clock = DefaultClock::default();
        let requests = NonZeroU32::new(bounds.requests_per_second).map(|per_second| {
            let burst = NonZeroU32::new(bounds.burst).unwrap_or(NonZeroU32::MIN);
            let quota = Quota::per_second(per_second).allow_burst(burst);
            RateLimiter::direct_with_clock(quota, clock.clone()).with_middleware()
        });
        Self {
            bounds,
            requests,
            clock,
            rows: Budget::new(bounds.rows_per_hour),
            bytes: Budget::new(bounds.bytes_per_hour),
            used: Mutex::new(Instant::now()),
        }
    }

    /// The same under other bounds: what was read stays owed, requests begin anew.
    pub(crate) fn rebound(&self, bounds: Bounds) -> Self {
        Self {
            rows: self.rows.carried_over(bounds.rows_per_hour),
            bytes: self.bytes.carried_over(bounds.bytes_per_hour),
            ..Self::new(bounds)
        }
    }

    /// Counts a request; `None` where requests have no bound.
    pub(crate) fn count_request(&self) -> Option<Requests> {
        let requests = self.requests.as_ref()?;
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        Some(match requests.check() {
            Ok(state) => {
                let left = state.remaining_burst_capacity();
                let used = self.bounds.burst.saturating_sub(left);
                let seconds = used.div_ceil(self.bounds.requests_per_second.max(1)).max(1);
                Requests { left, back_in: Duration::from_secs(seconds.into()), is_refused: false }
            }
            Err(until) => {
                let wait = until.wait_time_from(self.clock.now());
                Requests { left: 0, back_in: wait, is_refused: true }
            }
        })
    }

    /// The budgets that there are, each with its name.
    pub(crate) fn budgets(&self) -> impl Iterator<Item = (&'static str, Standing)> {
        let named = [("rows", &self.rows), ("bytes", &self.bytes)];
        named.into_iter().filter_map(|(name, budget)| Some((name, budget.standing()?)))
    }

    /// Whether it is as one that was never used.
    pub(crate) fn is_whole(&self) -> bool {
        let used = *self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.elapsed() > self.bounds.request_window() && self.rows.is_whole() && self.bytes.is_whole()
    }
}

//! How often a caller may ask, and how it learns what is left of its allowance.
//!
//! The headers are those of the IETF's draft on rate limits: `RateLimit-Policy` says how many requests a window
//! of seconds holds, `RateLimit` how many are left and in how many seconds all are back.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Extension;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::caller::{Account, Caller};
use crate::problem::Problem;
use crate::router::GatewayState;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// After so many requests the accounts that have their whole allowance again are forgotten, which bounds
/// how many are kept: no more than that, and those used within one window.
const FORGET_EVERY: u32 = 1_024;

type Limiter =
    RateLimiter<Account, DefaultKeyedStateStore<Account>, DefaultClock, StateInformationMiddleware>;

/// Every caller's allowance.
#[derive(Debug)]
pub(crate) struct Allowances {
    limiter: Limiter,
    clock: DefaultClock,
    requests: AtomicU32,
    per_second: NonZeroU32,
    burst: NonZeroU32,
}

/// What is left after a request was counted.
#[derive(Debug, PartialEq, Eq)]
struct Allowance {
    left: u32,
    /// Until everything is back, or after a refusal, until one more may come.
    seconds: u64,
    refused: bool,
}

impl Allowances {
    pub(crate) fn new(per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        let clock = DefaultClock::default();
        let quota = Quota::per_second(per_second).allow_burst(burst);
        let limiter = Limiter::new(quota, DefaultKeyedStateStore::default(), clock.clone());
        Self { limiter, clock, requests: AtomicU32::new(0), per_second, burst }
    }

    /// Counts something that costs what a request does.
    ///
    /// # Errors
    ///
    /// Nothing is left of the allowance; until when.
    pub(crate) fn take(&self, account: &Account) -> Result<(), Duration> {
        let allowance = self.count(account);
        if allowance.refused { Err(Duration::from_secs(allowance.seconds)) } else { Ok(()) }
    }

    fn count(&self, account: &Account) -> Allowance {
        if self.requests.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.limiter.retain_recent();
        }
        match self.limiter.check_key(account) {
            Ok(state) => {
                let left = state.remaining_burst_capacity();
                let used = self.burst.get().saturating_sub(left);
                Allowance { left, seconds: self.seconds_for(used), refused: false }
            }
            Err(until) => {
                let wait = until.wait_time_from(self.clock.now());
                Allowance { left: 0, seconds: whole_seconds(wait), refused: true }
            }
        }
    }

    fn seconds_for(&self, requests: u32) -> u64 {
        u64::from(requests.div_ceil(self.per_second.get()).max(1))
    }

    fn write_headers(&self, allowance: &Allowance, headers: &mut HeaderMap) {
        let window = self.seconds_for(self.burst.get());
        let policy = format!("\"caller\";q={};w={window}", self.burst);
        let left = format!("\"caller\";r={};t={}", allowance.left, allowance.seconds);
        for (name, value) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, left)] {
            headers.extend(HeaderValue::try_from(value).ok().map(|value| (name, value)));
        }
    }
}

/// Counts a request against its caller's allowance and refuses it with 429 where nothing is left.
pub(crate) async fn within_allowance(
    State(state): State<GatewayState>,
    Extension(caller): Extension<Caller>,
    request: Request,
    next: Next,
) -> Response {
    let allowance = state.allowances.count(caller.account());
    let mut response = if allowance.refused {
        Problem::too_many_requests(Duration::from_secs(allowance.seconds)).into_response()
    } else {
        next.run(request).await
    };
    state.allowances.write_headers(&allowance, response.headers_mut());
    response
}

/// In whole seconds, rounded up, since whoever comes back a little early is refused again.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    (duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowances(per_second: u32, burst: u32) -> Allowances {
        Allowances::new(NonZeroU32::new(per_second).unwrap(), NonZeroU32::new(burst).unwrap())
    }

    #[test]
    fn an_allowance_shrinks_and_then_refuses_and_others_have_their_own() {
        let allowances = allowances(1, 2);
        let local = || allowances.count(&Account::Local);
        assert_eq!(local(), Allowance { left: 1, seconds: 1, refused: false });
        assert_eq!(local(), Allowance { left: 0, seconds: 2, refused: false });
        assert_eq!(local(), Allowance { left: 0, seconds: 1, refused: true });
        assert!(!allowances.count(&Account::Host([192, 0, 2, 1].into())).refused);
    }

    #[test]
    fn the_headers_tell_the_policy_and_what_is_left() {
        let allowances = allowances(3, 10);
        let mut headers = HeaderMap::new();
        allowances.write_headers(&allowances.count(&Account::Local), &mut headers);
        assert_eq!(headers["ratelimit-policy"], "\"caller\";q=10;w=4");
        assert_eq!(headers["ratelimit"], "\"caller\";r=9;t=1");
    }

    #[test]
    fn accounts_that_are_whole_again_are_forgotten() {
        let allowances = allowances(1_000_000, 1);
        for host in 0..FORGET_EVERY * 3 {
            allowances.count(&Account::Host(std::net::Ipv4Addr::from_bits(host).into()));
        }
        assert!(allowances.limiter.len() <= 2 * FORGET_EVERY as usize, "{}", allowances.limiter.len());
    }
}

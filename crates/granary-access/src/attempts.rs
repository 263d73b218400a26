//! How often a host may show what is not taken.
//!
//! A secret of ours is 256 random bits, which no number of attempts finds; what is bounded is the noise and the
//! work. So whoever shows something that is good is let in, however many wrong ones came from the same host: behind
//! a proxy everybody is one host, and one broken client would lock out all of them.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::host::host_of;

/// Wrong credentials that a host may show at once after a pause, and in each minute in the long run.
const PER_MINUTE: NonZeroU32 = NonZeroU32::new(30).unwrap();

/// After so many failures the hosts that have their whole allowance again are forgotten, which bounds how many
/// are kept.
const FORGET_EVERY: u32 = 1024;

/// The failures of each host.
#[derive(Debug)]
pub(crate) struct Attempts {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
    failures: AtomicU32,
}

impl Attempts {
    pub(crate) fn new() -> Self {
        let limiter = RateLimiter::keyed(Quota::per_minute(PER_MINUTE));
        Self { limiter, clock: DefaultClock::default(), failures: AtomicU32::new(0) }
    }

    /// Counts a failure.
    ///
    /// # Errors
    ///
    /// The host has had more than it may; how long until one more is told what is wrong.
    pub(crate) fn count_failure(&self, host: IpAddr) -> Result<(), Duration> {
        if self.failures.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&host_of(host)).map_err(|until| until.wait_time_from(self.clock.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_its_failures_and_another_has_its_own() {
        let attempts = Attempts::new();
        let host = |address: &str| address.parse::<IpAddr>().unwrap();
        let allowed = (0..100).filter(|_| attempts.count_failure(host("192.0.2.1")).is_ok()).count();
        assert_eq!(allowed, PER_MINUTE.get() as usize);
        assert_eq!(attempts.count_failure(host("192.0.2.2")), Ok(()));
    }
}

//! How much a key may send: requests and bytes, each a bucket that refills steadily.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// Bytes are counted in cells of so many, a part of one as a whole. A cell as small as a byte would have the
/// refill of large rates below the nanosecond that the limiter counts in.
const CELL_BYTES: u64 = 256;

/// What a key's limits come to, once the settings have filled in what the key leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// 0 is any number.
    pub(crate) requests_per_second: u32,
    /// 0 is any number.
    pub(crate) bytes_per_second: u64,
    pub(crate) burst: Duration,
    /// However small the burst, so many bytes may come at once: otherwise a body of that size never could.
    pub(crate) largest_body: u64,
}

/// The buckets of one key.
#[derive(Debug)]
pub(crate) struct Allowance {
    limits: Limits,
    clock: DefaultClock,
    requests: Option<DefaultDirectRateLimiter>,
    bytes: Option<DefaultDirectRateLimiter>,
}

impl Allowance {
    pub(crate) fn new(limits: Limits) -> Self {
        let Limits { requests_per_second, bytes_per_second, burst, largest_body } = limits;
        let requests = bucket(u64::from(requests_per_second), burst, 1);
        let cells = bytes_per_second.div_ceil(CELL_BYTES);
        let bytes = bucket(cells, burst, largest_body.div_ceil(CELL_BYTES));
        Self { limits, clock: DefaultClock::default(), requests, bytes }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Takes one request.
    ///
    /// # Errors
    ///
    /// There is none left; when there will be.
    pub(crate) fn take_request(&self) -> Result<(), Duration> {
        let Some(requests) = &self.requests else { return Ok(()) };
        requests.check().map_err(|until| until.wait_time_from(self.clock.now()))
    }

    /// Takes the bytes of a body, which is not larger than the largest one.
    ///
    /// # Errors
    ///
    /// There are not so many left; when there will be.
    pub(crate) fn take_bytes(&self, bytes: u64) -> Result<(), Duration> {
        let cells = u32::try_from(bytes.div_ceil(CELL_BYTES)).unwrap_or(u32::MAX);
        let (Some(bucket), Some(cells)) = (&self.bytes, NonZeroU32::new(cells)) else { return Ok(()) };
        match bucket.check_n(cells) {
            Ok(within) => within.map_err(|until| until.wait_time_from(self.clock.now())),
            // More than the bucket holds, which bodies within their limit are not.
            Err(_) => Err(self.limits.burst),
        }
    }
}

/// A bucket that holds what comes in during the burst, and no less than that.
fn bucket(per_second: u64, burst: Duration, least: u64) -> Option<DefaultDirectRateLimiter> {
    let whole = |number: u64| NonZeroU32::new(u32::try_from(number).unwrap_or(u32::MAX));
    let at_once = u64::try_from(u128::from(per_second) * burst.as_millis() / 1000).unwrap_or(u64::MAX);
    let quota = Quota::per_second(whole(per_second)?).allow_burst(whole(at_once.max(least))?);
    Some(RateLimiter::direct(quota))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        requests_per_second: 2,
        bytes_per_second: 10_000,
        burst: Duration::from_secs(3),
        largest_body: 1_000_000,
    };

    #[test]
    fn requests_come_at_once_as_the_burst_allows_and_then_at_the_rate() {
        let allowance = Allowance::new(LIMITS);
        let taken = (0..10).take_while(|_| allowance.take_request().is_ok()).count();
        assert_eq!(taken, 6);
        let wait = allowance.take_request().unwrap_err();
        assert!(wait <= Duration::from_millis(500), "{wait:?}");
    }

    #[test]
    fn the_largest_body_is_taken_however_small_the_rate_and_the_next_one_waits_for_it() {
        let allowance = Allowance::new(LIMITS);
        assert_eq!(allowance.take_bytes(LIMITS.largest_body), Ok(()));
        let wait = allowance.take_bytes(LIMITS.largest_body).unwrap_err();
        assert!(wait > Duration::from_secs(90) && wait < Duration::from_secs(101), "{wait:?}");
    }

    #[test]
    fn a_limit_of_zero_is_none() {
        let allowance = Allowance::new(Limits { requests_per_second: 0, bytes_per_second: 0, ..LIMITS });
        assert!(
            (0..1000).all(|_| allowance.take_request().is_ok() && allowance.take_bytes(u64::MAX).is_ok())
        );
    }

    #[test]
    fn a_large_rate_is_met_within_two_percent() {
        let allowance = Allowance::new(Limits { bytes_per_second: 1 << 30, ..LIMITS });
        let burst = 3_u64 << 30;
        let taken = (0..4096).take_while(|_| allowance.take_bytes(1 << 20).is_ok()).count() as u64;
        assert!(taken << 20 >= burst && taken << 20 < burst + burst / 50, "{taken}");
    }
}

//! Which partition a record belongs to, and whether its clock can be believed.
//!
//! The tables are partitioned by month. A block holds rows of one month, so an insert makes one part and a client
//! whose clock has gone wild spoils nobody's batch. A time that cannot be is kept and marked; those rows are
//! gathered by year, so that however wild the clock, there are at most 293 blocks of them.

use std::time::Duration;

/// Where a record goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// `YYYYMM`; `YYYY00` where the time is out of range.
    pub(crate) partition: u32,
    pub(crate) time_out_of_range: bool,
}

/// Which times can be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Believable {
    from: u64,
    to: u64,
}

impl Believable {
    /// From `age` before `now` to `ahead` after it.
    pub(crate) fn around(now_unix_nano: u64, age: Duration, ahead: Duration) -> Self {
        let nanos = |duration: Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self {
            from: now_unix_nano.saturating_sub(nanos(age)),
            to: now_unix_nano.saturating_add(nanos(ahead)),
        }
    }

    /// Where a record of this time goes.
    pub(crate) fn place(self, unix_nano: u64) -> Place {
        let (year, month) = month_of(unix_nano);
        let time_out_of_range = unix_nano < self.from || unix_nano > self.to;
        Place { partition: year * 100 + if time_out_of_range { 0 } else { month }, time_out_of_range }
    }
}

/// Year and month (1 to 12) in UTC.
///
/// The days are counted from 1 March 0000 in eras of 400 years, so that a leap day is the last of its year.
fn month_of(unix_nano: u64) -> (u32, u32) {
    const DAY: u64 = 86_400 * 1_000_000_000;
    const TO_1970: u64 = 719_468;
    const ERA: u64 = 146_097;
    let days = unix_nano / DAY + TO_1970;
    let (era, day) = (days / ERA, days % ERA);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let (year, month) = match month {
        0..=9 => (year + era * 400, month + 3),
        _ => (year + era * 400 + 1, month - 9),
    };
    // A time in nanoseconds ends in the year 2554.
    (u32::try_from(year).unwrap_or_default(), u32::try_from(month).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn months_turn_where_the_calendar_says() {
        for (unix_seconds, month) in [
            (0, (1970, 1)),
            (951_782_399, (2000, 2)),
            (951_868_799, (2000, 2)),
            (951_868_800, (2000, 3)),
            (1_767_225_599, (2025, 12)),
            (1_767_225_600, (2026, 1)),
            (9_223_372_036, (2262, 4)),
        ] {
            assert_eq!(month_of(unix_seconds * SECOND), month, "{unix_seconds}");
        }
        assert_eq!(month_of(u64::MAX), (2554, 7));
    }

    #[test]
    fn a_wild_clock_is_marked_and_gathered_by_year() {
        let now = 1_767_225_600 * SECOND;
        let times = Believable::around(now, Duration::from_hours(24 * 366), Duration::from_hours(24));
        assert_eq!(times.place(now), Place { partition: 202_601, time_out_of_range: false });
        assert_eq!(times.place(0), Place { partition: 197_000, time_out_of_range: true });
        let ahead = now + 25 * 3600 * SECOND;
        assert_eq!(times.place(ahead), Place { partition: 202_600, time_out_of_range: true });
        assert!(!times.place(now - 365 * 86_400 * SECOND).time_out_of_range);
    }
}

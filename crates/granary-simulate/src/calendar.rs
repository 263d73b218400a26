//! When do people work, and how is a moment written?

use crate::dice::Dice;

/// Nanoseconds in a millisecond, the precision the agents stamp events with.
pub(crate) const MILLISECOND: u64 = 1_000_000;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// How busy each hour of a working day is, as a share of the busiest.
const HOURS: [f64; 24] = [
    0.02, 0.01, 0.01, 0.01, 0.01, 0.02, 0.05, 0.2, 0.55, 0.95, 1.0, 1.0, 0.55, 0.75, 1.0, 1.0, 0.95, 0.75,
    0.35, 0.18, 0.16, 0.14, 0.08, 0.04,
];

/// How busy a day of the weekend is, as a share of a working day.
const WEEKEND: f64 = 0.07;

/// How often a moment nobody works at is thrown away before it is taken all the same.
const PATIENCE: usize = 200;

/// Returns a moment of the window, in milliseconds, at which somebody at this offset from UTC is likely to work.
pub(crate) fn working_moment(dice: &mut Dice, from_ms: u64, to_ms: u64, utc_offset_minutes: i64) -> u64 {
    let last = to_ms.saturating_sub(1).max(from_ms);
    let mut moment = dice.between(from_ms, last);
    for _ in 0..PATIENCE {
        if dice.chance(busyness(moment, utc_offset_minutes)) {
            break;
        }
        moment = dice.between(from_ms, last);
    }
    moment
}

/// Returns how likely somebody at this offset works at the moment, from 0 to 1.
fn busyness(unix_ms: u64, utc_offset_minutes: i64) -> f64 {
    let local_ms = unix_ms.saturating_add_signed(utc_offset_minutes * 60_000);
    let hour = (local_ms % DAY_MS) / (60 * 60 * 1000);
    // 1970-01-01 was a Thursday.
    let weekday = (local_ms / DAY_MS + 3) % 7;
    let day = if weekday >= 5 { WEEKEND } else { 1.0 };
    HOURS[usize::try_from(hour).unwrap_or(0)] * day
}

/// Returns the moment as the agents write it: ISO 8601, milliseconds, UTC.
pub(crate) fn timestamp(unix_nano: u64) -> String {
    let mut text = [0; 24];
    write_timestamp(&mut text, unix_nano);
    text.iter().map(|&byte| char::from(byte)).collect()
}

/// Writes the moment as [`timestamp`] does, into a place that is there already.
pub(crate) fn write_timestamp(text: &mut [u8; 24], unix_nano: u64) {
    let unix_ms = unix_nano / MILLISECOND;
    let (year, month, day) = civil_date(unix_ms / DAY_MS);
    let of_day = unix_ms % DAY_MS;
    *text = *b"0000-00-00T00:00:00.000Z";
    for (at, digits, value) in [
        (0, 4, year),
        (5, 2, month),
        (8, 2, day),
        (11, 2, of_day / 3_600_000),
        (14, 2, of_day / 60_000 % 60),
        (17, 2, of_day / 1000 % 60),
        (20, 3, of_day % 1000),
    ] {
        let mut left = value;
        for place in (at..at + digits).rev() {
            text[place] = b"0123456789"[(left % 10) as usize];
            left /= 10;
        }
    }
}

/// Returns year, month and day of a day counted from 1970-01-01.
///
/// Counts in years that begin in March, so that the leap day comes last.
fn civil_date(days: u64) -> (u64, u64, u64) {
    const DAYS_OF_400_YEARS: u64 = 146_097;
    /// From 0000-03-01 to 1970-01-01.
    const EPOCH: u64 = 719_468;
    let days = days + EPOCH;
    let era = days / DAYS_OF_400_YEARS;
    let of_era = days % DAYS_OF_400_YEARS;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_as_the_capture_writes_it() {
        assert_eq!(timestamp(1_795_165_697_446_000_000), "2026-11-20T09:08:17.446Z");
        assert_eq!(timestamp(951_782_400_000_000_000), "2000-02-29T00:00:00.000Z");
        assert_eq!(timestamp(4_107_542_399_999_000_000), "2100-02-28T23:59:59.999Z");
    }

    #[test]
    fn people_work_by_day_and_in_the_week() {
        // 2026-11-16 was a Monday.
        let (from, to) = (1_794_787_200_000, 1_794_787_200_000 + 7 * DAY_MS);
        let mut dice = Dice::new(5);
        let moments: Vec<u64> = (0..2000).map(|_| working_moment(&mut dice, from, to, 60)).collect();
        let by_day =
            moments.iter().filter(|&&moment| (7..18).contains(&(moment % DAY_MS / 3_600_000))).count();
        let weekend = moments.iter().filter(|&&moment| moment >= from + 5 * DAY_MS).count();
        assert!(by_day > 1_700, "{by_day}");
        assert!(weekend < 120, "{weekend}");
    }
}

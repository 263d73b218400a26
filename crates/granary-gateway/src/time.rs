//! Moments as a caller writes them: RFC 3339, `now`, or so long before now.

use jiff::{SignedDuration, Timestamp};

/// What may stand where a moment is asked for.
pub(crate) const EXPECTED: &str = "a time such as 2026-11-20T09:00:00Z (RFC 3339, a + in it written as %2B), now, or \
                                   a number of s, m, h, d or w before now such as -24h";

/// The bounds of ClickHouse's `DateTime`, which the rollups' hours are; beyond them it wraps around.
const EARLIEST: Timestamp = Timestamp::UNIX_EPOCH;
const LATEST: i64 = u32::MAX as i64;

/// Reads a moment.
pub(crate) fn parse(text: &str, now: Timestamp) -> Option<Timestamp> {
    let time = match text {
        "now" => now,
        _ => match parse_span(text) {
            Some(span) => before(now, span),
            None => text.parse().ok()?,
        },
    };
    (EARLIEST <= time && time.as_second() <= LATEST).then_some(time)
}

/// Reads `-24h` and the like as the span it names.
pub(crate) fn parse_span(text: &str) -> Option<SignedDuration> {
    let text = text.strip_prefix('-')?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return None,
    };
    digits.parse::<i64>().ok()?.checked_mul(seconds).map(SignedDuration::from_secs)
}

/// So long before a moment, but not before the earliest there is.
pub(crate) fn before(time: Timestamp, span: SignedDuration) -> Timestamp {
    time.checked_sub(span).map_or(EARLIEST, |time| time.max(EARLIEST))
}

/// As the server reads a `DateTime64(9, 'UTC')`.
pub(crate) fn for_sql(time: Timestamp) -> String {
    format!("{}.{:09}", time.strftime("%Y-%m-%d %H:%M:%S"), time.subsec_nanosecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        parse(text, "2026-11-20T10:30:00.5Z".parse().unwrap()).map(for_sql)
    }

    #[test]
    fn a_moment_is_absolute_or_so_long_before_now() {
        assert_eq!(read("now").unwrap(), "2026-11-20 10:30:00.500000000");
        assert_eq!(read("-90s").unwrap(), "2026-11-20 10:28:30.500000000");
        assert_eq!(read("-24h").unwrap(), "2026-11-19 10:30:00.500000000");
        assert_eq!(read("-2w").unwrap(), read("-14d").unwrap());
        assert_eq!(read("2026-11-20T09:00:00.123456789+02:00").unwrap(), "2026-11-20 07:00:00.123456789");
    }

    #[test]
    fn before_the_earliest_moment_relative_times_stop_and_absolute_ones_are_refused() {
        assert_eq!(read("-99999999d").unwrap(), "1970-01-01 00:00:00.000000000");
        assert_eq!(read("1969-12-31T23:59:59Z"), None);
        assert_eq!(read("2106-02-07T06:28:15Z").unwrap(), "2106-02-07 06:28:15.000000000");
        assert_eq!(read("2106-02-07T06:28:16Z"), None);
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "-",
            "-h",
            "24h",
            "+24h",
            "-1.5h",
            "--1h",
            "-1y",
            "-1é",
            "yesterday",
            "2026-11-20",
            "1700000000",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read("-99999999999999999999h"), None);
    }
}

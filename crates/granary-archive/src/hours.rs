//! Between which hours a session's rows are, so that a statement looks there and nowhere else.
//!
//! A session's id says nothing of where its rows are: without the hours, which stand before it in the tables' keys, the server looks
//! through an index of all rows that there are. For 64 sessions in 100 million rows of logs that is 2.3 seconds, and 0.12
//! with the hours of their day; in a warehouse of years sessions would come faster than they could be archived.
//!
//! Whoever is in doubt looks everywhere: a time that a key cannot tell apart, or none at all, has no hours.

use granary_clickhouse::Query;

const HOUR: i64 = 3_600 * 1_000_000_000;

/// The end of the hours that a table's key can tell apart: a key has the hour as a `DateTime`, which goes from 1970 to 2106,
/// and a time beyond that has one of those, too.
const LAST_HOUR: i64 = 4_294_965_600 * 1_000_000_000;

/// Hours, as the times at which they begin and end, in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hours {
    pub(crate) first: i64,
    pub(crate) last: i64,
}

impl Hours {
    /// What lies between two times. Where hours begin is the server's time zone's business, so they are wide enough for any.
    pub(crate) fn between(first: i64, last: i64) -> Option<Self> {
        (0 <= first && first <= last && last < LAST_HOUR).then_some(Self { first, last })
    }

    /// And an hour before and after: the clocks of what sends a session's logs and its spans are not quite the same.
    pub(crate) fn around(first: i64, last: i64) -> Option<Self> {
        let hours = Self::between(first, last)?;
        Self::between(hours.first.saturating_sub(HOUR).max(0), hours.last.saturating_add(HOUR))
    }
}

/// The condition that a row of a table is within the bound hours; nothing where there are none.
pub(crate) fn within(hours: Option<Hours>, time: &str) -> String {
    match hours {
        None => String::new(),
        Some(_) => format!(
            " AND toStartOfHour({time}) > fromUnixTimestamp64Nano({{first_hour:Int64}}) - toIntervalHour(1) \
             AND toStartOfHour({time}) <= fromUnixTimestamp64Nano({{last_hour:Int64}})"
        ),
    }
}

/// Binds what [`within`] means.
pub(crate) fn bind(query: Query, hours: Option<Hours>) -> Query {
    match hours {
        None => query,
        Some(Hours { first, last }) => query.param("first_hour", first).param("last_hour", last),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_that_a_key_cannot_tell_apart_have_no_hours() {
        assert_eq!(Hours::between(0, HOUR), Some(Hours { first: 0, last: HOUR }));
        for (first, last) in [(-1, HOUR), (0, LAST_HOUR), (i64::MIN, i64::MAX), (HOUR, 0)] {
            assert_eq!(Hours::between(first, last), None, "{first} to {last}");
        }
    }

    #[test]
    fn around_is_an_hour_more_on_either_side_as_far_as_there_are_hours() {
        assert_eq!(Hours::around(HOUR, 2 * HOUR), Some(Hours { first: 0, last: 3 * HOUR }));
        assert_eq!(Hours::around(5, 6), Some(Hours { first: 0, last: HOUR + 6 }));
        assert_eq!(Hours::around(0, LAST_HOUR - 1), None);
    }
}

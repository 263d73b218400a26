//! Where in a session an event is: its time, and how many events of the same time come before it.
//!
//! That is enough to go on behind it without reading what comes before it, and it stays true of an event when
//! others arrive late, unless they are of the very same nanosecond.

use std::fmt;
use std::str::FromStr;

/// An event's place in its session, as in `1795165605889000000-0`. Ordered as the events are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplayCursor {
    /// When it happened, in nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// How many events of the same time come before it, of whatever signal.
    pub nth: u32,
}

/// The text is no event's place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no event's id; one is like 1795165605889000000-0")]
pub struct CursorError {
    text: String,
}

impl ReplayCursor {
    /// The place of the next event, which has the given time, behind `before`.
    pub(super) fn following(before: Option<Self>, time_unix_nano: u64) -> Self {
        match before {
            Some(before) if before.time_unix_nano == time_unix_nano => {
                Self { nth: before.nth.saturating_add(1), ..before }
            }
            _ => Self { time_unix_nano, nth: 0 },
        }
    }
}

impl fmt::Display for ReplayCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.time_unix_nano, self.nth)
    }
}

impl FromStr for ReplayCursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let wrong = || CursorError { text: text.chars().take(80).collect() };
        let (time, nth) = text.split_once('-').ok_or_else(wrong)?;
        let (Ok(time_unix_nano), Ok(nth)) = (time.parse(), nth.parse()) else { return Err(wrong()) };
        Ok(Self { time_unix_nano, nth })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_one_time_are_counted_and_a_new_time_begins_anew() {
        let mut last = None;
        let ids: Vec<_> = [5, 5, 5, 7, 7]
            .map(|time| {
                let cursor = ReplayCursor::following(last, time);
                last = Some(cursor);
                cursor.to_string()
            })
            .to_vec();
        assert_eq!(ids, ["5-0", "5-1", "5-2", "7-0", "7-1"]);
        let read: Vec<ReplayCursor> = ids.iter().map(|id| id.parse().unwrap()).collect();
        assert!(read.is_sorted());
    }

    #[test]
    fn anything_else_is_no_place() {
        for text in ["", "5", "-", "5-", "-1", "a-0", "5-0-0", "5-99999999999", "5.0-1"] {
            assert!(text.parse::<ReplayCursor>().is_err(), "{text}");
        }
    }
}

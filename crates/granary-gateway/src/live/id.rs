//! Which of the stored events one is.

use std::fmt;
use std::str::FromStr;

/// An event's insert and its place in that, as in `1795165605889-9e3779b97f4a7c15-0`; the same from every process. Ordered by
/// when the insert began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LiveId {
    /// When the insert began, by the server's clock, in milliseconds since 1970.
    pub stored_ms: i64,
    /// Tells inserts of the same moment apart.
    pub key: u64,
    /// How many of its tenant's events come before it in the insert.
    pub nth: u64,
}

/// The text is no stored event's id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no live event's id; one is like {EXAMPLE}")]
pub struct LiveIdError {
    text: String,
}

/// One, to be shown.
pub(crate) const EXAMPLE: &str = "1795165605889-9e3779b97f4a7c15-0";

/// What a `DateTime64(3)` cannot hold any more: the year 2300.
const END_OF_TIME_MS: i64 = 10_413_792_000_000;

impl fmt::Display for LiveId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:016x}-{}", self.stored_ms, self.key, self.nth)
    }
}

impl FromStr for LiveId {
    type Err = LiveIdError;

    fn from_str(text: &str) -> Result<Self, LiveIdError> {
        let read = || {
            let mut parts = text.split('-');
            let stored_ms =
                parts.next()?.parse().ok().filter(|millis| (0..END_OF_TIME_MS).contains(millis))?;
            let key = u64::from_str_radix(parts.next()?, 16).ok()?;
            let nth = parts.next()?.parse().ok()?;
            parts.next().is_none().then_some(Self { stored_ms, key, nth })
        };
        read().ok_or_else(|| LiveIdError { text: text.chars().take(80).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let id = LiveId { stored_ms: 1_795_165_605_889, key: 0x9e37_79b9_7f4a_7c15, nth: 0 };
        assert_eq!(id.to_string(), EXAMPLE);
        assert_eq!(EXAMPLE.parse(), Ok(id));
    }

    #[test]
    fn anything_else_is_none() {
        for text in ["", "1-2", "1-g-3", "1-2-3-4", "-1-2-3", "99999999999999-0-0", "1795165605889000000-0"] {
            assert!(text.parse::<LiveId>().is_err(), "{text}");
        }
    }
}

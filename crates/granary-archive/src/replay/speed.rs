//! The speed of a replay: a factor, or as fast as it goes.

use std::fmt;
use std::str::FromStr;

/// How much faster than it happened a session is replayed: 0.1 to 1000 times, or without any wait.
///
/// Read from text as in `10`, `10x`, `0.5` or `max`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed(Option<f64>);

/// The text or number is no speed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text} is no speed; it is a factor from 0.1 to 1000, or max")]
pub struct SpeedError {
    text: String,
}

impl Speed {
    /// As fast as the events can be read.
    pub const MAX: Self = Self(None);

    /// A factor from 0.1 to 1000.
    pub fn factor(factor: f64) -> Result<Self, SpeedError> {
        if (0.1..=1000.0).contains(&factor) {
            Ok(Self(Some(factor)))
        } else {
            Err(SpeedError { text: factor.to_string() })
        }
    }

    /// The factor; `None` is as fast as it goes.
    #[must_use]
    pub fn as_factor(self) -> Option<f64> {
        self.0
    }
}

impl Default for Speed {
    fn default() -> Self {
        Self(Some(1.0))
    }
}

impl FromStr for Speed {
    type Err = SpeedError;

    fn from_str(text: &str) -> Result<Self, SpeedError> {
        if text.eq_ignore_ascii_case("max") {
            return Ok(Self::MAX);
        }
        let number = text.strip_suffix(['x', 'X', '×']).unwrap_or(text);
        number
            .parse()
            .ok()
            .and_then(|factor| Self::factor(factor).ok())
            .ok_or_else(|| SpeedError { text: format!("{text:?}") })
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(factor) => write!(f, "{factor}x"),
            None => f.write_str("max"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_a_factor_within_bounds_or_max() {
        for (text, factor) in [("1", Some(1.0)), ("10x", Some(10.0)), ("0.1", Some(0.1)), ("Max", None)] {
            let speed: Speed = text.parse().unwrap();
            assert_eq!(speed.as_factor(), factor, "{text}");
            assert_eq!(speed.to_string().parse(), Ok(speed));
        }
        for text in ["0", "0.09", "1001", "-1", "nan", "inf", "", "x", "fast"] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
        assert_eq!(
            "9000".parse::<Speed>().unwrap_err().to_string(),
            r#""9000" is no speed; it is a factor from 0.1 to 1000, or max"#
        );
    }
}

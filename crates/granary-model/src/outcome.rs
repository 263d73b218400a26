//! The complete list of fates of a record.

use std::fmt;

/// Why a record was not stored although the request it came in was understood.
///
/// The names are metric labels and part of the answer to the sender; they do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// The record could not be read, although the request around it could.
    Malformed,
    /// A time that the tables cannot hold: after 2262-04-11T23:47:16Z.
    TimeOutOfRange,
    /// A trace or span id of the wrong length, or a span without one.
    InvalidId,
    /// More attributes than the limit.
    TooManyAttributes,
    /// A metric without a data point type that is known.
    UnknownMetricKind,
}

impl DropReason {
    /// All reasons, so that accounting can show the ones that did not happen.
    pub const ALL: [Self; 5] = [
        Self::Malformed,
        Self::TimeOutOfRange,
        Self::InvalidId,
        Self::TooManyAttributes,
        Self::UnknownMetricKind,
    ];

    /// The name as a metric label.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TimeOutOfRange => "time_out_of_range",
            Self::InvalidId => "invalid_id",
            Self::TooManyAttributes => "too_many_attributes",
            Self::UnknownMetricKind => "unknown_metric_kind",
        }
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Records left out of a request that was otherwise taken: counts by reason and the first detail of each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use = "records that are dropped without being counted are lost silently"]
pub struct Rejected {
    entries: Vec<(DropReason, u64, String)>,
}

impl Rejected {
    /// Counts one record; the detail of the first one with a reason is kept to tell the sender.
    ///
    /// The detail must not hold attribute values: it goes into answers and logs.
    pub fn add(&mut self, reason: DropReason, detail: impl Into<String>) {
        self.add_many(reason, 1, detail);
    }

    /// Counts several records that share a reason.
    pub fn add_many(&mut self, reason: DropReason, count: u64, detail: impl Into<String>) {
        if count == 0 {
            return;
        }
        match self.entries.iter_mut().find(|entry| entry.0 == reason) {
            Some(entry) => entry.1 += count,
            None => self.entries.push((reason, count, detail.into())),
        }
    }

    /// How many records were left out.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.entries.iter().map(|entry| entry.1).sum()
    }

    /// The reasons that happened, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        self.entries.iter().map(|(reason, count, _)| (*reason, *count))
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (reason, count, detail)) in self.entries.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{count} {reason}: {detail}")?;
        }
        Ok(())
    }
}

/// What became of a record that was received. Received is the sum of these, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It is in its table.
    Stored,
    /// It was left out, for this reason.
    Rejected(DropReason),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejections_add_up_by_reason_and_keep_the_first_detail() {
        let mut rejected = Rejected::default();
        rejected.add(DropReason::Malformed, "record 3: expected a string");
        rejected.add(DropReason::InvalidId, "record 4: trace id of 3 bytes");
        rejected.add(DropReason::Malformed, "record 9: expected a string");
        assert_eq!(rejected.total(), 3);
        assert_eq!(
            rejected.to_string(),
            "2 malformed: record 3: expected a string; 1 invalid_id: record 4: trace id of 3 bytes"
        );
    }
}

//! Where is a record, and which one is it?

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The number of a record, over the whole life of a log. Given once, never again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sequence(u64);

impl Sequence {
    /// The first record of a new log.
    pub const FIRST: Self = Self(1);

    /// The sequence with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The one after it, unless there is none.
    pub const fn checked_next(self) -> Option<Self> {
        match self.0.checked_add(1) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// `count` further, as far as there are numbers.
    pub(crate) const fn saturating_add(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }

    /// `count` back, as far as there are numbers.
    pub(crate) const fn saturating_sub(self, count: u64) -> Self {
        match self.0.saturating_sub(count) {
            0 => Self::FIRST,
            number => Self(number),
        }
    }

    /// How many numbers lie between `earlier` and this one; 0 if `earlier` is not earlier.
    pub(crate) const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Sequences that follow one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sequences {
    /// The first of them.
    pub first: Sequence,
    /// The one after the last of them.
    pub end: Sequence,
}

impl Sequences {
    /// From `first` up to, and without, `end`.
    pub const fn new(first: Sequence, end: Sequence) -> Self {
        Self { first, end }
    }

    /// How many there are.
    pub const fn count(self) -> u64 {
        self.end.since(self.first)
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.count() == 0
    }

    /// Whether `sequence` is one of them.
    pub fn contains(self, sequence: Sequence) -> bool {
        self.first <= sequence && sequence < self.end
    }
}

impl fmt::Display for Sequences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count() {
            0 => f.write_str("none"),
            1 => write!(f, "{}", self.first),
            count => write!(f, "{} to {} ({count})", self.first, self.end.get() - 1),
        }
    }
}

/// The number of a segment. Given once, never again; the file is named after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SegmentNumber(u64);

impl SegmentNumber {
    /// The first segment of a new log.
    pub const FIRST: Self = Self(1);

    /// The segment with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The one after it, as far as there are numbers: at one segment per microsecond, for half a million
    /// years.
    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The name of its file.
    pub fn file_name(self) -> String {
        format!("{:020}.wal", self.0)
    }

    /// The segment whose file has this name; `None` for any other name.
    pub fn from_file_name(name: &str) -> Option<Self> {
        let digits = name.strip_suffix(".wal")?;
        if digits.len() != 20 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        digits.parse().ok().filter(|number| *number != 0).map(Self)
    }
}

impl fmt::Display for SegmentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where a record begins. Ordered as the records are. As text: `12:4096`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Position {
    /// The segment.
    pub segment: SegmentNumber,
    /// The byte in its file at which the record's frame begins.
    pub offset: u64,
}

impl Position {
    /// This byte of this segment.
    pub const fn new(segment: SegmentNumber, offset: u64) -> Self {
        Self { segment, offset }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.segment, self.offset)
    }
}

impl From<Position> for String {
    fn from(position: Position) -> Self {
        position.to_string()
    }
}

impl TryFrom<String> for Position {
    type Error = ParsePositionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for Position {
    type Err = ParsePositionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ParsePositionError { text: text.to_owned() };
        let (segment, offset) = text.split_once(':').ok_or_else(wrong)?;
        let number = |digits: &str| {
            // `parse` would take a plus sign.
            if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
        };
        match (number(segment), number(offset)) {
            (Some(segment), Some(offset)) => Ok(Self::new(SegmentNumber(segment), offset)),
            _ => Err(wrong()),
        }
    }
}

/// A text is not a position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a position; one is written as segment and offset, like 12:4096")]
pub struct ParsePositionError {
    /// The text.
    pub text: String,
}

/// A place between two records: everything before it is behind, the next record comes at or after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Mark {
    /// Where the next record begins, if it is in the same segment; otherwise it is the first of a later one.
    pub position: Position,
    /// The least sequence the next record can have.
    pub sequence: Sequence,
}

impl Mark {
    /// Before the record with this sequence at this position.
    pub const fn new(position: Position, sequence: Sequence) -> Self {
        Self { position, sequence }
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.position, self.sequence)
    }
}

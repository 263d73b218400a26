//! What can be wrong with a log, and whether anything is lost by it.

use std::fmt;

use serde::Serialize;

use crate::position::{Mark, SegmentNumber, Sequence, Sequences};

/// Something that is not as a writer leaves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "problem", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Problem {
    /// Bytes of a segment are no records, though records were there.
    Damaged(Damage),
    /// A segment's header is gone, and with it the means to check its records.
    HeaderUnreadable {
        /// The segment.
        segment: SegmentNumber,
        /// The size of its file.
        bytes: u64,
        /// The records it had; an upper bound if it is the newest.
        missing: Vec<Missing>,
    },
    /// One of the two copies of a segment's header is gone. The other is used.
    HeaderCopyDamaged {
        /// The segment.
        segment: SegmentNumber,
    },
    /// Segments are not there.
    SegmentsMissing {
        /// The segment that should follow them.
        before: SegmentNumber,
        /// The records they had.
        missing: Vec<Missing>,
    },
    /// The newest segment ends in bytes that are no record, as after a crash during a write. They are passed
    /// over.
    TornTail {
        /// The segment.
        segment: SegmentNumber,
        /// Where the last record ends.
        from: u64,
        /// How many bytes follow.
        bytes: u64,
    },
    /// The checkpoint cannot be read; everything that is there counts as not confirmed.
    CheckpointDamaged {
        /// In which way.
        reason: String,
    },
    /// The checkpoint is behind the last record: what lay between was confirmed and is gone.
    CheckpointBeyondEnd {
        /// The checkpoint.
        checkpoint: Mark,
        /// The end of the log.
        end: Mark,
    },
    /// A file whose writing was cut short by a crash. Nothing was promised about its content; opening removes
    /// it.
    Unfinished {
        /// Its name.
        name: String,
    },
    /// A file that is none of the log's. It is left alone.
    Unknown {
        /// Its name.
        name: String,
    },
}

/// Bytes of a segment that are no records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// The segment.
    pub segment: SegmentNumber,
    /// The first of the bytes.
    pub from: u64,
    /// The byte after the last of them.
    pub to: u64,
    /// The records that should have been there.
    pub missing: Vec<Missing>,
}

/// Records that should be there and are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Which.
    pub sequences: Sequences,
    /// What that means.
    pub fate: Fate,
}

/// What it means that a record is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// It is below the checkpoint: it had arrived where it was to go, and nothing is lost.
    Confirmed,
    /// It was on disk once and may have been called accepted. A person is needed.
    Lost,
    /// It is of the last group before a crash and was never known to be on disk. A power cut looks like this.
    InDoubt,
}

impl Problem {
    /// Whether records are gone that may have been called accepted and are not confirmed.
    pub fn loses_data(&self) -> bool {
        match self {
            Self::Damaged(Damage { missing, .. }) | Self::SegmentsMissing { missing, .. } => {
                missing.iter().any(|missing| missing.fate == Fate::Lost)
            }
            // A header is on disk before its segment takes records, so no crash looks like this.
            Self::HeaderUnreadable { missing, .. } => {
                missing.iter().any(|missing| missing.fate != Fate::Confirmed)
            }
            Self::HeaderCopyDamaged { .. }
            | Self::TornTail { .. }
            | Self::CheckpointDamaged { .. }
            | Self::CheckpointBeyondEnd { .. }
            | Self::Unfinished { .. }
            | Self::Unknown { .. } => false,
        }
    }

    /// The records that are missing because of it.
    pub fn missing(&self) -> &[Missing] {
        match self {
            Self::Damaged(Damage { missing, .. })
            | Self::SegmentsMissing { missing, .. }
            | Self::HeaderUnreadable { missing, .. } => missing,
            _ => &[],
        }
    }
}

impl Missing {
    /// Divides `sequences` by what is known of them: confirmed up to one sequence, on disk once up to
    /// another.
    pub(crate) fn divide(sequences: Sequences, confirmed: Option<Sequence>, settled: Sequence) -> Vec<Self> {
        let Sequences { first, end } = sequences;
        if sequences.is_empty() {
            return Vec::new();
        }
        let confirmed = confirmed.unwrap_or(first).clamp(first, end);
        let settled = settled.clamp(confirmed, end);
        [(first, confirmed, Fate::Confirmed), (confirmed, settled, Fate::Lost), (settled, end, Fate::InDoubt)]
            .into_iter()
            .map(|(first, end, fate)| Self { sequences: Sequences::new(first, end), fate })
            .filter(|missing| !missing.sequences.is_empty())
            .collect()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(damage) => damage.fmt(f),
            Self::HeaderUnreadable { segment, bytes, missing } => {
                write!(f, "segment {segment} has no readable header; its {bytes} bytes cannot be read")?;
                list(f, missing)
            }
            Self::HeaderCopyDamaged { segment } => {
                write!(f, "segment {segment} has one damaged copy of its header; the other is used")
            }
            Self::SegmentsMissing { before, missing } => {
                write!(f, "segments before {before} are not there")?;
                list(f, missing)
            }
            Self::TornTail { segment, from, bytes } => write!(
                f,
                "segment {segment} ends at {from} in {bytes} bytes that are no record; a crash during a \
                 write leaves such a tail, and it is passed over"
            ),
            Self::CheckpointDamaged { reason } => {
                write!(f, "the checkpoint cannot be read ({reason}); everything counts as not confirmed")
            }
            Self::CheckpointBeyondEnd { checkpoint, end } => {
                write!(f, "the checkpoint is at {checkpoint}, but the log ends at {end}")
            }
            Self::Unfinished { name } => {
                write!(f, "{name} was not finished before a crash; nothing was in it yet")
            }
            Self::Unknown { name } => write!(f, "{name} is none of the log's files"),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "segment {} is damaged from {} to {}", self.segment, self.from, self.to)?;
        list(f, &self.missing)
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.sequences, self.fate)
    }
}

impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Confirmed => "had been confirmed",
            Self::Lost => "are lost",
            Self::InDoubt => "were never known to be on disk",
        })
    }
}

fn list(f: &mut fmt::Formatter<'_>, missing: &[Missing]) -> fmt::Result {
    for (index, missing) in missing.iter().enumerate() {
        write!(f, "{}{missing}", if index == 0 { "; of the records, " } else { ", " })?;
    }
    Ok(())
}

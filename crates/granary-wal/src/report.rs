//! What is in a log, for operators: after opening it, or only looking at it.

use std::fmt;
use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use serde::Serialize;

use crate::checkpoint::Found;
use crate::error::OpenError;
use crate::fs::{FileSystem, RealFs};
use crate::header::HEADER_BYTES;
use crate::position::{Mark, SegmentNumber, Sequence};
use crate::problem::{Missing, Problem};
use crate::scan::Depth;
use crate::survey::{Survey, Surveyed, survey};

/// What is in a log's directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// The directory.
    pub dir: PathBuf,
    /// Its segments, oldest first.
    pub segments: Vec<SegmentReport>,
    /// Up to where it is confirmed.
    pub checkpoint: CheckpointReport,
    /// What is not as a writer leaves it.
    pub problems: Vec<Problem>,
}

/// What is in a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SegmentReport {
    /// Its number.
    pub number: SegmentNumber,
    /// The size of its file.
    pub file_bytes: u64,
    /// Valid records.
    pub records: u64,
    /// What they hold.
    pub payload_bytes: u64,
    /// The sequence of its first record.
    pub first_sequence: Option<Sequence>,
    /// The sequence of its last record.
    pub last_sequence: Option<Sequence>,
    /// Bytes behind the end of its records: torn, or given up by the writer.
    pub ignored_bytes: u64,
    /// Whether the checkpoint is behind all its records.
    pub confirmed: bool,
}

/// What the checkpoint says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CheckpointReport {
    /// There is none: nothing was confirmed yet.
    None,
    /// Everything before `mark` is confirmed.
    At {
        /// Before the first record that is not confirmed.
        mark: Mark,
        /// The size of the caller's blob.
        blob_bytes: usize,
    },
    /// It cannot be read.
    Damaged {
        /// In which way.
        reason: String,
    },
}

/// What opening a log found and did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recovery {
    /// What was in the directory.
    pub found: Inspection,
    /// Where to read on: at the checkpoint, or at the oldest record.
    pub resume: Mark,
    /// Unfinished files that were removed.
    pub removed: Vec<String>,
    /// Files in the quarantine that were made now. Damage that is there since an earlier opening has its copy
    /// already.
    pub quarantined: Vec<String>,
    /// Copies that could not be made, with the reason; the bytes are still where they were.
    pub not_quarantined: Vec<String>,
}

/// Lists what is in `dir`: frames are read and checked, payloads are not. Changes nothing and needs no lock;
/// beside a running writer, the newest segment may seem to have a torn tail.
pub fn inspect(dir: &Path) -> Result<Inspection, OpenError> {
    inspect_on(&RealFs, dir)
}

/// Checks every byte of the log in `dir`. Changes nothing and needs no lock; beside a running writer, the
/// newest segment may seem to have a torn tail.
pub fn verify(dir: &Path) -> Result<Inspection, OpenError> {
    verify_on(&RealFs, dir)
}

/// [`inspect`], on another file system.
pub fn inspect_on(fs: &dyn FileSystem, dir: &Path) -> Result<Inspection, OpenError> {
    Ok(Inspection::new(dir, &survey(fs, dir, Depth::Frames)?))
}

/// [`verify`], on another file system.
pub fn verify_on(fs: &dyn FileSystem, dir: &Path) -> Result<Inspection, OpenError> {
    Ok(Inspection::new(dir, &survey(fs, dir, Depth::Payloads)?))
}

impl Inspection {
    pub(crate) fn new(dir: &Path, survey: &Survey) -> Self {
        let confirmed = survey.confirmed();
        Self {
            dir: dir.to_owned(),
            segments: survey.segments.iter().map(|segment| SegmentReport::new(segment, confirmed)).collect(),
            checkpoint: match &survey.checkpoint {
                Found::Nothing => CheckpointReport::None,
                Found::Intact(checkpoint) => {
                    CheckpointReport::At { mark: checkpoint.mark, blob_bytes: checkpoint.blob.len() }
                }
                Found::Damaged { reason, .. } => CheckpointReport::Damaged { reason: reason.clone() },
            },
            problems: survey.problems.clone(),
        }
    }

    /// Valid records, confirmed ones that are still there included.
    pub fn records(&self) -> u64 {
        self.segments.iter().map(|segment| segment.records).sum()
    }

    /// What they hold.
    pub fn payload_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.payload_bytes).sum()
    }

    /// What the segments take on disk.
    pub fn file_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.file_bytes).sum()
    }

    /// Whether records are gone that may have been called accepted and are not confirmed.
    pub fn loses_data(&self) -> bool {
        self.problems.iter().any(Problem::loses_data)
    }

    /// Records that should be there and are not, with what that means.
    pub fn missing(&self) -> impl Iterator<Item = Missing> + '_ {
        self.problems.iter().flat_map(Problem::missing).copied()
    }
}

impl SegmentReport {
    fn new(segment: &Surveyed, confirmed: Option<Mark>) -> Self {
        let scan = segment.content.as_ref().map(|(_, scan)| scan);
        let end = scan.map_or(HEADER_BYTES, |scan| scan.end);
        Self {
            number: segment.number,
            file_bytes: segment.file_bytes,
            records: scan.map_or(0, |scan| scan.records),
            payload_bytes: scan.map_or(0, |scan| scan.payload_bytes),
            first_sequence: scan.and_then(|scan| scan.span).map(|(first, _)| first),
            last_sequence: scan.and_then(|scan| scan.span).map(|(_, last)| last),
            ignored_bytes: segment.file_bytes.saturating_sub(end),
            confirmed: confirmed
                .is_some_and(|mark| (segment.number, end) <= (mark.position.segment, mark.position.offset)),
        }
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} records, {} in {} segments, {} on disk",
            self.dir.display(),
            self.records(),
            ByteSize(self.payload_bytes()),
            self.segments.len(),
            ByteSize(self.file_bytes()),
        )?;
        writeln!(f, "checkpoint: {}", self.checkpoint)?;
        for segment in &self.segments {
            writeln!(f, "segment {segment}")?;
        }
        for problem in &self.problems {
            writeln!(f, "{}: {problem}", if problem.loses_data() { "LOST" } else { "note" })?;
        }
        Ok(())
    }
}

impl fmt::Display for SegmentReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} records, {}", self.number, self.records, ByteSize(self.payload_bytes))?;
        if let (Some(first), Some(last)) = (self.first_sequence, self.last_sequence) {
            write!(f, ", sequences {first} to {last}")?;
        }
        if self.ignored_bytes > 0 {
            write!(f, ", {} bytes ignored", self.ignored_bytes)?;
        }
        if self.confirmed { f.write_str(", confirmed") } else { Ok(()) }
    }
}

impl fmt::Display for CheckpointReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::At { mark, blob_bytes } => write!(f, "at {mark}, with {blob_bytes} bytes of its owner's"),
            Self::Damaged { reason } => write!(f, "cannot be read: {reason}"),
        }
    }
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.found)?;
        write!(f, "reading on at {}", self.resume)?;
        for (what, names) in [
            ("removed", &self.removed),
            ("put into quarantine", &self.quarantined),
            ("not put into quarantine", &self.not_quarantined),
        ] {
            if !names.is_empty() {
                write!(f, "\n{what}: {}", names.join(", "))?;
            }
        }
        Ok(())
    }
}

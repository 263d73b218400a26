//! What can go wrong, by what the caller does next.

use std::io;
use std::path::{Path, PathBuf};

use crate::config::ConfigError;
use crate::position::{Mark, Position, Sequences};
use crate::problem::Damage;

/// The file system refused something.
#[derive(Debug, thiserror::Error)]
#[error("{doing} {}: {source}", path.display())]
pub struct IoFailure {
    /// What was being done.
    pub doing: &'static str,
    /// To which file or directory.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl IoFailure {
    /// For `map_err`.
    pub(crate) fn at(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { doing, path: path.to_owned(), source }
    }

    /// Whether the disk or a quota is full: waiting or deleting may help, and nothing is broken.
    pub fn is_out_of_room(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }
}

/// The log cannot be opened. Nothing was changed, unless it is [`OpenError::Io`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The settings contradict one another: correct them.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Another process, or another part of this one, writes here: stop it or take another directory.
    #[error("the log in {} is in use by another process", dir.display())]
    Locked {
        /// The log's directory.
        dir: PathBuf,
    },
    /// A newer version wrote this file: use that version, or let it finish the log first.
    #[error("{} has format version {version}; this program knows version {known}", path.display())]
    UnknownVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u8,
        /// What is known here.
        known: u8,
    },
    /// The file system refused something: mend it and try again.
    #[error(transparent)]
    Io(#[from] IoFailure),
}

/// A payload was not appended. The log is as it was before, and usable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The payload will never fit: refuse it for good.
    #[error("a payload of {bytes} bytes is larger than the {limit} a record may have")]
    TooLarge {
        /// The payload.
        bytes: u64,
        /// The setting.
        limit: u64,
    },
    /// The log has its full size: tell the sender to come back. Nothing was written.
    #[error("the log is full: {used} of {limit} bytes are used and {needed} more are needed")]
    Full {
        /// What the record would take.
        needed: u64,
        /// What the segments take.
        used: u64,
        /// The setting.
        limit: u64,
    },
    /// The file system refused to write: tell the sender to come back. What was appended before stands.
    #[error(transparent)]
    Io(#[from] IoFailure),
    /// A sync, due because the segment was full, failed within this group. Call
    /// [`Writer::sync`](crate::Writer::sync), which says which records are lost and begins a new group.
    #[error("the group that this payload would belong to could not be synced")]
    GroupFailed,
    /// There is no number left.
    #[error("the log has used all sequence numbers")]
    Exhausted,
}

impl AppendError {
    /// Whether the same payload may be taken later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Full { .. } | Self::Io(_) | Self::GroupFailed => true,
            Self::TooLarge { .. } | Self::Exhausted => false,
        }
    }
}

/// A group could not be made durable. None of `failed` may be called accepted; the log is usable for what
/// comes.
#[derive(Debug, thiserror::Error)]
#[error("the records {failed} are not known to be on disk: {source}")]
pub struct SyncError {
    /// The records since the last successful sync.
    pub failed: Sequences,
    /// What the system said.
    pub source: IoFailure,
}

/// The checkpoint was not moved. The old one stands.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// A mistake of the caller: what was confirmed stays confirmed.
    #[error("the checkpoint is at {current} and cannot go back to {wanted}")]
    Backwards {
        /// Where it is.
        current: Mark,
        /// Where it was to go.
        wanted: Mark,
    },
    /// A mistake of the caller: only what is on disk can be confirmed.
    #[error("the log is on disk up to {end}; the checkpoint cannot go to {wanted}")]
    BeyondEnd {
        /// Where the log ends.
        end: Mark,
        /// Where the checkpoint was to go.
        wanted: Mark,
    },
    /// A mistake of the caller: the blob has to be read and written as one.
    #[error("a blob of {bytes} bytes is larger than the {limit} a checkpoint may carry")]
    BlobTooLarge {
        /// The blob.
        bytes: usize,
        /// What is possible.
        limit: usize,
    },
    /// The file system refused: try again. After a crash either the old checkpoint or this one may be found.
    #[error(transparent)]
    Io(#[from] IoFailure),
}

/// A record cannot be returned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Bytes went bad since the log was opened. Count and report it and read on: the reader stands behind
    /// them.
    #[error("{0}")]
    Damaged(Damage),
    /// What was to be read is deleted: start again from [`Log::oldest`](crate::Log::oldest).
    #[error("{position} is deleted; the oldest record is at {}", oldest.position)]
    Deleted {
        /// Where the reader was.
        position: Position,
        /// Where there is something to read.
        oldest: Mark,
    },
    /// A mistake of the caller: no record begins there, or it is not on disk yet.
    #[error("no record begins at {position}")]
    NoRecord {
        /// What was asked for.
        position: Position,
    },
    /// The file system refused: try again, the reader has not moved.
    #[error(transparent)]
    Io(#[from] IoFailure),
}

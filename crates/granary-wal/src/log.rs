//! What is done with records after they are on disk: read, confirm, delete.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

use crate::checkpoint::{self, Checkpoint, MAX_BLOB_BYTES};
use crate::error::{CheckpointError, IoFailure, ReadError};
use crate::position::{Mark, Position, Sequence};
use crate::reader::{Reader, Record};
use crate::state::{Housekeeping, Shared};

/// An open log, for everybody but the writer. Clones are the same log.
#[derive(Debug, Clone)]
pub struct Log {
    shared: Arc<Shared>,
}

/// What a log takes on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Bytes of all segments, confirmed ones that are still there included.
    pub used_bytes: u64,
    /// Bytes of records that are on disk and behind the checkpoint: what is still to be confirmed.
    pub waiting_bytes: u64,
    /// Bytes they may take.
    pub limit_bytes: u64,
    /// How many segments there are.
    pub segments: usize,
}

/// What [`Log::delete_confirmed`] did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Deleted {
    /// How many segments are gone.
    pub segments: u64,
    /// How many bytes that makes free.
    pub bytes: u64,
}

impl Log {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Before the oldest record that is still there.
    pub fn oldest(&self) -> Mark {
        self.shared.state().oldest()
    }

    /// Behind the last record that is on disk.
    pub fn end(&self) -> Mark {
        self.shared.state().synced
    }

    /// What the log takes on disk.
    pub fn usage(&self) -> Usage {
        let state = self.shared.state();
        Usage {
            used_bytes: state.used_bytes,
            waiting_bytes: state.waiting_bytes(),
            limit_bytes: self.shared.config.max_total_bytes.as_u64(),
            segments: state.segments.len(),
        }
    }

    /// Reads from `mark` on: [`Self::oldest`], a checkpoint's, a reader's or what stands after a record.
    pub fn read_from(&self, mark: Mark) -> Reader {
        Reader::new(Arc::clone(&self.shared), mark)
    }

    /// Reads the record that begins at `position`.
    pub fn read_at(&self, position: Position) -> Result<Record, ReadError> {
        // Which record that is stands in its frame; the least sequence keeps a deleted segment from passing
        // for a read one.
        self.read_from(Mark::new(position, Sequence::new(0))).record_here()
    }

    /// The last checkpoint.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        self.shared.state().checkpoint.clone()
    }

    /// Moves the checkpoint to `mark`, with a blob of the caller. When it returns, the new one is on disk in
    /// place of the old one. A mark at the old place replaces the blob.
    ///
    /// # Errors
    ///
    /// The old checkpoint stands. After [`CheckpointError::Io`] a crash may bring up the new one.
    pub fn advance_checkpoint(&self, mark: Mark, blob: Bytes) -> Result<(), CheckpointError> {
        if blob.len() > MAX_BLOB_BYTES {
            return Err(CheckpointError::BlobTooLarge { bytes: blob.len(), limit: MAX_BLOB_BYTES });
        }
        let _turn = self.shared.housekeeping();
        {
            let state = self.shared.state();
            if let Some(Checkpoint { mark: current, .. }) = state.checkpoint
                && (mark.position < current.position || mark.sequence < current.sequence)
            {
                return Err(CheckpointError::Backwards { current, wanted: mark });
            }
            let end = state.synced;
            if mark.position > end.position || mark.sequence > end.sequence {
                return Err(CheckpointError::BeyondEnd { end, wanted: mark });
            }
        }
        let checkpoint = Checkpoint { mark, blob };
        checkpoint::write(&*self.shared.fs, &self.shared.config.dir, &checkpoint)?;
        let now = self.shared.fs.now();
        let mut state = self.shared.state();
        state.checkpoint = Some(checkpoint);
        state.note_confirmed(now);
        Ok(())
    }

    /// Deletes the oldest segments, as long as all their records are below the checkpoint and have been for
    /// at least `keep_newer_than`. The newest segment stays. When it returns, the removal is on disk.
    ///
    /// How long a segment has been confirmed is not kept over a restart: it counts from the opening then. A
    /// full log can be relieved by a duration of zero, at the cost of what the confirmed segments were kept
    /// for.
    ///
    /// # Errors
    ///
    /// What was deleted before stays deleted; call it again.
    pub fn delete_confirmed(&self, keep_newer_than: Duration) -> Result<Deleted, IoFailure> {
        let mut turn = self.shared.housekeeping();
        let Shared { fs, config, .. } = &*self.shared;
        let sync_removal = |turn: &mut Housekeeping| {
            fs.sync_dir(&config.dir).map_err(IoFailure::at("syncing", &config.dir))?;
            turn.removal_is_unsynced = false;
            Ok(())
        };
        // Of an earlier call that failed.
        if turn.removal_is_unsynced {
            sync_removal(&mut turn)?;
        }
        let now = fs.now();
        self.shared.state().note_confirmed(now);
        let mut deleted = Deleted::default();
        loop {
            let oldest = {
                let state = self.shared.state();
                let oldest = state.segments.first_key_value();
                oldest.map(|(number, segment)| (*number, segment.confirmed, segment.bytes))
            };
            let Some((number, Some(since), bytes)) = oldest else { return Ok(deleted) };
            if now.saturating_duration_since(since) < keep_newer_than {
                return Ok(deleted);
            }
            let path = self.shared.path(number);
            fs.remove(&path).map_err(IoFailure::at("removing", &path))?;
            turn.removal_is_unsynced = true;
            {
                let mut state = self.shared.state();
                state.segments.remove(&number);
                state.used_bytes -= bytes;
            }
            // Before the next one: a crash must not leave a gap between segments.
            sync_removal(&mut turn)?;
            deleted.segments += 1;
            deleted.bytes += bytes;
        }
    }
}

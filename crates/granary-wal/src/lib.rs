//! How does "accepted" come to mean "durable"? A write-ahead log of opaque payloads, in segments on one disk.
//!
//! A payload is appended, a group of payloads is made durable by one sync, a reader passes them on, a
//! checkpoint says up to where they are confirmed, and whole confirmed segments are deleted. The log knows
//! nothing of what is in a payload, has no threads of its own, is not async, and every call returns when what
//! its documentation says is true.
//!
//! ```
//! use std::io::IoSlice;
//! use std::time::Duration;
//!
//! use granary_wal::{Config, Opened, open};
//!
//! let dir = tempfile::tempdir()?;
//! let Opened { mut writer, log, recovery } = open(&Config::new(dir.path()))?;
//! writer.append(&[IoSlice::new(b"one payload, "), IoSlice::new(b"in pieces")])?;
//! writer.append(&[IoSlice::new(b"another")])?;
//! writer.sync()?; // Now both may be called accepted.
//!
//! let mut reader = log.read_from(recovery.resume);
//! while let Some(record) = reader.next_record()? {
//!     // Pass record.payload on, and once that is confirmed:
//!     log.advance_checkpoint(record.after, "what the caller keeps with it".into())?;
//! }
//! log.delete_confirmed(Duration::from_secs(600))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Constraints
//!
//! - One directory, one writer: a lock on the file `lock` keeps a second process out. Readers are in the same
//!   process; [`inspect`] and [`verify`] only read and need no lock.
//! - All integers are little-endian. Everything that is read back is checked by CRC32C first.
//! - A segment has at most [`Config::segment_bytes`], unless its only record is larger. Records never span
//!   segments.
//! - A payload has at most [`Config::max_record_bytes`], which cannot be set above [`u32::MAX`].
//! - All segments together have at most [`Config::max_total_bytes`]; an append beyond it is refused before
//!   a byte is written.
//! - A sequence number is given once, unless its record vanished in a power cut before anybody could be told
//!   of it. It grows by one from record to record; where numbers are left out (a group that could not be
//!   synced, a torn tail), the next segment's header says which, so that a gap that nobody announced is a loss.
//! - A segment number is given once, grows by one, and is the file's name: twenty digits and `.wal`.
//! - Segments are not allocated beforehand: on ext4 `fallocate` made a sync no faster, and a file written
//!   full of zeros made it a sixth faster for twice the writing.
//! - A file gets its name only when its first content is on disk: written as `<name>.tmp`, synced, renamed,
//!   directory synced.
//!
//! # Layout
//!
//! A segment begins with 4096 bytes in which the header stands twice, at 0 and at 2048, so that one bad
//! sector does not make a whole segment unreadable:
//!
//! ```text
//!  0   7  magic "GRNYWAL"
//!  7   1  version, 1
//!  8   8  number of this segment
//! 16   8  number of the segment before it, 0 for none
//! 24   8  where that one ends: what stands behind it there was given up and is no damage
//! 32   8  sequence after the last record of that one; what it held was on disk when this header was written
//! 40   8  sequence of the first record of this segment
//! 48   8  salt, random
//! 56   1  1 if the segment before it was ended by its own writer, 0 if it was found after a crash
//! 57   3  zero
//! 60   4  CRC32C of the 60 bytes above; at this place in every version
//! ```
//!
//! Then records, one after the other, each with a frame of 32 bytes before its payload:
//!
//! ```text
//!  0   4  marker a7 47 52 31
//!  4   4  length of the payload
//!  8   8  sequence
//! 16   8  settled: every record before this sequence was on disk when this one was written
//! 24   4  CRC32C of the payload
//! 28   4  CRC32C of the 28 bytes above
//! 32      payload
//! ```
//!
//! The frame has a checksum of its own, so a damaged payload costs exactly its own record: the length can be
//! trusted and the sequence is known. Both checksums of a record start from the segment's salt: a sender who
//! writes things that look like records into his payload cannot have them taken for records when the log is
//! searched for the next good one, and bytes that a disk returns from another file are not taken either.
//!
//! `checkpoint` holds the place up to which everything is confirmed, and a blob of the caller
//! (at most [`MAX_BLOB_BYTES`]):
//!
//! ```text
//!  0   7  magic "GRNYCKP"
//!  7   1  version, 1
//!  8   8  segment   \
//! 16   8  offset     } the first record that is not confirmed
//! 24   8  sequence  /
//! 32   4  length of the blob
//! 36      blob
//!      4  CRC32C of everything above; the last four bytes in every version
//! ```
//!
//! `quarantine/` holds copies of damaged bytes for a person to look at, named after segment and offsets.
//!
//! # Who writes, who deletes
//!
//! The [`Writer`] creates segments and appends. [`Log::advance_checkpoint`] replaces the checkpoint.
//! [`Log::delete_confirmed`] deletes whole segments below the checkpoint, oldest first, each removal synced
//! before the next, and never the newest segment, which carries the numbering on. Nothing else is deleted,
//! except, at opening, unfinished `.tmp` files and a newest segment too short for its header. A segment is
//! never written again once another process life has begun: opening starts a new one with the next append, so
//! nothing has to be repaired in place.
//!
//! # The fsync rule
//!
//! [`Writer::append`] writes to the page cache. [`Writer::sync`] makes everything appended so far durable
//! (`fdatasync`); only what it covered may be called accepted, and only that is shown to readers. A full
//! segment is synced before its successor exists, and its successor's header attests that.
//!
//! After a write that failed, the file is cut back to the last good record, and the log goes on. After a sync
//! that failed, nobody knows what of the group is on disk, and a second sync of the same file would answer
//! success for pages the kernel has already dropped. So that file is never synced again: it ends where the
//! last good sync left it, the records behind that are reported as failed, and the next append begins a new
//! segment.
//!
//! # What a crash can lose
//!
//! A killed process loses nothing that was appended. A machine that loses power loses at most the records
//! since the last successful sync. Disks write pages in any order, so of these any may survive and any may be
//! missing; those that survived whole are kept, in order. A record that was reported as failed may be found
//! after a crash too. Whoever needs "all or none" of several payloads puts them into one.
//!
//! # How opening decides
//!
//! Every segment is read and checked up to where its successor says it ends, or to the end of the file for
//! the newest.
//!
//! - Bytes that are no record, with no valid record behind them: in the newest segment a **torn tail**. It is
//!   reported with its size and passed over; the numbers it may have used are left out. Before the announced
//!   end of an older segment it is damage.
//! - Bytes that are no record, with a valid one behind them (marker, both checksums, a sequence that fits):
//!   **damage**. They are copied to `quarantine/` and reported with the sequences that are missing, and
//!   reading goes on behind them.
//! - Missing sequences are **confirmed** (below the checkpoint: nothing is lost), **lost** (a later record or
//!   header attests that they were on disk) or **in doubt** (of the last group before a crash, never known to
//!   be on disk; a power cut looks like this, and so does damage in just that place).
//! - A missing or damaged checkpoint means "from the oldest segment", and is reported.
//! - A segment or checkpoint of a newer version refuses the opening before anything is changed.
//!
//! What an older life left in the page cache is synced before it is shown, so nothing that was read can
//! vanish. If that sync fails, the newest segment is written anew from what can be read. Only if this fails
//! too, and opening with it, can a later opening be told by the kernel that pages are on disk which it has
//! dropped; what they hold was never called accepted.

mod atomic;
mod checkpoint;
mod checksum;
mod config;
mod error;
mod fs;
mod header;
mod little_endian;
mod log;
mod open;
mod position;
mod problem;
mod quarantine;
mod reader;
mod record;
mod report;
mod scan;
mod segment;
mod state;
mod survey;
#[cfg(feature = "test-util")]
pub mod testing;
mod window;
mod writer;

pub use checkpoint::{Checkpoint, MAX_BLOB_BYTES};
pub use config::{Config, ConfigError};
pub use error::{AppendError, CheckpointError, IoFailure, OpenError, ReadError, SyncError};
pub use fs::{DirectoryEntry, FileSystem, HeldLock, RealFs, WalFile};
pub use log::{Deleted, Log, Usage};
pub use open::{Opened, open, open_on};
pub use position::{Mark, ParsePositionError, Position, SegmentNumber, Sequence, Sequences};
pub use problem::{Damage, Fate, Missing, Problem};
pub use reader::{Reader, Record};
pub use report::{
    CheckpointReport, Inspection, Recovery, SegmentReport, inspect, inspect_on, verify, verify_on,
};
pub use writer::{Appended, Writer};

/// What a segment takes before its first record.
pub const SEGMENT_HEADER_BYTES: u64 = header::HEADER_BYTES;

/// What a record takes besides its payload.
pub const RECORD_OVERHEAD_BYTES: u64 = record::FRAME_BYTES;

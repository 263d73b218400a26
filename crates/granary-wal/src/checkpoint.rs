//! Up to where is everything confirmed? One small file, replaced atomically.

use std::io::{self, IoSlice};
use std::path::Path;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::atomic;
use crate::checksum::crc32c_from;
use crate::error::{IoFailure, OpenError};
use crate::fs::{FileSystem, write_all_at};
use crate::little_endian::{u32_at, u64_at};
use crate::position::{Mark, Position, SegmentNumber, Sequence};
use crate::window::Window;

/// The largest blob a checkpoint carries.
pub const MAX_BLOB_BYTES: usize = 64 * 1024;

/// The name of the file.
pub(crate) const FILE_NAME: &str = "checkpoint";

/// The version this program writes and reads.
const VERSION: u8 = 1;

const MAGIC: &[u8; 7] = b"GRNYCKP";

/// What stands before the blob.
const FIXED_SIZE: usize = 36;

const CRC_SIZE: usize = 4;

/// The place up to which everything is confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Before the first record that is not confirmed.
    pub mark: Mark,
    /// What the caller keeps with it, at most [`MAX_BLOB_BYTES`].
    #[serde(skip)]
    pub blob: Bytes,
}

/// What the file turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    Nothing,
    Intact(Checkpoint),
    Damaged { reason: String, bytes: Bytes },
}

/// Puts `checkpoint` in place of the one in `dir`. When it returns, it is on disk.
pub(crate) fn write(fs: &dyn FileSystem, dir: &Path, checkpoint: &Checkpoint) -> Result<(), IoFailure> {
    let bytes = encode(checkpoint);
    atomic::create(fs, dir, FILE_NAME, |file| {
        write_all_at(file, 0, &mut [IoSlice::new(&bytes)])
            .map_err(IoFailure::at("writing", &dir.join(FILE_NAME)))
    })?;
    Ok(())
}

/// Reads the one in `dir`.
pub(crate) fn read(fs: &dyn FileSystem, dir: &Path) -> Result<Found, OpenError> {
    let path = dir.join(FILE_NAME);
    let file = match fs.open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(IoFailure::at("opening", &path)(error).into()),
    };
    // One byte more than the largest one has, to see that a file is too long.
    let bytes = Window::new(file, &path, 0).copy(0, FIXED_SIZE + MAX_BLOB_BYTES + CRC_SIZE + 1)?;
    let damaged = |reason: &str| Ok(Found::Damaged { reason: reason.to_owned(), bytes: bytes.clone() });
    if bytes.len() < FIXED_SIZE + CRC_SIZE {
        return damaged(&format!("it has {} bytes, fewer than the smallest", bytes.len()));
    }
    let body = bytes.len() - CRC_SIZE;
    if bytes[..7] != *MAGIC {
        return damaged("it does not begin as a checkpoint does");
    }
    if crc32c_from(0, &bytes[..body]) != u32_at(&bytes, body) {
        return damaged("its checksum is wrong");
    }
    if bytes[7] != VERSION {
        return Err(OpenError::UnknownVersion { path, version: bytes[7], known: VERSION });
    }
    if u32_at(&bytes, 32) as usize != body - FIXED_SIZE {
        return damaged("its length is wrong");
    }
    let position = Position::new(SegmentNumber::new(u64_at(&bytes, 8)), u64_at(&bytes, 16));
    let mark = Mark::new(position, Sequence::new(u64_at(&bytes, 24)));
    Ok(Found::Intact(Checkpoint { mark, blob: bytes.slice(FIXED_SIZE..body) }))
}

fn encode(checkpoint: &Checkpoint) -> Vec<u8> {
    let Mark { position, sequence } = checkpoint.mark;
    let mut bytes = Vec::with_capacity(FIXED_SIZE + checkpoint.blob.len() + CRC_SIZE);
    bytes.extend_from_slice(MAGIC);
    bytes.push(VERSION);
    bytes.extend_from_slice(&position.segment.get().to_le_bytes());
    bytes.extend_from_slice(&position.offset.to_le_bytes());
    bytes.extend_from_slice(&sequence.get().to_le_bytes());
    // The caller has checked it against MAX_BLOB_BYTES.
    let length = u32::try_from(checkpoint.blob.len()).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&checkpoint.blob);
    let crc = crc32c_from(0, &bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

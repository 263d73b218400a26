//! An object's rows, so many at a time: what a restore holds in memory.

use crate::object::ObjectLines;
use crate::restore::record::Restorable;
use crate::{ArchiveError, Header, LineKind, ObjectKey};

/// Rows after which a chunk ends.
const MAX_ROWS: usize = 10_000;

/// Bytes of lines after which a chunk ends; as records and as columns they take a few times that.
const MAX_BYTES: usize = 8 << 20;

/// Rows in the order of the object.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) rows: Vec<Restorable>,
    /// The object ended with it, and is sound.
    pub(super) is_last: bool,
}

/// An object being taken chunk by chunk.
pub(super) struct Chunks {
    key: ObjectKey,
    lines: ObjectLines,
    line: u64,
}

impl Chunks {
    /// Reads the header.
    pub(super) async fn begin(key: ObjectKey, lines: ObjectLines) -> Result<(Self, Header), ArchiveError> {
        let mut chunks = Self { key, lines, line: 0 };
        let first = chunks.next_line().await?.map(|line| line.kind);
        match first {
            Some(LineKind::Header(header)) => Ok((chunks, header)),
            _ => Err(chunks.corrupt("it has no header")),
        }
    }

    /// The next rows.
    ///
    /// # Errors
    ///
    /// [`ArchiveError::Corrupt`] with the line where it is noticed that the object is not sound.
    pub(super) async fn next(&mut self) -> Result<Chunk, ArchiveError> {
        let (mut chunk, mut bytes) = (Chunk::default(), 0);
        while chunk.rows.len() < MAX_ROWS && bytes < MAX_BYTES {
            let Some(line) = self.next_line().await? else {
                chunk.is_last = true;
                break;
            };
            if let LineKind::Event(info) = line.kind {
                bytes += line.json.len();
                chunk.rows.push(Restorable::read(info, &line.json).map_err(|problem| self.corrupt(problem))?);
            }
        }
        Ok(chunk)
    }

    /// Reads to the end and keeps nothing.
    pub(super) async fn finish(mut self) -> Result<(), ArchiveError> {
        while self.next_line().await?.is_some() {}
        Ok(())
    }

    /// What was read so far.
    pub(super) fn lines(&self) -> &ObjectLines {
        &self.lines
    }

    async fn next_line(&mut self) -> Result<Option<crate::ArchiveLine>, ArchiveError> {
        self.line += 1;
        match self.lines.next().await {
            Err(ArchiveError::Corrupt { problem, .. }) => Err(self.corrupt(problem)),
            other => other,
        }
    }

    fn corrupt(&self, problem: impl std::fmt::Display) -> ArchiveError {
        ArchiveError::corrupt(&self.key, format!("line {}: {problem}", self.line))
    }
}

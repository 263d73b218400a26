//! What one record of the write-ahead log holds: the sealed blocks of one commit, and what has to be known of
//! them without looking into them.
//!
//! ```text
//!  1      version, 1
//!  4      length of the header
//!         header (postcard): the batch, how many ids follow, for each block its table, partition, columns,
//!         rows, bytes and whose rows they are
//! 16 each event ids, little-endian: so that the window of repeated deliveries survives a restart
//!         the blocks' frames, one after the other, byte for byte what ClickHouse gets
//! ```

use std::borrow::Cow;
use std::io::IoSlice;

use bytes::{Buf, Bytes};
use granary_clickhouse::TABLES;
use granary_model::{EventId, Signal};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

const VERSION: u8 = 1;

/// The sealed blocks of one commit.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// What the rows have as their `BatchId`.
    pub(crate) batch: Uuid,
    /// Which events the blocks hold.
    pub(crate) events: Vec<EventId>,
    pub(crate) blocks: Vec<Block>,
}

/// Rows of one table and one partition.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) table: &'static str,
    /// Which partition the rows lie in, as `YYYYMM`.
    pub(crate) partition: u32,
    /// Which columns it has: blocks of different ones do not go into one insert.
    pub(crate) schema: u64,
    pub(crate) rows: u64,
    pub(crate) tenants: Vec<(String, u64)>,
    pub(crate) frames: Bytes,
}

impl Block {
    pub(crate) fn signal(&self) -> Signal {
        signal_of(self.table)
    }
}

/// Which signal a table is for.
pub(crate) fn signal_of(table: &str) -> Signal {
    match table {
        "otel_logs" => Signal::Logs,
        "otel_traces" => Signal::Traces,
        _ => Signal::Metrics,
    }
}

#[derive(Serialize, Deserialize)]
struct Header<'a> {
    batch: u128,
    events: u32,
    #[serde(borrow)]
    blocks: Vec<BlockHeader<'a>>,
}

#[derive(Serialize, Deserialize)]
struct BlockHeader<'a> {
    #[serde(borrow)]
    table: Cow<'a, str>,
    partition: u32,
    schema: u64,
    rows: u64,
    tenants: Vec<(Cow<'a, str>, u64)>,
    bytes: u32,
}

/// An entry cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EntryError {
    #[error("entry version {0} is not known; a newer granary wrote it")]
    Version(u8),
    #[error("table {0:?} is not known; a newer granary wrote it")]
    Table(String),
    #[error("the entry is cut short or its header is damaged")]
    Malformed,
}

impl Entry {
    /// How many rows it holds.
    pub(crate) fn rows(&self) -> u64 {
        self.blocks.iter().map(|block| block.rows).sum()
    }

    /// Hands the payload to `write`, in pieces.
    pub(crate) fn write<T>(&self, write: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
        let header = Header {
            batch: self.batch.as_u128(),
            events: u32::try_from(self.events.len()).unwrap_or(u32::MAX),
            blocks: self
                .blocks
                .iter()
                .map(|block| BlockHeader {
                    table: block.table.into(),
                    partition: block.partition,
                    schema: block.schema,
                    rows: block.rows,
                    tenants: block.tenants.iter().map(|(tenant, rows)| (tenant.into(), *rows)).collect(),
                    bytes: u32::try_from(block.frames.len()).unwrap_or(u32::MAX),
                })
                .collect(),
        };
        let header = postcard::to_stdvec(&header).unwrap_or_default();
        let mut head = vec![VERSION];
        head.extend_from_slice(&u32::try_from(header.len()).unwrap_or(u32::MAX).to_le_bytes());
        head.extend_from_slice(&header);
        head.reserve(self.events.len() * size_of::<EventId>());
        for EventId(id) in &self.events {
            head.extend_from_slice(&id.to_le_bytes());
        }
        let pieces: Vec<_> = std::iter::once(IoSlice::new(&head))
            .chain(self.blocks.iter().map(|block| IoSlice::new(&block.frames)))
            .collect();
        write(&pieces)
    }

    /// Reads a payload; the blocks share its memory.
    ///
    /// # Errors
    ///
    /// The payload is not one of this version's. The log has checked that it is what was written.
    pub(crate) fn read(mut payload: Bytes) -> Result<Self, EntryError> {
        let version = *payload.first().ok_or(EntryError::Malformed)?;
        if version != VERSION {
            return Err(EntryError::Version(version));
        }
        payload.advance(1);
        let length = payload.try_get_u32_le().map_err(|_| EntryError::Malformed)?;
        let header = take(&mut payload, length as usize)?;
        let header: Header<'_> = postcard::from_bytes(&header).map_err(|_| EntryError::Malformed)?;
        let ids = take(&mut payload, (header.events as usize).saturating_mul(size_of::<EventId>()))?;
        let (ids, _) = ids.as_chunks();
        let blocks = header
            .blocks
            .into_iter()
            .map(|block| {
                let table = TABLES.into_iter().find(|table| *table == block.table);
                Ok(Block {
                    table: table.ok_or_else(|| EntryError::Table(block.table.into_owned()))?,
                    partition: block.partition,
                    schema: block.schema,
                    rows: block.rows,
                    tenants: block
                        .tenants
                        .into_iter()
                        .map(|(tenant, rows)| (tenant.into_owned(), rows))
                        .collect(),
                    frames: take(&mut payload, block.bytes as usize)?,
                })
            })
            .collect::<Result<_, EntryError>>()?;
        Ok(Self {
            batch: Uuid::from_u128(header.batch),
            events: ids.iter().map(|id| EventId(u128::from_le_bytes(*id))).collect(),
            blocks,
        })
    }
}

fn take(payload: &mut Bytes, length: usize) -> Result<Bytes, EntryError> {
    if payload.len() < length {
        return Err(EntryError::Malformed);
    }
    Ok(payload.split_to(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            batch: Uuid::now_v7(),
            events: vec![EventId(1), EventId(u128::MAX)],
            blocks: vec![
                Block {
                    table: "otel_logs",
                    partition: 202_611,
                    schema: 7,
                    rows: 2,
                    tenants: vec![("default".to_owned(), 1), ("other".to_owned(), 1)],
                    frames: Bytes::from_static(b"frames of logs"),
                },
                Block {
                    table: "otel_traces",
                    partition: 197_001,
                    schema: 8,
                    rows: 0,
                    tenants: Vec::new(),
                    frames: Bytes::new(),
                },
            ],
        }
    }

    fn payload(entry: &Entry) -> Vec<u8> {
        entry.write(|pieces| pieces.iter().flat_map(|piece| piece.to_vec()).collect())
    }

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let written = entry();
        let read = Entry::read(payload(&written).into()).unwrap();
        assert_eq!(format!("{read:?}"), format!("{written:?}"));
    }

    #[test]
    fn an_entry_cut_anywhere_is_an_error_and_no_panic() {
        let whole = payload(&entry());
        for length in 0..whole.len() {
            assert!(Entry::read(Bytes::copy_from_slice(&whole[..length])).is_err(), "{length}");
        }
    }

    #[test]
    fn an_entry_of_a_later_version_says_so() {
        let mut later = payload(&entry());
        later[0] = 2;
        assert_eq!(
            Entry::read(later.into()).unwrap_err().to_string(),
            "entry version 2 is not known; a newer granary wrote it"
        );
    }
}

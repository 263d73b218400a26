//! A round: a stretch of the log and the inserts that it becomes.
//!
//! The stretch is written into the checkpoint before the first insert is sent, and from the stretch alone follow
//! the inserts, their order, their bytes and their tokens. So whoever delivers it after a crash sends the same
//! again, and ClickHouse knows it.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use bytesize::ByteSize;
use granary_clickhouse::{ClickHouseError, Insert, Warehouse};
use granary_model::{EventId, Signal};
use granary_wal::{Mark, ReadError, Reader, Sequence};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounting::Minute;
use crate::entry::{Block, Entry, EntryError};
use crate::left_out::LeftOut;

/// Which stretch is being inserted, as the checkpoint keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The first sequence that is not in the round; the first one in it is the checkpoint's.
    pub(crate) end: u64,
    /// When its first insert was about to be sent, in milliseconds since 1970.
    pub(crate) sent_ms: i64,
    /// How large its inserts are: the setting may change before it is sent again.
    pub(crate) max_insert_rows: u64,
}

/// How much goes into a round and into one insert, at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Rows of one insert.
    pub(crate) shipment_rows: u64,
    /// Rows of a round.
    pub(crate) rows: u64,
    /// Compressed bytes of a round, which are in memory while it is inserted.
    pub(crate) bytes: ByteSize,
    /// Entries of a round.
    pub(crate) entries: usize,
}

/// One insert and what it is made of.
#[derive(Debug, Clone)]
pub(crate) struct Shipment {
    pub(crate) insert: Insert,
    pub(crate) signal: Signal,
    /// The batches in it, and how many of their rows are.
    pub(crate) batches: Vec<(Uuid, u64)>,
    /// Whose rows they are and when they came.
    pub(crate) tenants: Vec<(String, Minute, u64)>,
    /// Some rows of a batch are there, and others are not: what is there is asked for with the insert.
    pub(crate) is_partly_there: bool,
}

/// Inserts for a stretch of the log.
#[derive(Debug)]
pub(crate) struct Round {
    /// Behind its last record: the checkpoint when it is done.
    pub(crate) after: Mark,
    pub(crate) shipments: Vec<Shipment>,
    /// Whose rows are left out because another receiver stores them, and when they came.
    pub(crate) left_out: Vec<(String, Signal, Minute, u64)>,
    pub(crate) entries: usize,
    /// A bound was reached before the end of what is on disk.
    pub(crate) is_full: bool,
    /// What could not be read.
    pub(crate) damage: Vec<String>,
}

impl Bounds {
    /// Bounds of a stretch that is given by its end.
    pub(crate) const fn of_plan(shipment_rows: u64) -> Self {
        Self { shipment_rows, rows: u64::MAX, bytes: ByteSize(u64::MAX), entries: usize::MAX }
    }
}

impl Round {
    pub(crate) fn rows(&self) -> u64 {
        self.shipments.iter().map(|shipment| shipment.insert.rows as u64).sum()
    }
}

/// A round cannot be read now.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RoundError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("record {sequence}: {source}")]
    Entry { sequence: Sequence, source: EntryError },
}

/// Reads on from where the reader stands: to the end of what is on disk, to `end`, or until the bounds are
/// reached. `None` if there is nothing to read.
pub(crate) fn read(
    reader: &mut Reader,
    end: Sequence,
    bounds: Bounds,
    left_out: &LeftOut,
) -> Result<Option<Round>, RoundError> {
    let mut gathering = Gathering::default();
    let mut round = Round {
        after: reader.mark(),
        shipments: Vec::new(),
        left_out: Vec::new(),
        entries: 0,
        is_full: false,
        damage: Vec::new(),
    };
    let mut bytes = 0;
    loop {
        // One is taken however small the bounds are, or nothing would ever be.
        let full = round.entries > 0
            && (bytes >= bounds.bytes.as_u64()
                || gathering.rows >= bounds.rows
                || round.entries >= bounds.entries);
        round.is_full = full;
        if full || round.after.sequence >= end {
            break;
        }
        match reader.next_record() {
            Ok(Some(record)) => {
                bytes += record.payload.len() as u64;
                let mut entry = Entry::read(record.payload)
                    .map_err(|source| RoundError::Entry { sequence: record.sequence, source })?;
                if let Some(events) = left_out.of(record.sequence) {
                    leave_out(&mut entry, &events, &mut round.left_out);
                }
                gathering.add(entry);
                round.entries += 1;
            }
            Ok(None) => break,
            // The reader stands behind it.
            Err(ReadError::Damaged(damage)) => round.damage.push(damage.to_string()),
            Err(error) => return Err(error.into()),
        }
        round.after = reader.mark();
    }
    round.shipments = gathering.shipments(bounds.shipment_rows);
    Ok((round.entries > 0 || !round.damage.is_empty()).then_some(round))
}

/// Takes the rows of events out of an entry's blocks.
fn leave_out(
    entry: &mut Entry,
    events: &HashSet<EventId>,
    left_out: &mut Vec<(String, Signal, Minute, u64)>,
) {
    let minute = Minute::of_batch(entry.batch);
    for block in &mut entry.blocks {
        match granary_clickhouse::leave_out(&block.frames, |id| events.contains(&id)) {
            Ok(None) => {}
            Ok(Some(remains)) => {
                let signal = block.signal();
                left_out.extend(
                    remains.left_out.into_iter().map(|(tenant, rows)| (tenant, signal, minute, rows)),
                );
                (block.rows, block.tenants, block.frames) = (remains.rows, remains.tenants, remains.frames);
            }
            // Rows that are stored twice can be told by their ids; a log that stands still takes no more.
            Err(error) => {
                tracing::error!(%error, table = block.table, batch = %entry.batch, "rows that another receiver stores cannot be left out; they are stored twice");
            }
        }
    }
    entry.blocks.retain(|block| block.rows > 0);
}

/// What keeps blocks out of one another's inserts: table, partition, columns.
type Kind = (&'static str, u32, u64);

/// Blocks by their kind, in the order of the log.
#[derive(Default)]
struct Gathering {
    rows: u64,
    blocks: BTreeMap<Kind, Vec<(Uuid, Block)>>,
}

impl Gathering {
    fn add(&mut self, entry: Entry) {
        self.rows += entry.rows();
        for block in entry.blocks {
            let key = (block.table, block.partition, block.schema);
            self.blocks.entry(key).or_default().push((entry.batch, block));
        }
    }

    fn shipments(self, max_insert_rows: u64) -> Vec<Shipment> {
        let mut shipments = Vec::new();
        for ((table, partition, _), blocks) in self.blocks {
            let mut rows = 0;
            let mut open: Vec<(Uuid, Block)> = Vec::new();
            for (batch, block) in blocks {
                if !open.is_empty() && rows + block.rows > max_insert_rows {
                    shipments.push(ship(table, partition, std::mem::take(&mut open)));
                    rows = 0;
                }
                rows += block.rows;
                open.push((batch, block));
            }
            shipments.push(ship(table, partition, open));
        }
        shipments
    }
}

/// One insert. Its token names the first batch, the last one and how many there are: a batch is in one place
/// of one log only.
fn ship(table: &'static str, partition: u32, blocks: Vec<(Uuid, Block)>) -> Shipment {
    let first = blocks.first().map(|(batch, _)| *batch).unwrap_or_default();
    let last = blocks.last().map(|(batch, _)| *batch).unwrap_or_default();
    let token = format!("{first}/{last}/{}/{table}/{partition}", blocks.len());
    let signal = crate::entry::signal_of(table);
    let mut tenants: BTreeMap<(String, Minute), u64> = BTreeMap::new();
    for (batch, block) in &blocks {
        for (tenant, rows) in &block.tenants {
            *tenants.entry((tenant.clone(), Minute::of_batch(*batch))).or_default() += rows;
        }
    }
    Shipment {
        signal,
        batches: blocks.iter().map(|(batch, block)| (*batch, block.rows)).collect(),
        tenants: tenants.into_iter().map(|((tenant, minute), rows)| (tenant, minute, rows)).collect(),
        is_partly_there: false,
        insert: Insert {
            table,
            rows: usize::try_from(blocks.iter().map(|(_, block)| block.rows).sum::<u64>())
                .unwrap_or(usize::MAX),
            token,
            frames: blocks.into_iter().map(|(_, block)| block.frames).collect(),
        },
    }
}

impl Shipment {
    /// The same without the batches that are there already, under another token: the server may remember the
    /// first one for rows that it has lost.
    pub(crate) fn without(&self, there: impl Fn(&Uuid) -> bool, suffix: &str) -> Option<Self> {
        let kept: Vec<_> = (0..self.batches.len()).filter(|at| !there(&self.batches[*at].0)).collect();
        if kept.is_empty() {
            return None;
        }
        let batches: Vec<_> = kept.iter().map(|at| self.batches[*at]).collect();
        Some(Self {
            insert: Insert {
                table: self.insert.table,
                rows: usize::try_from(batches.iter().map(|(_, rows)| rows).sum::<u64>())
                    .unwrap_or(usize::MAX),
                token: format!("{}/{suffix}", self.insert.token),
                frames: kept.iter().map(|at| self.insert.frames[*at].clone()).collect(),
            },
            signal: self.signal,
            batches,
            tenants: self.tenants.clone(),
            is_partly_there: self.is_partly_there,
        })
    }

    /// Inserts the rows, or those that are not there.
    pub(crate) async fn send(
        &self,
        warehouse: &Warehouse,
        patience: Duration,
    ) -> Result<(), ClickHouseError> {
        if self.is_partly_there {
            let batches: Vec<Uuid> = self.batches.iter().map(|(batch, _)| *batch).collect();
            return warehouse.insert_missing_within(&self.insert, &batches, patience).await;
        }
        warehouse.insert_within(&self.insert, patience).await
    }
}

//! The open blocks of one signal, by partition.

use bytes::Bytes;
use granary_clickhouse::{LogColumns, MetricColumns, SpanColumns, TableColumns};
use twox_hash::XxHash3_64;

use crate::entry::Block;

/// Columns by partition. Emptied ones are kept for their memory.
#[derive(Debug, Default)]
pub(crate) struct Blocks<C> {
    open: Vec<(u32, C)>,
    spare: Vec<C>,
}

/// Emptied columns that are kept: the present month and the one before.
const SPARE: usize = 2;

impl<C: Default> Blocks<C> {
    /// The columns of a partition.
    pub(crate) fn of(&mut self, partition: u32) -> &mut C {
        let at = self.open.iter().position(|(open, _)| *open == partition).unwrap_or_else(|| {
            self.open.push((partition, self.spare.pop().unwrap_or_default()));
            self.open.len() - 1
        });
        &mut self.open[at].1
    }

    /// Seals every partition's columns and empties them.
    pub(crate) fn seal(&mut self, scratch: &mut Vec<u8>, blocks: &mut Vec<Block>)
    where
        C: Seal,
    {
        for (partition, mut columns) in self.open.drain(..) {
            columns.seal_into(partition, scratch, blocks);
            if self.spare.len() < SPARE {
                self.spare.push(columns);
            }
        }
    }
}

/// Columns of one table, or of all tables of a signal.
pub(crate) trait Seal {
    /// Seals what there is and empties the columns.
    fn seal_into(&mut self, partition: u32, scratch: &mut Vec<u8>, blocks: &mut Vec<Block>);
}

impl Seal for LogColumns {
    fn seal_into(&mut self, partition: u32, scratch: &mut Vec<u8>, blocks: &mut Vec<Block>) {
        seal(self, partition, scratch, blocks);
    }
}

impl Seal for SpanColumns {
    fn seal_into(&mut self, partition: u32, scratch: &mut Vec<u8>, blocks: &mut Vec<Block>) {
        seal(self, partition, scratch, blocks);
    }
}

impl Seal for MetricColumns {
    fn seal_into(&mut self, partition: u32, scratch: &mut Vec<u8>, blocks: &mut Vec<Block>) {
        let Self { gauge, sum, histogram, exponential_histogram, summary } = self;
        seal(gauge, partition, scratch, blocks);
        seal(sum, partition, scratch, blocks);
        seal(histogram, partition, scratch, blocks);
        seal(exponential_histogram, partition, scratch, blocks);
        seal(summary, partition, scratch, blocks);
    }
}

fn seal<C: TableColumns>(columns: &mut C, partition: u32, scratch: &mut Vec<u8>, blocks: &mut Vec<Block>) {
    if columns.rows() == 0 {
        return;
    }
    let mut frames = Vec::new();
    columns.seal(scratch, &mut frames);
    blocks.push(Block {
        table: C::TABLE,
        partition,
        schema: schema_of(columns),
        rows: columns.rows() as u64,
        tenants: columns.tenants(),
        frames: Bytes::from(frames),
    });
    columns.clear();
}

/// The columns' names and types as one number.
fn schema_of(columns: &impl TableColumns) -> u64 {
    let mut text = String::new();
    for (name, of) in columns.schema() {
        text.push_str(name);
        text.push(' ');
        text.push_str(of);
        text.push(',');
    }
    XxHash3_64::oneshot(text.as_bytes())
}

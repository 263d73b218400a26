//! A sealed block into its table, so that sending it again adds nothing.

use bytes::Bytes;

use crate::{ClickHouseError, Warehouse};

/// What one `INSERT` sends: Native blocks of one table, compressed, and the token that names them.
#[derive(Debug, Clone)]
pub struct SealedBlock {
    /// The table.
    pub table: &'static str,
    /// How many rows the blocks hold.
    pub rows: usize,
    /// The same blocks have the same token, on every attempt and after a restart.
    pub token: String,
    /// Frames of blocks, as [`crate::TableColumns::seal`] writes them.
    pub frames: Bytes,
}

/// A month has one partition; a batch that spans more of them than this holds a clock gone wild.
const MAX_PARTITIONS: &str = "1000";

impl Warehouse {
    /// Inserts a block. When this returns `Ok`, its rows are in the table and in every rollup, once.
    ///
    /// Every setting that exactness depends upon is sent along; the server's defaults are not trusted.
    ///
    /// # Errors
    ///
    /// [`ClickHouseError::is_transient`] says whether to send the same block again. After `Unreachable` and
    /// `TimedOut` the rows may be there; the token keeps a repetition from doubling them.
    pub async fn insert(&self, block: &SealedBlock) -> Result<(), ClickHouseError> {
        let mut insert = self
            .for_inserts()
            .insert_formatted_with(format!("INSERT INTO {} FORMAT Native", block.table))
            .with_setting("decompress", "1")
            .with_setting("async_insert", "0")
            .with_setting("insert_deduplicate", "1")
            .with_setting("insert_deduplication_token", &block.token)
            .with_setting("deduplicate_blocks_in_dependent_materialized_views", "1")
            .with_setting("materialized_views_ignore_errors", "0")
            .with_setting("wait_end_of_query", "1")
            .with_setting("max_partitions_per_insert_block", MAX_PARTITIONS)
            .with_timeouts(Some(self.timeout()), Some(self.timeout()));
        insert.send(block.frames.clone()).await?;
        insert.end().await?;
        Ok(())
    }
}

//! An insert whose answer did not come: what to send, so that its rows are there once.
//!
//! | what is known | what is sent | why that is right |
//! |---|---|---|
//! | the server's machine has been up since the first attempt | the same blocks under the same token | the server's memory of tokens outlived it, even a `kill -9`: what is there is not added again, and a rollup that the first attempt did not reach is completed |
//! | its machine was started since | the batches that are not there, under a new token | tokens and parts that were not synced may be gone, each by itself: only the rows themselves can say |
//! | the tables are replicated | the same blocks under the same token, whoever was started since | tokens are in Keeper, which has them synced and for a week; a replica that is behind does not have all rows yet, so rows say nothing |
//!
//! Of shards without replicas it is the machine that was started last which counts, and of a batch of which some rows are there
//! those are sent whose `EventId` is not.
//!
//! In the second case a batch can be in its table and missing in a rollup; nothing in the server says so. It is
//! logged with the batch's id.

use std::collections::HashSet;

use granary_clickhouse::{ClickHouseError, ServerLife, Warehouse};
use uuid::Uuid;

use crate::round::Shipment;

/// What to do about a shipment in doubt.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// Send these blocks.
    Send(Shipment),
    /// Everything is there.
    Settled,
}

/// Looks the shipment up. `sent_ms` is when it was first sent.
pub(crate) async fn settle(
    warehouse: &Warehouse,
    shipment: &Shipment,
    sent_ms: i64,
) -> Result<Verdict, ClickHouseError> {
    match warehouse.life().await? {
        Some(life) if !life.machine_was_up_at(sent_ms) => missing(warehouse, shipment, life).await,
        _ => Ok(Verdict::Send(shipment.clone())),
    }
}

/// Which batches of a shipment are not in their table.
pub(crate) async fn missing(
    warehouse: &Warehouse,
    shipment: &Shipment,
    life: ServerLife,
) -> Result<Verdict, ClickHouseError> {
    let batches: Vec<Uuid> = shipment.batches.iter().map(|(batch, _)| *batch).collect();
    let there = warehouse.rows_of_batches(shipment.insert.table, &batches).await?;
    let suffix = format!("after {}", life.started_ms / 1000);
    // A batch is one block, and on one server all of it is there or nothing. Of a cluster, one shard may have lost its rows.
    let is_shared_out = warehouse.cluster().is_some();
    let whole: HashSet<Uuid> = shipment
        .batches
        .iter()
        .filter(|(batch, rows)| there.get(batch).is_some_and(|found| !is_shared_out || found >= rows))
        .map(|(batch, _)| *batch)
        .collect();
    match shipment.without(|batch| whole.contains(batch), &suffix) {
        None => Ok(Verdict::Settled),
        Some(mut rest) => {
            rest.is_partly_there = rest.batches.iter().any(|(batch, _)| there.contains_key(batch));
            tracing::warn!(
                table = shipment.insert.table,
                batches = rest.batches.len(),
                rows = rest.insert.rows,
                first = %rest.batches[0].0,
                "the server has lost rows that it had confirmed, or never had them; they are sent again"
            );
            Ok(Verdict::Send(rest))
        }
    }
}

//! The counts, every few seconds, into the table that `ingest_accounting` asks.
//!
//! What was counted since the last time is one insert under a token, repeated until it is there. Counts that a killed
//! process had not written are gone with it: the query shows them as a surplus of ends, or as rows that nobody
//! counted. The records themselves are not touched by that.

use std::time::Duration;

use granary_clickhouse::{AccountedRecords, Warehouse};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::accounting::Accounting;

const INTERVAL: Duration = Duration::from_secs(5);

/// Rows of one insert: tenants times signals times outcomes times minutes are few, but somebody else's number.
const AT_ONCE: usize = 10_000;

/// Writes counts until `stop`, then what is left, if the warehouse takes it at once.
pub(crate) async fn run(
    accounting: Accounting,
    warehouse: Warehouse,
    tables_ready: CancellationToken,
    stop: CancellationToken,
) {
    let process = Uuid::now_v7();
    let mut number = 0_u64;
    let mut pending: Vec<AccountedRecords> = Vec::new();
    loop {
        let stopping = tokio::select! {
            () = stop.cancelled() => true,
            () = tokio::time::sleep(INTERVAL) => false,
        };
        if !tables_ready.is_cancelled() {
            if stopping {
                return;
            }
            continue;
        }
        loop {
            if pending.is_empty() {
                pending = accounting.take_uncounted(AT_ONCE);
                number += 1;
            }
            if pending.is_empty() {
                break;
            }
            match warehouse.insert_accounting(process, &pending, &format!("{process}/{number}")).await {
                Ok(()) => pending.clear(),
                Err(error) => {
                    tracing::debug!(%error, "counts cannot be written now");
                    break;
                }
            }
        }
        if stopping {
            return;
        }
    }
}

//! An insert of a restore, repeated under its token until it is in or is refused.

use std::time::Duration;

use granary_clickhouse::{ClickHouseError, Insert, Warehouse};
use tokio::time::Instant;

/// For how long an insert is tried again. After that the session has failed, and the next restore completes it.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long one attempt may take: a chunk is small, and a busy server is slow.
const ATTEMPT: Duration = Duration::from_mins(2);

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Sends it. When this returns `Ok`, its rows are in the table and in every rollup, once.
pub(super) async fn send(warehouse: &Warehouse, insert: &Insert) -> Result<(), ClickHouseError> {
    let until = Instant::now() + PATIENCE;
    let mut pause = FIRST_PAUSE;
    loop {
        match warehouse.insert_within(insert, ATTEMPT).await {
            Err(error) if error.is_transient() && Instant::now() < until => {
                tracing::debug!(table = insert.table, %error, "sent again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            other => return other,
        }
    }
}

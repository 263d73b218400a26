//! After the server was started again: was what it had confirmed lately kept?
//!
//! ClickHouse confirms an insert before its parts are synced, so a machine that loses its power loses inserts of the
//! last minutes that were confirmed. The log still has them.
//!
//! Where tables are replicated nothing is checked. An insert is confirmed when most replicas of its shard have it, so no single
//! machine loses it; and to look would be to ask a replica that may be behind, and to send again under a new token what the others have.

use granary_clickhouse::{ClickHouseError, ServerLife};
use granary_wal::Mark;
use uuid::Uuid;

use crate::deliver::{Deliverer, Ended, Position, unix_ms};
use crate::doubt::{self, Verdict};
use crate::pace::Backoff;
use crate::round::{Bounds, Shipment};

/// Entries whose batches are looked up together.
const ENTRIES: usize = 200;

impl Deliverer {
    /// Looks up every batch that was confirmed lately, and sends again what the server has lost.
    pub(crate) async fn recheck(&self, life: ServerLife, until: Mark) -> Result<(), Ended> {
        let newer_than = unix_ms() - i64::try_from(self.config.retention().as_millis()).unwrap_or(i64::MAX);
        let bounds = Bounds {
            shipment_rows: u64::MAX,
            rows: u64::MAX,
            bytes: self.config.max_insert_bytes,
            entries: ENTRIES,
        };
        let oldest = self.log.oldest();
        let mut place = Position::at(oldest, &self.config);
        let (mut checked, mut sent) = (0, 0);
        while place.mark.sequence < until.sequence {
            let Some(round) = self.read(&mut place, until.sequence, bounds).await? else { break };
            place.mark = round.after;
            for shipment in &round.shipments {
                let Some(recent) =
                    shipment.without(|batch| created_ms(batch).is_some_and(|ms| ms < newer_than), "recent")
                else {
                    continue;
                };
                checked += recent.batches.len();
                sent += self.send_lost(&recent, life).await?;
            }
        }
        tracing::info!(
            batches = checked,
            sent_again = sent,
            "the server was started again; what it had confirmed lately is checked"
        );
        Ok(())
    }

    async fn send_lost(&self, shipment: &Shipment, life: ServerLife) -> Result<usize, Ended> {
        let mut backoff = Backoff::new();
        loop {
            let attempt = async {
                match doubt::missing(&self.warehouse, shipment, life).await? {
                    Verdict::Settled => Ok(0),
                    Verdict::Send(lost) => {
                        lost.send(&self.warehouse, self.config.insert_timeout).await?;
                        self.metrics.sent_again(lost.insert.table, lost.insert.rows as u64);
                        Ok(lost.batches.len())
                    }
                }
            };
            match attempt.await {
                Ok(sent) => return Ok(sent),
                Err(error) if ClickHouseError::is_transient(&error) => self.wait(&mut backoff).await?,
                Err(error) => {
                    tracing::error!(%error, table = shipment.insert.table, "lost rows cannot be sent again");
                    return Ok(0);
                }
            }
        }
    }
}

/// When a batch was begun; its id says so.
fn created_ms(batch: &Uuid) -> Option<i64> {
    let (seconds, nanos) = batch.get_timestamp()?.to_unix();
    i64::try_from(seconds * 1000 + u64::from(nanos) / 1_000_000).ok()
}

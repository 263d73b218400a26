//! Rows that ClickHouse does not take, out of the others' way and back again.

use std::io;

use granary_clickhouse::ClickHouseError;
use tokio::time::Instant;

use crate::deliver::{Deliverer, Ended, unix_ms};
use crate::entry::signal_of;
use crate::pace::Backoff;
use crate::quarantine::{Quarantine, Quarantined};
use crate::round::Shipment;

impl Deliverer {
    /// Whether a table that says no, though it may say yes later, has done so for so long that its rows are better
    /// out of the way: others' rows were stored meanwhile, or wait behind them. Where a server of the cluster is away, it is
    /// not the table that says no, and the log is where rows wait for it.
    pub(crate) fn is_stuck(&self, error: &ClickHouseError, since: Instant, holds_others_up: bool) -> bool {
        matches!(error, ClickHouseError::Server { .. })
            && !error.is_about_another_server()
            && holds_others_up
            && since.elapsed() >= self.config.insert_stuck_after
    }

    /// Puts a shipment into the quarantine, once there is room and its disk takes it. Until then the log fills up and
    /// senders are told to come back: nothing acknowledged is given up.
    pub(crate) async fn put_aside(
        &self,
        shipment: &Shipment,
        reason: &str,
        retries: bool,
    ) -> Result<(), Ended> {
        let most = self.config.quarantine_max_bytes.as_u64();
        let mut backoff = Backoff::new();
        loop {
            let (shipment, reason) = (shipment.clone(), reason.to_owned());
            let put = self
                .with_quarantine(move |quarantine| {
                    let bytes = shipment.insert.frames.iter().map(|frame| frame.len() as u64).sum::<u64>();
                    let (_, used) = quarantine.usage()?;
                    // One is taken however large it is, or it would never be.
                    if used > 0 && used.saturating_add(bytes) > most {
                        return Err(io::Error::new(
                            io::ErrorKind::QuotaExceeded,
                            format!(
                                "the quarantine holds {used} bytes of {most}; see `granary quarantine list`"
                            ),
                        ));
                    }
                    quarantine.put(&shipment, &reason, retries, unix_ms())
                })
                .await;
            match put {
                Ok(_) => return Ok(()),
                Err(error) => tracing::error!(%error, "refused rows cannot be put aside; trying again"),
            }
            self.wait(&mut backoff).await?;
        }
    }

    /// Tries the rows again that their table refused for a time.
    pub(crate) async fn retry_put_aside(&self) {
        let Ok(listed) = self.with_quarantine(Quarantine::list).await else { return };
        let waiting = listed
            .into_iter()
            .filter_map(|(name, head)| head.ok().filter(|head| head.retries).map(|head| (name, head)));
        for (name, head) in waiting {
            if self.retry(&name, &head).await.is_err() {
                // The others of its table would be refused, too, and there is a next time.
                return;
            }
        }
    }

    async fn retry(&self, name: &str, head: &Quarantined) -> Result<(), ClickHouseError> {
        let file = name.to_owned();
        let Ok(insert) = self.with_quarantine(move |quarantine| quarantine.load(&file)).await else {
            return Ok(());
        };
        head.insert_again(&insert, &self.warehouse, self.config.insert_timeout, unix_ms()).await?;
        tracing::info!(table = insert.table, rows = insert.rows, "rows that were put aside are stored");
        for part in &head.parts {
            self.accounting.released(&part.tenant, signal_of(insert.table), part.minute(), part.rows);
        }
        let file = name.to_owned();
        if let Err(error) = self.with_quarantine(move |quarantine| quarantine.remove(&file)).await {
            tracing::warn!(%error, name, "a stored insert cannot be removed from the quarantine");
        }
        Ok(())
    }

    /// Off the runtime: the disk may be slow.
    async fn with_quarantine<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Quarantine) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let quarantine = self.quarantine.clone();
        tokio::task::spawn_blocking(move || work(&quarantine)).await.map_err(io::Error::other)?
    }
}

//! Opening the log: what an earlier life left, and which events it had taken.

use std::sync::Arc;

use granary_model::EventId;
use granary_wal::{Mark, OpenError, Opened, ReadError, Sequence};

use crate::accounting::Accounting;
use crate::claims::Claims;
use crate::config::IngestConfig;
use crate::deliver::Kept;
use crate::entry::Entry;
use crate::left_out::LeftOut;
use crate::window::{Ticket, Window};

/// An open log and what it says.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) writer: granary_wal::Writer,
    pub(crate) log: granary_wal::Log,
    pub(crate) resume: Mark,
    pub(crate) kept: Kept,
    pub(crate) window: Arc<Window>,
    pub(crate) left_out: LeftOut,
}

/// What an earlier life left cannot be read.
pub(crate) enum RecoverError {
    Log(OpenError),
    /// Which events other receivers store.
    LeftOut(std::io::Error),
}

/// Opens the log and reads it once: the ids of every event in it go into the window, and what is not confirmed
/// is counted. What is delivered, or was about to be, goes into `claims`. Takes as long as reading the log does.
///
/// # Errors
///
/// The log cannot be opened.
pub(crate) fn open(
    config: &IngestConfig,
    accounting: &Accounting,
    claims: Option<&Claims>,
) -> Result<Recovered, RecoverError> {
    let Opened { writer, log, recovery } = granary_wal::open(&config.wal()).map_err(RecoverError::Log)?;
    for problem in &recovery.found.problems {
        tracing::warn!(%problem, "the write-ahead log is not as it was left");
    }
    for name in &recovery.quarantined {
        tracing::warn!(name, "damaged bytes of the write-ahead log were copied to its quarantine");
    }
    let window = Window::new(config.duplicate_window, config.duplicate_window_events);
    let mut reader = log.read_from(log.oldest());
    let kept = log.checkpoint().map(|checkpoint| Kept::read(&checkpoint.blob)).unwrap_or_default();
    let left_out = LeftOut::open(&config.wal_dir, log.oldest().sequence).map_err(RecoverError::LeftOut)?;
    // Others may have been told that these are stored from here.
    let settled = kept.plan.map_or(recovery.resume.sequence, |plan| Sequence::new(plan.end));
    let mut waiting = 0;
    loop {
        match reader.next_record() {
            Ok(Some(record)) => match Entry::read(record.payload) {
                Ok(entry) => {
                    for id in &entry.events {
                        // One that was there is in the log twice: it was sent again after the window had passed.
                        window.insert(EventId(id.0), Ticket::RECOVERED);
                    }
                    if let Some(claims) = claims {
                        let theirs = left_out.of(record.sequence).unwrap_or_default();
                        for id in &entry.events {
                            let is_theirs = theirs.contains(id);
                            if is_theirs || record.sequence < settled {
                                claims.recovered(*id, !is_theirs);
                            }
                        }
                    }
                    if record.sequence >= recovery.resume.sequence {
                        for block in &entry.blocks {
                            for (tenant, rows) in &block.tenants {
                                accounting.recovered(tenant, block.signal(), *rows);
                                waiting += rows;
                            }
                        }
                    }
                }
                // The deliverer says so when it gets there.
                Err(error) => tracing::debug!(sequence = %record.sequence, %error, "a record cannot be read"),
            },
            Ok(None) => break,
            Err(ReadError::Damaged(_)) => {}
            Err(error) => {
                tracing::warn!(%error, "the write-ahead log cannot be read to its end; repeated deliveries may be stored again");
                break;
            }
        }
    }
    if waiting > 0 {
        tracing::info!(
            records = waiting,
            "an earlier run left records in the write-ahead log; they are inserted now"
        );
    }
    Ok(Recovered { writer, log, resume: recovery.resume, kept, window: Arc::new(window), left_out })
}

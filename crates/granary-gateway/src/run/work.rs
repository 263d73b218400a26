//! A query at the engine, from its start to the account of it.
//!
//! However a query ends, what it read is charged to who asked, and an entry of the audit says what came of it: both when
//! this goes. A query that is left while it works is looked at once more before it is hung up on; a task of its own does
//! that, since whoever drops it does not wait.

use std::sync::Arc;

use bytes::Bytes;
use granary_clickhouse::{BytesCursor, ClickHouseError};
use granary_model::TenantId;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::RunError;
use super::meter::{Reading, Watched};
use super::settings::RESPONSE_BUFFER_BYTES;
use crate::Caller;
use crate::audit::{Asked, Outcome};
use crate::caller::Account;
use crate::limits::Allowances;
use crate::line::Place;
use crate::metrics::Metrics;

/// A query under way.
pub(super) struct Work {
    cursor: Option<BytesCursor>,
    bill: Option<Bill>,
    /// Whether the engine has said all that it will.
    is_over: bool,
    tasks: TaskTracker,
}

/// What is to be written down when it is over.
pub(super) struct Bill {
    pub(super) reading: Arc<Reading>,
    pub(super) watched: Option<Watched>,
    pub(super) caller: Caller,
    pub(super) allowances: Arc<Allowances>,
    pub(super) metrics: Metrics,
    pub(super) asked: Asked,
    /// Free again when all is written down.
    pub(super) _place: Place<TenantId, Account>,
}

impl Work {
    pub(super) fn new(cursor: BytesCursor, bill: Bill, tasks: TaskTracker) -> Self {
        Self { cursor: Some(cursor), bill: Some(bill), is_over: false, tasks }
    }

    /// The next piece of the answer; nothing at its end.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, ClickHouseError> {
        let Some(cursor) = &mut self.cursor else { return Ok(None) };
        let piece = cursor.next().await;
        self.is_over = !matches!(piece, Ok(Some(_)));
        let Some(bill) = &mut self.bill else { return Ok(piece?) };
        if let Some(summary) = cursor.summary() {
            let number = |number: Option<u64>| number.unwrap_or_default();
            bill.reading.at_least(number(summary.read_rows()), number(summary.read_bytes()));
            if self.is_over && cursor.received_bytes() < RESPONSE_BUFFER_BYTES.into() {
                bill.asked.note(|entry| entry.result_rows = number(summary.result_rows()));
            }
        }
        Ok(piece?)
    }

    /// Counts bytes of the answer as it is given.
    pub(super) fn given(&mut self, bytes: usize) {
        self.note(|asked| asked.note(|entry| entry.result_bytes += bytes as u64));
    }

    /// Says that the answer has begun.
    pub(super) fn begun(&mut self) {
        self.note(|asked| asked.answered(http::StatusCode::OK));
    }

    /// Says that the answer was taken to its end.
    pub(super) fn ok(&mut self) {
        self.note(Asked::ok);
    }

    /// Says what went wrong before the answer began.
    pub(super) fn refused(&mut self, error: &RunError) {
        self.failed(error);
        self.note(|asked| asked.answered(crate::problem::status(error)));
    }

    /// Says what went wrong.
    pub(super) fn failed(&mut self, error: &RunError) {
        self.note(|asked| note_error(asked, error));
    }

    fn note(&mut self, note: impl FnOnce(&mut Asked)) {
        if let Some(bill) = &mut self.bill {
            note(&mut bill.asked);
        }
    }
}

/// A statement of a caller's own under way; what it came to is written down when this goes.
pub(crate) struct OwnWork(Option<Bill>);

impl OwnWork {
    pub(super) fn new(bill: Bill) -> Self {
        Self(Some(bill))
    }

    /// Takes what the engine says that was read.
    pub(crate) fn read(&self, rows: u64, bytes: u64) {
        if let Some(bill) = &self.0 {
            bill.reading.at_least(rows, bytes);
        }
    }

    /// What is written into the audit.
    pub(crate) fn note(&mut self, note: impl FnOnce(&mut Asked)) {
        if let Some(bill) = &mut self.0 {
            note(&mut bill.asked);
        }
    }

    /// Looks what was read so far, before the statement is left.
    pub(crate) async fn look(&self) {
        if let Some(watched) = self.0.as_ref().and_then(|bill| bill.watched.as_ref()) {
            watched.look().await;
        }
    }
}

impl Drop for OwnWork {
    fn drop(&mut self) {
        if let Some(bill) = self.0.take() {
            bill.settle();
        }
    }
}

/// What an error is in the audit.
pub(super) fn note_error(asked: &mut Asked, error: &RunError) {
    let (outcome, reason) = match error {
        RunError::Refused(refusal) => (Outcome::Refused, refusal.limit.name()),
        RunError::TimedOut { .. } => (Outcome::Refused, "time"),
        RunError::TooLarge { what, .. } => (Outcome::Refused, what.name()),
        RunError::TooSlowlyRead { .. } => (Outcome::Abandoned, "time"),
        RunError::UnknownTimeZone => (Outcome::Refused, "bad-parameter"),
        RunError::UnknownSession { .. } => (Outcome::Refused, "unknown-session"),
        RunError::Unavailable { .. } => (Outcome::Failed, "unavailable"),
        RunError::Failed { .. } => (Outcome::Failed, "internal"),
        RunError::AnswerTooLarge { .. } => (Outcome::Refused, "result"),
        RunError::NoSamples | RunError::RepeatedLabels | RunError::Unreadable => (Outcome::Failed, "format"),
    };
    asked.ended(outcome, reason);
}

impl Bill {
    /// Charges what was read and writes down what came of it.
    fn settle(mut self) {
        let (rows, bytes) = self.reading.get();
        self.allowances.charge(&self.caller, rows, bytes);
        self.metrics.read(rows, bytes);
        self.asked.note(|entry| (entry.rows_read, entry.bytes_read) = (rows, bytes));
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let (cursor, Some(bill)) = (self.cursor.take(), self.bill.take()) else { return };
        match Handle::try_current() {
            Ok(runtime) if !self.is_over => {
                let leave = async move {
                    if let Some(watched) = &bill.watched {
                        watched.look().await;
                    }
                    drop(cursor);
                    bill.settle();
                };
                self.tasks.spawn_on(leave, &runtime);
            }
            _ => bill.settle(),
        }
    }
}

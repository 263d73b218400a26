//! A commit group: what one lane filled, and who waits for it to be on disk.

use granary_model::{Signal, TenantId};
use granary_otlp::Answer;
use tokio::sync::oneshot;

use crate::accounting::Minute;
use crate::entry::Entry;
use crate::error::Refusal;
use crate::window::Ticket;

/// The blocks of one commit and who waits for it.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) ticket: Ticket,
    /// `None` if all that came had come before.
    pub(crate) entry: Option<Entry>,
    pub(crate) waiters: Vec<Waiter>,
}

/// A request that is answered when its records are on disk.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub(crate) tenant: TenantId,
    pub(crate) signal: Signal,
    /// When it came.
    pub(crate) minute: Minute,
    /// How many of its records are in the group.
    pub(crate) kept: u64,
    /// Groups that hold records of it which came before.
    pub(crate) also: Vec<Ticket>,
    pub(crate) success: Answer,
    pub(crate) answer: oneshot::Sender<Result<Answer, Refusal>>,
}

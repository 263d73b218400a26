//! What can go wrong with an archive, by what to do about it.

use std::sync::Arc;

use granary_clickhouse::ClickHouseError;

use crate::{ObjectKey, StoreError};

/// An archive cannot be opened, written or read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The configuration makes no sense; it must be changed.
    #[error("the archive's configuration is wrong: {problem}")]
    Config {
        /// What is wrong with which field.
        problem: String,
    },
    /// The folder or bucket refuses or does not answer; [`StoreError`] says why.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The warehouse refuses or does not answer.
    #[error(transparent)]
    Warehouse(#[from] ClickHouseError),
    /// The warehouse's answer is not what was asked for. It is a fault of Granary's, or the tables are not Granary's.
    #[error("the warehouse's answer cannot be read: {problem}")]
    Answer {
        /// What does not fit.
        problem: String,
    },
    /// Neither the archive nor the warehouse has anything of the session.
    #[error("session {session} is neither in the warehouse nor in the archive")]
    SessionNotFound {
        /// The session that was asked for.
        session: String,
    },
    /// An object is not what was written: it must not be trusted, and is written anew while the
    /// warehouse has the rows.
    #[error("the archived object {key} is damaged: {problem}")]
    Corrupt {
        /// The object.
        key: String,
        /// What does not fit.
        problem: String,
    },
    /// An object that was recorded is not there. It is written anew while the warehouse has the rows.
    #[error("the archived object {key} is damaged: it is not there")]
    Missing {
        /// The object.
        key: String,
    },
    /// A row cannot be turned into a line. It is a fault of Granary's.
    #[error("a row of session {session} cannot be read: {problem}")]
    Row {
        /// The session.
        session: String,
        /// What does not fit, without the row's text.
        problem: String,
    },
    /// After a restore the warehouse has fewer of a session's rows than the object. Rows were deleted meanwhile; the same
    /// restore once more puts them back.
    #[error(
        "session {session} has {in_warehouse} after it was restored and {archived} in its object; restore it again"
    )]
    Incomplete {
        /// The session.
        session: String,
        /// Logs, spans and points that are there.
        in_warehouse: String,
        /// Logs, spans and points that the object holds.
        archived: String,
    },
    /// The session was erased: it is not archived, and not restored.
    #[error("session {session} was erased; nothing of it is archived or restored")]
    Erased {
        /// The session.
        session: String,
    },
    /// Events of a session arrive while it is being erased.
    #[error(
        "events of session {session} keep arriving while it is erased; stop its sender, or leave the rest to the archiver"
    )]
    KeepsArriving {
        /// The session.
        session: String,
    },
    /// A step of an erasure was carried out and did not have its effect yet. The erasure is not over; it goes on from there when it is
    /// asked for again, and by the archiver's next pass.
    #[error("session {session} is not erased yet: {left} rows of {table} are still there; erase it again")]
    NotErased {
        /// The session.
        session: String,
        /// How many rows there are.
        left: u64,
        /// Of which table.
        table: &'static str,
    },
    /// The warehouse has fewer of a session's rows than its object, which therefore stays as it is. Rows were
    /// deleted, or not all of them are visible yet.
    #[error(
        "session {session} has {in_warehouse} in the warehouse and {archived} in its object, which is kept"
    )]
    Shrunk {
        /// The session.
        session: String,
        /// Logs, spans and points that would have been written.
        in_warehouse: String,
        /// Logs, spans and points that the object holds.
        archived: String,
    },
    /// What several sessions needed together failed; it is one error for all of them.
    #[error(transparent)]
    Batch(Arc<ArchiveError>),
    /// This archiver was held up for so long that another may have taken the session over; it is left to that one.
    #[error("the lease on session {session} has run out; another archiver may work on it now")]
    LeaseLost {
        /// The session.
        session: String,
    },
}

impl ArchiveError {
    pub(crate) fn corrupt(key: &ObjectKey, problem: impl Into<String>) -> Self {
        Self::Corrupt { key: key.to_string(), problem: problem.into() }
    }

    /// Whether the same may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Store(error) => error.is_transient(),
            Self::Warehouse(error) => error.is_transient(),
            Self::Batch(error) => error.is_transient(),
            Self::LeaseLost { .. } => true,
            Self::Config { .. }
            | Self::Answer { .. }
            | Self::SessionNotFound { .. }
            | Self::Corrupt { .. }
            | Self::Missing { .. }
            | Self::Row { .. }
            | Self::Incomplete { .. }
            | Self::Erased { .. }
            | Self::KeepsArriving { .. }
            | Self::NotErased { .. }
            | Self::Shrunk { .. } => false,
        }
    }
}

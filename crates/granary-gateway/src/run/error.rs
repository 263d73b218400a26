//! Why a query gave no answer, by what to do about it.

use std::fmt;
use std::time::Duration;

use granary_clickhouse::ClickHouseError;

use crate::{QueryLimits, Refusal};

/// Of what a query needs more than it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// Rows that it reads.
    RowsToRead,
    /// Rows of its answer.
    ResultRows,
    /// Bytes of its answer.
    ResultBytes,
    /// Memory, in bytes.
    Memory,
}

impl Excess {
    /// What an error says of it, and the limit.
    fn read(code: u32, message: &str, limits: &QueryLimits) -> Option<(Self, u64)> {
        match code {
            // TOO_MANY_ROWS, TOO_MANY_BYTES
            158 | 307 => Some((Self::RowsToRead, limits.max_rows_to_read)),
            // TOO_MANY_ROWS_OR_BYTES
            396 if message.contains("max bytes") => {
                Some((Self::ResultBytes, limits.max_result_bytes.as_u64()))
            }
            396 => Some((Self::ResultRows, limits.max_result_rows)),
            // MEMORY_LIMIT_EXCEEDED: the query's own limit, or else the whole server's
            241 if message.starts_with("Query memory limit") => {
                Some((Self::Memory, limits.max_memory_bytes.as_u64()))
            }
            _ => None,
        }
    }

    /// Its name in answers and in the audit.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RowsToRead => "rows_to_read",
            Self::ResultRows => "result_rows",
            Self::ResultBytes => "result_bytes",
            Self::Memory => "memory",
        }
    }
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RowsToRead => "rows to read",
            Self::ResultRows | Self::ResultBytes => "rows or bytes in its answer",
            Self::Memory => "memory",
        })
    }
}

/// A query did not run, or did not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A limit was reached. Ask again when it says so.
    #[error("{0}")]
    Refused(Refusal),
    /// The query takes longer than it may. Ask for less.
    #[error("the query ran longer than {after:?}")]
    TimedOut {
        /// The limit.
        after: Duration,
    },
    /// The answer did not get to its reader in time. Read faster, or ask for less.
    #[error("the answer was not read to its end within {after:?}")]
    TooSlowlyRead {
        /// The limit.
        after: Duration,
    },
    /// The query would read, hold or answer more than it may. Ask for less.
    #[error("the query needs more {what} than it may have: {source}")]
    TooLarge {
        /// What it needs too much of.
        what: Excess,
        /// How much it may have.
        value: u64,
        /// What ClickHouse said.
        source: ClickHouseError,
    },
    /// The answer is larger than its format can be. Ask for less.
    #[error("the answer needs more {what} than it may have")]
    AnswerTooLarge {
        /// What it needs too much of.
        what: &'static str,
    },
    /// The query does not say what its samples are, or has none with these parameters. Ask for another format.
    #[error("the query has no samples for Prometheus with these parameters")]
    NoSamples,
    /// Two rows would be the same sample. Whoever wrote the query must declare labels that tell its rows apart.
    #[error("two rows have the same labels")]
    RepeatedLabels,
    /// The session that the query is about is not there, or is not the caller's. Ask for another one.
    #[error("there is no session {session:?}")]
    UnknownSession {
        /// Its id.
        session: String,
    },
    /// ClickHouse did not send rows. A person is needed.
    #[error("what ClickHouse sent are no rows")]
    Unreadable,
    /// A parameter is to name a time zone and does not. Give another one.
    #[error("there is no such time zone")]
    UnknownTimeZone,
    /// ClickHouse cannot take the query now. Ask again in a while.
    #[error("ClickHouse cannot answer now: {source}")]
    Unavailable {
        /// What ClickHouse said, or that it said nothing.
        source: ClickHouseError,
    },
    /// The query does not work. A person is needed.
    #[error("the query failed: {source}")]
    Failed {
        /// What ClickHouse said.
        source: ClickHouseError,
    },
}

impl RunError {
    /// Reads ClickHouse's error. Codes are those of its `ErrorCodes.cpp`.
    pub(super) fn from_engine(source: ClickHouseError, limits: &QueryLimits) -> Self {
        let limit = limits.max_query_time;
        let source = without_values(source);
        let (code, message) = match &source {
            ClickHouseError::Server { code, message } => (*code, message.as_str()),
            ClickHouseError::TimedOut { .. } => return Self::TimedOut { after: limit },
            ClickHouseError::Unreachable { .. } => return Self::Unavailable { source },
            ClickHouseError::Answer { .. } => return Self::Failed { source },
        };
        if let Some((what, value)) = Excess::read(code, message, limits) {
            return Self::TooLarge { what, value, source };
        }
        match code {
            // BAD_ARGUMENTS; which zones there are, only the engine knows
            36 if message.starts_with("Cannot load time zone") => Self::UnknownTimeZone,
            // TIMEOUT_EXCEEDED, TOO_SLOW
            159 | 160 => Self::TimedOut { after: limit },
            // MEMORY_LIMIT_EXCEEDED, QUOTA_EXCEEDED, TOO_MANY_SIMULTANEOUS_QUERIES, CANNOT_SCHEDULE_TASK;
            // UNKNOWN_TABLE and UNKNOWN_DATABASE until the migrations are through; 0 from a balancer
            241 | 201 | 202 | 439 | 60 | 81 | 0 => Self::Unavailable { source },
            _ => Self::Failed { source },
        }
    }
}

/// Takes away the statement that many errors end with: by then the caller's values stand in it, which are no
/// business of the log's.
pub(crate) fn without_values(error: ClickHouseError) -> ClickHouseError {
    match error {
        ClickHouseError::Server { code, message } => {
            let message = ["In scope ", "in scope ", "while executing "]
                .iter()
                .fold(message.as_str(), |message, mark| message.split(mark).next().unwrap_or_default());
            ClickHouseError::Server { code, message: message.trim_end_matches([' ', ':']).to_owned() }
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(code: u32, message: &str) -> RunError {
        let source = ClickHouseError::Server { code, message: message.to_owned() };
        RunError::from_engine(source, &QueryLimits::default())
    }

    #[test]
    fn the_code_decides_whose_turn_it_is() {
        assert!(matches!(read(159, "Timeout exceeded"), RunError::TimedOut { .. }));
        assert!(matches!(
            read(158, "Limit for rows"),
            RunError::TooLarge { what: Excess::RowsToRead, value: 2_000_000_000, .. }
        ));
        assert!(matches!(
            read(241, "Query memory limit exceeded: would use"),
            RunError::TooLarge { what: Excess::Memory, .. }
        ));
        let result = "Limit for result exceeded, max bytes: 1.00 GiB, current bytes: 2.00 GiB";
        assert!(matches!(read(396, result), RunError::TooLarge { what: Excess::ResultBytes, .. }));
        assert!(matches!(
            read(241, "(total) memory limit exceeded: would use"),
            RunError::Unavailable { .. }
        ));
        assert!(matches!(read(60, "Unknown table"), RunError::Unavailable { .. }));
        assert!(matches!(read(62, "Syntax error"), RunError::Failed { .. }));
        assert!(matches!(read(36, "Cannot load time zone X"), RunError::UnknownTimeZone));
    }

    #[test]
    fn what_a_caller_gave_is_not_in_an_error() {
        let said = "Unknown expression identifier `x` in scope SELECT x FROM t WHERE u = 'me@example.com'. (UNKNOWN_IDENTIFIER)";
        assert_eq!(
            read(47, said).to_string(),
            "the query failed: ClickHouse error 47: Unknown expression identifier `x`"
        );
    }
}

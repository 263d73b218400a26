//! What ClickHouse's errors mean for whoever asked.

use std::time::Duration;

/// A statement did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClickHouseError {
    /// No answer: the server is down, unreachable, or cut the connection. Whether the statement took effect is
    /// not known.
    #[error("ClickHouse cannot be reached: {source}")]
    Unreachable {
        /// What the connection said.
        source: clickhouse::error::Error,
    },
    /// No answer in time. Whether the statement took effect is not known.
    #[error("ClickHouse did not answer within {after:?}")]
    TimedOut {
        /// The limit.
        after: Duration,
    },
    /// The server says no.
    #[error("ClickHouse error {code}: {message}")]
    Server {
        /// The server's error code; 0 where it gave none.
        code: u32,
        /// The server's words, without stack traces.
        message: String,
    },
    /// The answer is not what was asked for.
    #[error("ClickHouse's answer cannot be read: {source}")]
    Answer {
        /// What is wrong with it.
        source: clickhouse::error::Error,
    },
}

/// Codes after which the same insert fails again, whatever changes on the server: the data or the statement
/// is at fault. Everything else is worth another try. Names are those of ClickHouse's `ErrorCodes.cpp`.
const PERMANENT: [u32; 17] = [
    6,   // CANNOT_PARSE_TEXT
    10,  // NOT_FOUND_COLUMN_IN_BLOCK
    16,  // NO_SUCH_COLUMN_IN_TABLE
    20,  // NUMBER_OF_COLUMNS_DOESNT_MATCH
    27,  // CANNOT_PARSE_INPUT_ASSERTION_FAILED
    33,  // CANNOT_READ_ALL_DATA
    36,  // BAD_ARGUMENTS
    40,  // CHECKSUM_DOESNT_MATCH
    43,  // ILLEGAL_TYPE_OF_ARGUMENT
    47,  // UNKNOWN_IDENTIFIER
    50,  // UNKNOWN_TYPE
    53,  // TYPE_MISMATCH
    62,  // SYNTAX_ERROR
    70,  // CANNOT_CONVERT_TYPE
    117, // INCORRECT_DATA
    271, // CANNOT_DECOMPRESS
    349, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
];

/// Codes by which a server says that it does not reach others: a shard, most replicas of one, or Keeper.
const ABOUT_ANOTHER_SERVER: [u32; 7] = [
    209, // SOCKET_TIMEOUT
    210, // NETWORK_ERROR
    225, // NO_ZOOKEEPER
    279, // ALL_CONNECTION_TRIES_FAILED
    285, // TOO_FEW_LIVE_REPLICAS
    319, // UNKNOWN_STATUS_OF_INSERT
    999, // KEEPER_EXCEPTION
];

impl ClickHouseError {
    /// Whether the same statement may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } => true,
            Self::Server { code, .. } => !PERMANENT.contains(code),
            Self::Answer { .. } => false,
        }
    }

    /// Whether the server would have done it, had it reached the servers that it needs for that.
    #[must_use]
    pub fn is_about_another_server(&self) -> bool {
        self.code().is_some_and(|code| ABOUT_ANOTHER_SERVER.contains(&code))
    }

    /// The server's error code.
    #[must_use]
    pub fn code(&self) -> Option<u32> {
        match self {
            Self::Server { code, .. } => Some(*code),
            _ => None,
        }
    }
}

impl From<clickhouse::error::Error> for ClickHouseError {
    fn from(error: clickhouse::error::Error) -> Self {
        use clickhouse::error::Error;
        match error {
            Error::BadResponse(text) => from_exception(&text),
            source @ (Error::Network(_) | Error::TimedOut | Error::Other(_)) => Self::Unreachable { source },
            source => Self::Answer { source },
        }
    }
}

/// How an exception begins.
const CODE: &str = "Code: ";

/// Reads `Code: 60. DB::Exception: Unknown table …. (UNKNOWN_TABLE) (version …)`.
fn from_exception(text: &str) -> ClickHouseError {
    // Where an answer had begun, a part of it stands in front; an exception may quote another further on.
    let text = if text.starts_with(CODE) { text } else { text.rfind(CODE).map_or(text, |at| &text[at..]) };
    let code = text
        .strip_prefix(CODE)
        .and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next())
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_default();
    let message = text.split_once("DB::Exception: ").map_or(text, |(_, message)| message);
    let message = message.split(" (version ").next().unwrap_or(message);
    ClickHouseError::Server { code, message: message.trim().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_decides_whether_to_try_again() {
        let table =
            from_exception("Code: 60. DB::Exception: Unknown table 't'. (UNKNOWN_TABLE) (version 26.7.2.1)");
        assert_eq!(table.to_string(), "ClickHouse error 60: Unknown table 't'. (UNKNOWN_TABLE)");
        assert!(table.is_transient(), "a migration may be under way");
        assert!(from_exception("Code: 241. DB::Exception: Memory limit exceeded").is_transient());
        assert!(!from_exception("Code: 53. DB::Exception: Type mismatch").is_transient());
        assert_eq!(from_exception("1\t2\nCode: 159. DB::Exception: Timeout exceeded").code(), Some(159));
        assert!(from_exception("502 Bad Gateway").is_transient(), "a balancer answered, not ClickHouse");
        let alone =
            from_exception("Code: 285. DB::Exception: Number of alive replicas (1) is less than requested");
        assert!(alone.is_transient() && alone.is_about_another_server());
        assert!(!from_exception("Code: 252. DB::Exception: Too many parts").is_about_another_server());
    }
}

//! Which limit turned somebody away.

use std::fmt;
use std::time::Duration;

/// Whom a limit is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One account: a key, a token's subject, a host.
    Caller,
    /// All accounts of a tenant together.
    Tenant,
    /// Everybody together.
    Total,
}

impl Scope {
    /// Its name in answers and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Tenant => "tenant",
            Self::Total => "total",
        }
    }
}

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Limit {
    /// Requests a second, after a burst.
    Requests,
    /// Queries that run at the same time.
    Concurrent,
    /// Queries that wait.
    Waiting,
    /// Rows read in an hour.
    Rows,
    /// Bytes read in an hour.
    Bytes,
}

impl Limit {
    /// Its name in answers, metrics and the audit.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Concurrent => "concurrent",
            Self::Waiting => "waiting",
            Self::Rows => "rows",
            Self::Bytes => "bytes",
        }
    }
}

/// A limit that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Of what there was too much.
    pub limit: Limit,
    /// Whose limit it is.
    pub of: Scope,
    /// The limit: of requests the burst, of rows and bytes what an hour holds.
    pub value: u64,
    /// When it is worth coming back.
    pub reset: Duration,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whose = match self.of {
            Scope::Caller => "the caller's",
            Scope::Tenant => "the tenant's",
            Scope::Total => "everybody's",
        };
        let value = self.value;
        match self.limit {
            Limit::Requests => write!(f, "{whose} allowance of {value} requests at once is used up"),
            Limit::Concurrent => {
                write!(f, "{value} queries run, which is {whose} limit, and none ended in time")
            }
            Limit::Waiting => write!(f, "{value} queries wait, which is {whose} limit"),
            Limit::Rows => write!(f, "{whose} budget of {value} rows read in an hour is used up"),
            Limit::Bytes => write!(f, "{whose} budget of {value} bytes read in an hour is used up"),
        }
    }
}

impl std::error::Error for Refusal {}

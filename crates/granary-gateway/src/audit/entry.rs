//! One entry of the audit: a row of `query_audit`.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use uuid::Uuid;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A named query.
    Query,
    /// A session, event by event.
    Replay,
    /// A session's events as a file.
    Export,
    /// A session's archived object.
    Object,
    /// SQL of the caller's own, at the door for BI tools.
    Sql,
    /// Events as they are stored.
    Live,
    /// Turned away before it was known what for.
    Request,
    /// So many entries could not be kept.
    Lost,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Answered to the end.
    Ok,
    /// Turned away: by a limit, or because it was not asked for rightly.
    Refused,
    /// Something went wrong.
    Failed,
    /// Its client went away, or did not read on.
    Abandoned,
}

/// Who asked what, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Entry {
    /// Whose data was asked for, by who asked.
    #[serde(rename = "TenantId")]
    pub tenant: String,
    /// When.
    #[serde(serialize_with = "milliseconds")]
    pub time: Timestamp,
    /// The request's id.
    #[serde(rename = "RequestId")]
    pub request: Uuid,
    /// What was asked for.
    pub kind: Kind,
    /// The query's name.
    pub query: String,
    /// The session that was read.
    #[serde(rename = "SessionId")]
    pub session: String,
    /// What was bound, as [`super::Audit::parameters`] writes it.
    pub parameters: String,
    /// How the answer was to be written.
    pub format: String,
    /// On whose account.
    pub account: String,
    /// What people call that account.
    pub account_name: String,
    /// The account's role; empty where there are none.
    pub role: String,
    /// Where it came from.
    pub address: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Which limit it was, or what kind of problem.
    pub reason: String,
    /// The answer's HTTP status; 0 where there was none to give it to.
    pub status: u16,
    /// `hit` where a kept answer was given, `wait` where one that was being made was; empty where a query ran.
    pub cache: String,
    /// Rows that were read for it.
    pub rows_read: u64,
    /// Bytes that were read for it.
    pub bytes_read: u64,
    /// Rows of the answer, where they are known.
    pub result_rows: u64,
    /// Bytes of the answer before compression.
    pub result_bytes: u64,
    /// From the request to the answer's end.
    #[serde(rename = "DurationMs", serialize_with = "whole_milliseconds")]
    pub duration: Duration,
    /// How much of that was spent waiting for a place.
    #[serde(rename = "WaitMs", serialize_with = "whole_milliseconds")]
    pub wait: Duration,
    /// What it stands for: more than one where a refusal was repeated, or entries were lost.
    pub entries: u64,
}

impl Entry {
    /// An entry about nobody and nothing yet.
    pub(super) fn new(tenant: String, request: Uuid, kind: Kind) -> Self {
        Self {
            tenant,
            time: Timestamp::now(),
            request,
            kind,
            query: String::new(),
            session: String::new(),
            parameters: String::new(),
            format: String::new(),
            account: String::new(),
            account_name: String::new(),
            role: String::new(),
            address: String::new(),
            outcome: Outcome::Abandoned,
            reason: String::new(),
            status: 0,
            cache: String::new(),
            rows_read: 0,
            bytes_read: 0,
            result_rows: 0,
            result_bytes: 0,
            duration: Duration::ZERO,
            wait: Duration::ZERO,
            entries: 1,
        }
    }
}

/// An entry with the second that it may be deleted in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Row {
    #[serde(flatten)]
    pub(super) entry: Entry,
    #[serde(rename = "ExpiresAt")]
    pub(super) expires_at: u32,
}

fn milliseconds<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.strftime("%Y-%m-%d %H:%M:%S%.3f").to_string())
}

fn whole_milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

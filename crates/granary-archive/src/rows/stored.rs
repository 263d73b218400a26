//! Log records by the insert that stored them, for whoever follows what is being stored.
//!
//! `stored_inserts` says which inserts there were (`ddl/0016_stored_inserts.sql`), and where the rows of each are. They are
//! read as a session's are, so a record looks the same live and replayed.

use granary_clickhouse::Warehouse;
use granary_model::TenantId;
use serde::Deserialize;

use super::{Answer, parse, sql};
use crate::hours::{self, Hours};
use crate::replay::flatten;
use crate::tables::ask;
use crate::{ArchiveError, LineKind, ReplayCursor, ReplayEvent};

/// One insert's rows of one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StoredInsert {
    /// When the insert began, by the server's clock, in milliseconds since 1970.
    pub stored_ms: i64,
    /// Whose rows they are.
    pub tenant: TenantId,
    /// Tells inserts of the same moment apart.
    pub key: u64,
    /// How many rows there are.
    pub rows: u64,
    /// Where they are: of a cluster the shard, else 0.
    shard: u32,
    first: i64,
    last: i64,
    first_received: i64,
    last_received: i64,
}

/// The inserts that began at a time or later, by the server's clock in milliseconds since 1970, in order of
/// time, tenant and key.
///
/// One that began earlier may become visible later than another, by as much as an insert takes.
///
/// # Errors
///
/// The warehouse does not answer.
pub async fn inserts_since(warehouse: &Warehouse, stored_ms: i64) -> Result<Vec<StoredInsert>, ArchiveError> {
    let shard = if warehouse.cluster().is_some() { "_shard_num" } else { "toUInt32(0)" };
    let sql = format!(
        "SELECT toUnixTimestamp64Milli(StoredAt) AS stored_ms, TenantId AS tenant, Key AS key, Rows AS rows, \
         {shard} AS shard, toUnixTimestamp64Nano(FirstTime) AS first, toUnixTimestamp64Nano(LastTime) AS last, \
         toUnixTimestamp64Milli(FirstReceived) AS first_received, toUnixTimestamp64Milli(LastReceived) AS last_received \
         FROM stored_inserts WHERE StoredAt >= fromUnixTimestamp64Milli({{since:Int64}}) \
         ORDER BY StoredAt, TenantId, Key"
    );
    ask(warehouse.as_of_late(warehouse.query(&sql).param("since", stored_ms))).await
}

/// What a stored record can be chosen by.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Facets {
    /// The session, or nothing.
    pub session_id: String,
    /// Who ran it.
    pub user_id: String,
    /// The team it is counted under.
    pub team_id: String,
    /// The tool, where one is concerned.
    pub tool_name: String,
    /// OTLP's severity as the sender words it.
    pub severity_text: String,
    /// OTLP's severity as a number; 0 where the sender does not say.
    pub severity_number: u8,
    /// The agent's name of the event.
    pub agent_event: String,
    /// The event's identity.
    pub event_id: u128,
}

/// A stored log record that nobody has read yet.
#[derive(Debug)]
pub struct StoredLog {
    /// What it can be chosen by.
    pub facets: Facets,
    line: Vec<u8>,
}

impl StoredLog {
    /// The record as a replay would show it.
    ///
    /// # Errors
    ///
    /// The row is not as rows are.
    pub fn event(&self) -> Result<ReplayEvent, ArchiveError> {
        let unreadable = |problem| ArchiveError::Row { session: self.facets.session_id.clone(), problem };
        let (_, line) = parse::row(&self.line).map_err(unreadable)?;
        let LineKind::Event(info) = line.kind else {
            return Err(unreadable("it is no event".to_owned()));
        };
        let id = ReplayCursor { time_unix_nano: info.time_unix_nano, nth: 0 };
        flatten(id, info, &line.json).map_err(unreadable)
    }
}

/// One insert's records while they are read, in the order of events, the same each time. Dropped early, it ends
/// the statement.
pub struct InsertRows {
    answer: Answer,
}

impl std::fmt::Debug for InsertRows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InsertRows").finish_non_exhaustive()
    }
}

impl InsertRows {
    /// Begins to read. As long as fewer than `expected` rows are there, there are none.
    ///
    /// # Errors
    ///
    /// The statement cannot be sent.
    pub fn of(warehouse: &Warehouse, insert: &StoredInsert, expected: u64) -> Result<Self, ArchiveError> {
        let hours = Hours::between(insert.first, insert.last);
        let query = warehouse.query(&sql::rows_of_insert(sql::Origin::of(warehouse), hours));
        let query = warehouse
            .as_of_late(query)
            .param("shard", insert.shard)
            .param("tenant", insert.tenant.as_str())
            .param("stored", insert.stored_ms)
            .param("key", insert.key)
            .param("first", insert.first)
            .param("last", insert.last)
            .param("first_received", insert.first_received)
            .param("last_received", insert.last_received)
            .param("rows", expected);
        Ok(Self { answer: Answer::of(hours::bind(query, hours))? })
    }

    /// The next record.
    ///
    /// # Errors
    ///
    /// The warehouse does not answer, or not with rows.
    pub async fn next(&mut self) -> Result<Option<StoredLog>, ArchiveError> {
        let unreadable = |problem: &str| ArchiveError::Row {
            session: "of an insert".to_owned(),
            problem: problem.to_owned(),
        };
        let Some(line) = self.answer.next_line("of an insert").await? else { return Ok(None) };
        let end =
            line.iter().position(|byte| *byte == b'\t').ok_or_else(|| unreadable("it has no columns"))?;
        let (facets, rest) = line.split_at(end);
        let facets =
            serde_json::from_slice(facets).map_err(|_| unreadable("its first columns are no JSON"))?;
        let line = rest.get(1..).unwrap_or_default().to_vec();
        Ok(Some(StoredLog { facets, line }))
    }
}

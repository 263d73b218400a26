//! The table `session_restores`: what a restore is about to insert, and has inserted.
//!
//! An insert writes its table and then the rollups, and a server that is killed in between has the one without the others.
//! Only the same rows under the same token complete it. So the rows of an insert are written down before it is sent, and
//! whoever comes after a restore that was stopped sends them again first.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use granary_clickhouse::Warehouse;
use serde::{Deserialize, Serialize};

use super::unit::Unit;
use crate::ArchiveError;
use crate::names::SessionName;
use crate::select::unix_ms;
use crate::tables::ask;

/// A table remembers the tokens of its last 10,000 inserts, and ingest makes a few a second; a plan older than this is
/// not sent again.
const TRUSTED_FOR: Duration = Duration::from_mins(10);

const TABLE: &str = "session_restores";

/// An insert that was planned, and of which nobody has said that it is done.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) token: String,
    pub(super) table: String,
    pub(super) month: u32,
    /// How many copies of each row it holds.
    pub(super) ids: HashMap<u128, u64>,
}

/// Where a session's restores stand.
#[derive(Debug)]
pub(super) struct Plans {
    pub(super) epoch: u32,
    /// Are sent again.
    pub(super) pending: Vec<Pending>,
    /// The server may have forgotten their tokens: their rows are looked up like any others. Where the server was
    /// started since they were planned, their rollups cannot be vouched for.
    pub(super) stale: Vec<Stale>,
}

/// An insert that is too old to be sent again under its token.
#[derive(Debug)]
pub(super) struct Stale {
    pub(super) token: String,
    pub(super) table: String,
    pub(super) month: u32,
    pub(super) server_was_started_since: bool,
}

#[derive(Serialize)]
struct Row<'a> {
    #[serde(rename = "TenantId")]
    tenant: &'a str,
    #[serde(rename = "SessionId")]
    session: &'a str,
    #[serde(rename = "Epoch")]
    epoch: u32,
    #[serde(rename = "Token")]
    token: &'a str,
    #[serde(rename = "Table")]
    table: &'a str,
    #[serde(rename = "Month")]
    month: u32,
    #[serde(rename = "State")]
    state: u8,
    #[serde(rename = "EventIds")]
    ids: &'a [u128],
}

const PLANNED: u8 = 0;
const INSERTED: u8 = 1;
const FINISHED: u8 = 2;

#[derive(Deserialize)]
struct Epoch {
    finished: u32,
}

#[derive(Deserialize)]
struct Open {
    token: String,
    table: String,
    month: u32,
    planned_ms: i64,
    ids: Vec<String>,
}

/// Reads where the restores of a session stand.
pub(super) async fn read(warehouse: &Warehouse, session: &SessionName) -> Result<Plans, ArchiveError> {
    let of_session = |sql: &str| {
        let query = warehouse.query(sql).param("tenant", session.tenant.as_str());
        warehouse.as_written(query.param("session", &session.session))
    };
    let finished = of_session(
        "SELECT max(Epoch) AS finished FROM session_restores \
         WHERE TenantId = {tenant:String} AND SessionId = {session:String} AND State = 2",
    );
    let epoch = ask::<Epoch>(finished).await?.pop().map_or(0, |epoch| epoch.finished) + 1;
    let open = of_session(
        "SELECT Token AS token, any(`Table`) AS table, any(Month) AS month, \
         toUnixTimestamp64Milli(min(At)) AS planned_ms, \
         arrayMap(id -> toString(id), argMin(EventIds, State)) AS ids FROM session_restores \
         WHERE TenantId = {tenant:String} AND SessionId = {session:String} AND Epoch = {epoch:UInt32} \
         GROUP BY Token HAVING max(State) = 0",
    );
    let open = ask::<Open>(open.param("epoch", epoch)).await?;
    let mut plans = Plans { epoch, pending: Vec::new(), stale: Vec::new() };
    if open.is_empty() {
        return Ok(plans);
    }
    let life = warehouse.life().await?;
    let now_ms = unix_ms(SystemTime::now());
    let trusted_ms = i64::try_from(TRUSTED_FOR.as_millis()).unwrap_or(i64::MAX);
    for Open { token, table, month, planned_ms, ids } in open {
        let outlived = life.is_none_or(|life| life.machine_was_up_at(planned_ms));
        if outlived && now_ms - planned_ms <= trusted_ms {
            let mut counted = HashMap::new();
            for id in ids {
                let id: u128 = id.parse().map_err(|_| ArchiveError::Answer {
                    problem: format!("an event's id in {TABLE} is no number"),
                })?;
                *counted.entry(id).or_default() += 1;
            }
            plans.pending.push(Pending { token, table, month, ids: counted });
        } else {
            let server_was_started_since = life.is_some_and(|life| life.started_ms > planned_ms);
            plans.stale.push(Stale { token, table, month, server_was_started_since });
        }
    }
    Ok(plans)
}

/// Writes down what is about to be inserted.
pub(super) async fn plan(
    warehouse: &Warehouse,
    session: &SessionName,
    epoch: u32,
    units: &[Unit],
) -> Result<(), ArchiveError> {
    let rows: Vec<_> = units
        .iter()
        .map(|unit| row(session, epoch, (&unit.token, unit.table, unit.month), PLANNED, &unit.ids))
        .collect();
    Ok(warehouse.insert_rows(TABLE, &rows, None).await?)
}

/// Writes down that inserts are done; each is a token, a table and a month.
pub(super) async fn inserted<'a>(
    warehouse: &Warehouse,
    session: &SessionName,
    epoch: u32,
    units: impl IntoIterator<Item = (&'a str, &'a str, u32)>,
) -> Result<(), ArchiveError> {
    let rows: Vec<_> = units.into_iter().map(|unit| row(session, epoch, unit, INSERTED, &[])).collect();
    if rows.is_empty() {
        return Ok(());
    }
    Ok(warehouse.insert_rows(TABLE, &rows, None).await?)
}

/// Ends the epoch: from here on a row that is missing has gone missing since, and its insert has another name.
pub(super) async fn finish(
    warehouse: &Warehouse,
    session: &SessionName,
    epoch: u32,
) -> Result<(), ArchiveError> {
    Ok(warehouse.insert_rows(TABLE, &[row(session, epoch, ("", "", 0), FINISHED, &[])], None).await?)
}

fn row<'a>(
    session: &'a SessionName,
    epoch: u32,
    (token, table, month): (&'a str, &'a str, u32),
    state: u8,
    ids: &'a [u128],
) -> Row<'a> {
    Row { tenant: session.tenant.as_str(), session: &session.session, epoch, token, table, month, state, ids }
}

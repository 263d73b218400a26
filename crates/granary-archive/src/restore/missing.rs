//! Which rows of a chunk the warehouse does not have, decided by their `EventId`.
//!
//! Two rows may share an id: an event that was delivered again after the window of repeated deliveries is in the
//! warehouse, and in the object, twice. So copies are counted: the third copy in the object is missing where the
//! warehouse has two.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use granary_clickhouse::{ClickHouseError, Warehouse};

use super::chunk::Chunk;
use super::record::Restorable;
use crate::ArchiveError;
use crate::hours::{self, Hours};
use crate::names::SessionName;
use crate::tables::{READ_TIMEOUT, time_of};

type RowId = (&'static str, u128);

/// Copies of the id that a chunk ended with: copies lie side by side, and may go on in the next chunk.
#[derive(Debug, Default)]
pub(super) struct Carried(Option<(RowId, u64)>);

/// Splits off the rows that are not there yet.
pub(super) async fn missing(
    warehouse: &Warehouse,
    session: &SessionName,
    chunk: Chunk,
    carried: &mut Carried,
) -> Result<Vec<Restorable>, ArchiveError> {
    let mut present: HashMap<RowId, u64> = chunk.rows.iter().map(|row| (row.id(), 0)).collect();
    let tables: BTreeSet<&'static str> = chunk.rows.iter().map(|row| row.table).collect();
    for table in tables {
        count_present(warehouse, session, table, &chunk, &mut present).await?;
    }
    let mut copies: HashMap<RowId, u64> = carried.0.take().into_iter().collect();
    let mut missing = Vec::new();
    for row in chunk.rows {
        let id = row.id();
        let copy = copies.entry(id).or_default();
        *copy += 1;
        carried.0 = Some((id, *copy));
        if *copy > present.get(&id).copied().unwrap_or_default() {
            missing.push(row);
        }
    }
    Ok(missing)
}

/// Rows by table and month, which is how they are inserted.
pub(super) fn by_partition(rows: Vec<Restorable>) -> BTreeMap<(&'static str, u32), Vec<Restorable>> {
    let mut partitions = BTreeMap::<_, Vec<_>>::new();
    for row in rows {
        partitions.entry((row.table, row.month)).or_default().push(row);
    }
    partitions
}

/// Where a `DateTime64` begins: rows from before 1970 are written with the time 0, and looked for from here.
const BEGINNING: i64 = -2_208_988_800_000_000_000;

/// Counts the rows of one table in the time of the chunk. The answer is as long as the table has rows there, and is
/// passed over as it comes.
async fn count_present(
    warehouse: &Warehouse,
    session: &SessionName,
    table: &'static str,
    chunk: &Chunk,
    present: &mut HashMap<RowId, u64>,
) -> Result<(), ArchiveError> {
    let times = || chunk.rows.iter().filter(|row| row.table == table).map(|row| row.info.time_unix_nano);
    let to = i64::try_from(times().max().unwrap_or_default()).unwrap_or(i64::MAX);
    let from = match times().min() {
        None | Some(0) => BEGINNING,
        Some(time) => i64::try_from(time).unwrap_or(i64::MAX),
    };
    let time = time_of(table);
    let hours = Hours::between(from, to);
    let sql = format!(
        "SELECT EventId FROM {table} WHERE TenantId = {{tenant:String}} AND SessionId = {{session:String}} \
         AND {time} >= fromUnixTimestamp64Nano({{from:Int64}}) AND {time} <= fromUnixTimestamp64Nano({{to:Int64}}){}",
        hours::within(hours, time)
    );
    let mut cursor = hours::bind(warehouse.as_written(warehouse.query(&sql)), hours)
        .param("tenant", session.tenant.as_str())
        .param("session", &session.session)
        .param("from", from)
        .param("to", to)
        .fetch_bytes("RowBinary")
        .map_err(ClickHouseError::from)?;
    let mut rest: Vec<u8> = Vec::new();
    loop {
        let chunk = tokio::time::timeout(READ_TIMEOUT, cursor.next())
            .await
            .map_err(|_| ClickHouseError::TimedOut { after: READ_TIMEOUT })?
            .map_err(ClickHouseError::from)?;
        let Some(chunk) = chunk else { break };
        rest.extend_from_slice(&chunk);
        let (ids, tail) = rest.as_chunks();
        for id in ids {
            if let Some(count) = present.get_mut(&(table, u128::from_le_bytes(*id))) {
                *count += 1;
            }
        }
        rest = tail.to_vec();
    }
    if rest.is_empty() {
        Ok(())
    } else {
        Err(ArchiveError::Answer { problem: "it ends within an event's id".to_owned() })
    }
}

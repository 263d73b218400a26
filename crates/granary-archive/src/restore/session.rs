//! One object into the warehouse: resume, then chunk by chunk, then look whether all is there, then the mark.

use granary_clickhouse::{TABLES, Warehouse};

use super::chunk::Chunks;
use super::missing::{Carried, by_partition, missing};
use super::unit::Unit;
use super::{RestoredSession, plan, resume::resume, send::send};
use crate::erase::is_erased;
use crate::hours::Hours;
use crate::names::SessionName;
use crate::object::ObjectLines;
use crate::{ArchiveError, ArchivedSession, Header, ObjectKey, Store, mark, select};

/// Restores what is missing of an object.
pub(super) async fn restore(
    store: &Store,
    warehouse: &Warehouse,
    key: &ObjectKey,
    dry_run: bool,
) -> Result<RestoredSession, ArchiveError> {
    let (mut chunks, header, compressed_bytes) = open(store, key).await?;
    let name = SessionName { tenant: header.tenant.clone(), session: header.session.clone() };
    if is_erased(warehouse, &name.tenant, &name.session).await? {
        return Err(ArchiveError::Erased { session: name.session });
    }
    // What another restore has inserted must not look missing to this one.
    warehouse.sync_replicas(&TABLES).await?;
    let mut plans = plan::read(warehouse, &name).await?;

    let mut chunk = chunks.next().await?;
    // Nothing is inserted of an object that is not sound to its end. A small one is known by now to be.
    let is_open = !plans.pending.is_empty() || !plans.stale.is_empty();
    if is_open && !dry_run {
        resume(warehouse, &name, &mut plans, open(store, key).await?.0).await?;
    } else if !chunk.is_last {
        open(store, key).await?.0.finish().await?;
    }

    let (mut carried, mut restored) = (Carried::default(), 0);
    loop {
        let is_last = chunk.is_last;
        let rows = missing(warehouse, &name, chunk, &mut carried).await?;
        restored += rows.len() as u64;
        if !dry_run && !rows.is_empty() {
            let units = by_partition(rows).into_iter();
            let units: Vec<_> =
                units.map(|(place, rows)| Unit::new(&name, plans.epoch, place, rows)).collect();
            insert(warehouse, &name, plans.epoch, &units).await?;
        }
        if is_last {
            break;
        }
        chunk = chunks.next().await?;
    }

    let tally = chunks.lines().tally();
    let archived = ArchivedSession {
        tenant: name.tenant.clone(),
        session: name.session.clone(),
        key: key.clone(),
        contents: tally.trailer(),
        ingested_up_to_ms: tally.ingested_up_to_ms(),
        bytes: tally.bytes(),
        compressed_bytes,
    };
    let is_marked = mark::newest(warehouse, &name.tenant, &name.session).await?.is_some();
    if !dry_run {
        if restored > 0 || is_open {
            plan::finish(warehouse, &name, plans.epoch).await?;
        }
        require_all(warehouse, &name, &archived).await?;
        // A mark that is there may be of a newer object, and is the archiver's to change.
        if !is_marked {
            mark::add_of_format(warehouse, &[&archived], header.format).await?;
        }
    }
    let records = archived.contents.logs + archived.contents.spans + archived.contents.metric_points;
    let SessionName { tenant, session } = name;
    Ok(RestoredSession { tenant, session, key: key.clone(), records, restored, marked: !is_marked })
}

/// Begins to read an object. Returns its header and size, too.
async fn open(store: &Store, key: &ObjectKey) -> Result<(Chunks, Header, u64), ArchiveError> {
    let reader = store.read(key).await?.ok_or_else(|| ArchiveError::Missing { key: key.to_string() })?;
    let size_bytes = reader.size_bytes();
    let (chunks, header) = Chunks::begin(key.clone(), ObjectLines::of_key(reader, key.clone())).await?;
    Ok((chunks, header, size_bytes))
}

/// Plans, inserts, and says that it is done.
async fn insert(
    warehouse: &Warehouse,
    name: &SessionName,
    epoch: u32,
    units: &[Unit],
) -> Result<(), ArchiveError> {
    plan::plan(warehouse, name, epoch, units).await?;
    for unit in units {
        send(warehouse, &unit.seal(name)).await?;
    }
    let done = units.iter().map(|unit| (unit.token.as_str(), unit.table, unit.month));
    plan::inserted(warehouse, name, epoch, done).await
}

/// Looks whether the warehouse has what the object has.
async fn require_all(
    warehouse: &Warehouse,
    name: &SessionName,
    archived: &ArchivedSession,
) -> Result<(), ArchiveError> {
    let (first, last) = archived.contents.times();
    let hours = Hours::between(first, last);
    warehouse.sync_replicas(&TABLES).await?;
    let there = select::holdings(warehouse, &name.tenant, &name.session, hours).await?;
    let in_object = mark::holdings(archived);
    if there.lacks(&in_object) {
        return Err(ArchiveError::Incomplete {
            session: name.session.clone(),
            in_warehouse: there.to_string(),
            archived: in_object.to_string(),
        });
    }
    Ok(())
}

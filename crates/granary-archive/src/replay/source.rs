//! Where a session is read from: its object, or the warehouse.

use granary_clickhouse::Warehouse;
use granary_model::TenantId;

use super::extent::extent;
use crate::hours::Hours;
use crate::object::ObjectLines;
use crate::rows::{Extent, RowStream, SessionRows};
use crate::{ArchiveError, ArchivedSession, Store, mark, select};

/// A session about to be read.
pub(crate) enum Source {
    /// All of its lines.
    Object(Box<ObjectLines>),
    /// Its rows from a time on, and what was known of it before.
    Rows(RowStream, Extent),
}

/// Chooses the source and begins to read.
///
/// The object is read where it is up to date, which one that has more than the warehouse is too: what it has may
/// have been deleted there. To begin in the middle, the warehouse is asked where it has everything, as it finds a
/// time by itself; an object is read through up to there.
///
/// # Errors
///
/// [`ArchiveError::Missing`] where the object is gone and the warehouse has nothing. A session that neither has
/// ever heard of is found out by reading.
pub(crate) async fn open(
    store: &Store,
    warehouse: &Warehouse,
    tenant: &TenantId,
    session: &str,
    from: Option<u64>,
) -> Result<Source, ArchiveError> {
    let (archived, extent) =
        tokio::try_join!(mark::newest(warehouse, tenant, session), extent(warehouse, tenant, session))?;
    if let Some(archived) = archived {
        // What is really there; the extent is from a rollup, which does not know of rows that were deleted.
        let (first, last) = archived.contents.times();
        let hours = match extent {
            Extent { records: 0, .. } => Hours::around(first, last),
            Extent { first: start, last: end, .. } => Hours::around(first.min(start), last.max(end)),
        };
        let stored = select::holdings(warehouse, tenant, session, hours).await?;
        let held = mark::holdings(&archived);
        let up_to_date = stored.newest_ms <= held.newest_ms && !held.lacks(&stored);
        let is_found_by_time = from.is_some() && !stored.lacks(&held);
        if (up_to_date || stored.lacks(&held)) && !is_found_by_time {
            match store.read(&archived.key).await? {
                Some(reader) => {
                    let ArchivedSession { tenant, session, key, .. } = archived;
                    let lines = ObjectLines::new(reader, key, tenant, session);
                    return Ok(Source::Object(lines.into()));
                }
                None if stored.records() == 0 => {
                    return Err(ArchiveError::Missing { key: archived.key.to_string() });
                }
                None => {
                    tracing::warn!(key = %archived.key, "the object is gone; reading from the warehouse");
                }
            }
        }
    }
    // A time beyond what a DateTime64 holds is as good as the last one it does.
    let from = from.map(|time| i64::try_from(time).unwrap_or(i64::MAX));
    let rows = SessionRows::new(warehouse, tenant, session).stream_from(from, extent);
    Ok(Source::Rows(rows, extent))
}

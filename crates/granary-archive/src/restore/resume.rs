//! First of all, what a restore that was stopped has left open: the same rows, under the same token.

use granary_clickhouse::Warehouse;

use super::chunk::Chunk;
use super::chunk::Chunks;
use super::plan::{self, Pending, Plans, Stale};
use super::record::Restorable;
use super::send::send;
use super::unit::Unit;
use crate::ArchiveError;
use crate::names::SessionName;

/// Reads the object to its end, and sends the inserts that were planned and not confirmed.
///
/// Objects only grow, so an object that was written anew since then has the planned rows, too.
pub(super) async fn resume(
    warehouse: &Warehouse,
    session: &SessionName,
    plans: &mut Plans,
    mut chunks: Chunks,
) -> Result<(), ArchiveError> {
    let mut open: Vec<(Pending, Vec<Restorable>)> =
        plans.pending.drain(..).map(|pending| (pending, Vec::new())).collect();
    loop {
        let Chunk { rows, is_last } = chunks.next().await?;
        for row in rows {
            take(&mut open, row);
        }
        if is_last {
            break;
        }
    }
    for (pending, rows) in open {
        let Pending { token, table, month, ids } = pending;
        if !ids.is_empty() {
            tracing::warn!(
                table,
                missing = ids.len(),
                session = session.session,
                "rows of an insert that was under way are no longer in the object"
            );
            plans.stale.push(Stale { token, table, month, server_was_started_since: true });
            continue;
        }
        let Some(table) = rows.first().map(|row| row.table) else { continue };
        let unit = Unit { table, month, token, ids: Vec::new(), rows };
        send(warehouse, &unit.seal(session)).await?;
        plan::inserted(warehouse, session, plans.epoch, [(unit.token.as_str(), table, month)]).await?;
    }
    settle_stale(warehouse, session, plans).await
}

/// What is too old to be sent again is closed; its rows are looked up like any others.
async fn settle_stale(
    warehouse: &Warehouse,
    session: &SessionName,
    plans: &Plans,
) -> Result<(), ArchiveError> {
    for stale in plans.stale.iter().filter(|stale| stale.server_was_started_since) {
        tracing::warn!(
            table = stale.table,
            session = session.session,
            "an insert of an earlier restore was under way when the server went down; whether the rollups have its rows \
             is not known"
        );
    }
    let closed = plans.stale.iter().map(|stale| (stale.token.as_str(), stale.table.as_str(), stale.month));
    plan::inserted(warehouse, session, plans.epoch, closed).await
}

/// Gives a row to the first insert that still lacks it.
fn take(open: &mut [(Pending, Vec<Restorable>)], row: Restorable) {
    let (table, id) = row.id();
    for (pending, rows) in open {
        if pending.table != table || pending.month != row.month {
            continue;
        }
        if let Some(copies) = pending.ids.get_mut(&id) {
            *copies -= 1;
            if *copies == 0 {
                pending.ids.remove(&id);
            }
            rows.push(row);
            return;
        }
    }
}

//! `granary migrate`

use granary_clickhouse::{Warehouse, migrate, publish};

use crate::access::{Access, guest, server};
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings, dry_run: bool) -> anyhow::Result<()> {
    // A server's tables may be the ones that are not there yet, so nothing but its address is asked for.
    if let Some((owner, _)) = server(&settings.clickhouse) {
        let published = guest(None, &settings.clickhouse).map(|guest| guest.database);
        return report(&Warehouse::new(&owner), published.as_deref(), dry_run).await;
    }
    let access = Access::open(settings).await?;
    let result = report(&access.owner(), Some(&settings.clickhouse.published_database), dry_run).await;
    access.close().await;
    result
}

async fn report(warehouse: &Warehouse, published: Option<&str>, dry_run: bool) -> anyhow::Result<()> {
    if dry_run {
        let status = migrate::status(warehouse).await?;
        for table in warehouse.missing_somewhere().await? {
            say!("missing  {} on some servers", table.name);
        }
        status.pending.iter().for_each(|migration| say!("pending  {migration}"));
        say!("{} applied, {} pending", status.applied.len(), status.pending.len());
        return Ok(());
    }
    for table in migrate::complete(warehouse).await? {
        say!("made     {table} on servers that lacked it");
    }
    let applied = migrate::apply(warehouse).await?;
    for migration in applied {
        say!("applied  {migration}");
    }
    say!("database {} is up to date", warehouse.database());
    if let Some(database) = published {
        publish::publish(warehouse, database).await?;
        say!("database {database} has the views that are published to BI tools");
    }
    Ok(())
}

//! `granary quarantine`

use anyhow::{Context, bail};
use bytesize::ByteSize;
use granary_clickhouse::Warehouse;
use granary_ingest::{Aftermath, Quarantine, Quarantined};
use jiff::Timestamp;
use uuid::Uuid;

use crate::access::Access;
use crate::arguments::{self, ReportFormat};
use crate::output;
use crate::settings::Settings;

/// Lists, tries again or gives up the inserts that ClickHouse refused for good.
pub(crate) async fn run(settings: &Settings, command: &arguments::Quarantine) -> anyhow::Result<()> {
    let quarantine = granary_ingest::quarantine(&settings.ingest());
    match command {
        arguments::Quarantine::List { format } => list(&quarantine, *format),
        arguments::Quarantine::Retry { names } => retry(settings, &quarantine, names).await,
        arguments::Quarantine::Drop { names } => drop_inserts(settings, &quarantine, names).await,
    }
}

fn list(quarantine: &Quarantine, format: ReportFormat) -> anyhow::Result<()> {
    let listed = all(quarantine)?;
    if let ReportFormat::Json = format {
        let readable: Vec<_> = listed
            .iter()
            .map(|(name, head)| match head {
                Ok(head) => serde_json::json!({ "name": name, "insert": head }),
                Err(error) => serde_json::json!({ "name": name, "error": error.to_string() }),
            })
            .collect();
        say!("{}", serde_json::to_string_pretty(&readable)?);
        return Ok(());
    }
    if listed.is_empty() {
        say!("nothing is quarantined in {}", quarantine.dir().display());
        return Ok(());
    }
    let mut table = output::table(["since", "table", "rows", "size", "reason", "name"]);
    for (name, head) in listed {
        match head {
            Ok(head) => table.add_row([
                Timestamp::from_millisecond(head.since_ms)
                    .map_or_else(|_| String::new(), |at| at.to_string()),
                head.table,
                head.rows.to_string(),
                ByteSize(head.bytes).to_string(),
                head.reason,
                name,
            ]),
            Err(error) => table.add_row([
                String::new(),
                String::new(),
                String::new(),
                String::new(),
                format!("it cannot be read: {error}"),
                name,
            ]),
        };
    }
    say!("{table}");
    Ok(())
}

/// What is there already is not added again.
async fn retry(settings: &Settings, quarantine: &Quarantine, names: &[String]) -> anyhow::Result<()> {
    let names = if names.is_empty() {
        all(quarantine)?.into_iter().map(|(name, _)| name).collect()
    } else {
        names.to_vec()
    };
    let access = Access::open(settings).await?;
    let owner = access.owner();
    let mut refused = 0;
    for name in &names {
        let insert = quarantine.load(name).with_context(|| format!("{name} cannot be read"))?;
        let head = quarantine.head(name)?;
        let now_ms = Timestamp::now().as_millisecond();
        match head.insert_again(&insert, &owner, owner.timeout(), now_ms).await {
            Ok(()) => {
                account(&owner, &head, Aftermath::Released).await?;
                quarantine.remove(name).with_context(|| format!("{name} is stored and cannot be removed"))?;
                say!("stored   {} rows into {}", insert.rows, insert.table);
            }
            Err(error) => {
                refused += 1;
                say!("refused  {} rows for {}: {error}", insert.rows, insert.table);
            }
        }
    }
    access.close().await;
    if refused > 0 {
        bail!("{refused} of {} inserts were refused again and stay where they are", names.len());
    }
    Ok(())
}

async fn drop_inserts(settings: &Settings, quarantine: &Quarantine, names: &[String]) -> anyhow::Result<()> {
    let heads: Vec<_> = names
        .iter()
        .map(|name| quarantine.head(name).with_context(|| format!("{name} cannot be read")))
        .collect::<anyhow::Result<_>>()?;
    let access = Access::open(settings).await?;
    let owner = access.owner();
    for (name, head) in names.iter().zip(heads) {
        account(&owner, &head, Aftermath::Dropped).await?;
        quarantine.remove(name)?;
        say!("dropped  {} rows meant for {}", head.rows, head.table);
    }
    access.close().await;
    Ok(())
}

/// Before the file goes: counted twice it counts once, and what is gone cannot be counted any more.
async fn account(owner: &Warehouse, head: &Quarantined, aftermath: Aftermath) -> anyhow::Result<()> {
    let (counted, token) = head.accounted(aftermath);
    owner.insert_accounting(Uuid::now_v7(), &counted, &token).await.context("it cannot be accounted for")
}

type Listed = Vec<(String, std::io::Result<Quarantined>)>;

fn all(quarantine: &Quarantine) -> anyhow::Result<Listed> {
    quarantine.list().with_context(|| format!("{} cannot be read", quarantine.dir().display()))
}

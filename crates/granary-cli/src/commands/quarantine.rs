//! `granary quarantine`

use anyhow::{Context, bail};
use bytesize::ByteSize;
use granary_ingest::Quarantine;
use jiff::Timestamp;

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
        arguments::Quarantine::Drop { names } => drop_inserts(&quarantine, names),
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
        println!("{}", serde_json::to_string_pretty(&readable)?);
        return Ok(());
    }
    if listed.is_empty() {
        println!("nothing is quarantined in {}", quarantine.dir().display());
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
    println!("{table}");
    Ok(())
}

/// Under the token it had: what is there already is not added again.
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
        match owner.insert(&insert).await {
            Ok(()) => {
                quarantine.remove(name).with_context(|| format!("{name} is stored and cannot be removed"))?;
                println!("stored   {} rows into {}", insert.rows, insert.table);
            }
            Err(error) => {
                refused += 1;
                println!("refused  {} rows for {}: {error}", insert.rows, insert.table);
            }
        }
    }
    access.close().await;
    if refused > 0 {
        bail!("{refused} of {} inserts were refused again and stay where they are", names.len());
    }
    Ok(())
}

fn drop_inserts(quarantine: &Quarantine, names: &[String]) -> anyhow::Result<()> {
    for name in names {
        let insert = quarantine.load(name).with_context(|| format!("{name} cannot be read"))?;
        quarantine.remove(name)?;
        println!("dropped  {} rows meant for {}", insert.rows, insert.table);
    }
    Ok(())
}

type Listed = Vec<(String, std::io::Result<granary_ingest::Quarantined>)>;

fn all(quarantine: &Quarantine) -> anyhow::Result<Listed> {
    quarantine.list().with_context(|| format!("{} cannot be read", quarantine.dir().display()))
}

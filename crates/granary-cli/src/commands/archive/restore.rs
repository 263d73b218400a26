//! `granary archive restore`

use anyhow::{Context, bail};
use futures::StreamExt;
use granary_archive::{RestoreOptions, RestoredSession};
use granary_clickhouse::{ClickHouseConfig, Warehouse, migrate};
use granary_model::TenantId;
use jiff::civil::Date;
use serde::Serialize;

use crate::access::Access;
use crate::arguments::{ReportFormat, Restore};
use crate::output;
use crate::progress;
use crate::settings::Settings;

/// What a restore did.
#[derive(Debug, Default, Serialize)]
struct Summary {
    dry_run: bool,
    /// Objects that were looked at and are sound.
    sessions: u64,
    /// Those of them of which something was missing.
    restored_sessions: u64,
    /// Records in these objects.
    records: u64,
    /// Records that were missing.
    restored_records: u64,
    /// Sessions whose mark was missing.
    marks: u64,
    /// Objects that were not restored, or not all of them.
    failed: u64,
    /// Why; no more than [`MAX_FAILURES`] of them.
    failures: Vec<Failure>,
}

#[derive(Debug, Serialize)]
struct Failure {
    object: String,
    problem: String,
}

/// More failures than these are counted and printed as they come, and not kept for the summary.
const MAX_FAILURES: usize = 1000;

pub(super) async fn run(settings: &Settings, access: &Access, wanted: &Restore) -> anyhow::Result<()> {
    let archive = super::open(settings, access).await?;
    let into = target(access, wanted).await?;
    let options = RestoreOptions {
        session: wanted.session.clone(),
        tenant: wanted.tenant.as_deref().map(TenantId::new),
        from: day(wanted.from.as_deref(), "--from")?,
        to: day(wanted.to.as_deref(), "--to")?,
        dry_run: wanted.dry_run,
    };
    let mut summary = Summary { dry_run: wanted.dry_run, ..Summary::default() };
    let bar = progress::spinner("{spinner} {msg} {elapsed}")?;
    let mut sessions = archive.restore(&into, options);
    while let Some(session) = sessions.next().await {
        match session {
            Ok(RestoredSession { records, restored, marked, .. }) => {
                summary.sessions += 1;
                summary.restored_sessions += u64::from(restored > 0);
                summary.records += records;
                summary.restored_records += restored;
                summary.marks += u64::from(marked);
            }
            Err(failure) => {
                summary.failed += 1;
                bar.suspend(|| eprintln!("{failure}"));
                if summary.failures.len() < MAX_FAILURES {
                    let problem = failure.error.to_string();
                    summary.failures.push(Failure { object: failure.key, problem });
                }
            }
        }
        bar.set_message(format!("{} sessions, {} records", summary.sessions, summary.restored_records));
    }
    bar.finish_and_clear();
    print(&summary, wanted.format)?;
    if summary.failed > 0 {
        bail!("{} of {} objects were not restored", summary.failed, summary.failed + summary.sessions);
    }
    if let Some(session) = wanted.session.as_ref().filter(|_| summary.sessions == 0) {
        bail!("the archive has no object of a session {session:?}");
    }
    Ok(())
}

/// The database that is restored into, with all its tables.
async fn target(access: &Access, wanted: &Restore) -> anyhow::Result<Warehouse> {
    let Some(database) = &wanted.into else { return Ok(access.owner()) };
    let into = Warehouse::new(&ClickHouseConfig { database: database.clone(), ..access.owner.clone() });
    migrate::apply(&into).await.with_context(|| format!("the database {database:?} cannot be made ready"))?;
    Ok(into)
}

fn day(text: Option<&str>, flag: &str) -> anyhow::Result<Option<Date>> {
    let parse =
        |text: &str| text.parse().with_context(|| format!("{flag} {text:?} is no day like 2026-11-20"));
    text.map(parse).transpose()
}

fn print(summary: &Summary, format: ReportFormat) -> anyhow::Result<()> {
    if format == ReportFormat::Json {
        say!("{}", serde_json::to_string_pretty(summary)?);
        return Ok(());
    }
    let restored = if summary.dry_run { "missing" } else { "restored" };
    let mut table = output::table(["", "in objects", restored, "failed"]);
    let row = |name: &str, numbers: [u64; 2], failed: String| {
        [name.to_owned(), numbers[0].to_string(), numbers[1].to_string(), failed]
    };
    table.add_row(row("sessions", [summary.sessions, summary.restored_sessions], summary.failed.to_string()));
    table.add_row(row("records", [summary.records, summary.restored_records], String::new()));
    table.add_row(row("marks", [summary.sessions, summary.marks], String::new()));
    say!("{table}");
    Ok(())
}

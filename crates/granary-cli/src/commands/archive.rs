//! `granary archive`

mod restore;

use std::time::SystemTime;

use anyhow::{Context, bail};
use futures::StreamExt;
use granary_archive::{
    Archive, ArchiveStatus, ArchivedSession, AuditOptions, Audited, Pass, bucket_lifecycle,
};
use jiff::Timestamp;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::arguments::{self, AnswerFormat};
use crate::output::{self, Answer, Column};
use crate::roles;
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings, command: &arguments::Archive) -> anyhow::Result<()> {
    // The rules follow from the settings alone.
    if let arguments::Archive::Lifecycle = command {
        say!("{}", serde_json::to_string_pretty(&bucket_lifecycle(&settings.archive())?)?);
        return Ok(());
    }
    let stop = granary_service::signals::listen()?;
    let access = Access::open(settings).await?;
    let result = match command {
        arguments::Archive::Restore(wanted) => restore::run(settings, &access, wanted).await,
        command => on_archive(settings, &access, command, stop).await,
    };
    access.close().await;
    result
}

async fn on_archive(
    settings: &Settings,
    access: &Access,
    command: &arguments::Archive,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    if let arguments::Archive::Run { once: false } = command {
        let config = settings.archive();
        let archive = Archive::open_also_away(&config, access.owner()).await;
        let archive = archive.with_context(|| format!("the archive at {} cannot be used", config.url))?;
        return roles::archive(settings, access.owner(), archive, stop).await;
    }
    let archive = open(settings, access).await?;
    match command {
        arguments::Archive::Run { .. } => once(&archive, stop).await,
        arguments::Archive::Status { format } => status(&archive, *format).await,
        arguments::Archive::List { limit, format } => list(&archive, *limit, *format).await,
        arguments::Archive::Verify { sample, all, format } => {
            verify(&archive, *sample, *all, *format, stop).await
        }
        arguments::Archive::Expire { dry_run } => expire(&archive, *dry_run).await,
        arguments::Archive::Lifecycle | arguments::Archive::Restore(_) => Ok(()),
    }
}

/// The archive of the settings, on a warehouse.
pub(super) async fn open(settings: &Settings, access: &Access) -> anyhow::Result<Archive> {
    let config = settings.archive();
    let opened = Archive::open(&config, access.owner()).await;
    opened.with_context(|| format!("the archive at {} cannot be used", config.url))
}

async fn once(archive: &Archive, stop: CancellationToken) -> anyhow::Result<()> {
    let mut total = Pass::default();
    loop {
        let pass = archive.run_once(stop.clone()).await?;
        total.archived += pass.archived;
        total.left = pass.left;
        total.failed += pass.failed;
        if !pass.full || pass.failed > 0 || pass.archived == 0 || stop.is_cancelled() {
            break;
        }
    }
    say!("archived {}, left to other archivers {}, failed {}", total.archived, total.left, total.failed);
    if total.failed > 0 {
        bail!("{} sessions were not archived; the log says why, and they are still due", total.failed);
    }
    Ok(())
}

fn answer<const N: usize>(columns: [(&str, &str); N], rows: Vec<[serde_json::Value; N]>) -> Answer {
    let column = |(name, kind): &(&str, &str)| Column { name: (*name).to_owned(), kind: (*kind).to_owned() };
    let row = |values: [_; N]| columns.iter().map(|(name, _)| (*name).to_owned()).zip(values).collect();
    Answer { meta: columns.iter().map(column).collect(), data: rows.into_iter().map(row).collect() }
}

async fn status(archive: &Archive, format: Option<AnswerFormat>) -> anyhow::Result<()> {
    let ArchiveStatus { sessions, records, bytes, compressed_bytes, expired, leased, due, due_since_ms } =
        archive.status().await?;
    let columns = [
        ("sessions", "UInt64"),
        ("records", "UInt64"),
        ("bytes", "UInt64"),
        ("compressed_bytes", "UInt64"),
        ("expired", "UInt64"),
        ("leased", "UInt64"),
        ("due", "UInt64"),
        ("due_since", "Nullable(DateTime)"),
    ];
    let due_since = due_since_ms.and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let row = [
        json!(sessions),
        json!(records),
        json!(bytes),
        json!(compressed_bytes),
        json!(expired),
        json!(leased),
        json!(due),
        json!(due_since.map(|time| format!("{time:.0}"))),
    ];
    output::print(&answer(columns, vec![row]), format)
}

async fn list(archive: &Archive, limit: usize, format: Option<AnswerFormat>) -> anyhow::Result<()> {
    let columns = [
        ("tenant", "String"),
        ("session", "String"),
        ("first_time", "DateTime"),
        ("last_time", "DateTime"),
        ("records", "UInt64"),
        ("bytes", "UInt64"),
        ("compressed_bytes", "UInt64"),
        ("key", "String"),
    ];
    let time = |nanos: u64| {
        Timestamp::from_nanosecond(i128::from(nanos))
            .map_or_else(|_| nanos.to_string(), |t| format!("{t:.0}"))
    };
    let row = |one: ArchivedSession| {
        let contents = one.contents;
        [
            json!(one.tenant.as_str()),
            json!(one.session),
            json!(time(contents.first_time_unix_nano)),
            json!(time(contents.last_time_unix_nano)),
            json!(contents.logs + contents.spans + contents.metric_points),
            json!(one.bytes),
            json!(one.compressed_bytes),
            json!(one.key.to_string()),
        ]
    };
    let rows = archive.latest(limit).await?.into_iter().map(row).collect();
    output::print(&answer(columns, rows), format)
}

/// Findings that are printed one by one; there may be as many as there are sessions.
const MOST_FINDINGS: usize = 10_000;

async fn verify(
    archive: &Archive,
    sample: f64,
    all: bool,
    format: Option<AnswerFormat>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let columns = [
        ("key", "String"),
        ("state", "String"),
        ("compressed_bytes", "UInt64"),
        ("problem", "Nullable(String)"),
    ];
    let (mut objects, mut read, mut bytes, mut bad) = (0_u64, 0_u64, 0_u64, 0_u64);
    let mut rows = Vec::new();
    let mut audit = Box::pin(archive.audit(AuditOptions { sample }).take_until(stop.cancelled()));
    while let Some(audited) = audit.next().await {
        let Audited { key, compressed_bytes, state } = audited?;
        objects += 1;
        if state.name() == "sound" {
            read += 1;
            bytes += compressed_bytes;
        }
        bad += u64::from(!state.is_good());
        if (all || !state.is_good()) && rows.len() < MOST_FINDINGS {
            rows.push([json!(key), json!(state.name()), json!(compressed_bytes), json!(state.problem())]);
        }
    }
    drop(audit);
    output::print(&answer(columns, rows), format)?;
    eprintln!(
        "{objects} objects looked at, {read} of them read and sound ({bytes} bytes), {bad} are not as recorded"
    );
    if stop.is_cancelled() {
        bail!("stopped before the end");
    }
    if bad > 0 {
        bail!("{bad} of {objects} objects are missing, extra, damaged or cannot be read");
    }
    Ok(())
}

async fn expire(archive: &Archive, dry_run: bool) -> anyhow::Result<()> {
    let now = SystemTime::now();
    if dry_run {
        for ArchivedSession { key, .. } in archive.expired(now, MOST_FINDINGS).await? {
            say!("{key}");
        }
        return Ok(());
    }
    say!("deleted {} objects", archive.expire(now).await?);
    Ok(())
}

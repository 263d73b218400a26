//! `granary sessions`

use std::io::{IsTerminal, Write};
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use granary_archive::{ArchivedSession, Erased, ReplayOptions};
use granary_gateway::{Catalogue, RawParams, Runner};
use granary_model::TenantId;
use jiff::Timestamp;
use serde_json::Value;

use super::query;
use super::readable::Timeline;
use crate::access::Access;
use crate::arguments::{QueryFormat, Sessions};
use crate::output;
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings, command: &Sessions) -> anyhow::Result<()> {
    let access = Access::open(settings).await?;
    let result = match command {
        Sessions::List { params, format } => list(settings, &access, params, *format).await,
        Sessions::Show { session, events } => show(settings, &access, session, *events).await,
        Sessions::Archive { sessions } => archive(settings, &access, sessions).await,
        Sessions::Erase { session, tenant, yes } => {
            erase(settings, &access, &TenantId::new(tenant.as_str()), session, *yes).await
        }
        Sessions::Replay { session, speed, max_gap, from, to, signals, jsonl } => {
            let options = ReplayOptions {
                speed: *speed,
                max_gap: Some(max_gap.unwrap_or(settings.gateway.max_replay_gap)),
                from: from.map(unix_nano),
                to: to.map(unix_nano),
                after: None,
                signals: signals.clone(),
            };
            replay(settings, &access, session, options, *jsonl).await
        }
    };
    access.close().await;
    result
}

fn runner(settings: &Settings, access: &Access) -> Runner {
    Runner::new(access.reader(), settings.gateway.query_limits())
}

fn prepare(name: &str, params: &RawParams) -> anyhow::Result<granary_gateway::PreparedQuery> {
    let catalogue = Catalogue::embedded()?;
    let query = catalogue.get(name).with_context(|| format!("the query {name} is missing"))?;
    Ok(query.prepare(&TenantId::default(), params, Timestamp::now())?)
}

async fn list(
    settings: &Settings,
    access: &Access,
    params: &[String],
    format: Option<QueryFormat>,
) -> anyhow::Result<()> {
    let prepared = prepare("sessions", &query::params(params)?)?;
    query::print(&runner(settings, access), &prepared, format).await
}

async fn show(settings: &Settings, access: &Access, session: &str, events: u32) -> anyhow::Result<()> {
    let runner = runner(settings, access);
    let summary = prepare("session_summary", &RawParams::from_iter([("session", session)]))?;
    let summary = query::answer(&runner, &summary).await?;
    let Some(row) = summary.data.first() else {
        bail!("there is no session {session:?}; `granary sessions list --param from=-30d` lists them");
    };
    for column in &summary.meta {
        let value = match row.get(&column.name) {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        say!("{:<22} {value}", column.name);
    }
    let limit = events.to_string();
    let timeline =
        prepare("session_timeline", &RawParams::from_iter([("session", session), ("limit", &limit)]))?;
    let timeline = query::answer(&runner, &timeline).await?;
    let mut table = output::table(["time", "event", "summary"]);
    for row in &timeline.data {
        let text = |name| row.get(name).and_then(Value::as_str).unwrap_or_default();
        table.add_row([&milliseconds(text("time")), text("event"), text("summary")]);
    }
    say!("{table}");
    Ok(())
}

/// The moment as the clients' clocks have it; the nanoseconds that the tables hold are zeros.
fn milliseconds(time: &str) -> String {
    time.parse::<Timestamp>().map_or_else(|_| time.to_owned(), |time| format!("{time:.3}"))
}

async fn archive(settings: &Settings, access: &Access, sessions: &[String]) -> anyhow::Result<()> {
    let archive = super::archive::open(settings, access).await?;
    let tenant = TenantId::default();
    let mut failed = 0;
    let wanted: Vec<(TenantId, String)> = if sessions.is_empty() {
        let due = archive.due(SystemTime::now()).await?;
        due.into_iter().map(|due| (due.tenant, due.session)).collect()
    } else {
        sessions.iter().map(|session| (tenant.clone(), session.clone())).collect()
    };
    for (tenant, session) in &wanted {
        match archive.archive_session(tenant, session).await {
            Ok(ArchivedSession { key, .. }) => say!("{session}  {key}"),
            Err(error) => {
                failed += 1;
                eprintln!("{session}  {error}");
            }
        }
    }
    if failed > 0 {
        bail!("{failed} of {} sessions were not archived", wanted.len());
    }
    if wanted.is_empty() {
        eprintln!("no session is due");
    }
    Ok(())
}

async fn erase(
    settings: &Settings,
    access: &Access,
    tenant: &TenantId,
    session: &str,
    yes: bool,
) -> anyhow::Result<()> {
    let archive = super::archive::open(settings, access).await?;
    if !yes {
        bail!(
            "this erases session {session:?} of tenant {:?} for good, from {} and from the archive at {}; \
             say --yes to do it",
            tenant.as_str(),
            access.owner.database,
            settings.archive().url
        );
    }
    let Erased { objects, rows } = archive.erase(tenant, session).await?;
    say!(
        "{session}  {rows} records and {} objects erased; nothing of it is left in the tables and the store",
        objects.len()
    );
    say!(
        "Copies that go by themselves: the write-ahead log's kept segments within {}, ClickHouse's replaced parts within \
         minutes. Inserts in quarantine, versions that a bucket keeps, and backups do not.",
        humantime::format_duration(settings.ingest.duplicate_window)
    );
    Ok(())
}

/// In nanoseconds since 1970, before which nothing happened.
fn unix_nano(time: Timestamp) -> u64 {
    u64::try_from(time.as_nanosecond()).unwrap_or_default()
}

async fn replay(
    settings: &Settings,
    access: &Access,
    session: &str,
    options: ReplayOptions,
    jsonl: bool,
) -> anyhow::Result<()> {
    let archive = super::archive::open(settings, access).await?;
    let mut replay = archive.replay(&TenantId::default(), session, options).await?;
    let mut timeline = Timeline::new(output::colours(), std::io::stdout().is_terminal());
    if replay.is_empty() {
        eprintln!("session {session} has no such events");
    }
    while let Some(event) = replay.next().await? {
        let text = if jsonl { event.json } else { timeline.show(&event) };
        if let Err(error) = writeln!(std::io::stdout(), "{text}") {
            // The reader has seen enough, as `head` does.
            return if error.kind() == std::io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error.into()) };
        }
    }
    Ok(())
}

/// How long an archive may take to have a session in the demo.
pub(crate) const DEMO_QUIET: Duration = Duration::from_secs(1);

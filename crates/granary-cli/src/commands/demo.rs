//! `granary demo`

mod send;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use futures::StreamExt;
use granary_archive::ReplayOptions;
use granary_gateway::{Catalogue, RawParams, Runner};
use granary_model::TenantId;
use granary_simulate::Team;
use jiff::Timestamp;

use super::query;
use super::readable::readable;
use super::sessions::DEMO_QUIET;
use crate::announce::lines;
use crate::arguments::Demo;
use crate::output;
use crate::settings::Settings;
use crate::up::Roles;

const USERS: usize = 15;
const DAYS: u64 = 7;
const DAY_NANOS: u64 = 86_400_000_000_000;
/// Events of the replayed session that are shown.
const REPLAYED: usize = 12;

pub(crate) async fn run(mut settings: Settings, arguments: &Demo) -> anyhow::Result<()> {
    let stop = granary_service::signals::listen()?;
    let folder = tempfile::Builder::new().prefix("granary-demo-").tempdir().context("no temporary folder")?;
    settings.data_dir = folder.path().to_owned();
    settings.archive.url = String::new();
    // It sends to itself, as nobody in particular.
    settings.ingest.keys_file = PathBuf::new();
    (settings.ingest.tls_cert, settings.ingest.tls_key, settings.ingest.tls_client_ca) = (None, None, None);
    settings.archive.quiet = DEMO_QUIET;
    settings.archive.interval = DEMO_QUIET;
    // A demo beside a granary that runs takes other ports and says which.
    for address in [
        &mut settings.engine.http,
        &mut settings.ingest.grpc,
        &mut settings.ingest.http,
        &mut settings.gateway.listen,
    ] {
        free_if_taken(address);
    }
    let roles = tokio::select! {
        roles = Roles::start(&settings) => roles?,
        () = stop.cancelled() => return Ok(()),
    };
    let shown = tokio::select! {
        shown = show(&settings, &roles, arguments) => shown,
        () = stop.cancelled() => Ok(()),
    };
    if shown.is_ok() && !arguments.exit && !stop.is_cancelled() {
        say!(
            "\ngranary is up until Ctrl-C; its data are in {} and go with it\n{}",
            folder.path().display(),
            lines(&roles.addresses.places())
        );
        say!(
            "\nPoint Claude Code at it:\n  export CLAUDE_CODE_ENABLE_TELEMETRY=1 OTEL_METRICS_EXPORTER=otlp OTEL_LOGS_EXPORTER=otlp\n  \
             export OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_ENDPOINT=http://{}",
            roles.addresses.otlp_grpc
        );
        stop.cancelled().await;
    }
    let stopped = roles.stop().await;
    shown.and(stopped)
}

fn free_if_taken(address: &mut SocketAddr) {
    if std::net::TcpListener::bind(*address).is_err() {
        address.set_port(0);
    }
}

async fn show(settings: &Settings, roles: &Roles, arguments: &Demo) -> anyhow::Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = u64::try_from(now.as_nanos()).context("the clock is past the year 2554")?;
    let team = Team::new(arguments.seed, USERS);
    let sessions: Vec<_> = team.sessions(now - DAYS * DAY_NANOS, now, arguments.sessions).collect();
    let sent = send::all(&sessions, roles.addresses.otlp_grpc).await?;
    roles.accounting.settled().await;
    say!(
        "sent {} records of {} sessions by {USERS} people over {DAYS} days, {:.1} MB of OTLP, in {:.1} s: all answered, all stored\n",
        sent.records,
        sessions.len(),
        sent.mebibytes(),
        sent.seconds,
    );
    let runner = Runner::new(roles.reader.clone(), settings.gateway.query_limits());
    let from = format!("-{DAYS}d");
    ask(&runner, "cost_by_model", &[("from", &from)]).await?;
    ask(&runner, "tool_success", &[("from", &from)]).await?;
    let dearest = ask(&runner, "sessions", &[("from", &from), ("sort", "cost"), ("limit", "5")]).await?;
    let session =
        dearest.data.first().and_then(|row| row.get("session")).and_then(|session| session.as_str());
    let Some(session) = session.map(str::to_owned) else { return Ok(()) };
    say!("How did the most expensive one begin? (granary sessions replay {session} --speed max)");
    let replay = roles.archive.replay(&TenantId::default(), &session, ReplayOptions::at_once()).await?;
    let mut events = replay.into_stream().take(REPLAYED);
    while let Some(event) = events.next().await {
        say!("  {}", readable(&event?, false));
    }
    Ok(())
}

async fn ask(runner: &Runner, name: &str, params: &[(&str, &str)]) -> anyhow::Result<output::Answer> {
    let catalogue = Catalogue::embedded()?;
    let query = catalogue.get(name).with_context(|| format!("the query {name} is missing"))?;
    let raw: RawParams = params.iter().copied().collect();
    let answer = query::answer(runner, &query.prepare(&TenantId::default(), &raw, Timestamp::now())?).await?;
    let flags: String = params.iter().map(|(name, value)| format!(" --param {name}={value}")).collect();
    say!("{} (granary query {name}{flags})\n{}\n", query.question(), output::answer_table(&answer));
    Ok(answer)
}

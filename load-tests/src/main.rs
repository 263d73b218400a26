//! Runs a workload against any OTLP endpoint and says what came of it: rows as ClickHouse counts them, CPU seconds as the
//! system counts them, latency from the intended send time.

#![expect(clippy::print_stdout, reason = "the report")]
#![allow(clippy::cast_precision_loss, reason = "figures for people")]

mod clickhouse;
mod fill;
mod live;
mod oracle_command;
mod processes;
mod query_times;
mod send;
mod visible;
mod workload;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use clap::{Args, Parser, ValueEnum};
use granary_load::FaultyProxy;
use hdrhistogram::Histogram;
use serde::Serialize;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clickhouse::ClickHouse;
use crate::fill::FillArguments;
use crate::oracle_command::OracleArguments;
use crate::processes::{Usage, usage};
use crate::query_times::QueryArguments;
use crate::workload::{Trouble, TroubleKind, Workload};

// Bodies are made here and freed by the client's tasks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Load for an OTLP endpoint, and proof that nothing is lost.
#[derive(Debug, Parser)]
#[command(version)]
enum Cli {
    Run(Arguments),
    Oracle(OracleArguments),
    /// Fill a warehouse with copies of the sessions that it has.
    Fill(FillArguments),
    /// Ask a gateway every named query, and print what each reads and takes as a Markdown table.
    Queries(QueryArguments),
}

/// Sends a workload and reports rows, latency and CPU.
#[derive(Debug, Args)]
struct Arguments {
    /// A workload that comes along (steady, saturation, burst, many-senders, huge-attributes, duplicates,
    /// clickhouse-slow, clickhouse-down) or a TOML file.
    workload: String,
    /// The endpoint's OTLP/HTTP address.
    #[arg(long, default_value = "http://127.0.0.1:4318")]
    endpoint: String,
    #[command(flatten)]
    clickhouse: ClickHouse,
    /// Send single events beside the load and report how long after the answer they can be seen, too; for Granary's
    /// table.
    #[arg(long)]
    visible: bool,
    /// Watch the live feed of this gateway beside the load, and report how long after the answer events are delivered and
    /// whether all are.
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "http://127.0.0.1:8080")]
    live: Option<String>,
    /// Processes whose CPU time and memory are reported, as in granary=1234.
    #[arg(long = "process", value_name = "NAME=ID")]
    processes: Vec<String>,
    /// The same seed makes the same records, which a receiver that knows repeated deliveries does not store again.
    /// Default: another one each time.
    #[arg(long, default_value_t = another_seed(), hide_default_value = true)]
    seed: u64,
    /// Where to listen for the receiver's connections to ClickHouse, for workloads that disturb them.
    #[arg(long)]
    proxy: Option<SocketAddr>,
    /// How to print the report.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    format: Format,
    /// In place of the workload's rate.
    #[arg(long)]
    rate: Option<u64>,
    /// In place of the workload's duration, in seconds.
    #[arg(long)]
    seconds: Option<u64>,
}

/// Each connection has a seed of its own, counted from this one.
fn another_seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.as_secs() << 20)
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Json,
    Table,
}

/// The report.
#[derive(Debug, Serialize)]
struct Report {
    workload: Workload,
    seed: u64,
    answered: u64,
    repeated: u64,
    refused: u64,
    stored: u64,
    seconds: f64,
    rows_per_second: f64,
    otlp_mb_per_second: f64,
    drain_seconds: f64,
    latency_ms: BTreeMap<&'static str, f64>,
    /// From the answer.
    visible_ms: Option<BTreeMap<&'static str, f64>>,
    live: Option<LiveReport>,
    processes: BTreeMap<String, ProcessReport>,
}

#[derive(Debug, Serialize)]
struct LiveReport {
    /// From the answer.
    delivered_ms: BTreeMap<&'static str, f64>,
    /// To the client that gets everything: the load's events and those that are sent beside it.
    events: u64,
    missed: u64,
}

#[derive(Debug, Serialize)]
struct ProcessReport {
    cpu_seconds: f64,
    rows_per_cpu_second: f64,
    memory_before_mib: f64,
    memory_after_mib: f64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse() {
        Cli::Run(arguments) => load(arguments).await,
        Cli::Oracle(arguments) => oracle_command::run(arguments).await,
        Cli::Fill(arguments) => fill::run(arguments).await,
        Cli::Queries(arguments) => query_times::run(arguments).await,
    }
}

async fn load(arguments: Arguments) -> anyhow::Result<()> {
    let mut workload = Workload::load(&arguments.workload)?;
    workload.rate = arguments.rate.unwrap_or(workload.rate);
    workload.duration = arguments.seconds.map_or(workload.duration, Duration::from_secs);
    let mut processes = BTreeMap::new();
    for process in &arguments.processes {
        let Some((name, id)) = process.split_once('=') else { bail!("{process:?} is not NAME=ID") };
        processes
            .insert(name.to_owned(), id.parse::<u32>().with_context(|| format!("{id:?} is no process id"))?);
    }
    let rows_before = arguments.clickhouse.count(None).await?;
    let before = all_usage(&processes)?;
    let trouble = trouble(&arguments, &workload).await?;
    let stop = CancellationToken::new();
    let probing = arguments.visible.then(|| {
        tokio::spawn(visible::probe(arguments.endpoint.clone(), arguments.clickhouse.clone(), stop.clone()))
    });
    let watching = arguments.live.clone().map(|gateway| {
        let probing = live::probe(arguments.endpoint.clone(), gateway.clone(), stop.clone());
        (tokio::spawn(probing), tokio::spawn(live::count(gateway, stop.clone())))
    });
    let sent = send::run(&workload, &arguments.endpoint, arguments.seed).await?;
    stop.cancel();
    let seen = match probing {
        Some(probing) => Some(probing.await??),
        None => None,
    };
    let watched = match watching {
        Some((probing, counting)) => Some((probing.await??, counting.await??)),
        None => None,
    };
    let probes = seen.as_ref().map_or(0, |seen| seen.probes)
        + watched.as_ref().map_or(0, |(watched, _)| watched.probes);
    if let Some(trouble) = trouble {
        trouble.await?;
    }
    // A receiver that answers before its rows are stored is given time to store them.
    let drain = Instant::now();
    let stored_now =
        async || Ok::<_, anyhow::Error>(arguments.clickhouse.count(None).await? - rows_before - probes);
    let mut stored = stored_now().await?;
    while stored < sent.answered && drain.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        stored = stored_now().await?;
    }
    let drain_seconds = drain.elapsed().as_secs_f64();
    let after = all_usage(&processes)?;
    let report = Report {
        workload,
        seed: arguments.seed,
        answered: sent.answered,
        repeated: sent.repeated,
        refused: sent.refused,
        stored,
        seconds: sent.seconds,
        rows_per_second: stored as f64 / (sent.seconds + drain_seconds),
        otlp_mb_per_second: sent.bytes as f64 / 1e6 / sent.seconds,
        drain_seconds,
        latency_ms: milliseconds(&sent.latency),
        visible_ms: seen.map(|seen| milliseconds(&seen.times)),
        live: watched.map(|(watched, everything)| LiveReport {
            delivered_ms: milliseconds(&watched.times),
            events: everything.events,
            missed: everything.missed,
        }),
        processes: after
            .into_iter()
            .map(|(name, after)| {
                let before = before[&name];
                let cpu_seconds = after.cpu_seconds - before.cpu_seconds;
                let report = ProcessReport {
                    cpu_seconds,
                    rows_per_cpu_second: stored as f64 / cpu_seconds,
                    memory_before_mib: before.memory_mib,
                    memory_after_mib: after.memory_mib,
                };
                (name, report)
            })
            .collect(),
    };
    match arguments.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
        Format::Table => print_table(&arguments.workload, &report),
    }
    Ok(())
}

fn milliseconds(micros: &Histogram<u64>) -> BTreeMap<&'static str, f64> {
    [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)]
        .into_iter()
        .map(|(name, quantile)| (name, micros.value_at_quantile(quantile) as f64 / 1000.0))
        .collect()
}

/// Starts the proxy that a workload disturbs, and the disturbance.
async fn trouble(arguments: &Arguments, workload: &Workload) -> anyhow::Result<Option<JoinHandle<()>>> {
    let Some(address) = arguments.proxy else {
        anyhow::ensure!(
            workload.clickhouse.is_none(),
            "this workload disturbs ClickHouse: give --proxy, and start the receiver with it as its ClickHouse"
        );
        return Ok(None);
    };
    let target = arguments.clickhouse.clickhouse.trim_start_matches("http://").parse()?;
    let proxy = FaultyProxy::start_at(address, target).await?;
    let trouble = workload.clickhouse;
    Ok(Some(tokio::spawn(async move {
        let Some(Trouble { kind, after, length }) = trouble else { return };
        tokio::time::sleep(after).await;
        match kind {
            TroubleKind::Down => proxy.off(),
            TroubleKind::Slow => proxy.delay(Duration::from_secs(1)),
        }
        tokio::time::sleep(length).await;
        proxy.on();
        proxy.delay(Duration::ZERO);
        // The proxy's task goes on forwarding: what waited is being delivered.
    })))
}

fn print_table(name: &str, report: &Report) {
    let line = |what: &str, value: String| println!("{what:<40}{value:>14}");
    println!("{name}");
    line("records answered", report.answered.to_string());
    line("records sent and answered again", report.repeated.to_string());
    line("records refused", report.refused.to_string());
    line("rows stored", report.stored.to_string());
    line("rows a second", format!("{:.0}", report.rows_per_second));
    line("MB of OTLP a second", format!("{:.1}", report.otlp_mb_per_second));
    line("seconds until all were stored", format!("{:.2}", report.drain_seconds));
    for (quantile, ms) in &report.latency_ms {
        line(&format!("ms to the answer, {quantile}"), format!("{ms:.1}"));
    }
    for (quantile, ms) in report.visible_ms.iter().flatten() {
        line(&format!("ms from there to being visible, {quantile}"), format!("{ms:.1}"));
    }
    if let Some(live) = &report.live {
        for (quantile, ms) in &live.delivered_ms {
            line(&format!("ms from there to being delivered, {quantile}"), format!("{ms:.1}"));
        }
        line("events delivered to one that gets all", live.events.to_string());
        line("events that it was told it missed", live.missed.to_string());
    }
    for (process, usage) in &report.processes {
        line(&format!("rows per CPU second of {process}"), format!("{:.0}", usage.rows_per_cpu_second));
        line(&format!("MiB of {process} afterwards"), format!("{:.0}", usage.memory_after_mib));
    }
}

fn all_usage(processes: &BTreeMap<String, u32>) -> anyhow::Result<BTreeMap<String, Usage>> {
    processes.iter().map(|(name, id)| Ok((name.clone(), usage(*id)?))).collect()
}

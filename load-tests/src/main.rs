//! Runs a workload against any OTLP endpoint and says what came of it: rows as ClickHouse counts them, CPU seconds as the
//! system counts them, latency from the intended send time.

#![expect(clippy::print_stdout, reason = "the report")]
#![allow(clippy::cast_precision_loss, reason = "figures for people")]

mod oracle_command;
mod processes;
mod send;
mod workload;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::{Args, Parser};
use serde::Serialize;

use crate::oracle_command::OracleArguments;
use crate::processes::{Usage, usage};
use crate::workload::Workload;

// Bodies are made here and freed by the client's tasks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Load for an OTLP endpoint, and proof that nothing is lost.
#[derive(Debug, Parser)]
#[command(version)]
enum Cli {
    Run(Arguments),
    Oracle(OracleArguments),
}

/// Sends a workload and reports rows, latency and CPU.
#[derive(Debug, Args)]
struct Arguments {
    /// A workload that comes along (steady, saturation) or a TOML file.
    workload: String,
    /// The endpoint's OTLP/HTTP address.
    #[arg(long, default_value = "http://127.0.0.1:4318")]
    endpoint: String,
    /// ClickHouse's HTTP interface, which counts the rows.
    #[arg(long, default_value = "http://127.0.0.1:8123")]
    clickhouse: String,
    /// The user who counts.
    #[arg(long, default_value = "default")]
    clickhouse_user: String,
    /// That user's password.
    #[arg(long, default_value = "", hide_default_value = true)]
    clickhouse_password: String,
    /// The table whose rows are counted.
    #[arg(long, default_value = "otel.otel_logs")]
    table: String,
    /// Processes whose CPU time and memory are reported, as in granary=1234.
    #[arg(long = "process", value_name = "NAME=ID")]
    processes: Vec<String>,
    /// Another seed makes other records.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// In place of the workload's rate.
    #[arg(long)]
    rate: Option<u64>,
    /// In place of the workload's duration, in seconds.
    #[arg(long)]
    seconds: Option<u64>,
}

/// The report, printed as JSON.
#[derive(Debug, Serialize)]
struct Report {
    workload: Workload,
    answered: u64,
    refused: u64,
    stored: u64,
    seconds: f64,
    rows_per_second: f64,
    otlp_mb_per_second: f64,
    drain_seconds: f64,
    latency_ms: BTreeMap<&'static str, f64>,
    processes: BTreeMap<String, ProcessReport>,
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
    let rows_before = count(&arguments).await?;
    let before = all_usage(&processes)?;
    let sent = send::run(&workload, &arguments.endpoint, arguments.seed).await?;
    // A receiver that answers before its rows are stored is given time to store them.
    let drain = Instant::now();
    let mut stored = count(&arguments).await? - rows_before;
    while stored < sent.answered && drain.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        stored = count(&arguments).await? - rows_before;
    }
    let drain_seconds = drain.elapsed().as_secs_f64();
    let after = all_usage(&processes)?;
    let report = Report {
        workload,
        answered: sent.answered,
        refused: sent.refused,
        stored,
        seconds: sent.seconds,
        rows_per_second: stored as f64 / (sent.seconds + drain_seconds),
        otlp_mb_per_second: sent.bytes as f64 / 1e6 / sent.seconds,
        drain_seconds,
        latency_ms: [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)]
            .into_iter()
            .map(|(name, quantile)| (name, sent.latency.value_at_quantile(quantile) as f64 / 1000.0))
            .collect(),
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
    println!("{}", serde_json::to_string_pretty(&report)?);
    Ok(())
}

fn all_usage(processes: &BTreeMap<String, u32>) -> anyhow::Result<BTreeMap<String, Usage>> {
    processes.iter().map(|(name, id)| Ok((name.clone(), usage(*id)?))).collect()
}

async fn count(arguments: &Arguments) -> anyhow::Result<u64> {
    let answer = reqwest::Client::new()
        .post(&arguments.clickhouse)
        .header("X-ClickHouse-User", &arguments.clickhouse_user)
        .header("X-ClickHouse-Key", &arguments.clickhouse_password)
        .body(format!("SELECT count() FROM {}", arguments.table))
        .send()
        .await?
        .text()
        .await?;
    answer.trim().parse().with_context(|| format!("ClickHouse does not count: {answer}"))
}

//! `granary-load oracle`

use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;
use granary_load::oracle::{self, Plan};

/// Proves that nothing acknowledged is lost or doubled, whatever is killed.
#[derive(Debug, Args)]
pub(crate) struct OracleArguments {
    /// The program under test.
    #[arg(long, default_value = "target/release/granary")]
    granary: PathBuf,
    /// Kills of Granary and of the engine, together.
    #[arg(long, default_value_t = 1000)]
    kills: u64,
    /// Another seed is another course of events.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Senders at once.
    #[arg(long, default_value_t = 4)]
    senders: u32,
    /// Where data and logs are kept; must be empty.
    #[arg(long)]
    dir: PathBuf,
    /// A small file system of its own, as in `mount -t tmpfs -o size=64m`: the log is kept there, and that it is full is
    /// one of the faults.
    #[arg(long)]
    small_disk: Option<PathBuf>,
}

pub(crate) async fn run(arguments: OracleArguments) -> anyhow::Result<()> {
    let OracleArguments { granary, kills, seed, senders, dir, small_disk } = arguments;
    let is_empty = std::fs::read_dir(&dir).map_or(true, |mut entries| entries.next().is_none());
    ensure!(is_empty, "{} is not empty", dir.display());
    let plan = Plan { granary, seed, kills, senders, dir, small_disk, engine_memory: None };
    let mut told = 0;
    let outcome = oracle::run(&plan, |counts, acknowledged| {
        if counts.kills() >= told + 25 {
            told = counts.kills();
            println!("{told} of {kills} kills, {acknowledged} events acknowledged");
        }
    })
    .await?;
    println!("{}", serde_json::to_string_pretty(&outcome)?);
    ensure!(outcome.holds(), "the oracle does not hold; data and logs are in {}", plan.dir.display());
    Ok(())
}

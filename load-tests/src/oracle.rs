//! Does Granary lose or double what it has acknowledged? Senders, faults, and a judge.
//!
//! Each event, be it a log record, a span or a point, has an identity and a content that follow from a seed. A sender notes an obligation only for a
//! success answer; what it got no answer for it sends again, cut differently, or gives up; some of what was
//! acknowledged it sends again, too. Meanwhile Granary and the engine are killed with `kill -9`, the connection
//! between them is cut after a commit, answers are replaced by 503, the engine is stopped for a while, and the log's disk is full. When
//! the faults are over and the log is drained, the judge asks ClickHouse:
//!
//! - every acknowledged event is there once (`lost`, `doubled`),
//! - no event is there that was never sent (`unknown`), and none twice that was sent without an answer,
//! - every stored event has the content that was sent (`altered`),
//! - every rollup is what its view makes of the raw table (`rollups`),
//!
//! and reports that the faults did happen and that events were acknowledged between them.

mod events;
mod faults;
mod judge;
mod ledger;
mod rollups;
mod sender;
mod signal;
mod system;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use faults::FaultCounts;
pub use judge::Verdict;

use events::Events;
use ledger::Ledger;
use system::System;

/// What to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The program under test.
    pub granary: PathBuf,
    /// Decides events and faults.
    pub seed: u64,
    /// Kills of Granary and of the engine, together.
    pub kills: u64,
    /// Senders at once; every second one of logs, one in four of spans and one in four of points.
    pub senders: u32,
    /// Where everything is kept; a temporary folder if not given.
    pub dir: PathBuf,
    /// A disk of its own for the log, small enough to be filled now and then.
    pub small_disk: Option<PathBuf>,
    /// How the program is told the most memory for its engine, where tests run beside one another.
    pub engine_memory: Option<String>,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// How long the faults went on.
    pub seconds: f64,
    /// Which faults happened.
    pub faults: FaultCounts,
    /// What the judge found.
    pub verdict: Verdict,
}

impl Outcome {
    /// Nothing lost, doubled, unknown or altered, and every rollup equal.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.verdict.holds()
    }
}

/// Runs senders and faults, then judges. `progress` is told now and then how many kills there were.
///
/// # Errors
///
/// The system under test does not start or does not come to rest: that is a finding, too.
pub async fn run(plan: &Plan, mut progress: impl FnMut(&FaultCounts, u64)) -> anyhow::Result<Outcome> {
    let mut system = System::start(plan).await?;
    let ledger = Arc::new(Ledger::new(plan.senders));
    let events = Events::new(plan.seed);
    let stop = CancellationToken::new();
    let mut senders = JoinSet::new();
    for number in 0..plan.senders {
        let receiver = system.otlp_http().to_owned();
        senders.spawn(sender::run(number, receiver, events, Arc::clone(&ledger), stop.clone()));
    }
    let began = Instant::now();
    let faults = faults::run(plan, &mut system, &ledger, &mut progress).await;
    stop.cancel();
    while let Some(ended) = senders.join_next().await {
        ended?;
    }
    let faults = faults?;
    let seconds = began.elapsed().as_secs_f64();
    system.settle().await?;
    let verdict = judge::judge(&system, events, &ledger).await?;
    system.stop().await?;
    Ok(Outcome { seed: plan.seed, seconds, faults, verdict })
}

//! What goes wrong, in an order that follows from the seed.

use std::time::{Duration, Instant};

use anyhow::ensure;
use serde::Serialize;

use crate::oracle::Plan;
use crate::oracle::events::Dice;
use crate::oracle::ledger::Ledger;
use crate::oracle::system::System;

/// How often each fault happened, and that work was done between them.
#[derive(Debug, Clone, Default, Serialize)]
pub struct FaultCounts {
    /// `kill -9` of Granary.
    pub granary_kills: u64,
    /// `kill -9` of the engine.
    pub engine_kills: u64,
    /// Connections cut after the commit and before the answer.
    pub answers_swallowed: u64,
    /// Requests to ClickHouse answered with 503.
    pub answered_503: u64,
    /// Times the connection was down for a while.
    pub outages: u64,
    /// Times the engine was stopped for a while.
    pub pauses: u64,
    /// Times the log's disk was full for a while.
    pub full_disks: u64,
    /// Faults during which events were acknowledged.
    pub acknowledged_during: u64,
    /// Between two faults events were acknowledged, always.
    pub faults: u64,
}

impl FaultCounts {
    /// Kills of both kinds.
    #[must_use]
    pub fn kills(&self) -> u64 {
        self.granary_kills + self.engine_kills
    }
}

/// How long senders may go without an answer before that is a finding by itself.
const PATIENCE: Duration = Duration::from_secs(180);

pub(crate) async fn run(
    plan: &Plan,
    system: &mut System,
    ledger: &Ledger,
    progress: &mut impl FnMut(&FaultCounts, u64),
) -> anyhow::Result<FaultCounts> {
    let mut dice = Dice(plan.seed);
    let mut counts = FaultCounts::default();
    while counts.kills() < plan.kills {
        // No fault without work done since the last one.
        let before = ledger.acknowledged_so_far();
        let began = Instant::now();
        while ledger.acknowledged_so_far() == before {
            ensure!(began.elapsed() < PATIENCE, "no event was acknowledged for {PATIENCE:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        pause(&mut dice, 10, 900).await;
        let before = ledger.acknowledged_so_far();
        let mut at_once = true;
        match dice.below(if plan.small_disk.is_some() { 24 } else { 20 }) {
            0..7 => {
                system.kill_receiver()?;
                counts.granary_kills += 1;
                at_once = false;
            }
            7..13 => {
                system.kill_engine()?;
                counts.engine_kills += 1;
            }
            // Both, one right after the other.
            13 => {
                system.kill_engine()?;
                pause(&mut dice, 0, 30).await;
                system.kill_receiver()?;
                counts.engine_kills += 1;
                counts.granary_kills += 1;
                at_once = false;
            }
            14..17 => {
                system.proxy.swallow_inserts(1 + dice.below(3) as u64);
                // Often the receiver does not live to try again.
                if dice.below(2) == 0 {
                    pause(&mut dice, 50, 400).await;
                    system.kill_receiver()?;
                    counts.granary_kills += 1;
                }
            }
            17 => {
                system.proxy.storm(true);
                pause(&mut dice, 100, 900).await;
                system.proxy.storm(false);
            }
            18 => {
                system.proxy.off();
                pause(&mut dice, 100, 900).await;
                system.proxy.on();
                counts.outages += 1;
            }
            20.. => {
                system.fill_disk()?;
                counts.full_disks += 1;
                pause(&mut dice, 100, 900).await;
                if dice.below(3) == 0 {
                    system.kill_receiver()?;
                    counts.granary_kills += 1;
                }
                system.free_disk()?;
            }
            _ => {
                system.pause_engine(Duration::from_millis(100 + dice.below(900) as u64)).await?;
                counts.pauses += 1;
            }
        }
        counts.faults += 1;
        if at_once && ledger.acknowledged_so_far() > before {
            counts.acknowledged_during += 1;
        }
        counts.answers_swallowed = system.proxy.swallowed();
        counts.answered_503 = system.proxy.stormed();
        progress(&counts, ledger.acknowledged_so_far());
    }
    Ok(counts)
}

async fn pause(dice: &mut Dice, least_ms: u64, spread_ms: usize) {
    tokio::time::sleep(Duration::from_millis(least_ms + dice.below(spread_ms + 1) as u64)).await;
}

//! What is stored against what was promised.

use std::collections::HashMap;

use serde::Serialize;

use crate::oracle::events::{EventName, Events};
use crate::oracle::ledger::{Ledger, Promise};
use crate::oracle::rollups::{self, RollupCheck};
use crate::oracle::signal::{Signal, Stored};
use crate::oracle::system::System;

/// What the judge found.
#[derive(Debug, Serialize)]
pub struct Verdict {
    /// Events that were sent.
    pub sent: u64,
    /// Events answered with success.
    pub acknowledged: u64,
    /// Acknowledged events that were sent and acknowledged again.
    pub repeated: u64,
    /// Events that are stored.
    pub stored: u64,
    /// Acknowledged and not there.
    pub lost: u64,
    /// There more than once.
    pub doubled: u64,
    /// There and never sent.
    pub unknown: u64,
    /// There with another content than was sent.
    pub altered: u64,
    /// The first findings, in words.
    pub findings: Vec<String>,
    /// Each rollup against its view over the raw table.
    pub rollups: Vec<RollupCheck>,
}

/// In slices: a long run's events do not fit into one answer's memory comfortably.
const SLICES: u64 = 16;

/// Findings that are told in words.
const TOLD: usize = 20;

impl Verdict {
    pub(crate) fn holds(&self) -> bool {
        self.lost + self.doubled + self.unknown + self.altered == 0
            && self.rollups.iter().all(RollupCheck::is_equal)
    }

    fn tell(&mut self, finding: String) {
        if self.findings.len() < TOLD {
            self.findings.push(finding);
        }
    }
}

pub(crate) async fn judge(system: &System, events: Events, ledger: &Ledger) -> anyhow::Result<Verdict> {
    let promised = ledger.all();
    let mut verdict = Verdict {
        sent: promised.len() as u64,
        acknowledged: ledger.acknowledged_so_far(),
        repeated: ledger.repeated(),
        stored: 0,
        lost: 0,
        doubled: 0,
        unknown: 0,
        altered: 0,
        findings: Vec::new(),
        rollups: Vec::new(),
    };
    let mut there: HashMap<EventName, u64> = HashMap::new();
    for signal in Signal::ALL {
        for slice in 0..SLICES {
            let Stored { table, attributes, columns } = signal.stored();
            let rows = system
                .ask(&format!(
                    "SELECT {attributes}['oracle.id'], {attributes}['oracle.payload'], {columns} FROM {table} \
                     WHERE cityHash64({attributes}['oracle.id']) % {SLICES} = {slice} \
                     FORMAT JSONCompactStringsEachRow"
                ))
                .await?;
            for line in rows.lines() {
                let row: Vec<String> = serde_json::from_str(line)?;
                let Some((id, columns)) = row.split_first() else { continue };
                let known = EventName::parse(id)
                    .filter(|name| promised.contains_key(name) && Signal::of(name.sender) == signal);
                let Some(name) = known else {
                    verdict.unknown += 1;
                    verdict.tell(format!("{id:?} was never sent into {table}"));
                    continue;
                };
                *there.entry(name).or_default() += 1;
                let expected = signal.expected(events, name);
                if columns != expected {
                    verdict.altered += 1;
                    verdict.tell(format!("{name} is stored as {columns:?}, not as {expected:?}"));
                }
            }
        }
    }
    verdict.stored = there.len() as u64;
    for (name, promise) in promised {
        match there.get(&name) {
            None if promise == Promise::Acknowledged => {
                verdict.lost += 1;
                verdict.tell(format!("{name} was acknowledged and is not there"));
            }
            Some(count) if *count > 1 => {
                verdict.doubled += 1;
                verdict.tell(format!("{name} is there {count} times ({promise:?})"));
            }
            _ => {}
        }
    }
    verdict.rollups = rollups::check(system).await?;
    Ok(verdict)
}

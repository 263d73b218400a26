//! What the processes under test used, from the system's own accounts.

use anyhow::Context;
use serde::Serialize;

/// CPU time and memory of one process.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Usage {
    pub(crate) cpu_seconds: f64,
    pub(crate) memory_mib: f64,
}

/// The system's clock ticks a second; it is 100 on every Linux that runs ClickHouse.
const TICKS: f64 = 100.0;

/// Reads a process's usage so far.
pub(crate) fn usage(process: u32) -> anyhow::Result<Usage> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))
        .with_context(|| format!("there is no process {process}"))?;
    // Behind the program's name, which may hold anything: fields 14 and 15 are user and system time.
    let fields: Vec<&str> = stat.rsplit_once(") ").map_or("", |(_, fields)| fields).split(' ').collect();
    let ticks =
        |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let kibibytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next()?.parse::<f64>().ok());
    Ok(Usage {
        cpu_seconds: (ticks(11) + ticks(12)) / TICKS,
        memory_mib: kibibytes.unwrap_or_default() / 1024.0,
    })
}

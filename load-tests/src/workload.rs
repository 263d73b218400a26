//! A workload is data: what is sent, how fast, for how long.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// What is sent to one endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Workload {
    /// Log records a second, over all connections. 0 is as fast as answers come.
    pub(crate) rate: u64,
    /// Log records in one request.
    pub(crate) records_per_request: usize,
    /// Senders, each with its own timetable and records.
    pub(crate) connections: usize,
    /// Requests that one sender has under way at most.
    pub(crate) in_flight: usize,
    /// How long requests are begun.
    #[serde(with = "humantime_serde")]
    pub(crate) duration: Duration,
}

/// Workloads that come along, by name.
const NAMED: [(&str, &str); 2] = [
    ("steady", include_str!("../workloads/steady.toml")),
    ("saturation", include_str!("../workloads/saturation.toml")),
];

impl Workload {
    /// A workload that comes along, or one from a file.
    pub(crate) fn load(name: &str) -> anyhow::Result<Self> {
        let text = match NAMED.iter().find(|(known, _)| *known == name) {
            Some((_, text)) => (*text).to_owned(),
            None => std::fs::read_to_string(Path::new(name)).with_context(|| {
                let names: Vec<_> = NAMED.iter().map(|(name, _)| *name).collect();
                format!("{name:?} is neither a file nor one of {}", names.join(", "))
            })?,
        };
        toml::from_str(&text).with_context(|| format!("workload {name:?} cannot be read"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_that_comes_along_can_be_read() {
        for (name, _) in NAMED {
            assert!(Workload::load(name).unwrap().connections > 0);
        }
    }
}

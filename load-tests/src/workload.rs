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
    /// Bytes of text that every record carries besides: a tool's output, a raw request.
    #[serde(default)]
    pub(crate) attribute_bytes: usize,
    /// Which share of the requests is sent a second time, as after an answer that was lost.
    #[serde(default)]
    pub(crate) repeated: f64,
    /// A rate that comes and goes, over the steady one.
    #[serde(default)]
    pub(crate) burst: Option<Burst>,
    /// What happens to ClickHouse meanwhile; the receiver must reach it through `--proxy`.
    #[serde(default)]
    pub(crate) clickhouse: Option<Trouble>,
}

/// For `length` of every `every`, the rate is `times` what it is otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Burst {
    #[serde(with = "humantime_serde")]
    pub(crate) every: Duration,
    #[serde(with = "humantime_serde")]
    pub(crate) length: Duration,
    pub(crate) times: f64,
}

/// From `after` the start, for `length`, ClickHouse cannot be reached, or each of its answers comes late.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trouble {
    pub(crate) kind: TroubleKind,
    #[serde(with = "humantime_serde")]
    pub(crate) after: Duration,
    #[serde(with = "humantime_serde")]
    pub(crate) length: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TroubleKind {
    /// Connections are refused.
    Down,
    /// Each answer comes a second late.
    Slow,
}

/// Workloads that come along, by name.
const NAMED: [(&str, &str); 8] = [
    ("steady", include_str!("../workloads/steady.toml")),
    ("saturation", include_str!("../workloads/saturation.toml")),
    ("burst", include_str!("../workloads/burst.toml")),
    ("many-senders", include_str!("../workloads/many-senders.toml")),
    ("huge-attributes", include_str!("../workloads/huge-attributes.toml")),
    ("duplicates", include_str!("../workloads/duplicates.toml")),
    ("clickhouse-slow", include_str!("../workloads/clickhouse-slow.toml")),
    ("clickhouse-down", include_str!("../workloads/clickhouse-down.toml")),
];

impl Workload {
    /// When the next request of one connection is due, counted from the start, if the last was due then. `None`
    /// where there is no rate.
    pub(crate) fn next_due(&self, last: Duration) -> Option<Duration> {
        let per_second = self.rate as f64 / (self.records_per_request * self.connections) as f64;
        let times = match self.burst {
            Some(burst) if last.as_secs_f64() % burst.every.as_secs_f64() < burst.length.as_secs_f64() => {
                burst.times
            }
            _ => 1.0,
        };
        (self.rate > 0).then(|| last + Duration::from_secs_f64(1.0 / (per_second * times)))
    }

    /// How many records go to the receiver for each that is to be stored.
    pub(crate) fn sends_twice(&self, request: u32) -> bool {
        // Every so many-th: the share is exact and needs no dice.
        self.repeated > 0.0
            && (f64::from(request + 1) * self.repeated).floor() > (f64::from(request) * self.repeated).floor()
    }

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

    #[test]
    fn a_burst_raises_the_rate_while_it_lasts_and_no_longer() {
        let workload = Workload::load("burst").unwrap();
        let burst = workload.burst.unwrap();
        let gap = |at| workload.next_due(at).unwrap().checked_sub(at).unwrap().as_secs_f64();
        let (within, after) = (gap(Duration::ZERO), gap(burst.length));
        assert!((after / within - burst.times).abs() < 0.01, "{within} {after}");
    }

    #[test]
    fn the_share_of_repeated_requests_is_exact() {
        let workload = Workload { repeated: 0.25, ..Workload::load("steady").unwrap() };
        assert_eq!((0..1000).filter(|request| workload.sends_twice(*request)).count(), 250);
    }
}

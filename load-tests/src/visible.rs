//! How long after the answer an event can be seen.
//!
//! Beside the load, single events with a name of their own are sent, and ClickHouse is asked for each until it is
//! there. The name is in the sort key of Granary's table, so that asking costs next to nothing.

use std::time::{Duration, Instant};

use granary_load::otlp::{log_request, text};
use hdrhistogram::Histogram;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;
use reqwest::{Client, StatusCode};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::clickhouse::ClickHouse;
use crate::send::LONGEST_MICROS;

/// Between two probes.
const EVERY: Duration = Duration::from_millis(250);
/// Between two questions; the times are as exact.
const ASK_EVERY: Duration = Duration::from_millis(10);

/// What the probes saw.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Events that were sent and answered with success; they are rows, too.
    pub(crate) probes: u64,
    /// Microseconds from the answer to the first question that found the event.
    pub(crate) times: Histogram<u64>,
}

/// Sends probes until `stop`.
pub(crate) async fn probe(
    endpoint: String,
    clickhouse: ClickHouse,
    stop: CancellationToken,
) -> anyhow::Result<Seen> {
    let client = Client::new();
    let url = format!("{}/v1/logs", endpoint.trim_end_matches('/'));
    let mut seen = Seen { probes: 0, times: Histogram::new_with_bounds(1, LONGEST_MICROS, 3)? };
    let run = std::process::id();
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !stop.is_cancelled() {
        ticks.tick().await;
        let session = format!("probe-{run}-{}", seen.probes);
        let record = LogRecord {
            attributes: vec![text("event.name", "load_probe"), text("session.id", &session)],
            ..LogRecord::default()
        };
        let post = client.post(&url).header("Content-Type", "application/x-protobuf");
        let answer = post.body(log_request(vec![record]).encode_to_vec()).send().await?;
        if answer.status() != StatusCode::OK {
            continue;
        }
        let answered = Instant::now();
        seen.probes += 1;
        let question = format!("AgentEvent = 'load_probe' AND SessionId = '{session}'");
        while clickhouse.count(Some(&question)).await? == 0 {
            anyhow::ensure!(
                answered.elapsed() < Duration::from_secs(60),
                "{session} is not visible after a minute"
            );
            tokio::time::sleep(ASK_EVERY).await;
        }
        seen.times.saturating_record(u64::try_from(answered.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    Ok(seen)
}

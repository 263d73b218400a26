//! The sender: open loop where there is a rate, so that a slow answer does not slow the sending.
//!
//! With a rate each connection has a timetable, and the latency of a request counts from the time it should have
//! been sent: a receiver that stalls pays for everything that waited behind the stall.

use std::time::{Duration, Instant};

use anyhow::Context;
use granary_simulate::load::LogBatches;
use hdrhistogram::Histogram;
use prost::Message;
use reqwest::{Client, StatusCode};
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use crate::workload::Workload;

/// What the senders saw.
#[derive(Debug)]
pub(crate) struct Sent {
    /// Records in requests that were answered with success.
    pub(crate) answered: u64,
    /// Records in requests that were not.
    pub(crate) refused: u64,
    /// Uncompressed OTLP bytes of the answered requests.
    pub(crate) bytes: u64,
    /// Microseconds from the intended time to the answer.
    pub(crate) latency: Histogram<u64>,
    pub(crate) seconds: f64,
}

/// Latencies beyond an hour count as one.
const LONGEST_MICROS: u64 = 3_600_000_000;

impl Sent {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            answered: 0,
            refused: 0,
            bytes: 0,
            latency: Histogram::new_with_bounds(1, LONGEST_MICROS, 3)?,
            seconds: 0.0,
        })
    }

    fn count(&mut self, answered: &Answered, workload: &Workload) {
        let records = workload.records_per_request as u64;
        if answered.success {
            self.answered += records;
            self.bytes += answered.bytes;
            self.latency.saturating_record(u64::try_from(answered.latency.as_micros()).unwrap_or(u64::MAX));
        } else {
            self.refused += records;
        }
    }
}

/// Runs a workload against an OTLP/HTTP endpoint.
pub(crate) async fn run(workload: &Workload, endpoint: &str, seed: u64) -> anyhow::Result<Sent> {
    let url = format!("{}/v1/logs", endpoint.trim_end_matches('/'));
    let start = Instant::now();
    let mut connections = JoinSet::new();
    for number in 0..workload.connections {
        let (workload, url) = (workload.clone(), url.clone());
        connections.spawn(connection(workload, url, seed + number as u64, start));
    }
    let mut all = Sent::new()?;
    while let Some(one) = connections.join_next().await {
        let one = one.context("a connection's task ended")??;
        all.answered += one.answered;
        all.refused += one.refused;
        all.bytes += one.bytes;
        all.latency.add(&one.latency)?;
    }
    all.seconds = start.elapsed().as_secs_f64();
    Ok(all)
}

async fn connection(workload: Workload, url: String, seed: u64, start: Instant) -> anyhow::Result<Sent> {
    let client = Client::new();
    let mut batches = LogBatches::new(seed, workload.records_per_request);
    let mut sent = Sent::new()?;
    let interval = interval(&workload);
    let mut under_way: JoinSet<Answered> = JoinSet::new();
    for number in 0_u32.. {
        let body = batches.advance().encode_to_vec();
        while under_way.len() >= workload.in_flight
            && let Some(answered) = under_way.join_next().await
        {
            sent.count(&answered?, &workload);
        }
        // What had to wait for others before it still counts from when it should have been sent.
        let intended = interval.map_or_else(Instant::now, |interval| start + interval * number);
        if intended.duration_since(start) >= workload.duration || start.elapsed() >= workload.duration * 2 {
            break;
        }
        sleep_until(intended.into()).await;
        under_way.spawn(post(client.clone(), url.clone(), body, intended));
    }
    while let Some(answered) = under_way.join_next().await {
        sent.count(&answered?, &workload);
    }
    Ok(sent)
}

/// One request's end.
struct Answered {
    success: bool,
    bytes: u64,
    latency: Duration,
}

async fn post(client: Client, url: String, body: Vec<u8>, intended: Instant) -> Answered {
    let bytes = body.len() as u64;
    let post = client.post(&url).header("Content-Type", "application/x-protobuf").body(body);
    let success = post.send().await.is_ok_and(|response| response.status() == StatusCode::OK);
    Answered { success, bytes, latency: intended.elapsed() }
}

/// The time between two requests of one connection.
fn interval(workload: &Workload) -> Option<Duration> {
    let per_second = workload.rate as f64 / (workload.records_per_request * workload.connections) as f64;
    (workload.rate > 0).then(|| Duration::from_secs_f64(1.0 / per_second))
}

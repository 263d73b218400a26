//! The sender: open loop where there is a rate, so that a slow answer does not slow the sending.
//!
//! With a rate each connection has a timetable, and the latency of a request counts from the time it should have
//! been sent: a receiver that stalls pays for everything that waited behind the stall.

use std::time::{Duration, Instant};

use anyhow::Context;
use granary_load::otlp::text;
use granary_simulate::load::LogBatches;
use hdrhistogram::Histogram;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
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
    /// Records in answered requests that were sent a second time.
    pub(crate) repeated: u64,
    /// Records in requests that were not.
    pub(crate) refused: u64,
    /// Uncompressed OTLP bytes of the answered requests.
    pub(crate) bytes: u64,
    /// Microseconds from the intended time to the answer.
    pub(crate) latency: Histogram<u64>,
    pub(crate) seconds: f64,
}

/// Latencies beyond an hour count as one.
pub(crate) const LONGEST_MICROS: u64 = 3_600_000_000;

/// Clients whose records are made, about, over all connections.
const CLIENTS: usize = 256;

impl Sent {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            answered: 0,
            repeated: 0,
            refused: 0,
            bytes: 0,
            latency: Histogram::new_with_bounds(1, LONGEST_MICROS, 3)?,
            seconds: 0.0,
        })
    }

    fn count(&mut self, answered: &Answered, workload: &Workload) {
        let records = workload.records_per_request as u64;
        if answered.success && answered.repeats {
            self.repeated += records;
        } else if answered.success {
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
    // The records are made before the clock starts: how long that takes says nothing of the receiver.
    // Many connections are of one client each.
    let clients = (CLIENTS / workload.connections).max(1);
    let batches: Vec<_> = (0..workload.connections)
        .map(|number| LogBatches::of_clients(clients, seed + number as u64, workload.records_per_request))
        .collect();
    let start = Instant::now();
    let mut connections = JoinSet::new();
    for (batches, number) in batches.into_iter().zip(0_u64..) {
        let (workload, url) = (workload.clone(), url.clone());
        connections.spawn(connection(workload, url, batches, seed + number, start));
    }
    let mut all = Sent::new()?;
    while let Some(one) = connections.join_next().await {
        let one = one.context("a connection's task ended")??;
        all.answered += one.answered;
        all.repeated += one.repeated;
        all.refused += one.refused;
        all.bytes += one.bytes;
        all.latency.add(&one.latency)?;
    }
    all.seconds = start.elapsed().as_secs_f64();
    Ok(all)
}

async fn connection(
    workload: Workload,
    url: String,
    mut batches: LogBatches,
    seed: u64,
    start: Instant,
) -> anyhow::Result<Sent> {
    let client = Client::new();
    let mut sent = Sent::new()?;
    let filling = filling(workload.attribute_bytes, seed);
    let mut due = Duration::ZERO;
    let mut under_way: JoinSet<Answered> = JoinSet::new();
    for number in 0_u32.. {
        let body = match &filling {
            None => batches.advance().encode_to_vec(),
            Some(filling) => {
                let mut request = batches.advance().clone();
                fill(&mut request, filling);
                request.encode_to_vec()
            }
        };
        while under_way.len() >= workload.in_flight
            && let Some(answered) = under_way.join_next().await
        {
            sent.count(&answered?, &workload);
        }
        // What had to wait for others before it still counts from when it should have been sent.
        let intended = match workload.next_due(due) {
            Some(next) => start + std::mem::replace(&mut due, next),
            None => Instant::now(),
        };
        if intended.duration_since(start) >= workload.duration || start.elapsed() >= workload.duration * 2 {
            break;
        }
        sleep_until(intended.into()).await;
        if workload.sends_twice(number) {
            under_way.spawn(post(client.clone(), url.clone(), body.clone(), intended, true));
        }
        under_way.spawn(post(client.clone(), url.clone(), body, intended, false));
    }
    while let Some(answered) = under_way.join_next().await {
        sent.count(&answered?, &workload);
    }
    Ok(sent)
}

/// One request's end.
struct Answered {
    success: bool,
    /// The same request was sent another time, which counts.
    repeats: bool,
    bytes: u64,
    latency: Duration,
}

async fn post(client: Client, url: String, body: Vec<u8>, intended: Instant, repeats: bool) -> Answered {
    let bytes = body.len() as u64;
    let post = client.post(&url).header("Content-Type", "application/x-protobuf").body(body);
    let success = post.send().await.is_ok_and(|response| response.status() == StatusCode::OK);
    Answered { success, repeats, bytes, latency: intended.elapsed() }
}

/// Text that does not compress to nothing and holds nothing to be redacted.
fn filling(bytes: usize, seed: u64) -> Option<String> {
    const SYLLABLES: [&str; 16] =
        ["ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "ri", "so", "tu", "va"];
    let mut state = seed | 1;
    let mut text = String::with_capacity(bytes + 8);
    while text.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        text.push_str(SYLLABLES[(state % 16) as usize]);
        if state.is_multiple_of(5) {
            text.push(' ');
        }
    }
    (bytes > 0).then_some(text)
}

fn fill(request: &mut ExportLogsServiceRequest, filling: &str) {
    let scopes = request.resource_logs.iter_mut().flat_map(|resource| &mut resource.scope_logs);
    for record in scopes.flat_map(|scope| &mut scope.log_records) {
        record.attributes.push(text("tool_output", filling));
    }
}

//! How long after the answer an event is delivered to whoever watches, and whether everything is.
//!
//! Two clients of `/v1/live` listen while the load runs. One gets every event, and counts; the other gets single events that
//! are sent beside the load, and says how long each took from its answer.

use std::time::{Duration, Instant};

use anyhow::Context;
use granary_load::otlp::{log_request, text};
use hdrhistogram::Histogram;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;
use reqwest::{Client, Response, StatusCode};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::send::LONGEST_MICROS;

/// Between two probes.
const EVERY: Duration = Duration::from_millis(100);

/// A probe that takes longer is lost.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the two clients saw.
#[derive(Debug)]
pub(crate) struct Watched {
    /// Events that were sent and answered with success; they are rows, too.
    pub(crate) probes: u64,
    /// Microseconds from the answer to the delivery.
    pub(crate) times: Histogram<u64>,
}

/// What the client saw that gets everything.
#[derive(Debug, Default)]
pub(crate) struct Everything {
    pub(crate) events: u64,
    /// Those that it was told it missed.
    pub(crate) missed: u64,
}

/// Server-sent events, block by block.
struct Feed {
    response: Response,
    text: String,
}

impl Feed {
    /// Listens; when this returns, whatever is stored is delivered.
    async fn open(gateway: &str, query: &str) -> anyhow::Result<Self> {
        let url = format!("{}/v1/live?{query}", gateway.trim_end_matches('/'));
        let response = reqwest::get(&url).await?.error_for_status()?;
        let mut feed = Self { response, text: String::new() };
        feed.next().await?;
        Ok(feed)
    }

    async fn next(&mut self) -> anyhow::Result<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                if !block.starts_with(':') {
                    return Ok(block);
                }
                continue;
            }
            let chunk = self.response.chunk().await?.context("the feed has ended")?;
            self.text.push_str(std::str::from_utf8(&chunk).context("the feed is not text")?);
        }
    }
}

/// Counts everything until `stop`, and then what is still on its way.
pub(crate) async fn count(gateway: String, stop: CancellationToken) -> anyhow::Result<Everything> {
    let mut feed = Feed::open(&gateway, "").await?;
    let mut everything = Everything::default();
    loop {
        let block = tokio::select! {
            block = feed.next() => block?,
            () = async { stop.cancelled().await; tokio::time::sleep(Duration::from_secs(2)).await } => return Ok(everything),
        };
        match block.split_once("event: missed\n") {
            None => everything.events += 1,
            Some((_, rest)) => {
                let data: serde_json::Value =
                    serde_json::from_str(rest.strip_prefix("data: ").unwrap_or(rest))?;
                everything.missed += data["missed"].as_u64().unwrap_or_default();
            }
        }
    }
}

/// Sends probes until `stop`.
pub(crate) async fn probe(
    endpoint: String,
    gateway: String,
    stop: CancellationToken,
) -> anyhow::Result<Watched> {
    let client = Client::new();
    let url = format!("{}/v1/logs", endpoint.trim_end_matches('/'));
    let mut feed = Feed::open(&gateway, "event=live_probe").await?;
    let mut watched = Watched { probes: 0, times: Histogram::new_with_bounds(1, LONGEST_MICROS, 3)? };
    let run = std::process::id();
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while !stop.is_cancelled() {
        ticks.tick().await;
        let session = format!("live-{run}-{}", watched.probes);
        let record = LogRecord {
            attributes: vec![text("event.name", "live_probe"), text("session.id", &session)],
            ..LogRecord::default()
        };
        let post = client.post(&url).header("Content-Type", "application/x-protobuf");
        let answer = post.body(log_request(vec![record]).encode_to_vec()).send().await?;
        if answer.status() != StatusCode::OK {
            continue;
        }
        let answered = Instant::now();
        watched.probes += 1;
        let delivered = async {
            while !feed.next().await?.contains(&session) {}
            anyhow::Ok(answered.elapsed())
        };
        let took =
            timeout(PATIENCE, delivered).await.with_context(|| format!("{session} was not delivered"))??;
        watched.times.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }
    Ok(watched)
}

//! Sends simulated sessions over gRPC, as their clients would, only faster.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context;
use futures::{StreamExt, TryStreamExt};
use granary_simulate::{Request, SimulatedSession};
use indicatif::{ProgressBar, ProgressStyle};
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

/// What was sent.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) seconds: f64,
}

impl Sent {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    pub(super) fn mebibytes(&self) -> f64 {
        self.bytes as f64 / 1_048_576.0
    }
}

/// Sessions under way at once, and requests of one session: they share commits.
const SESSIONS_AT_ONCE: usize = 16;
const REQUESTS_AT_ONCE: usize = 32;

/// Sends every request of every session and waits for each answer.
///
/// # Errors
///
/// A request was refused for good.
pub(super) async fn all(sessions: &[SimulatedSession], address: SocketAddr) -> anyhow::Result<Sent> {
    let channel =
        Endpoint::new(format!("http://{address}"))?.connect().await.context("the receiver is not there")?;
    let bar = ProgressBar::new(sessions.len() as u64).with_style(
        ProgressStyle::with_template("sending sessions {bar:40} {pos}/{len}")?.progress_chars("=> "),
    );
    let start = Instant::now();
    let mut sent = futures::stream::iter(sessions)
        .map(|session| {
            let (channel, bar) = (channel.clone(), bar.clone());
            async move {
                let sent = one(session, channel).await;
                bar.inc(1);
                sent
            }
        })
        .buffer_unordered(SESSIONS_AT_ONCE)
        .try_fold(Sent::default(), async |sum, one| {
            Ok(Sent { records: sum.records + one.records, bytes: sum.bytes + one.bytes, seconds: 0.0 })
        })
        .await?;
    bar.finish_and_clear();
    sent.seconds = start.elapsed().as_secs_f64();
    Ok(sent)
}

async fn one(session: &SimulatedSession, channel: Channel) -> anyhow::Result<Sent> {
    futures::stream::iter(session.requests())
        .map(|request| {
            let channel = channel.clone();
            async move {
                let (records, bytes) = size(&request.body);
                export(&request.body, &channel)
                    .await
                    .with_context(|| format!("session {} was not taken", session.id))?;
                Ok(Sent { records, bytes, seconds: 0.0 })
            }
        })
        .buffer_unordered(REQUESTS_AT_ONCE)
        .try_fold(Sent::default(), async |sum, one| {
            Ok(Sent { records: sum.records + one.records, bytes: sum.bytes + one.bytes, seconds: 0.0 })
        })
        .await
}

/// Sends one request, again when it is told to come back.
async fn export(request: &Request, channel: &Channel) -> Result<(), Status> {
    loop {
        let channel = channel.clone();
        let answer = match request.clone() {
            Request::Logs(request) => LogsServiceClient::new(channel).export(request).await.map(drop),
            Request::Traces(request) => TraceServiceClient::new(channel).export(request).await.map(drop),
            Request::Metrics(request) => MetricsServiceClient::new(channel).export(request).await.map(drop),
        };
        match answer {
            Err(status) if status.code() == Code::Unavailable => {
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
            answer => return answer,
        }
    }
}

fn size(request: &Request) -> (u64, u64) {
    use prost::Message as _;
    match request {
        Request::Logs(request) => {
            let scopes = request.resource_logs.iter().flat_map(|resource| &resource.scope_logs);
            (scopes.map(|scope| scope.log_records.len() as u64).sum(), request.encoded_len() as u64)
        }
        Request::Traces(request) => {
            let scopes = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
            (scopes.map(|scope| scope.spans.len() as u64).sum(), request.encoded_len() as u64)
        }
        Request::Metrics(request) => {
            let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
            (scopes.map(|scope| scope.metrics.len() as u64).sum(), request.encoded_len() as u64)
        }
    }
}

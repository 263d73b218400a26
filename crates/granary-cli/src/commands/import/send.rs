//! Items to the receiver, over gRPC, as an agent's exporter would send them.

use std::time::Duration;

use anyhow::{Context, bail};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message;
use tokio::time::Instant;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use super::item::{Item, One};

/// A connection to a receiver.
pub(super) struct Sender {
    channel: Channel,
    bearer: Option<MetadataValue<Ascii>>,
}

/// A request is sent once it has so many bytes; a receiver takes 20 MiB by default.
const MAX_REQUEST_BYTES: usize = 4 << 20;

/// For how long a receiver that is busy, or being started again, is asked again.
const PATIENCE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_secs(1);

/// One request of each signal, being filled.
#[derive(Default)]
struct Requests {
    logs: ExportLogsServiceRequest,
    traces: ExportTraceServiceRequest,
    metrics: ExportMetricsServiceRequest,
    bytes: usize,
}

impl Sender {
    /// Connects.
    ///
    /// # Errors
    ///
    /// There is no receiver.
    pub(super) async fn connect(address: &str, token: Option<&str>) -> anyhow::Result<Self> {
        if !address.starts_with("http://") {
            bail!(
                "--to {address:?} is not an address like http://127.0.0.1:4317; import on the receiver's machine where it wants TLS"
            );
        }
        let endpoint =
            Endpoint::new(address.to_owned()).with_context(|| format!("--to {address:?} is no address"))?;
        let channel = endpoint.connect().await.with_context(|| {
            format!("no receiver answers at {address}; start `granary up`, or name another with --to")
        })?;
        let bearer = token.map(|token| format!("Bearer {token}").parse()).transpose();
        Ok(Self { channel, bearer: bearer.context("--token is no token")? })
    }

    /// Sends items and waits until the receiver has them in its log. Returns how many it refused.
    pub(super) async fn send(&mut self, items: Vec<Item>) -> anyhow::Result<u64> {
        let (mut requests, mut refused) = (Requests::default(), 0);
        for item in items {
            match item.one {
                One::Logs(one) => {
                    requests.bytes += one.encoded_len();
                    requests.logs.resource_logs.extend(one.resource_logs);
                }
                One::Traces(one) => {
                    requests.bytes += one.encoded_len();
                    requests.traces.resource_spans.extend(one.resource_spans);
                }
                One::Metrics(one) => {
                    requests.bytes += one.encoded_len();
                    requests.metrics.resource_metrics.extend(one.resource_metrics);
                }
            }
            if requests.bytes >= MAX_REQUEST_BYTES {
                refused += self.export(std::mem::take(&mut requests)).await?;
            }
        }
        refused += self.export(requests).await?;
        Ok(refused)
    }

    async fn export(&self, requests: Requests) -> anyhow::Result<u64> {
        let Requests { logs, traces, metrics, bytes: _ } = requests;
        let mut refused = 0;
        if !logs.resource_logs.is_empty() {
            let answer = patiently(async || {
                LogsServiceClient::new(self.channel.clone()).export(self.request(logs.clone())).await
            });
            let partial = answer.await?.into_inner().partial_success;
            refused += partial.map_or(0, |partial| partial.rejected_log_records.unsigned_abs());
        }
        if !traces.resource_spans.is_empty() {
            let answer = patiently(async || {
                TraceServiceClient::new(self.channel.clone()).export(self.request(traces.clone())).await
            });
            let partial = answer.await?.into_inner().partial_success;
            refused += partial.map_or(0, |partial| partial.rejected_spans.unsigned_abs());
        }
        if !metrics.resource_metrics.is_empty() {
            let answer = patiently(async || {
                MetricsServiceClient::new(self.channel.clone()).export(self.request(metrics.clone())).await
            });
            let partial = answer.await?.into_inner().partial_success;
            refused += partial.map_or(0, |partial| partial.rejected_data_points.unsigned_abs());
        }
        Ok(refused)
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(bearer) = &self.bearer {
            request.metadata_mut().insert("authorization", bearer.clone());
        }
        request
    }
}

/// Sends again what a receiver is too busy for. It knows a repetition.
async fn patiently<T>(mut send: impl AsyncFnMut() -> Result<T, Status>) -> anyhow::Result<T> {
    let until = Instant::now() + PATIENCE;
    loop {
        match send().await {
            Err(status) if is_worth_a_retry(status.code()) && Instant::now() < until => {
                tokio::time::sleep(PAUSE).await;
            }
            Err(status) => bail!("the receiver does not take it ({:?}): {}", status.code(), status.message()),
            Ok(answer) => return Ok(answer),
        }
    }
}

fn is_worth_a_retry(code: Code) -> bool {
    matches!(code, Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded)
}

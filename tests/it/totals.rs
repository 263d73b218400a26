//! A warehouse that has taken a capture in once says what the capture says, by whichever door it came.

use std::collections::BTreeMap;

use granary_clickhouse::Warehouse;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message;
use serde::de::DeserializeOwned;
use tonic::codec::CompressionEncoding;
use tonic::transport::Endpoint;

use crate::capture::{Capture, CapturedRequest, Truth};
use crate::receiver::Receiver;

/// Model, requests, the four kinds of tokens, milliseconds, cost.
type ModelRow = (String, u64, u64, u64, u64, u64, u64, f64);
/// Session, events, first and last time, requests, tools, failed tools, cost.
type SessionRow = (String, u64, i64, i64, u64, u64, u64, f64);

async fn counts(warehouse: &Warehouse, sql: &str) -> BTreeMap<String, u64> {
    let rows: Vec<(String, u64)> = warehouse.query(sql).fetch_all().await.unwrap();
    rows.into_iter().collect()
}

#[track_caller]
fn near(what: &str, a: f64, b: f64) {
    assert!((a - b).abs() < 1e-6, "{what}: {a} is not {b}");
}

pub(crate) async fn says(warehouse: &Warehouse, truth: &Truth) {
    let events = counts(warehouse, "SELECT toString(AgentEvent), count() FROM otel_logs GROUP BY 1").await;
    assert_eq!(events, truth.events);
    assert_eq!(events.values().sum::<u64>(), truth.log_records);
    assert_eq!(
        counts(warehouse, "SELECT toString(SpanName), count() FROM otel_traces GROUP BY 1").await,
        truth.spans
    );
    let decisions = "SELECT concat(ToolName, ':', LogAttributes['decision'], ':', LogAttributes['source']), count() \
                     FROM otel_logs WHERE AgentEvent = 'tool_decision' GROUP BY 1";
    assert_eq!(counts(warehouse, decisions).await, truth.decisions);
    let users: u64 = warehouse.query("SELECT uniqExact(UserId) FROM otel_logs").fetch_one().await.unwrap();
    assert_eq!(users, truth.users);

    let metrics: Vec<(String, f64)> = warehouse
        .query(
            "SELECT concat(MetricName, if(Attributes['type'] = '', '', '/'), Attributes['type']) AS name, sum(Value) \
             FROM otel_metrics_sum GROUP BY name ORDER BY name",
        )
        .fetch_all()
        .await
        .unwrap();
    assert_eq!(
        metrics.iter().map(|(name, _)| name).collect::<Vec<_>>(),
        truth.metrics.keys().collect::<Vec<_>>()
    );
    for (name, value) in &metrics {
        near(name, *value, truth.metrics[name]);
    }

    // From the rollups: they are what the queries read.
    let models: Vec<ModelRow> = warehouse
        .query(
            "SELECT toString(Model), sum(Requests), sum(InputTokens), sum(OutputTokens), sum(CacheReadTokens), \
             sum(CacheCreationTokens), sum(DurationMs), toFloat64(sum(Cost)) FROM cost_hourly GROUP BY Model",
        )
        .fetch_all()
        .await
        .unwrap();
    assert_eq!(models.len(), truth.models.len());
    near("cost", models.iter().map(|model| model.7).sum(), truth.cost_usd);
    for (model, requests, input, output, cache_read, cache_creation, duration, cost) in models {
        let expected = &truth.models[&model];
        assert_eq!(
            (requests, input, output, cache_read, cache_creation, duration),
            (
                expected.requests,
                expected.input_tokens,
                expected.output_tokens,
                expected.cache_read_tokens,
                expected.cache_creation_tokens,
                expected.duration_ms
            ),
            "{model}"
        );
        near(&model, cost, expected.cost_usd);
    }

    let tools: Vec<(String, u64, u64, f64)> = warehouse
        .query(
            "SELECT toString(ToolName), sum(Calls) AS calls, sum(Ok), sum(DurationMs) / calls FROM tool_usage_hourly \
             GROUP BY ToolName HAVING calls > 0",
        )
        .fetch_all()
        .await
        .unwrap();
    assert_eq!(tools.len(), truth.tools.len());
    for (tool, calls, ok, avg_ms) in tools {
        let expected = &truth.tools[&tool];
        assert_eq!((calls, ok), (expected.calls, expected.ok), "{tool}");
        assert!((avg_ms - expected.avg_ms).abs() < 1e-3, "{tool}");
    }

    let sessions: Vec<SessionRow> = warehouse
        .query(
            "SELECT SessionId, sum(Events), toUnixTimestamp64Nano(min(Start)), toUnixTimestamp64Nano(max(End)), \
             sum(Requests), sum(Tools), sum(ToolErrors), toFloat64(sum(Cost)) FROM sessions GROUP BY SessionId",
        )
        .fetch_all()
        .await
        .unwrap();
    assert_eq!(sessions.len(), truth.by_session.len());
    for (session, events, first, last, requests, tools, tool_errors, cost) in sessions {
        let expected = &truth.by_session[&session];
        assert_eq!(
            (events, first, last, requests, tools, tool_errors),
            (
                expected.events,
                expected.first,
                expected.last,
                expected.requests,
                expected.tools,
                expected.tool_errors
            ),
            "{session}"
        );
        near(&session, cost, expected.cost_usd);
    }
}

#[tokio::test]
async fn sent_over_http_in_protobuf_and_json_the_totals_are_the_capture_s() {
    let capture = Capture::open();
    let receiver = Receiver::start("totals_http").await;
    for CapturedRequest { signal, is_json, body } in capture.requests() {
        let content_type = if is_json { "application/json" } else { "application/x-protobuf" };
        let response =
            receiver.post(&signal).header("Content-Type", content_type).body(body).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["Content-Type"], content_type);
        assert_eq!(response.bytes().await.unwrap(), if is_json { "{}" } else { "" }, "nothing is rejected");
    }
    let warehouse = receiver.finish().await;
    says(&warehouse.owner, &capture.truth()).await;
}

/// The request as gRPC sends it: what was captured as JSON becomes protobuf.
fn message<M: Message + Default + DeserializeOwned>(request: &CapturedRequest) -> M {
    if request.is_json {
        serde_json::from_slice(&request.body).unwrap()
    } else {
        M::decode(request.body.as_slice()).unwrap()
    }
}

#[tokio::test]
async fn sent_over_grpc_in_every_compression_the_totals_are_the_capture_s() {
    let capture = Capture::open();
    let receiver = Receiver::start("totals_grpc").await;
    let channel = Endpoint::new(format!("http://{}", receiver.grpc)).unwrap().connect().await.unwrap();
    let compressions = [
        None,
        Some(CompressionEncoding::Gzip),
        Some(CompressionEncoding::Zstd),
        Some(CompressionEncoding::Deflate),
    ];
    for (index, request) in capture.requests().iter().enumerate() {
        let compression = compressions[index % compressions.len()];
        let (mut logs, mut traces, mut metrics) = (
            LogsServiceClient::new(channel.clone()),
            TraceServiceClient::new(channel.clone()),
            MetricsServiceClient::new(channel.clone()),
        );
        if let Some(compression) = compression {
            logs = logs.send_compressed(compression);
            traces = traces.send_compressed(compression);
            metrics = metrics.send_compressed(compression);
        }
        let rejected = match request.signal.as_str() {
            "logs" => {
                let answer = logs.export(message::<ExportLogsServiceRequest>(request)).await.unwrap();
                answer.into_inner().partial_success.is_some()
            }
            "traces" => {
                let answer = traces.export(message::<ExportTraceServiceRequest>(request)).await.unwrap();
                answer.into_inner().partial_success.is_some()
            }
            _ => {
                let answer = metrics.export(message::<ExportMetricsServiceRequest>(request)).await.unwrap();
                answer.into_inner().partial_success.is_some()
            }
        };
        assert!(!rejected);
    }
    let warehouse = receiver.finish().await;
    says(&warehouse.owner, &capture.truth()).await;
}

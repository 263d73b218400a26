//! Input made to break a receiver gets its answer, and the next good request is served.

use bytesize::ByteSize;
use granary_ingest::IngestConfig;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use prost::Message;
use tonic::Code;
use tonic::codec::CompressionEncoding;

use crate::receiver::{Receiver, config};

fn request(records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs { log_records: records, ..Default::default() }],
            ..Default::default()
        }],
    }
}

fn at(time_unix_nano: u64) -> LogRecord {
    LogRecord { time_unix_nano, ..Default::default() }
}

async fn status(receiver: &Receiver, content_type: &str, encoding: &str, body: Vec<u8>) -> u16 {
    let post =
        receiver.post("logs").header("Content-Type", content_type).header("Content-Encoding", encoding);
    let status = post.body(body).send().await.map(|response| response.status().as_u16());
    let good = receiver
        .post("logs")
        .header("Content-Type", "application/x-protobuf")
        .body(request(vec![at(1)]).encode_to_vec())
        .send()
        .await
        .unwrap();
    assert_eq!(good.status(), 200, "the next good request is served");
    // A server that refuses a body while it is still coming may close the connection first.
    status.unwrap_or(413)
}

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

#[tokio::test]
async fn hostile_bodies_get_their_answers() {
    let receiver = Receiver::start("hostile").await;
    let whole = request(vec![at(7)]).encode_to_vec();
    assert_eq!(
        status(&receiver, PROTOBUF, "", whole[..whole.len() - 3].to_vec()).await,
        400,
        "truncated protobuf"
    );
    let mut invalid = request(vec![LogRecord { severity_text: "AAAA".to_owned(), ..at(7) }]).encode_to_vec();
    let text = invalid.windows(4).position(|window| window == b"AAAA").unwrap();
    invalid[text] = 0xFF;
    assert_eq!(status(&receiver, PROTOBUF, "", invalid).await, 400, "invalid UTF-8");
    let swarm = request(vec![LogRecord::default(); 2_000_000]).encode_to_vec();
    assert_eq!(status(&receiver, PROTOBUF, "", swarm).await, 413, "4 MB that take a gigabyte");
    assert_eq!(status(&receiver, JSON, "", vec![b'['; 10_000]).await, 400, "JSON of depth 10,000");
    assert_eq!(status(&receiver, JSON, "", vec![b' '; 100_000_000]).await, 413, "a body of 100 MB");
    let bomb = zstd::encode_all(&vec![b' '; 200_000_000][..], 1).unwrap();
    assert!(bomb.len() < 100_000);
    assert_eq!(status(&receiver, JSON, "zstd", bomb).await, 413, "a bomb");
    let attributes = (0..1_000_000).map(|_| KeyValue { key: "k".to_owned(), ..Default::default() }).collect();
    let many = request(vec![LogRecord { attributes, ..at(7) }, at(7)]).encode_to_vec();
    assert_eq!(
        status(&receiver, PROTOBUF, "", many).await,
        200,
        "a million attributes on one of two records"
    );
    assert_eq!(status(&receiver, PROTOBUF, "", Vec::new()).await, 200, "an empty request");
    assert_eq!(status(&receiver, JSON, "", Vec::new()).await, 400, "no JSON at all");
    let wild = request(vec![at(0), at(1), at(i64::MAX as u64), at(u64::MAX)]).encode_to_vec();
    assert_eq!(status(&receiver, PROTOBUF, "", wild).await, 200, "times from 1970 to 2554");

    let warehouse = receiver.finish().await;
    let times: Vec<(i64, u64)> = warehouse
        .owner
        .query("SELECT toUnixTimestamp64Nano(Timestamp) AS t, count() FROM otel_logs WHERE t IN (7, 9223372036854775807) GROUP BY t ORDER BY t")
        .fetch_all()
        .await
        .unwrap();
    assert_eq!(times, [(7, 1), (i64::MAX, 1)]);
}

#[tokio::test]
async fn a_grpc_body_has_the_limit_of_an_http_body_as_it_comes() {
    let limited = IngestConfig { max_body: ByteSize::kib(64), ..config() };
    let receiver = Receiver::start_with("grpc_body", limited).await;
    let large = || request(vec![LogRecord { severity_text: " ".repeat(100_000), ..at(7) }]);
    let mut client = LogsServiceClient::connect(format!("http://{}", receiver.grpc)).await.unwrap();
    let refused = client.export(large()).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.message().contains("65536 bytes"), "{refused:?}");
    client.send_compressed(CompressionEncoding::Gzip).export(large()).await.unwrap();
    receiver.finish().await;
}

#[tokio::test]
async fn hostile_messages_over_grpc_get_their_answers() {
    let receiver = Receiver::start("hostile_grpc").await;
    let endpoint = format!("http://{}", receiver.grpc);
    let mut client =
        LogsServiceClient::connect(endpoint).await.unwrap().send_compressed(CompressionEncoding::Gzip);
    let bomb = request(vec![LogRecord { severity_text: " ".repeat(100_000_000), ..at(7) }]);
    let refused = client.export(bomb).await.unwrap_err();
    assert!(
        matches!(refused.code(), Code::ResourceExhausted | Code::OutOfRange | Code::Internal),
        "{refused:?}"
    );
    let answer =
        client.export(request(vec![LogRecord { trace_id: vec![1, 2], ..at(7) }, at(7)])).await.unwrap();
    assert_eq!(answer.into_inner().partial_success.unwrap().rejected_log_records, 1);
    receiver.finish().await;
}

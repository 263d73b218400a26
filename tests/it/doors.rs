//! What the doors take and how they refuse.

use std::io::Write;

use bytesize::ByteSize;
use flate2::Compression;
use granary_ingest::IngestConfig;
use granary_model::Signal;
use reqwest::{Body, Response, StatusCode};

use crate::receiver::{Receiver, config};

const ONE_LOG: &str =
    r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1","body":{"stringValue":"x"}}]}]}]}"#;

/// One log record that is like no other.
fn log(number: u64) -> String {
    ONE_LOG.replace(r#""timeUnixNano":"1""#, &format!(r#""timeUnixNano":"{number}""#))
}

async fn logs(receiver: &Receiver) -> u64 {
    receiver.accounting.settled().await;
    receiver.warehouse.owner.query("SELECT count() FROM otel_logs").fetch_one().await.unwrap()
}

async fn send(receiver: &Receiver, encoding: &str, body: impl Into<Body>) -> Response {
    receiver
        .post("logs")
        .header("Content-Type", "application/json")
        .header("Content-Encoding", encoding)
        .body(body)
        .send()
        .await
        .unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn every_content_encoding_is_taken() {
    let receiver = Receiver::start("encodings").await;
    let json = |number| log(number).into_bytes();
    for (encoding, body) in [
        ("identity", json(1)),
        ("gzip", gzip(&json(2))),
        ("deflate", deflate(&json(3))),
        ("zstd", zstd::encode_all(&json(4)[..], 3).unwrap()),
    ] {
        assert_eq!(send(&receiver, encoding, body).await.status(), StatusCode::OK, "{encoding}");
    }
    assert_eq!(logs(&receiver).await, 4);
    receiver.finish().await;
}

#[tokio::test]
async fn a_chunked_body_is_taken() {
    let receiver = Receiver::start("chunked").await;
    let (head, tail) = ONE_LOG.split_at(20);
    let mut stream = tokio::net::TcpStream::connect(receiver.http).await.unwrap();
    let request = format!(
        "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\
         Connection: close\r\n\r\n{:x}\r\n{head}\r\n{:x}\r\n{tail}\r\n0\r\n\r\n",
        head.len(),
        tail.len()
    );
    let mut answer = String::new();
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.unwrap();
    tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(logs(&receiver).await, 1);
    receiver.finish().await;
}

#[tokio::test]
async fn each_refusal_has_its_status_and_says_what_to_do() {
    let receiver = Receiver::start("refusals").await;
    let post = |content_type: &str, encoding: &str, body: &str| {
        receiver
            .post("logs")
            .header("Content-Type", content_type.to_owned())
            .header("Content-Encoding", encoding.to_owned())
            .body(body.to_owned())
            .send()
    };
    for (content_type, encoding, body, status, says) in [
        ("text/plain", "", ONE_LOG, 415, "application/x-protobuf or application/json"),
        ("application/json", "br", ONE_LOG, 415, "gzip, zstd, deflate or identity"),
        ("application/json", "gzip", ONE_LOG, 400, "not valid gzip"),
        ("application/json", "", "{", 400, "not valid OTLP JSON"),
        ("application/json", "", "[]", 400, "not valid OTLP JSON"),
    ] {
        let response = post(content_type, encoding, body).await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{content_type} {encoding} {body}");
        let text = response.text().await.unwrap();
        assert!(text.contains(says), "{text}");
    }
    let get = reqwest::get(format!("http://{}/v1/logs", receiver.http)).await.unwrap();
    assert_eq!(get.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(receiver.post("nothing").send().await.unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(post("application/json", "", ONE_LOG).await.unwrap().status(), StatusCode::OK);
    receiver.finish().await;
}

#[tokio::test]
async fn a_refusal_in_protobuf_is_a_status_message() {
    let receiver = Receiver::start("refusal_protobuf").await;
    let response = receiver
        .post("logs")
        .header("Content-Type", "application/x-protobuf")
        .body(&b"\xff\xff\xff"[..])
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    assert_eq!(response.headers()["Content-Type"], "application/x-protobuf");
    let body = response.bytes().await.unwrap();
    // Field 1 is the code, 3 is INVALID_ARGUMENT; field 2 is the message.
    assert_eq!(body[..2], [0x08, 0x03]);
    assert!(String::from_utf8_lossy(&body).contains("not a valid OTLP protobuf message"));
    receiver.finish().await;
}

#[tokio::test]
async fn one_bad_record_is_answered_with_partial_success_and_counted() {
    let receiver = Receiver::start("partial").await;
    let json = ONE_LOG.replace("]}]}]}", r#",{"traceId":"abc"}]}]}]}"#);
    let response = send(&receiver, "identity", json).await;
    assert_eq!(response.status(), StatusCode::OK);
    let answer: serde_json::Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(answer["partialSuccess"]["rejectedLogRecords"], "1");
    receiver.accounting.settled().await;
    let counts = receiver.accounting.of(Signal::Logs);
    assert_eq!((counts.received, counts.stored, counts.rejected.values().sum::<u64>()), (2, 1, 1));
    receiver.finish().await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_413_before_and_after_decompression() {
    let limits =
        IngestConfig { max_body: ByteSize::kib(64), max_decompressed: ByteSize::kib(128), ..config() };
    let receiver = Receiver::start_with("large_bodies", limits).await;
    let padded = |bytes: usize| format!("{ONE_LOG}{}", " ".repeat(bytes));
    assert_eq!(send(&receiver, "identity", padded(60_000)).await.status(), StatusCode::OK);
    assert_eq!(send(&receiver, "identity", padded(70_000)).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(send(&receiver, "gzip", gzip(padded(100_000).as_bytes())).await.status(), StatusCode::OK);
    let refused = send(&receiver, "gzip", gzip(padded(200_000).as_bytes())).await;
    assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert!(refused.headers().get("Retry-After").is_none(), "sending it again will not help");
    receiver.finish().await;
}

#[tokio::test]
async fn what_does_not_fit_beside_what_is_in_flight_is_told_to_come_back() {
    let receiver =
        Receiver::start_with("in_flight", IngestConfig { max_in_flight: ByteSize::kib(8), ..config() }).await;
    let refused = send(&receiver, "identity", format!("{ONE_LOG}{}", " ".repeat(20_000))).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers()["Retry-After"], "2");
    assert_eq!(send(&receiver, "identity", ONE_LOG).await.status(), StatusCode::OK);
    receiver.finish().await;
}

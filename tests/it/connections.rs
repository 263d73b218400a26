//! Connections that are slow, idle, too many or dead, and the ordered stop that they must not hold.

use std::io::{Read, Write};
use std::time::Duration;

use granary_ingest::IngestConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::events::{body_of, log, logs_of, send_ok};
use crate::receiver::{Receiver, config, eventually};

/// Longer than anything here may take.
const LIMIT: Duration = Duration::from_secs(20);

const SHORT: Duration = Duration::from_millis(300);

/// Waits until the other side has closed the connection; how long that took.
async fn closed(stream: &mut TcpStream) -> Duration {
    let began = Instant::now();
    let mut rest = Vec::new();
    // Reset is closed, too.
    drop(timeout(LIMIT, stream.read_to_end(&mut rest)).await.expect("the connection is still open"));
    began.elapsed()
}

#[tokio::test]
async fn a_connection_that_does_not_get_its_first_request_together_is_closed_at_both_doors() {
    let config = IngestConfig { header_timeout: SHORT, ..config() };
    let receiver = Receiver::start_with("slow_headers", config).await;
    for door in [receiver.http, receiver.grpc] {
        for said in ["", "P", "PRI * HTTP/2.0\r\n\r\nSM\r\n", "POST /v1/logs HTTP/1.1\r\nHost: "] {
            let mut stream = TcpStream::connect(door).await.unwrap();
            stream.write_all(said.as_bytes()).await.unwrap();
            closed(&mut stream).await;
        }
    }
    send_ok(&receiver, &[log("a")]).await;
    assert_eq!(logs_of(&receiver.finish().await).await, ["a"]);
}

#[tokio::test]
async fn a_connection_without_requests_is_closed_and_one_with_a_slow_body_is_told() {
    let config = IngestConfig { idle_timeout: Duration::from_secs(1), read_timeout: SHORT, ..config() };
    let receiver = Receiver::start_with("idle", config).await;
    let body = body_of(&[log("a")]);
    let head = |length: usize| {
        format!(
            "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let mut idle = TcpStream::connect(receiver.http).await.unwrap();
    idle.write_all(format!("{}{body}", head(body.len())).as_bytes()).await.unwrap();
    assert!(closed(&mut idle).await >= Duration::from_millis(900));

    let mut slow = TcpStream::connect(receiver.http).await.unwrap();
    slow.write_all(format!("{}{{", head(100)).as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    timeout(LIMIT, slow.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    receiver.finish().await;
}

#[tokio::test]
async fn one_connection_more_than_the_limit_waits_for_room() {
    let config = IngestConfig { max_connections: 1, idle_timeout: Duration::from_secs(2), ..config() };
    let receiver = Receiver::start_with("too_many", config).await;
    let mut first = TcpStream::connect(receiver.http).await.unwrap();
    let head = "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n";
    let mut answer = [0; 12];
    first.write_all(head.as_bytes()).await.unwrap();
    first.read_exact(&mut answer).await.unwrap();
    let mut second = TcpStream::connect(receiver.http).await.unwrap();
    second.write_all(head.as_bytes()).await.unwrap();
    timeout(SHORT, second.read_exact(&mut answer)).await.expect_err("there is no room");
    drop(first);
    timeout(LIMIT, second.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 415");
    drop(second);
    receiver.finish().await;
}

/// What an HTTP/2 client sends first: the preface and empty settings.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

/// A frame of headers for stream 1 that begins a request to the logs service, literals without indexing.
pub(crate) fn begin_request() -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/opentelemetry.proto.collector.logs.v1.LogsService/Export"),
        (":authority", "x"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ] {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    let length = u32::try_from(block.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend_from_slice(&[1, 4, 0, 0, 0, 1]);
    frame.extend(block);
    frame
}

#[tokio::test]
async fn a_grpc_body_that_does_not_come_is_ended() {
    let config = IngestConfig { read_timeout: SHORT, ..config() };
    let receiver = Receiver::start_with("slow_grpc_body", config).await;
    let mut stream = TcpStream::connect(receiver.grpc).await.unwrap();
    stream.write_all(PREFACE).await.unwrap();
    stream.write_all(&begin_request()).await.unwrap();
    let refused =
        r#"granary_ingest_refused_requests_total{signal="logs",door="grpc",reason="body_not_read",key=""} 1"#;
    eventually("the end of its time", async || receiver.metrics().contains(refused)).await;
    drop(stream);
    receiver.finish().await;
}

#[tokio::test]
async fn a_request_that_came_before_the_receiver_was_told_to_stop_is_stored_and_answered() {
    let receiver = Receiver::start("came_before_the_stop").await;
    // Without awaiting anything, so that the receiver has not looked yet, and has to stop when it does.
    let mut waiting = std::net::TcpStream::connect(receiver.http).unwrap();
    let body = body_of(&[log("a")]);
    let head = "POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json";
    write!(waiting, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    assert_eq!(logs_of(&receiver.finish().await).await, ["a"]);
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[tokio::test]
async fn a_stopped_grpc_client_does_not_hold_the_ordered_stop() {
    let receiver = Receiver::start("stopped_client").await;
    send_ok(&receiver, &[log("a")]).await;
    let mut silent = TcpStream::connect(receiver.grpc).await.unwrap();
    silent.write_all(PREFACE).await.unwrap();
    let mut amid = TcpStream::connect(receiver.grpc).await.unwrap();
    amid.write_all(PREFACE).await.unwrap();
    amid.write_all(&begin_request()).await.unwrap();
    for stream in [&mut silent, &mut amid] {
        // Its settings have come: the connection is served. Nothing is ever acknowledged.
        stream.read_exact(&mut [0; 9]).await.unwrap();
    }
    let half = TcpStream::connect(receiver.http).await.unwrap();
    let began = Instant::now();
    let warehouse = timeout(LIMIT, receiver.finish()).await.expect("the stop is held");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!(logs_of(&warehouse).await, ["a"]);
    drop((silent, amid, half));
}

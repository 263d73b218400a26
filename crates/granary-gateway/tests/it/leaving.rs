//! A client that goes away takes its query with it: over HTTP/1.1 and HTTP/2, in line, at work and while its answer streams.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::server::{Running, ask, begun, serve};
use crate::support::{ONE_ROW, is_running, metric, until};

type Http2 = hyper::client::conn::http2::SendRequest<Empty<Bytes>>;

fn slow() -> String {
    format!("SELECT sum(cityHash64(number, n)) AS x FROM numbers(1000000000000) AS many, {ONE_ROW}")
}

fn long() -> String {
    format!("SELECT number AS n, repeat('x', 1000) AS x FROM numbers(100000000) AS many, {ONE_ROW}")
}

async fn gateway(name: &str, sql: &str, places: u32) -> Running {
    serve(&[(name, sql)], |config| {
        config.max_concurrent_queries = places.try_into().unwrap();
        config.max_rows_to_read = u64::MAX;
        config.max_result_rows = u64::MAX;
        config.max_result_bytes = bytesize::ByteSize(u64::MAX);
        config.max_query_time = Duration::from_mins(10);
        config.max_answer_time = Duration::from_mins(10);
        config.max_wait = Duration::from_mins(10);
    })
    .await
}

async fn waiting(running: &Running) -> u64 {
    let url = format!("http://{}/metrics", running.address);
    metric(&reqwest::get(url).await.unwrap().text().await.unwrap(), "granary_gateway_waiting_queries")
}

/// A connection, which stays open when a request over it is given up.
async fn http2(running: &Running) -> Http2 {
    let stream = TcpStream::connect(running.address).await.unwrap();
    let (sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn request(running: &Running, name: &str) -> Request<Empty<Bytes>> {
    let url = format!("http://{}/v1/queries/{name}.csv", running.address);
    Request::get(url).body(Empty::new()).unwrap()
}

#[tokio::test]
async fn a_query_at_work_ends_with_its_http_2_request() {
    let running = gateway("leaves_work_h2", &slow(), 8).await;
    let mut client = http2(&running).await;
    let asked = tokio::spawn(client.send_request(request(&running, "leaves_work_h2")));
    until(|| is_running("leaves_work_h2")).await;
    asked.abort();
    until(async || !is_running("leaves_work_h2").await).await;
    assert!(!client.is_closed(), "it was the request that ended");
}

#[tokio::test]
async fn a_query_whose_answer_streams_ends_with_its_http_2_request() {
    let running = gateway("leaves_stream_h2", &long(), 8).await;
    let mut client = http2(&running).await;
    let mut answer = client.send_request(request(&running, "leaves_stream_h2")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.frame().await.unwrap().unwrap();
    assert!(is_running("leaves_stream_h2").await);
    drop(answer);
    until(async || !is_running("leaves_stream_h2").await).await;
    assert!(!client.is_closed());
}

#[tokio::test]
async fn a_query_whose_answer_streams_ends_with_its_http_1_connection() {
    let running = gateway("leaves_stream_h1", &long(), 8).await;
    let mut client = ask(running.address, "/v1/queries/leaves_stream_h1.csv").await;
    begun(&mut client).await;
    assert!(is_running("leaves_stream_h1").await);
    drop(client);
    until(async || !is_running("leaves_stream_h1").await).await;
}

#[tokio::test]
async fn who_goes_away_while_waiting_leaves_the_line_over_either_protocol() {
    let running = gateway("leaves_line", &long(), 1).await;
    let mut holds = ask(running.address, "/v1/queries/leaves_line.csv").await;
    begun(&mut holds).await;

    let one = ask(running.address, "/v1/queries/leaves_line.csv").await;
    until(async || waiting(&running).await == 1).await;
    drop(one);
    until(async || waiting(&running).await == 0).await;

    let mut client = http2(&running).await;
    let two = tokio::spawn(client.send_request(request(&running, "leaves_line")));
    until(async || waiting(&running).await == 1).await;
    two.abort();
    until(async || waiting(&running).await == 0).await;
    drop(holds);
    until(async || !is_running("leaves_line").await).await;
}

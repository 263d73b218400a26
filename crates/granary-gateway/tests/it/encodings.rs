//! Compressed answers, and how a client sees that an answer was cut off.

use std::io::Read;

use axum::body::Body;
use futures::StreamExt;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::server::serve;
use crate::support::{ONE_ROW, THE_DAY, TestGateway};

/// The text in it, and whether it is whole.
fn decoded(encoding: &str, bytes: &[u8]) -> (String, bool) {
    let mut out = Vec::new();
    let mut reader: Box<dyn Read> = match encoding {
        "gzip" => Box::new(flate2::read::GzDecoder::new(bytes)),
        _ => Box::new(zstd::stream::read::Decoder::new(bytes).unwrap()),
    };
    let whole = reader.read_to_end(&mut out).is_ok();
    (String::from_utf8_lossy(&out).into_owned(), whole)
}

/// Much more than the engine holds back and the cache keeps.
fn long() -> String {
    format!("SELECT number AS n, repeat('x', 100) AS x FROM numbers(200000) AS many, {ONE_ROW} ORDER BY n")
}

/// Fails a dozen blocks on, when the answer has long begun.
fn failing() -> String {
    format!("SELECT number AS n, throwIf(number = 800000) AS x FROM numbers(900000) AS many, {ONE_ROW}")
}

#[tokio::test]
async fn an_answer_is_compressed_as_the_client_likes_it_and_is_the_same() {
    let gateway = TestGateway::with_queries(&[("long", &long())], |_| {}).await;
    for path in ["/v1/queries/long.csv".to_owned(), format!("/v1/queries/sessions.csv?{THE_DAY}")] {
        let plain = gateway.get(&path).await;
        assert!(!plain.headers.contains_key("content-encoding"));
        for encoding in ["gzip", "zstd"] {
            let request =
                || Request::get(&path).header("accept-encoding", encoding).body(Body::empty()).unwrap();
            let response = gateway.begin(request()).await;
            assert_eq!(response.headers()["content-encoding"], encoding);
            assert!(response.headers()["vary"].to_str().unwrap().contains("accept-encoding"));
            let bytes = gateway.bytes(request()).await;
            assert!(bytes.len() < plain.text().len());
            assert_eq!(decoded(encoding, &bytes), (plain.text().to_owned(), true));
        }
    }
    let request = Request::get(format!("/v1/queries/sessions.parquet?{THE_DAY}"));
    let response =
        gateway.begin(request.header("accept-encoding", "gzip").body(Body::empty()).unwrap()).await;
    assert!(!response.headers().contains_key("content-encoding"), "it is compressed already");
}

#[tokio::test]
async fn over_http_1_a_client_sees_that_an_answer_was_cut_off_in_every_format_and_encoding() {
    let running = serve(&[("failing", &failing())], |_| {}).await;
    let client = reqwest::Client::new();
    for format in ["json", "ndjson", "csv", "tsv", "markdown"] {
        for encoding in ["identity", "gzip", "zstd"] {
            let url = format!("http://{}/v1/queries/failing.{format}", running.address);
            let response = client.get(url).header("accept-encoding", encoding).send().await.unwrap();
            assert_eq!(response.status(), StatusCode::OK, "the answer had begun");
            let (mut bytes, mut cut) = (Vec::new(), false);
            let mut pieces = response.bytes_stream();
            while let Some(piece) = pieces.next().await {
                match piece {
                    Ok(piece) => bytes.extend_from_slice(&piece),
                    Err(_) => cut = true,
                }
            }
            assert!(cut, "{format}, {encoding}: the last chunk did not come");
            if encoding != "identity" {
                let (text, whole) = decoded(encoding, &bytes);
                assert!(!whole, "{format}, {encoding}: nor does what came look whole");
                assert!(!text.contains("DB::Exception"));
            } else if format == "json" {
                assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_err());
            }
        }
    }
}

#[tokio::test]
async fn over_http_2_a_cut_off_answer_is_a_reset_stream() {
    let running = serve(&[("failing", &failing())], |_| {}).await;
    let stream = TokioIo::new(TcpStream::connect(running.address).await.unwrap());
    let (mut client, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    let connection = tokio::spawn(connection);
    for encoding in ["identity", "gzip"] {
        let url = format!("http://{}/v1/queries/failing.csv", running.address);
        let request =
            Request::get(url).header("accept-encoding", encoding).body(Empty::<bytes::Bytes>::new());
        let response = client.send_request(request.unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let error = response.into_body().collect().await.unwrap_err();
        assert!(format!("{error:?}").contains("Reset"), "{error:?}");
    }
    connection.abort();
}

#[tokio::test]
async fn an_answer_that_fails_after_the_first_bytes_of_a_kept_size_is_an_error_with_a_status() {
    let sql =
        format!("SELECT number AS n, throwIf(number = 99000) AS x FROM numbers(100000) AS many, {ONE_ROW}");
    let gateway = TestGateway::with_kept_queries(&[("failing_early", &sql)], |config| {
        config.cache_max_answer = bytesize::ByteSize::mib(8);
    })
    .await;
    let reply = gateway.get("/v1/queries/failing_early.csv").await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
}

//! The gateway on a socket: bound, served, stopped.

use std::net::SocketAddr;
use std::time::Duration;

use granary_clickhouse::Warehouse;
use granary_gateway::{Catalogue, Gateway, GatewayConfig, GatewayError};
use granary_service::Health;
use granary_service::metrics::Registry;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::support::{ONE_ROW, THE_DAY, archive, is_running, operator_dir, sample, until};

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    health: Health,
    pub(crate) stop: CancellationToken,
    pub(crate) served: JoinHandle<()>,
}

async fn bind(config: GatewayConfig, health: &Health, catalogue: Catalogue) -> Result<Gateway, GatewayError> {
    let reader = Warehouse::new(&sample().await.reader_config);
    Gateway::bind(config, reader, Some(archive().await), health.clone(), Registry::default(), catalogue).await
}

/// With queries of an operator's whose folder is gone by then, which takes none of them along.
pub(crate) async fn serve(queries: &[(&str, &str)], configure: impl FnOnce(&mut GatewayConfig)) -> Running {
    serve_over(Catalogue::load(Some(operator_dir(queries).path())).unwrap(), configure).await
}

pub(crate) async fn serve_over(catalogue: Catalogue, configure: impl FnOnce(&mut GatewayConfig)) -> Running {
    let mut config = GatewayConfig { listen: ([127, 0, 0, 1], 0).into(), ..GatewayConfig::default() };
    configure(&mut config);
    let (health, stop) = (Health::default(), CancellationToken::new());
    let gateway = Box::pin(bind(config, &health, catalogue)).await.unwrap();
    let address = gateway.local_addr();
    let served = tokio::spawn(gateway.serve(stop.clone()));
    Running { address, health, stop, served }
}

/// Asks for a path and gives back the connection with nothing of the answer read.
pub(crate) async fn ask(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

/// Reads until the answer has begun, so that it is under way.
pub(crate) async fn begun(stream: &mut TcpStream) {
    assert_ne!(stream.read(&mut [0; 16]).await.unwrap(), 0);
}

fn long() -> String {
    format!("SELECT repeat('x', 1000) AS x FROM numbers(20000) AS many, {ONE_ROW}")
}

#[tokio::test]
async fn a_query_is_answered_over_http() {
    let running = serve(&[], |_| {}).await;
    let url = format!("http://{}/v1/queries/sessions.json?{THE_DAY}", running.address);
    let answer: serde_json::Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    assert_eq!(answer["rows"], 6);
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_with_its_number() {
    let running = serve(&[], |_| {}).await;
    let config = GatewayConfig { listen: running.address, ..GatewayConfig::default() };
    let error = bind(config, &Health::default(), Catalogue::embedded().unwrap()).await.unwrap_err();
    let said = error.to_string();
    assert!(
        said.starts_with(&format!(
            "{} for the gateway cannot be had: Address already in use",
            running.address
        )),
        "{said}"
    );
}

#[tokio::test]
async fn told_to_stop_it_ends_what_is_under_way_and_takes_nothing_new() {
    let running = serve(&[("long", &long())], |_| {}).await;
    until(async || running.health.is_ready()).await;
    let mut under_way = ask(running.address, "/v1/queries/long.csv").await;
    begun(&mut under_way).await;
    running.stop.cancel();
    until(async || !running.health.is_ready()).await;
    until(async || TcpStream::connect(running.address).await.is_err()).await;
    let mut rest = Vec::new();
    under_way.read_to_end(&mut rest).await.unwrap();
    assert!(rest.ends_with(b"\r\n0\r\n\r\n"), "the last chunk came");
    running.served.await.unwrap();
}

#[tokio::test]
async fn a_request_that_came_before_it_was_told_to_stop_is_answered() {
    let config = GatewayConfig { listen: ([127, 0, 0, 1], 0).into(), ..GatewayConfig::default() };
    let gateway = Box::pin(bind(config, &Health::default(), Catalogue::embedded().unwrap())).await.unwrap();
    // The system takes the connections; the gateway has not looked yet, and has to stop when it does.
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(ask(gateway.local_addr(), "/v1/queries").await);
    }
    let stop = CancellationToken::new();
    stop.cancel();
    gateway.serve(stop).await;
    for mut waiting in waiting {
        let mut answer = String::new();
        waiting.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn what_does_not_end_within_the_grace_time_is_cut_off() {
    let running =
        serve(&[("long", &long())], |config| config.shutdown_grace = Duration::from_millis(100)).await;
    let mut under_way = ask(running.address, "/v1/queries/long.csv").await;
    begun(&mut under_way).await;
    running.stop.cancel();
    running.served.await.unwrap();
    let mut rest = Vec::new();
    let read = under_way.read_to_end(&mut rest).await;
    assert!(read.is_err() || !rest.ends_with(b"\r\n0\r\n\r\n"));
}

#[tokio::test]
async fn an_error_in_the_middle_is_seen_by_an_http_client() {
    let failing = format!(
        "SELECT concat(toString(number), toString(throwIf(number = 800000))) AS x FROM numbers(900000) AS many, {ONE_ROW}"
    );
    let running = serve(&[("failing", &failing)], |_| {}).await;
    let reply = reqwest::get(format!("http://{}/v1/queries/failing.csv", running.address)).await.unwrap();
    assert_eq!(reply.status(), 200);
    reply.bytes().await.unwrap_err();
}

#[tokio::test]
async fn a_client_that_goes_away_takes_its_query_with_it() {
    let slow =
        format!("SELECT sum(cityHash64(number, n)) AS x FROM numbers(1000000000000) AS many, {ONE_ROW}");
    let running = serve(&[("a_client_that_left", &slow)], |config| {
        config.max_rows_to_read = u64::MAX;
        config.max_query_time = Duration::from_mins(10);
    })
    .await;
    let client = ask(running.address, "/v1/queries/a_client_that_left.json").await;
    until(|| is_running("a_client_that_left")).await;
    drop(client);
    until(async || !is_running("a_client_that_left").await).await;
}

#[tokio::test]
async fn a_replay_does_not_keep_it_from_stopping_and_does_not_look_complete() {
    let running = serve(&[], |config| config.shutdown_grace = Duration::from_mins(10)).await;
    let mut replay = ask(running.address, "/v1/sessions/s0/replay").await;
    begun(&mut replay).await;
    running.stop.cancel();
    running.served.await.unwrap();
    let mut rest = Vec::new();
    let read = replay.read_to_end(&mut rest).await;
    assert!(read.is_err() || !rest.ends_with(b"\r\n0\r\n\r\n"));
}

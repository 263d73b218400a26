//! A warehouse that does not answer: nothing is lost silently, and what was in doubt is not doubled.

use std::time::Duration;

use granary_clickhouse::{ClickHouseConfig, Warehouse};
use granary_ingest::IngestConfig;
use granary_model::Signal;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use crate::receiver::{Receiver, config};

const ONE_LOG: &str =
    r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1","body":{"stringValue":"x"}}]}]}]}"#;

#[tokio::test]
async fn a_warehouse_that_is_down_makes_the_sender_come_back() {
    let warehouse = granary_testkit::warehouse("down").await;
    // A port that nobody listens on.
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let down = Warehouse::new(&ClickHouseConfig {
        url: format!("http://{nobody}"),
        ..warehouse.owner_config.clone()
    });
    let quick = IngestConfig { commit_timeout: Duration::from_millis(300), ..config() };
    let receiver = Receiver::start_on(warehouse, down, quick).await;
    let response =
        receiver.post("logs").header("Content-Type", "application/json").body(ONE_LOG).send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert!(response.headers().contains_key("Retry-After"));
    assert_eq!(receiver.accounting.of(Signal::Logs).refused, 1);
    receiver.finish().await;
}

/// Forwards to `target`; the answer of the first connection that sent something is swallowed and the connection cut.
async fn cutting_proxy(target: std::net::SocketAddr) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut first = true;
        while let Ok((mut client, _)) = listener.accept().await {
            let cut = std::mem::take(&mut first);
            tokio::spawn(async move {
                let mut server = TcpStream::connect(target).await.unwrap();
                if cut {
                    let (mut from_client, _to_client) = client.split();
                    let (from_server, mut to_server) = server.split();
                    // Until the server has begun to answer, which it does when the insert has ended.
                    tokio::select! {
                        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
                        () = async { from_server.readable().await.unwrap() } => {}
                    }
                } else {
                    copy_bidirectional(&mut client, &mut server).await.ok();
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn an_answer_lost_after_the_commit_does_not_double_the_rows() {
    let warehouse = granary_testkit::warehouse("cut").await;
    let target = warehouse.owner_config.url.trim_start_matches("http://").parse().unwrap();
    let proxy = cutting_proxy(target).await;
    let through = Warehouse::new(&ClickHouseConfig {
        url: format!("http://{proxy}"),
        ..warehouse.owner_config.clone()
    });
    let receiver = Receiver::start_on(warehouse, through, config()).await;
    let response =
        receiver.post("logs").header("Content-Type", "application/json").body(ONE_LOG).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let warehouse = receiver.finish().await;
    assert_eq!(warehouse.owner.query("SELECT count() FROM otel_logs").fetch_one::<u64>().await.unwrap(), 1);
}

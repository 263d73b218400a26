//! Senders that repeat: acknowledged again, stored once.

use std::time::Duration;

use granary_ingest::IngestConfig;
use granary_model::Signal;

use crate::events::{log, logs_of, send_ok};
use crate::receiver::{Receiver, config};

#[tokio::test]
async fn a_request_sent_again_is_stored_once() {
    let receiver = Receiver::start("again").await;
    for _ in 0..3 {
        send_ok(&receiver, &[log("a"), log("b")]).await;
    }
    let counts = receiver.accounting.of(Signal::Logs);
    assert_eq!((counts.received, counts.duplicates), (6, 4));
    assert_eq!(logs_of(&receiver.finish().await).await, ["a", "b"]);
}

#[tokio::test]
async fn a_batch_cut_differently_is_stored_once() {
    let receiver = Receiver::start("cut_differently").await;
    send_ok(&receiver, &[log("a"), log("b"), log("c")]).await;
    send_ok(&receiver, &[log("c"), log("d")]).await;
    send_ok(&receiver, &[log("b")]).await;
    assert_eq!(logs_of(&receiver.finish().await).await, ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn the_same_events_sent_at_once_over_many_connections_are_stored_once() {
    let receiver = Receiver::start_with("at_once", IngestConfig { lanes: 4, ..config() }).await;
    let names: Vec<_> = (0..50).map(|number| log(&format!("{number:02}"))).collect();
    futures::future::join_all((0..16).map(|_| send_ok(&receiver, &names))).await;
    assert_eq!(logs_of(&receiver.finish().await).await.len(), 50);
}

#[tokio::test]
async fn a_request_sent_again_after_a_restart_is_stored_once() {
    let receiver = Receiver::start("again_restarted").await;
    send_ok(&receiver, &[log("a"), log("b")]).await;
    receiver.accounting.settled().await;
    let (warehouse, wal) = receiver.abandon().await;
    let owner = warehouse.owner.clone();
    let receiver = Receiver::start_at(warehouse, owner, wal, config()).await;
    send_ok(&receiver, &[log("a"), log("b"), log("c")]).await;
    assert_eq!(receiver.accounting.of(Signal::Logs).duplicates, 2);
    assert_eq!(logs_of(&receiver.finish().await).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn without_a_window_every_delivery_is_taken_as_new() {
    let none = IngestConfig { duplicate_window: Duration::ZERO, ..config() };
    let receiver = Receiver::start_with("no_window", none).await;
    send_ok(&receiver, &[log("a")]).await;
    send_ok(&receiver, &[log("a")]).await;
    assert_eq!(logs_of(&receiver.finish().await).await, ["a", "a"]);
}

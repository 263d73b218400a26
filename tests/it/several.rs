//! Several receivers of one warehouse: an event that reaches more than one of them is stored by one.

use std::net::SocketAddr;
use std::time::Duration;

use granary_clickhouse::Warehouse;
use granary_ingest::IngestConfig;
use granary_model::Signal;
use granary_testkit::TestWarehouse;
use reqwest::StatusCode;

use crate::capture::Capture;
use crate::delivery::behind_switch;
use crate::events::{log, logs_of, send_ok};
use crate::receiver::{Receiver, config, eventually};
use crate::totals::says;

/// Where so many receivers will ask one another: every address in 127/8 is this machine, and one drawn by lot is nobody's.
fn addresses(count: usize) -> Vec<SocketAddr> {
    (0..count)
        .map(|_| {
            let [a, b, c, ..] = uuid::Uuid::new_v4().into_bytes();
            ([127, a | 1, b, c.clamp(1, 254)], 4319).into()
        })
        .collect()
}

/// One of the receivers at these addresses.
fn one_of(addresses: &[SocketAddr], at: usize) -> IngestConfig {
    IngestConfig {
        // Its own is among them, as it is among those of a name.
        peers: addresses.iter().map(SocketAddr::to_string).collect(),
        peer_address: Some(addresses[at]),
        peer_secret: "between receivers".to_owned(),
        ..config()
    }
}

async fn start(warehouse: &TestWarehouse, into: &Warehouse, config: IngestConfig) -> Receiver {
    Receiver::start_on(warehouse.clone(), into.clone(), config).await
}

#[tokio::test]
async fn a_capture_that_is_sent_to_three_receivers_at_once_is_stored_once() {
    let warehouse = granary_testkit::warehouse("three").await;
    let addresses = addresses(3);
    let mut receivers = Vec::new();
    for at in 0..3 {
        // Long enough for a commit to have requests that others have and requests that they have not.
        let config = IngestConfig {
            commit_interval: Duration::from_millis(20),
            lanes: 1 + at % 2,
            ..one_of(&addresses, at)
        };
        receivers.push(start(&warehouse, &warehouse.owner, config).await);
    }
    let capture = Capture::open();
    let sending = receivers.iter().enumerate().map(async |(at, receiver)| {
        // Each begins elsewhere, so that none has everything first.
        let mut order = capture.requests();
        let first = at * order.len() / 3;
        order.rotate_left(first);
        let sending = order.into_iter().map(|request| receiver.send_captured([request]));
        futures::future::join_all(sending).await;
    });
    futures::future::join_all(sending).await;
    let mut stored = 0;
    for receiver in receivers {
        let accounting = receiver.accounting.clone();
        receiver.finish().await;
        let of = Signal::ALL.map(|signal| accounting.of(signal));
        stored += of.iter().map(|counts| counts.stored).sum::<u64>();
        assert!(of.iter().map(|counts| counts.duplicates).sum::<u64>() > 0, "each has left something out");
    }
    says(&warehouse.owner, &capture.truth()).await;
    let tables = "SELECT count() FROM merge(currentDatabase(), '^otel_(logs|traces|metrics_(gauge|sum|summary|histogram|exponential_histogram))$')";
    let rows: u64 = warehouse.owner.query(tables).fetch_one().await.unwrap();
    assert_eq!(rows, stored);
}

#[tokio::test]
async fn what_another_receiver_had_stored_before_it_was_stopped_is_not_stored_again() {
    let warehouse = granary_testkit::warehouse("stored_elsewhere").await;
    let addresses = addresses(2);
    let first = start(&warehouse, &warehouse.owner, one_of(&addresses, 0)).await;
    let second = start(&warehouse, &warehouse.owner, one_of(&addresses, 1)).await;
    let one_other =
        |receiver: &Receiver| receiver.metrics().contains("granary_ingest_peers{state=\"here\"} 1");
    eventually("each has found the other, and itself", async || one_other(&first) && one_other(&second))
        .await;
    send_ok(&first, &[log("a"), log("b")]).await;
    first.accounting.settled().await;
    first.finish().await;
    send_ok(&second, &[log("b"), log("c")]).await;
    second.accounting.settled().await;
    let counts = second.accounting.of(Signal::Logs);
    assert_eq!((counts.stored, counts.duplicates), (1, 1));
    // What it left out it does not take up after a restart either, though nobody is there to ask.
    let (_, wal) = second.abandon().await;
    let second =
        Receiver::start_at(warehouse.clone(), warehouse.owner.clone(), wal, one_of(&addresses, 1)).await;
    send_ok(&second, &[log("a"), log("d")]).await;
    second.finish().await;
    assert_eq!(
        logs_of(&warehouse).await,
        ["a", "a", "b", "c", "d"],
        "of what it was asked for it knew by itself"
    );
}

#[tokio::test]
async fn what_a_stopped_receiver_has_in_its_log_is_left_out_where_another_stored_it_meanwhile() {
    let (warehouse, switch, through) = behind_switch("stored_meanwhile").await;
    let addresses = addresses(2);
    switch.off();
    let first = start(&warehouse, &through, one_of(&addresses, 0)).await;
    send_ok(&first, &[log("a"), log("b"), log("c")]).await;
    let (_, wal) = first.abandon().await;
    let short = IngestConfig { peer_patience: Duration::from_millis(300), ..one_of(&addresses, 1) };
    let second = start(&warehouse, &warehouse.owner, short).await;
    send_ok(&second, &[log("b"), log("c")]).await;
    second.accounting.settled().await;
    assert_eq!(logs_of(&warehouse).await, ["b", "c"], "one that is away is not waited for");
    assert!(second.metrics().contains("granary_ingest_peers{state=\"away\"} 1"), "{}", second.metrics());
    switch.on();
    let first = Receiver::start_at(warehouse.clone(), through, wal, one_of(&addresses, 0)).await;
    first.accounting.settled().await;
    let counts = first.accounting.of(Signal::Logs);
    assert_eq!((counts.recovered, counts.stored, counts.duplicates), (3, 1, 2));
    let back = async || second.metrics().contains("granary_ingest_peers{state=\"here\"} 1");
    eventually("the other is asked again", back).await;
    first.finish().await;
    second.finish().await;
    assert_eq!(logs_of(&warehouse).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn receivers_agree_about_a_repetition_while_the_warehouse_is_away() {
    let (warehouse, switch, through) = behind_switch("agree").await;
    let addresses = addresses(2);
    switch.off();
    let first = start(&warehouse, &through, one_of(&addresses, 0)).await;
    let second = start(&warehouse, &through, one_of(&addresses, 1)).await;
    send_ok(&first, &[log("a"), log("b")]).await;
    send_ok(&second, &[log("b"), log("c")]).await;
    let asked =
        |receiver: &Receiver| receiver.metrics().contains("granary_ingest_claims_total{result=\"granted\"}");
    eventually("both have asked", async || asked(&first) && asked(&second)).await;
    let wals = [first.abandon().await.1, second.abandon().await.1];
    switch.on();
    // One after the other: the second has nobody to ask, and knows by its own log.
    for (at, wal) in wals.into_iter().enumerate() {
        let short = IngestConfig { peer_patience: Duration::from_millis(300), ..one_of(&addresses, at) };
        let receiver = Receiver::start_at(warehouse.clone(), through.clone(), wal, short).await;
        receiver.accounting.settled().await;
        receiver.finish().await;
    }
    assert_eq!(logs_of(&warehouse).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn an_insert_without_what_another_stores_is_the_same_after_a_restart() {
    let (warehouse, switch, through) = behind_switch("the_same").await;
    let addresses = addresses(2);
    let first = start(&warehouse, &warehouse.owner, one_of(&addresses, 0)).await;
    let second = start(&warehouse, &through, one_of(&addresses, 1)).await;
    send_ok(&first, &[log("a"), log("b")]).await;
    first.accounting.settled().await;
    switch.swallow_inserts(u64::MAX);
    send_ok(&second, &[log("a"), log("b"), log("c"), log("d")]).await;
    eventually("the insert is stored, and its answer lost", async || switch.swallowed() > 0).await;
    let (_, wal) = second.abandon().await;
    switch.swallow_inserts(0);
    let second = Receiver::start_at(warehouse.clone(), through, wal, one_of(&addresses, 1)).await;
    second.accounting.settled().await;
    let counts = second.accounting.of(Signal::Logs);
    assert_eq!((counts.recovered, counts.stored, counts.duplicates), (4, 2, 2));
    first.finish().await;
    second.finish().await;
    assert_eq!(logs_of(&warehouse).await, ["a", "b", "c", "d"]);
    let events: u64 = warehouse.owner.query("SELECT sum(Events) FROM sessions").fetch_one().await.unwrap();
    assert_eq!(events, 4, "in the rollup, too");
}

#[tokio::test]
async fn who_does_not_show_the_secret_is_told_nothing() {
    let warehouse = granary_testkit::warehouse("secret").await;
    let addresses = addresses(1);
    let receiver = start(&warehouse, &warehouse.owner, one_of(&addresses, 0)).await;
    let ask = || reqwest::Client::new().post(format!("http://{}/v1/claims", addresses[0]));
    for request in [ask(), ask().bearer_auth("between receiver"), ask().bearer_auth("")] {
        let answer = request.body(vec![0; 32]).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
    for (body, status) in [(vec![7; 32], StatusCode::OK), (vec![7; 31], StatusCode::BAD_REQUEST)] {
        let answer = ask().bearer_auth("between receivers").body(body).send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
    receiver.finish().await;
}

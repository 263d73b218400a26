//! Feeds of a gateway on a socket: what their connections do.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use futures::SinkExt;
use granary_clickhouse::Warehouse;
use granary_gateway::{Catalogue, Gateway, GatewayConfig};
use granary_service::Health;
use granary_service::metrics::Registry;
use granary_testkit::TestWarehouse;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use tokio_util::sync::CancellationToken;

use super::{Feed, rows};
use crate::support::{hear, until};

/// A gateway on a socket.
struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

async fn serve(warehouse: &TestWarehouse, configure: impl FnOnce(&mut GatewayConfig)) -> Running {
    let mut config = GatewayConfig { listen: ([127, 0, 0, 1], 0).into(), ..GatewayConfig::default() };
    configure(&mut config);
    let (reader, catalogue) = (Warehouse::new(&warehouse.reader_config), Catalogue::embedded().unwrap());
    let bound = Gateway::bind(config, reader, None, Health::default(), Registry::default(), catalogue).await;
    let (gateway, stop) = (bound.unwrap(), CancellationToken::new());
    let address = gateway.local_addr();
    Running { address, served: tokio::spawn(gateway.serve(stop.clone())), stop }
}

struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    async fn open(running: &Running, query: &str) -> Self {
        Self(connect_async(format!("ws://{}/v1/live?{query}", running.address)).await.unwrap().0)
    }

    async fn say(&mut self, command: Value) -> Value {
        self.0.send(Message::text(command.to_string())).await.unwrap();
        self.hear().await
    }

    async fn hear(&mut self) -> Value {
        hear(&mut self.0).await
    }

    /// Numbers of the events up to one.
    async fn until(&mut self, last: &str) -> Vec<String> {
        let mut numbers = Vec::new();
        loop {
            let said = self.hear().await;
            assert_eq!(said["type"], "event", "{said}");
            numbers.push(said["event"]["attributes"]["event.sequence"].as_str().unwrap().to_owned());
            if numbers.last().unwrap() == last {
                return numbers;
            }
        }
    }
}

#[tokio::test]
async fn over_a_websocket_the_feed_can_be_held_and_told_to_give_something_else() {
    let warehouse = granary_testkit::warehouse("live_socket").await;
    let running = serve(&warehouse, |config| config.max_live_queue_events = 6.try_into().unwrap()).await;
    let mut socket = Socket::open(&running, "tool=Read").await;
    assert_eq!(
        socket.hear().await,
        json!({ "type": "state", "paused": false, "filter": { "tool": ["Read"] } })
    );
    rows(0..4).insert(&warehouse.owner).await;
    assert_eq!(socket.until("3").await, ["1", "3"]);

    let paused = socket.say(json!({ "type": "pause" })).await;
    assert_eq!(paused, json!({ "type": "state", "paused": true, "filter": { "tool": ["Read"] } }));
    let mut witness = Feed::open_at(&running, "session=s3").await;
    rows(4..20).insert(&warehouse.owner).await;
    witness.until(19).await;
    let filter = json!({ "tool": ["Read"], "session": ["s1"] });
    let changed = socket.say(json!({ "type": "filter", "filter": filter })).await;
    assert_eq!(changed, json!({ "type": "state", "paused": true, "filter": filter }));
    assert_eq!(socket.say(json!({ "type": "seek" })).await["type"], "error");
    socket.say(json!({ "type": "resume" })).await;
    assert_eq!(socket.until("13").await, ["5", "9", "13"], "of what waited, what is wanted now");
    let missed = socket.hear().await;
    assert_eq!(
        (&missed["type"], &missed["missed"], &missed["why"]),
        (&json!("missed"), &json!(2), &json!("slow"))
    );
    rows(20..24).insert(&warehouse.owner).await;
    assert_eq!(socket.until("21").await, ["21"]);
}

#[tokio::test]
async fn told_to_stop_the_gateway_ends_feeds_in_order() {
    let warehouse = granary_testkit::warehouse("live_stop").await;
    let running = serve(&warehouse, |_| {}).await;
    let mut socket = Socket::open(&running, "").await;
    socket.hear().await;
    let mut feed = Feed::open_at(&running, "").await;
    running.stop.cancel();
    assert_eq!(socket.hear().await, json!({ "closed": 1001 }));
    assert!(feed.next().await.is_none(), "ended, not cut off");
    running.served.await.unwrap();
}

#[tokio::test]
async fn a_client_that_takes_nothing_gives_its_place_back_though_its_connection_stays() {
    // More than the sockets on both sides hold, in some batches; not so fast that they hold up their being read.
    const BATCH: u64 = 20_000;
    const ASKED_A_BATCH: u64 = 100;

    let warehouse = granary_testkit::warehouse("live_stuck").await;
    let running = serve(&warehouse, |config| {
        config.max_live = 1.try_into().unwrap();
        config.max_replay_idle = Duration::from_millis(200);
        config.max_live_rate = 1_000_000.try_into().unwrap();
        config.max_live_queue_events = 1_000_000.try_into().unwrap();
        config.max_live_queue_bytes = bytesize::ByteSize::gib(1);
    })
    .await;
    let _stuck = reqwest::get(format!("http://{}/v1/live", running.address)).await.unwrap();
    let url = format!("http://{}/v1/live", running.address);
    let asked = AtomicU64::new(0);
    until(async || {
        let asked = asked.fetch_add(1, Ordering::Relaxed);
        if asked.is_multiple_of(ASKED_A_BATCH) {
            let start = asked / ASKED_A_BATCH * BATCH;
            rows(start..start + BATCH).insert(&warehouse.owner).await;
        }
        reqwest::get(&url).await.unwrap().status() == 200
    })
    .await;
}

impl Feed {
    async fn open_at(running: &Running, query: &str) -> Self {
        let response = reqwest::get(format!("http://{}/v1/live?{query}", running.address)).await.unwrap();
        let response = http::Response::from(response).map(Body::new);
        let mut feed = Self { body: response.into_body(), text: String::new() };
        assert_eq!(feed.next().await.unwrap().name, "state");
        feed
    }
}

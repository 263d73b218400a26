//! A replay over a WebSocket, as a player uses it.

use std::time::Duration;

use futures::SinkExt;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::server::{Running, serve};
use crate::support::{hear, until};

struct Player(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Player {
    async fn open(running: &Running, query: &str) -> Self {
        let url = format!("ws://{}/v1/sessions/s0/replay?{query}", running.address);
        Self(connect_async(url).await.unwrap().0)
    }

    async fn say(&mut self, command: Value) {
        self.0.send(Message::text(command.to_string())).await.unwrap();
    }

    async fn hear(&mut self) -> Value {
        hear(&mut self.0).await
    }
}

/// The minute after eight at which an event of the sample was.
fn minute(message: &Value) -> u64 {
    assert_eq!(message["type"], "event", "{message}");
    let time = message["id"].as_str().unwrap().strip_suffix("-0").unwrap();
    (time.parse::<u64>().unwrap() / 1_000_000_000 - 1_795_075_200) / 60
}

fn state(paused: bool, speed: impl Into<Value>) -> Value {
    json!({ "type": "state", "paused": paused, "speed": speed.into() })
}

#[tokio::test]
async fn a_player_pauses_changes_speed_moves_and_goes_on_after_the_end() {
    let running = serve(&[], |_| {}).await;
    let mut player = Player::open(&running, "speed=0.1").await;
    assert_eq!(player.hear().await, state(false, json!(0.1)));
    let first = player.hear().await;
    assert_eq!(
        (minute(&first), &first["signal"], &first["event"]["name"]),
        (0, &json!("logs"), &json!("user_prompt"))
    );

    player.say(json!({ "type": "pause" })).await;
    assert_eq!(player.hear().await, state(true, json!(0.1)));
    player.say(json!({ "type": "speed", "speed": "max" })).await;
    assert_eq!(player.hear().await, state(true, json!("max")));
    player.say(json!({ "type": "seek", "to": "2026-11-19T12:42:00Z" })).await;
    assert_eq!(player.hear().await, state(true, json!("max")), "held, so no event comes");
    player.say(json!({ "type": "resume" })).await;
    assert_eq!(player.hear().await, state(false, json!("max")));
    for expected in [282, 288, 294] {
        assert_eq!(minute(&player.hear().await), expected);
    }
    assert_eq!(player.hear().await, json!({ "type": "end" }));

    player.say(json!({ "type": "seek", "to": "1970-01-01T00:00:00Z" })).await;
    assert_eq!(player.hear().await, state(false, json!("max")));
    assert_eq!(minute(&player.hear().await), 0, "from the beginning again");
}

#[tokio::test]
async fn what_is_no_command_changes_nothing() {
    let running = serve(&[], |_| {}).await;
    let mut player = Player::open(&running, "speed=0.1").await;
    player.hear().await;
    player.hear().await;
    player.say(json!({ "type": "rewind" })).await;
    assert_eq!(player.hear().await["type"], "error");
    player.0.send(Message::binary(vec![1, 2])).await.unwrap();
    assert_eq!(player.hear().await, json!({ "type": "error", "detail": "commands are text" }));
    player.say(json!({ "type": "pause" })).await;
    assert_eq!(player.hear().await, state(true, json!(0.1)));
}

#[tokio::test]
async fn commands_are_counted_as_requests_are() {
    let running = serve(&[], |config| {
        config.requests_per_second = 1.try_into().unwrap();
        config.burst = 2.try_into().unwrap();
    })
    .await;
    let mut player = Player::open(&running, "speed=0.1").await;
    player.hear().await;
    player.hear().await;
    player.say(json!({ "type": "pause" })).await;
    assert_eq!(player.hear().await["type"], "state");
    player.say(json!({ "type": "pause" })).await;
    assert_eq!(
        player.hear().await,
        json!({ "type": "error", "detail": "too many commands; wait for 1 seconds" })
    );
}

#[tokio::test]
async fn a_player_that_goes_away_or_says_nothing_for_too_long_gives_its_place_back() {
    let running = serve(&[], |config| {
        config.max_replays = 1.try_into().unwrap();
        config.max_replay_idle = Duration::from_secs(60);
    })
    .await;
    let mut player = Player::open(&running, "speed=0.1").await;
    player.hear().await;
    let url = format!("ws://{}/v1/sessions/s0/replay", running.address);
    match connect_async(&url).await.unwrap_err() {
        Error::Http(response) => assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE),
        other => panic!("{other}"),
    }
    // Cut, not closed: as when a laptop's lid falls.
    drop(player);
    until(async || connect_async(&url).await.is_ok()).await;
}

#[tokio::test]
async fn told_to_stop_the_gateway_says_so_to_players() {
    let running = serve(&[], |_| {}).await;
    let mut player = Player::open(&running, "speed=0.1").await;
    player.hear().await;
    player.hear().await;
    running.stop.cancel();
    assert_eq!(player.hear().await, json!({ "closed": 1001 }));
    running.served.await.unwrap();
}

#[tokio::test]
async fn a_page_of_another_site_may_not_open_one() {
    let running = serve(&[], |_| {}).await;
    let url = format!("ws://{}/v1/sessions/s0/replay", running.address);
    for (origin, is_let_in) in
        [("https://evil.example".to_owned(), false), (format!("http://{}", running.address), true)]
    {
        let mut request = url.as_str().into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        match connect_async(request).await {
            Ok(_) => assert!(is_let_in, "{origin}"),
            Err(Error::Http(response)) => {
                assert_eq!((response.status(), is_let_in), (StatusCode::FORBIDDEN, false), "{origin}");
            }
            Err(other) => panic!("{other}"),
        }
    }
    let ask = || {
        let address = format!("http://{}/v1/sessions/s0/replay", running.address);
        reqwest::Client::new().get(address).header("upgrade", "websocket")
    };
    let whole = ask()
        .header("connection", "upgrade")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("origin", "https://evil.example");
    for (request, status, kind) in [(ask(), 400, "bad-upgrade"), (whole, 403, "foreign-origin")] {
        let reply = request.send().await.unwrap();
        assert_eq!(reply.status(), status);
        let problem: Value = reply.json().await.unwrap();
        assert_eq!(problem["type"], format!("urn:granary:problem:{kind}"));
    }
}

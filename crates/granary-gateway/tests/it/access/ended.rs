//! A key that is not taken any more ends what goes on with it.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use granary_access::{JwtAlgorithm, JwtConfig, NewKey, Role};
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::keys::{Keys, signed};
use crate::server::{Running, serve};

const REPLAY: &str = "/v1/sessions/s1/replay?speed=0.1";
const LIVE: &str = "/v1/live";

/// A gateway with one place for a replay and one for a feed.
async fn gateway(keys: &Keys, jwt: JwtConfig) -> Running {
    let file = keys.file();
    serve(&[], |config| {
        config.keys_file = file;
        config.jwt = jwt;
        (config.max_replays, config.max_live) = (1.try_into().unwrap(), 1.try_into().unwrap());
    })
    .await
}

async fn get(running: &Running, path: &str, key: &str) -> Response {
    let request = Client::new().get(format!("http://{}{path}", running.address));
    request.bearer_auth(key).send().await.unwrap()
}

/// The names and data of the events up to the end, and whether the answer was cut off there.
async fn events(mut answer: Response) -> (Vec<(String, Value)>, bool) {
    assert_eq!(answer.status(), StatusCode::OK);
    let (mut text, mut is_cut) = (String::new(), false);
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => text.push_str(std::str::from_utf8(&chunk).unwrap()),
            Ok(None) => break,
            Err(_) => {
                is_cut = true;
                break;
            }
        }
    }
    let field = |block: &str, name: &str| {
        let of = |line: &str| Some(line.strip_prefix(name)?.strip_prefix(": ")?.to_owned());
        block.lines().find_map(of)
    };
    let blocks = text.split("\n\n");
    let events = blocks.filter_map(|block| {
        Some((field(block, "event")?, serde_json::from_str(&field(block, "data")?).unwrap()))
    });
    (events.collect(), is_cut)
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn socket(running: &Running, path: &str, key: &str) -> Socket {
    let mut request = format!("ws://{}{path}", running.address).into_client_request().unwrap();
    request.headers_mut().insert("x-api-key", key.parse().unwrap());
    connect_async(request).await.unwrap().0
}

/// What is said up to the end, and code and reason of that.
async fn messages(mut socket: Socket) -> (Vec<Value>, (u16, String)) {
    let mut messages = Vec::new();
    loop {
        match socket.next().await.expect("it is closed in good order").unwrap() {
            Message::Text(text) => messages.push(serde_json::from_str(&text).unwrap()),
            Message::Close(frame) => {
                let frame = frame.unwrap();
                return (messages, (frame.code.into(), frame.reason.to_string()));
            }
            _ => {}
        }
    }
}

fn revoked() -> Value {
    json!({ "reason": "key_revoked", "detail": "the key was revoked; ask for a new one" })
}

async fn within<T>(ended: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), ended).await.expect("it ends by itself")
}

#[tokio::test]
async fn a_revoked_key_ends_replays_and_feeds_that_have_begun_says_why_and_gives_their_places_back() {
    let keys = Keys::none();
    let (key, other) = (keys.of(Role::Analyst), keys.of(Role::Analyst));
    let running = gateway(&keys, JwtConfig::default()).await;
    let (replay, feed) = tokio::join!(get(&running, REPLAY, &key), get(&running, LIVE, &key));
    for path in [REPLAY, LIVE] {
        assert_eq!(get(&running, path, &other).await.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
    keys.change(&key, |key| key.revoked = Some(Timestamp::now()));
    let (replay, feed) = within(async { tokio::join!(events(replay), events(feed)) }).await;
    assert_eq!(replay.0.last(), Some(&("over".to_owned(), revoked())));
    assert!(replay.1, "it does not look as if it had come to its end");
    assert_eq!(feed.0.last(), Some(&("over".to_owned(), revoked())));
    for path in [REPLAY, LIVE] {
        assert_eq!(get(&running, path, &other).await.status(), StatusCode::OK, "{path}");
        assert_eq!(get(&running, path, &key).await.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn over_a_websocket_a_revoked_key_ends_them_with_a_message_and_a_code() {
    let keys = Keys::none();
    let (key, other) = (keys.of(Role::Analyst), keys.of(Role::Analyst));
    let running = gateway(&keys, JwtConfig::default()).await;
    let (mut replay, feed) = (socket(&running, REPLAY, &key).await, socket(&running, LIVE, &key).await);
    // A player that holds its replay is not passed over.
    replay.send(Message::text(json!({ "type": "pause" }).to_string())).await.unwrap();
    keys.change(&key, |key| key.revoked = Some(Timestamp::now()));
    for ended in within(async { [messages(replay).await, messages(feed).await] }).await {
        let (messages, closed) = ended;
        let mut last = revoked();
        last["type"] = json!("over");
        assert_eq!(messages.last(), Some(&last));
        assert_eq!(closed, (1008, "the key was revoked; ask for a new one".to_owned()));
    }
    for path in [REPLAY, LIVE] {
        let mut socket = socket(&running, path, &other).await;
        assert!(matches!(socket.next().await.unwrap().unwrap(), Message::Text(_)), "the place is free");
    }
}

#[tokio::test]
async fn a_key_or_token_whose_time_comes_ends_them_too() {
    const SECRET: &[u8; 32] = b"0123456789abcdef0123456789abcdef";
    let keys = Keys::none();
    let soon = Timestamp::now() + SignedDuration::from_secs(3);
    let key = keys.add(NewKey { expires: Some(soon), ..keys.new_key(Role::Analyst) });
    let secret_file = keys.path("secret");
    std::fs::write(&secret_file, SECRET).unwrap();
    let jwt = JwtConfig {
        algorithm: JwtAlgorithm::Hs256,
        secret_file: Some(secret_file),
        issuer: "https://issuer.example".to_owned(),
        audience: "granary".to_owned(),
        ..JwtConfig::default()
    };
    let claims = json!({
        "sub": "someone", "iss": "https://issuer.example", "aud": "granary", "exp": soon.as_second(),
        "tenant": "default", "role": "analyst",
    });
    let token = signed(&claims, SECRET);
    let running = gateway(&keys, jwt).await;
    let (replay, feed) = (get(&running, REPLAY, &key).await, get(&running, LIVE, &token).await);
    let (replay, feed) = within(async { tokio::join!(events(replay), events(feed)) }).await;
    let reason = |events: &[(String, Value)]| events.last().unwrap().1["reason"].clone();
    assert_eq!((reason(&replay.0), reason(&feed.0)), (json!("key_expired"), json!("jwt_expired")));
}

//! A session again, as server-sent events.

use axum::body::Body;
use granary_gateway::{Catalogue, GatewayConfig};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;

use crate::support::{TestGateway, archive, sample};

async fn gateway(configure: impl FnOnce(&mut GatewayConfig)) -> TestGateway {
    let catalogue = Catalogue::embedded().unwrap();
    TestGateway::over(&sample().await.reader_config, catalogue, Some(archive().await), configure)
}

/// Id, name and data of each event.
fn events(text: &str) -> Vec<(u64, String, Value)> {
    let event = |block: &str| {
        let field = |name: &str| {
            let value = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            value.unwrap_or_else(|| panic!("no {name} in {block:?}")).to_owned()
        };
        (field("id").parse().unwrap(), field("event"), serde_json::from_str(&field("data")).unwrap())
    };
    text.split("\n\n").filter(|block| !block.is_empty() && !block.starts_with(':')).map(event).collect()
}

fn coming_back(after: u64) -> Request<Body> {
    Request::get("/v1/sessions/s0/replay?speed=max")
        .header("last-event-id", after.to_string())
        .body(Body::empty())
        .unwrap()
}

#[tokio::test]
async fn every_event_of_the_session_comes_once_in_order_and_nothing_else() {
    let reply = gateway(|_| {}).await.get("/v1/sessions/s0/replay?speed=max").await;
    assert_eq!(reply.headers["content-type"], "text/event-stream");
    let events = events(reply.text());
    assert_eq!(events.iter().map(|(id, ..)| *id).collect::<Vec<_>>(), (1..=50).collect::<Vec<_>>());
    for (_, name, data) in &events {
        assert_eq!((name.as_str(), &data["session"]), ("logs", &"s0".into()), "{data}");
        assert_ne!(data["user"], "theirs@example.com");
    }
    assert_eq!(events[0].2["name"], "user_prompt");
    assert!(events.windows(2).all(|pair| pair[0].2["time"].as_str() < pair[1].2["time"].as_str()));
}

#[tokio::test]
async fn the_first_event_does_not_wait_for_the_second() {
    let gateway = gateway(|_| {}).await;
    let request = Request::get("/v1/sessions/s0/replay?speed=0.1").body(Body::empty()).unwrap();
    let mut body = gateway.begin(request).await.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(events(std::str::from_utf8(&first).unwrap())[0].0, 1);
    assert!(futures::poll!(std::pin::pin!(body.frame())).is_pending());
}

#[tokio::test]
async fn a_client_that_comes_back_goes_on_behind_what_it_saw() {
    let gateway = gateway(|_| {}).await;
    let reply = gateway.send(coming_back(48)).await;
    assert_eq!(events(reply.text()).iter().map(|(id, ..)| *id).collect::<Vec<_>>(), [49, 50]);
    let reply = gateway.send(coming_back(50)).await;
    assert_eq!(
        (reply.status, reply.text()),
        (StatusCode::NO_CONTENT, ""),
        "there is no more, so it need not come again"
    );
}

#[tokio::test]
async fn what_cannot_be_replayed_is_said() {
    let gateway = gateway(|_| {}).await;
    let mut said = Vec::new();
    for path in [
        "nobody/replay",
        "s0/replay?speed=0",
        "s0/replay?speed=fast",
        "s0/replay?spede=1",
        "s0/replay?speed=1&speed=2",
    ] {
        let reply = gateway.get(&format!("/v1/sessions/{path}")).await;
        said.push(format!("{} {}", reply.status.as_u16(), reply.problem()["detail"].as_str().unwrap()));
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    404 there is no session "nobody"
    400 the parameter speed is "0"; expected a factor from 0.1 to 1000, or max
    400 the parameter speed is "fast"; expected a factor from 0.1 to 1000, or max
    400 there is no parameter "spede"; there are speed
    400 the parameter speed is given 2 times; it has one value
    "#);
}

#[tokio::test]
async fn so_many_replays_are_under_way_and_the_next_is_turned_away() {
    let gateway = gateway(|config| config.max_replays = 1.try_into().unwrap()).await;
    let request = || Request::get("/v1/sessions/s0/replay").body(Body::empty()).unwrap();
    let first = gateway.begin(request()).await;
    let second = gateway.send(request()).await;
    assert_eq!(
        (second.status, second.headers["retry-after"].to_str().unwrap()),
        (StatusCode::SERVICE_UNAVAILABLE, "10")
    );
    drop(first);
    assert_eq!(gateway.begin(request()).await.status(), StatusCode::OK);
}

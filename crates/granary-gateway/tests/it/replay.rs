//! A session again, as server-sent events.

use std::time::Duration;

use axum::body::Body;
use granary_gateway::{Catalogue, GatewayConfig};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;

use crate::support::{TestGateway, archive, sample, until};

async fn gateway(configure: impl FnOnce(&mut GatewayConfig)) -> TestGateway {
    let catalogue = Catalogue::embedded().unwrap();
    TestGateway::over(&sample().await.reader_config, catalogue, Some(archive().await), configure)
}

/// Id, name and data of each event.
fn events(text: &str) -> Vec<(String, String, Value)> {
    let event = |block: &str| {
        let field = |name: &str| {
            let value = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            value.unwrap_or_else(|| panic!("no {name} in {block:?}")).to_owned()
        };
        (field("id"), field("event"), serde_json::from_str(&field("data")).unwrap())
    };
    text.split("\n\n").filter(|block| !block.is_empty() && !block.starts_with(':')).map(event).collect()
}

fn coming_back(after: &str, more: &str) -> Request<Body> {
    Request::get(format!("/v1/sessions/s0/replay?speed=0.1{more}"))
        .header("last-event-id", after)
        .body(Body::empty())
        .unwrap()
}

/// The id of the event that the sample has so many minutes after eight.
fn id(minute: u64) -> String {
    format!("{}-0", (1_795_075_200 + 60 * minute) * 1_000_000_000)
}

#[tokio::test]
async fn every_event_of_the_session_comes_once_in_order_and_nothing_else() {
    let reply = gateway(|_| {}).await.get("/v1/sessions/s0/replay?speed=max").await;
    assert_eq!(reply.headers["content-type"], "text/event-stream");
    let events = events(reply.text());
    assert_eq!(
        events.iter().map(|(id, ..)| id.clone()).collect::<Vec<_>>(),
        (0..50).map(|n| id(6 * n)).collect::<Vec<_>>()
    );
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
    assert_eq!(events(std::str::from_utf8(&first).unwrap())[0].0, id(0));
    assert!(futures::poll!(std::pin::pin!(body.frame())).is_pending());
}

#[tokio::test]
async fn a_client_that_comes_back_goes_on_behind_what_it_saw_without_waiting_for_that() {
    let gateway = gateway(|_| {}).await;
    let mut body = gateway.begin(coming_back(&id(48 * 6), "")).await.into_body();
    let next = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(
        events(std::str::from_utf8(&next).unwrap())[0].0,
        id(49 * 6),
        "at once, at a tenth of the speed"
    );
    let reply = gateway.send(coming_back(&id(49 * 6), "")).await;
    assert_eq!(
        (reply.status, reply.text()),
        (StatusCode::NO_CONTENT, ""),
        "there is no more, so it need not come again"
    );
    let reply = gateway.send(coming_back("49", "")).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        reply.problem()["detail"],
        "the parameter Last-Event-ID is \"49\"; expected the id of an event of this replay, such as 1795165605889000000-0"
    );
}

#[tokio::test]
async fn a_part_of_a_session_is_played_by_time_and_signal() {
    let gateway = gateway(|_| {}).await;
    let ids = async |params: &str| {
        let reply = gateway.get(&format!("/v1/sessions/s0/replay?speed=max&{params}")).await;
        events(reply.text()).into_iter().map(|(id, ..)| id).collect::<Vec<_>>()
    };
    assert_eq!(
        ids("from=2026-11-19T08:12:00Z&to=2026-11-19T08:24:00Z").await,
        [id(12), id(18)],
        "from belongs to it, to does not"
    );
    assert_eq!(ids("signals=logs&to=2026-11-19T08:01:00Z").await, [id(0)]);
    let none = gateway.get("/v1/sessions/s0/replay?speed=max&signals=traces,metrics").await;
    assert_eq!((none.status, none.text()), (StatusCode::NO_CONTENT, ""));
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
        "s0/replay?max_gap=1h",
        "s0/replay?signals=logs,prompts",
        "s0/replay?from=2026-11-19T08:00:00Z&to=2026-11-19T08:00:00Z",
    ] {
        let reply = gateway.get(&format!("/v1/sessions/{path}")).await;
        said.push(format!("{} {}", reply.status.as_u16(), reply.problem()["detail"].as_str().unwrap()));
    }
    insta::assert_snapshot!(said.join("\n"), @r#"
    404 there is no session "nobody"
    400 the parameter speed is "0"; expected a factor from 0.1 to 1000, or max
    400 the parameter speed is "fast"; expected a factor from 0.1 to 1000, or max
    400 there is no parameter "spede"; there are speed, max_gap, from, to, signals
    400 the parameter speed is given 2 times; it has one value
    400 the parameter max_gap is "1h"; expected a duration such as 10s or 500ms, 1m at most
    400 the parameter signals is "logs,prompts"; expected one or more of logs, traces and metrics, with commas between them
    400 the range from 2026-11-19T08:00:00Z to 2026-11-19T08:00:00Z is empty; expected from before to
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
    until(async || gateway.begin(request()).await.status() == StatusCode::OK).await;
}

/// Plays at full speed for a client that takes nothing, so that it waits at once.
fn stalled() -> Request<Body> {
    Request::get("/v1/sessions/s0/replay?speed=max").body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_client_that_takes_nothing_loses_its_place_and_is_told_that_it_was_not_all() {
    let gateway = gateway(|config| {
        config.max_replays = 1.try_into().unwrap();
        config.max_replay_idle = Duration::from_millis(50);
    })
    .await;
    let stalled_client = gateway.begin(stalled()).await;
    until(async || gateway.begin(stalled()).await.status() == StatusCode::OK).await;
    stalled_client.into_body().collect().await.unwrap_err();
}

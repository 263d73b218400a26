//! One heavy caller does not slow the others down: by order, not by the clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::StatusCode;

use crate::support::{ONE_ROW, THE_DAY, TestGateway, from, until};

const HEAVY: [u8; 4] = [127, 0, 2, 1];
const LIGHT: [u8; 4] = [127, 0, 2, 2];

/// Runs until its answer is dropped.
fn long() -> String {
    format!("SELECT number AS n, repeat('x', 1000) AS x FROM numbers(100000) AS many, {ONE_ROW}")
}

#[tokio::test]
async fn a_light_caller_s_query_is_served_next_behind_forty_of_a_heavy_caller() {
    let gateway = Arc::new(
        TestGateway::with_queries(&[("long", &long())], |config| {
            config.max_concurrent_queries = 1.try_into().unwrap();
            config.max_wait = Duration::from_secs(600);
        })
        .await,
    );
    let running = gateway.begin(from(HEAVY, "/v1/queries/long.csv")).await;
    let served = Arc::new(Mutex::new(Vec::new()));
    let mut waiting = Vec::new();
    let callers = std::iter::repeat_n(HEAVY, 40).chain([LIGHT]);
    for (number, address) in (1..).zip(callers) {
        let (gateway, served) = (Arc::clone(&gateway), Arc::clone(&served));
        let asks = Arc::clone(&gateway);
        waiting.push(tokio::spawn(async move {
            let answer = asks
                .begin(from(address, &format!("/v1/queries/sessions.json?{THE_DAY}&limit={number}")))
                .await;
            assert_eq!(answer.status(), StatusCode::OK);
            // Before the answer, and with it the place, is let go.
            served.lock().unwrap().push(address);
        }));
        until(async || gateway.metric("granary_gateway_waiting_queries").await == number).await;
    }
    drop(running);
    for waiting in waiting {
        waiting.await.unwrap();
    }
    let served = served.lock().unwrap();
    assert_eq!((served.len(), served[0]), (41, LIGHT));
}

#[tokio::test]
async fn a_heavy_caller_leaves_places_to_others_even_if_nobody_else_asks() {
    let gateway = TestGateway::with_queries(&[("long", &long())], |config| {
        config.max_concurrent_queries = 3.try_into().unwrap();
        config.max_concurrent_per_caller = 2;
        config.max_wait = Duration::from_secs(600);
    })
    .await;
    let _first = gateway.begin(from(HEAVY, "/v1/queries/long.csv")).await;
    let _second = gateway.begin(from(HEAVY, "/v1/queries/long.csv")).await;
    let mut third = Box::pin(gateway.begin(from(HEAVY, "/v1/queries/long.csv")));
    assert!(futures::poll!(third.as_mut()).is_pending());
    assert_eq!(gateway.metric("granary_gateway_running_queries").await, 2);
    let light = gateway.send(from(LIGHT, &format!("/v1/queries/sessions.json?{THE_DAY}"))).await;
    assert_eq!(light.status, StatusCode::OK);
    assert_eq!(gateway.metric("granary_gateway_waiting_queries").await, 1);
}

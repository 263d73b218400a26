//! What an operator sees of the gateway.

use std::collections::BTreeSet;

use granary_testkit::{metrics_documented, metrics_told};
use http::StatusCode;

use crate::support::{THE_DAY, TestGateway};

#[tokio::test]
async fn requests_are_counted_by_route_and_status_and_never_by_what_a_caller_wrote() {
    let gateway = TestGateway::new().await;
    for _ in 0..2 {
        let answer = gateway.get(&format!("/v1/queries/sessions.json?{THE_DAY}")).await;
        assert_eq!(answer.status, StatusCode::OK);
    }
    assert_eq!(gateway.get("/v1/queries/mine.json").await.status, StatusCode::NOT_FOUND);
    assert_eq!(gateway.get("/anybody's/guess").await.status, StatusCode::NOT_FOUND);
    let metrics = gateway.get("/metrics").await.text().to_owned();
    for line in [
        "granary_gateway_requests_total{route=\"/v1/queries/{file}\",code=\"200\"} 2",
        "granary_gateway_requests_total{route=\"/v1/queries/{file}\",code=\"404\"} 1",
        "granary_gateway_requests_total{route=\"none\",code=\"404\"} 1",
        "granary_gateway_answer_seconds_count{route=\"/v1/queries/{file}\"} 3",
    ] {
        assert!(metrics.lines().any(|told| told == line), "{line} in {metrics}");
    }
    assert!(!metrics.contains("mine") && !metrics.contains("guess"), "{metrics}");
}

/// Series come with the first of their kind, so what is told is less than there may be.
#[tokio::test]
async fn what_is_told_is_in_the_documentation() {
    let gateway = TestGateway::new().await;
    gateway.get("/v1/queries").await;
    let told = metrics_told(gateway.get("/metrics").await.text());
    let documented: BTreeSet<_> = [
        include_str!("../../src/metrics.rs"),
        include_str!("../../src/cache/metrics.rs"),
        include_str!("../../src/catalogue/live.rs"),
    ]
    .into_iter()
    .flat_map(metrics_documented)
    .collect();
    assert!(told.len() > 8, "{told:?}");
    assert_eq!(told.difference(&documented).collect::<Vec<_>>(), Vec::<&String>::new());
}

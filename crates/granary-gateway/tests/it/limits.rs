//! Each limit of caller, tenant and all, provoked: status, members and headers.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytesize::ByteSize;
use granary_gateway::{Catalogue, GatewayConfig};
use http::StatusCode;
use serde_json::json;

use crate::support::{ONE_ROW, Reply, THE_DAY, TestGateway, filled, from, until};

const A: [u8; 4] = [127, 0, 2, 1];
const B: [u8; 4] = [127, 0, 2, 2];

async fn gateway(configure: impl FnOnce(&mut GatewayConfig)) -> TestGateway {
    TestGateway::with(Catalogue::embedded().unwrap(), configure).await
}

/// Another one each time: a kept answer costs nothing.
fn a_query() -> String {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    format!("/v1/queries/sessions.json?{THE_DAY}&limit={}", 100 + ASKED.fetch_add(1, Ordering::Relaxed))
}

/// Refused with these members and a `Retry-After` that says the same.
fn is_refused(reply: &Reply, status: StatusCode, kind: &str, limit: &str, of: &str, value: u64) {
    let problem = reply.problem();
    assert_eq!(reply.status, status, "{problem}");
    assert_eq!(
        json!([problem["type"], problem["limit"], problem["of"], problem["value"]]),
        json!([format!("urn:granary:problem:{kind}"), limit, of, value])
    );
    assert_eq!(problem["reset"].to_string(), reply.headers["retry-after"].to_str().unwrap());
    assert!(problem["reset"].as_u64().unwrap() > 0, "{problem}");
}

#[tokio::test]
async fn a_tenant_has_an_allowance_for_all_its_callers() {
    let gateway = gateway(|config| (config.tenant_requests_per_second, config.tenant_burst) = (1, 2)).await;
    for address in [A, B] {
        assert_eq!(gateway.send(from(address, "/v1/queries")).await.status, StatusCode::OK);
    }
    let reply = gateway.send(from([127, 0, 2, 3], "/v1/queries")).await;
    is_refused(&reply, StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "requests", "tenant", 2);
    let left = reply.headers["ratelimit"].to_str().unwrap();
    assert!(left.contains("\"tenant\";r=0;t="), "{left}");
    assert_eq!(
        gateway.metric("granary_gateway_refused_requests_total{limit=\"requests\",of=\"tenant\"}").await,
        1
    );
}

#[tokio::test]
async fn everybody_has_one_together_which_the_headers_do_not_tell() {
    let gateway = gateway(|config| (config.total_requests_per_second, config.total_burst) = (1, 1)).await;
    let answered = gateway.send(from(A, "/v1/queries")).await;
    assert!(!answered.headers["ratelimit-policy"].to_str().unwrap().contains("total"));
    let reply = gateway.send(from(B, "/v1/queries")).await;
    is_refused(&reply, StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "requests", "total", 1);
}

#[tokio::test]
async fn a_caller_that_has_read_its_rows_is_refused_and_others_are_not() {
    let gateway = gateway(|config| config.rows_per_hour = 10).await;
    let answered = gateway.send(from(A, &a_query())).await;
    assert_eq!(answered.status, StatusCode::OK);
    assert!(answered.headers["ratelimit-policy"].to_str().unwrap().contains("\"rows\";q=10;w=3600"));
    // It is charged when its last byte was taken, which is a moment after it was.
    until(async || gateway.metric("granary_gateway_read_rows_total").await > 0).await;
    let reply = gateway.send(from(A, &a_query())).await;
    is_refused(&reply, StatusCode::TOO_MANY_REQUESTS, "budget-used-up", "rows", "caller", 10);
    let left = reply.headers["ratelimit"].to_str().unwrap();
    assert!(left.contains("\"rows\";r=0;t="), "{left}");
    assert_eq!(gateway.send(from(A, "/v1/queries")).await.status, StatusCode::OK, "which reads nothing");
    assert_eq!(gateway.send(from(B, &a_query())).await.status, StatusCode::OK);
}

#[tokio::test]
async fn bytes_are_counted_as_rows_are_for_tenants_and_for_all() {
    let tenant = gateway(|config| config.tenant_bytes_per_hour = ByteSize(100)).await;
    assert_eq!(tenant.send(from(A, &a_query())).await.status, StatusCode::OK);
    until(async || tenant.metric("granary_gateway_read_bytes_total").await > 0).await;
    let reply = tenant.send(from(B, &a_query())).await;
    is_refused(&reply, StatusCode::TOO_MANY_REQUESTS, "budget-used-up", "bytes", "tenant", 100);

    let all = gateway(|config| config.total_rows_per_hour = 10).await;
    assert_eq!(all.send(from(A, &a_query())).await.status, StatusCode::OK);
    until(async || all.metric("granary_gateway_read_rows_total").await > 0).await;
    let reply = all.send(from(B, &a_query())).await;
    is_refused(&reply, StatusCode::SERVICE_UNAVAILABLE, "busy", "rows", "total", 10);
}

#[tokio::test]
async fn a_query_that_fails_or_is_left_is_charged_what_it_had_read() {
    let slow =
        format!("SELECT sum(cityHash64(number, n)) AS x FROM numbers(1000000000000) AS many, {ONE_ROW}");
    let warehouse = filled("charged").await;
    let gateway = TestGateway::audited(&warehouse, &[("slow", &slow)], |config| {
        config.max_query_time = Duration::from_millis(900);
        config.max_rows_to_read = u64::MAX;
    })
    .await;
    assert_eq!(gateway.get("/v1/queries/slow.json").await.status, StatusCode::GATEWAY_TIMEOUT);
    let failed = gateway.metric("granary_gateway_read_rows_total").await;
    assert!(failed > 100_000, "{failed}");
}

/// Much more than is sent and kept before anybody reads: it runs until its answer is dropped.
fn long() -> String {
    format!("SELECT number AS n, repeat('x', 1000) AS x FROM numbers(100000) AS many, {ONE_ROW}")
}

#[tokio::test]
async fn one_caller_has_so_many_places_and_so_many_may_wait_for_them() {
    let gateway = TestGateway::with_queries(&[("long", &long())], |config| {
        config.max_concurrent_per_caller = 1;
        config.max_waiting_per_caller = 0;
        config.max_wait = Duration::from_millis(50);
    })
    .await;
    let _running = gateway.begin(from(A, "/v1/queries/long.csv")).await;
    let reply = gateway.send(from(A, &a_query())).await;
    is_refused(&reply, StatusCode::TOO_MANY_REQUESTS, "too-many-queries", "concurrent", "caller", 1);
    assert_eq!(gateway.send(from(B, &a_query())).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_caller_s_line_and_everybody_s_line_are_bounded() {
    let gateway = TestGateway::with_queries(&[("long", &long())], |config| {
        config.max_concurrent_queries = 1.try_into().unwrap();
        config.max_waiting_per_caller = 1;
        config.max_waiting_queries = 2;
        config.max_wait = Duration::from_secs(600);
    })
    .await;
    let _running = gateway.begin(from(A, "/v1/queries/long.csv")).await;
    let path = "granary_gateway_waiting_queries";
    #[expect(clippy::async_yields_async, reason = "who waits is kept waiting")]
    let waits = async |address, number| {
        let mut asked = Box::pin(gateway.begin(from(address, &a_query())));
        assert!(futures::poll!(asked.as_mut()).is_pending());
        assert_eq!(gateway.metric(path).await, number);
        asked
    };
    let _first = waits(A, 1).await;
    let reply = gateway.send(from(A, &a_query())).await;
    is_refused(&reply, StatusCode::TOO_MANY_REQUESTS, "too-many-queries", "waiting", "caller", 1);
    let _second = waits(B, 2).await;
    let reply = gateway.send(from([127, 0, 2, 3], &a_query())).await;
    is_refused(&reply, StatusCode::SERVICE_UNAVAILABLE, "busy", "waiting", "total", 2);
}

#[tokio::test]
async fn a_tenant_has_so_many_places() {
    let gateway = TestGateway::with_queries(&[("long", &long())], |config| {
        config.max_concurrent_per_tenant = 1;
        config.max_wait = Duration::from_millis(50);
    })
    .await;
    let _running = gateway.begin(from(A, "/v1/queries/long.csv")).await;
    let reply = gateway.send(from(B, &a_query())).await;
    is_refused(&reply, StatusCode::TOO_MANY_REQUESTS, "too-many-queries", "concurrent", "tenant", 1);
}

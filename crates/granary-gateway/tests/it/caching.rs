//! Answers that are given again: to whom, for how long, and how a client can tell.

use axum::body::Body;
use bytesize::ByteSize;
use granary_gateway::{Catalogue, GatewayConfig};
use http::{Method, Request, StatusCode};

use crate::support::{ONE_ROW, Reply, THE_DAY, TestGateway, is_running, until};

/// Another answer each time it is run.
fn unique() -> String {
    format!("SELECT generateUUIDv4() AS x FROM {ONE_ROW}")
}

/// Takes a place at the engine until its answer is dropped.
fn long() -> String {
    format!("SELECT number AS n, repeat('x', 1000) AS x FROM numbers(100000) AS many, {ONE_ROW}")
}

fn found(reply: &Reply) -> &str {
    assert_eq!(reply.status, StatusCode::OK, "{:?}", reply.body);
    reply.headers["x-cache"].to_str().unwrap()
}

async fn gateway(configure: impl FnOnce(&mut GatewayConfig)) -> TestGateway {
    TestGateway::with_kept_queries(&[("unique", &unique()), ("long", &long())], configure).await
}

#[tokio::test]
async fn the_same_question_has_the_same_answer_until_somebody_wants_it_anew() {
    let gateway = gateway(|_| {}).await;
    let path = "/v1/queries/unique.csv?from=-24h";
    let first = gateway.get(path).await;
    assert_eq!(
        (found(&first), &first.headers["cache-control"]),
        ("miss", &"private, max-age=60".parse().unwrap())
    );
    let second = gateway.get(path).await;
    assert_eq!((found(&second), second.text()), ("hit", first.text()));
    assert_eq!(second.headers["age"], "0");
    assert_eq!(second.headers["etag"], first.headers["etag"]);
    let same_in_other_words = gateway.get("/v1/queries/unique.csv?to=now&from=-1d").await;
    assert_ne!(same_in_other_words.text(), first.text(), "to was not given before, and a default may change");
    for other in
        ["/v1/queries/unique.csv?from=-23h", "/v1/queries/unique.json?from=-24h", "/v1/queries/unique.csv"]
    {
        assert_eq!(found(&gateway.get(other).await), "miss", "{other}");
    }
    let kept_out = gateway.get_with(path, "cache-control", "no-store").await;
    assert_eq!(found(&kept_out), "bypass");
    assert_eq!(gateway.get(path).await.text(), first.text());
    let anew = gateway.get_with(path, "cache-control", "no-cache").await;
    assert_eq!(found(&anew), "miss");
    assert_ne!(anew.text(), first.text());
    assert_eq!(gateway.get(path).await.text(), anew.text(), "the newer one is kept");
}

#[tokio::test]
async fn a_query_without_a_cache_time_is_asked_each_time() {
    let gateway = TestGateway::with_queries(&[("unique", &unique())], |_| {}).await;
    let first = gateway.get("/v1/queries/unique.csv").await;
    let second = gateway.get("/v1/queries/unique.csv").await;
    assert_eq!((found(&first), found(&second)), ("bypass", "bypass"));
    assert_ne!(first.text(), second.text());
}

#[tokio::test]
async fn whoever_has_the_answer_is_told_so_and_head_has_the_headers_of_get() {
    let gateway = gateway(|_| {}).await;
    let path = "/v1/queries/unique.csv";
    let first = gateway.get(path).await;
    let tag = first.headers["etag"].to_str().unwrap();
    let same = gateway.get_with(path, "if-none-match", tag).await;
    assert_eq!((same.status, same.text()), (StatusCode::NOT_MODIFIED, ""));
    for name in ["etag", "cache-control", "vary"] {
        assert_eq!(same.headers[name], first.headers[name]);
    }
    assert_eq!(gateway.get_with(path, "if-none-match", "\"other\"").await.status, StatusCode::OK);

    let request = || Request::get(path).header("accept-encoding", "gzip");
    let zipped = gateway.begin(request().body(Body::empty()).unwrap()).await;
    let other = zipped.headers()["etag"].to_str().unwrap().to_owned();
    assert_ne!(other, tag, "other bytes have another tag");
    let same = gateway.send(request().header("if-none-match", other).body(Body::empty()).unwrap()).await;
    assert_eq!(same.status, StatusCode::NOT_MODIFIED);

    let head = gateway.send(Request::head(path).body(Body::empty()).unwrap()).await;
    assert_eq!((head.status, head.text()), (StatusCode::OK, ""));
    assert_eq!(head.headers["content-length"], first.text().len().to_string());
    for name in ["etag", "content-type", "cache-control", "vary"] {
        assert_eq!(head.headers[name], first.headers[name]);
    }
}

#[tokio::test]
async fn equal_requests_at_the_same_time_are_one_query_whoever_goes_away() {
    let gateway = gateway(|config| {
        config.max_concurrent_queries = 1.try_into().unwrap();
        config.max_waiting_queries = 1;
        config.max_wait = std::time::Duration::from_mins(5);
    })
    .await;
    let other = Request::get("/v1/queries/long.csv?from=-1h").body(Body::empty()).unwrap();
    let running = gateway.begin(other).await;
    let mut first = Box::pin(gateway.get("/v1/queries/unique.csv"));
    let mut second = Box::pin(gateway.get("/v1/queries/unique.csv"));
    let mut third = Box::pin(gateway.get("/v1/queries/unique.csv"));
    for one in [&mut first, &mut second, &mut third] {
        assert!(futures::poll!(one).is_pending());
    }
    drop(first);
    drop(running);
    let (second, third) = tokio::join!(second, third);
    assert_eq!((second.status, second.text()), (StatusCode::OK, third.text()));
    assert_eq!((found(&second), found(&third)), ("wait", "wait"));
}

#[tokio::test]
async fn with_the_last_who_waits_the_query_ends() {
    let slow =
        format!("SELECT sum(cityHash64(number, n)) AS x FROM numbers(1000000000000) AS many, {ONE_ROW}");
    let gateway = std::sync::Arc::new(
        TestGateway::with_kept_queries(&[("nobody_waits", &slow)], |config| {
            config.max_rows_to_read = u64::MAX;
            config.max_query_time = std::time::Duration::from_mins(10);
        })
        .await,
    );
    let ask = || {
        let gateway = std::sync::Arc::clone(&gateway);
        tokio::spawn(async move { gateway.get("/v1/queries/nobody_waits.csv").await.status })
    };
    let (first, second) = (ask(), ask());
    until(|| is_running("nobody_waits")).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert!(is_running("nobody_waits").await, "somebody still waits");
    second.abort();
    until(async || !is_running("nobody_waits").await).await;
}

#[tokio::test]
async fn an_error_is_told_to_all_who_wait_and_not_kept() {
    let sql = format!("SELECT throwIf(now64(3) >= toDateTime64(0, 3)) AS x FROM {ONE_ROW}");
    let gateway = TestGateway::with_kept_queries(&[("failing", &sql)], |_| {}).await;
    let (first, second) =
        tokio::join!(gateway.get("/v1/queries/failing.csv"), gateway.get("/v1/queries/failing.csv"));
    for reply in [&first, &second] {
        assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
        reply.problem();
    }
    assert_eq!(gateway.json("/v1/cache").await["entries"], 0);
}

#[tokio::test]
async fn a_large_answer_is_handed_on_and_not_kept() {
    let gateway = gateway(|config| config.cache_max_answer = ByteSize::kib(100)).await;
    let (first, second) =
        tokio::join!(gateway.get("/v1/queries/long.csv"), gateway.get("/v1/queries/long.csv"));
    assert_eq!((found(&first), found(&second)), ("bypass", "bypass"));
    assert_eq!(first.text().lines().count(), 100_001);
    assert_eq!(first.text(), second.text());
    assert!(!first.headers.contains_key("etag"));
    assert_eq!(gateway.json("/v1/cache").await["entries"], 0);
}

#[tokio::test]
async fn what_is_kept_stays_within_its_bound_and_is_counted() {
    let text = format!("SELECT generateUUIDv4() AS id, repeat('x', 20000) AS x FROM {ONE_ROW}");
    let gateway = TestGateway::with_kept_queries(&[("wide", &text)], |config| {
        config.cache_size = ByteSize::kib(256);
    })
    .await;
    for day in 1..=20 {
        assert_eq!(found(&gateway.get(&format!("/v1/queries/wide.csv?from=-{day}d")).await), "miss");
    }
    let kept = gateway.json("/v1/cache").await;
    assert!(kept["bytes"].as_u64().unwrap() <= 256 * 1024, "{kept}");
    assert!((2..=10).contains(&kept["entries"].as_u64().unwrap()), "{kept}");
    let metrics = gateway.get("/metrics").await;
    let value = |name: &str| {
        let line =
            metrics.text().lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}"));
        line.rsplit_once(' ').unwrap().1.parse::<u64>().unwrap()
    };
    assert_eq!(value("granary_gateway_cache_answers_total{found=\"miss\"}"), 20);
    assert_eq!(value("granary_gateway_cache_bytes"), kept["bytes"].as_u64().unwrap());
    assert_eq!(value("granary_gateway_cache_evictions_total"), 20 - kept["entries"].as_u64().unwrap());
}

#[tokio::test]
async fn a_flush_has_everything_asked_anew() {
    let gateway = gateway(|_| {}).await;
    let first = gateway.get("/v1/queries/unique.csv").await;
    let flush = || Request::builder().method(Method::DELETE).uri("/v1/cache").body(Body::empty()).unwrap();
    assert_eq!(gateway.send(flush()).await.json()["flushed"], 1);
    assert_ne!(gateway.get("/v1/queries/unique.csv").await.text(), first.text());
}

#[tokio::test]
async fn a_kept_answer_counts_as_a_request() {
    let gateway = TestGateway::with(Catalogue::embedded().unwrap(), |config| {
        config.requests_per_second = 1.try_into().unwrap();
        config.burst = 2.try_into().unwrap();
    })
    .await;
    let path = format!("/v1/queries/cost_summary.json?{THE_DAY}");
    assert_eq!(gateway.get(&path).await.status, StatusCode::OK);
    assert_eq!(found(&gateway.get(&path).await), "hit");
    assert_eq!(gateway.get(&path).await.status, StatusCode::TOO_MANY_REQUESTS);
}

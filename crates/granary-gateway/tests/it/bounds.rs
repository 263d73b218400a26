//! Every bound, and what happens at it.

use std::time::Duration;

use bytesize::ByteSize;
use futures::StreamExt;
use granary_clickhouse::Warehouse;
use granary_gateway::{Catalogue, Format, GatewayConfig, RawParams, RunError, Runner};
use granary_model::TenantId;
use http::StatusCode;

use serde_json::{Value, json};

use crate::support::{ONE_ROW, THE_DAY, TestGateway, is_running, operator_dir, sample, until};

fn slow() -> String {
    format!("SELECT sum(cityHash64(number, n)) AS x FROM numbers(1000000000000) AS many, {ONE_ROW}")
}

/// Much more than the engine sends and the gateway keeps before anybody reads.
fn long() -> String {
    format!("SELECT number AS n, repeat('x', 1000) AS x FROM numbers(100000) AS many, {ONE_ROW}")
}

/// Fails a dozen blocks on, when the answer has long begun.
fn failing() -> String {
    format!("SELECT number AS n, throwIf(number = 800000) AS x FROM numbers(900000) AS many, {ONE_ROW}")
}

async fn runner(configure: impl FnOnce(&mut GatewayConfig)) -> Runner {
    let mut config = GatewayConfig::default();
    configure(&mut config);
    Runner::new(Warehouse::new(&sample().await.reader_config), config.query_limits())
}

fn prepared(sql: &str) -> granary_gateway::PreparedQuery {
    let catalogue = Catalogue::load(Some(operator_dir(&[("ours", sql)]).path())).unwrap();
    let now = "2026-11-20T00:00:00Z".parse().unwrap();
    catalogue.get("ours").unwrap().prepare(&TenantId::default(), &RawParams::default(), now).unwrap()
}

/// Which limit a problem is about, whose, and how much it is.
fn limit_of(problem: &Value) -> Value {
    json!([problem["limit"], problem["of"], problem["value"]])
}

#[tokio::test]
async fn past_its_allowance_a_caller_is_told_when_to_come_back() {
    let gateway = TestGateway::with(Catalogue::embedded().unwrap(), |config| {
        config.requests_per_second = 1.try_into().unwrap();
        config.burst = 2.try_into().unwrap();
        (config.tenant_requests_per_second, config.rows_per_hour) = (0, 0);
        config.bytes_per_hour = ByteSize(0);
    })
    .await;
    for left in [1, 0] {
        let reply = gateway.get("/v1/queries").await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.headers["ratelimit-policy"], "\"caller\";q=2;w=2");
        assert_eq!(reply.headers["ratelimit"], format!("\"caller\";r={left};t={}", 2 - left));
    }
    let refused = gateway.get("/v1/queries").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(refused.headers["ratelimit"], "\"caller\";r=0;t=1");
    let problem = refused.problem();
    assert_eq!(problem["type"], "urn:granary:problem:too-many-requests");
    assert_eq!(
        [&problem["limit"], &problem["of"], &problem["value"], &problem["reset"]],
        [&json!("requests"), &json!("caller"), &json!(2), &json!(1)]
    );
    assert_eq!(
        gateway.get("/livez").await.status,
        StatusCode::OK,
        "who watches over the process is not counted"
    );
}

#[tokio::test]
async fn an_answer_with_too_many_rows_is_refused_and_not_cut_short() {
    let gateway =
        TestGateway::with(Catalogue::embedded().unwrap(), |config| config.max_result_rows = 5).await;
    let reply = gateway.get(&format!("/v1/queries/sessions.json?{THE_DAY}")).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(limit_of(&reply.problem()), json!(["result_rows", "query", 5]));
    assert_eq!(
        reply.problem()["detail"],
        "the query needs more rows or bytes in its answer than it may have; ask for a shorter range or fewer rows"
    );
    assert_eq!(gateway.json(&format!("/v1/queries/sessions.json?{THE_DAY}&limit=5")).await["rows"], 5);
}

#[tokio::test]
async fn a_query_that_reads_or_holds_too_much_is_refused() {
    let rows = TestGateway::with(Catalogue::embedded().unwrap(), |config| config.max_rows_to_read = 10).await;
    let reply = rows.get(&format!("/v1/queries/api_errors.json?{THE_DAY}")).await;
    assert_eq!(
        (reply.status, &reply.problem()["type"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &"urn:granary:problem:too-large".into())
    );

    assert_eq!(limit_of(&reply.problem()), json!(["rows_to_read", "query", 10]));

    let hoarding =
        format!("SELECT length(groupArray(number)) AS x FROM numbers(50000000) AS many, {ONE_ROW}");
    let memory = TestGateway::with_queries(&[("hoarding", &hoarding)], |config| {
        config.max_memory_bytes = ByteSize::mib(20);
    })
    .await;
    let reply = memory.get("/v1/queries/hoarding.json").await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{:?}", reply.body);
    assert_eq!(limit_of(&reply.problem()), json!(["memory", "query", 20 << 20]));
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_ended() {
    let gateway = TestGateway::with_queries(&[("slow", &slow())], |config| {
        config.max_query_time = Duration::from_millis(300);
        config.max_rows_to_read = u64::MAX;
    })
    .await;
    let reply = gateway.get("/v1/queries/slow.json").await;
    assert_eq!(reply.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(reply.problem()["type"], "urn:granary:problem:timeout");
    assert_eq!(limit_of(&reply.problem()), json!(["time", "query", 0.3]));
    assert_eq!(
        reply.problem()["detail"],
        "the query ran longer than 300ms; ask for a shorter range or fewer rows"
    );
}

#[tokio::test]
async fn a_warehouse_that_is_not_there_is_unavailable_and_its_address_is_not_told() {
    let warehouse = sample().await;
    let gone = granary_clickhouse::ClickHouseConfig {
        url: "http://127.0.0.1:1".to_owned(),
        ..warehouse.reader_config.clone()
    };
    let gateway = TestGateway::over(&gone, Catalogue::embedded().unwrap(), None, |_| {});
    let reply = gateway.get("/v1/queries/cost_summary.json").await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(reply.headers.contains_key("retry-after"));
    assert_eq!(reply.problem()["detail"], "the warehouse cannot answer now; ask again in a while");
}

#[tokio::test]
async fn what_the_engine_says_of_a_broken_query_is_not_told() {
    let gateway = TestGateway::with_queries(
        &[("broken", &format!("SELECT no_such_column AS x FROM {ONE_ROW}"))],
        |_| {},
    )
    .await;
    let reply = gateway.get("/v1/queries/broken.json").await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!reply.text().contains("no_such_column"), "{:?}", reply.body);
}

#[tokio::test]
async fn an_error_in_the_middle_cuts_the_answer_off() {
    let gateway = TestGateway::with_queries(&[("failing", &failing())], |_| {}).await;
    for format in ["json", "csv", "ndjson"] {
        let reply = gateway.get(&format!("/v1/queries/failing.{format}")).await;
        assert_eq!(reply.status, StatusCode::OK, "the answer had begun");
        assert!(reply.body.is_err(), "{format}");
    }
}

#[tokio::test]
async fn so_many_run_so_many_wait_and_the_next_is_turned_away() {
    let runner = runner(|config| {
        config.max_concurrent_queries = 1.try_into().unwrap();
        config.max_waiting_queries = 1;
        config.max_wait = Duration::from_secs(30);
    })
    .await;
    let running = runner.run(&prepared(&long()), Format::Csv).await.unwrap();
    let short = prepared(&format!("SELECT n AS x FROM {ONE_ROW}"));
    let mut waiting = std::pin::pin!(runner.run(&short, Format::Csv));
    assert!(futures::poll!(waiting.as_mut()).is_pending());
    let turned_away = runner.run(&short, Format::Csv).await.unwrap_err();
    assert_eq!(turned_away.to_string(), "1 queries wait, which is everybody's limit");
    drop(running);
    waiting.await.unwrap();
}

#[tokio::test]
async fn nobody_waits_longer_than_the_limit() {
    let runner = runner(|config| {
        config.max_concurrent_queries = 1.try_into().unwrap();
        config.max_wait = Duration::from_millis(50);
    })
    .await;
    let _running = runner.run(&prepared(&long()), Format::Csv).await.unwrap();
    let error = runner.run(&prepared(&long()), Format::Csv).await.unwrap_err();
    assert_eq!(error.to_string(), "1 queries run, which is everybody's limit, and none ended in time");
}

#[tokio::test]
async fn who_does_not_read_on_is_cut_off_and_gives_the_place_to_the_next() {
    let runner = runner(|config| {
        config.max_concurrent_queries = 1.try_into().unwrap();
        config.max_answer_time = Duration::from_millis(300);
        config.max_wait = Duration::from_secs(30);
    })
    .await;
    let mut asleep = runner.run(&prepared(&long()), Format::Csv).await.unwrap();
    let next = runner.run(&prepared(&format!("SELECT n AS x FROM {ONE_ROW}")), Format::Csv).await.unwrap();
    assert_eq!(next.map(|piece| piece.unwrap().len()).collect::<Vec<_>>().await, [8]);
    let last = loop {
        match asleep.next().await {
            Some(Ok(_)) => {}
            last => break last,
        }
    };
    assert!(matches!(last, Some(Err(RunError::TooSlowlyRead { .. }))), "{last:?}");
}

#[tokio::test]
async fn an_answer_that_nobody_wants_ends_its_query() {
    let runner = runner(|config| {
        config.max_rows_to_read = u64::MAX;
        config.max_query_time = Duration::from_mins(10);
    })
    .await;
    let dir = operator_dir(&[("an_answer_nobody_wants", &slow())]);
    let catalogue = Catalogue::load(Some(dir.path())).unwrap();
    let query = catalogue.get("an_answer_nobody_wants").unwrap();
    let query = query.prepare(&TenantId::default(), &RawParams::default(), jiff::Timestamp::now()).unwrap();
    let asked = tokio::spawn(async move { runner.run(&query, Format::Json).await.map(drop) });
    until(|| is_running("an_answer_nobody_wants")).await;
    asked.abort();
    until(async || !is_running("an_answer_nobody_wants").await).await;
}

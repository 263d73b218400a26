//! Who asked what: that it is written down, whatever came of it.

use axum::body::Body;
use granary_clickhouse::Warehouse;
use granary_gateway::{Catalogue, Scrub};
use granary_testkit::TestWarehouse;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::support::{ONE_ROW, THE_DAY, TestGateway, filled, from, is_reading, metric, until};

/// These columns of all entries, in the order of coming.
async fn entries(warehouse: &TestWarehouse, columns: &str) -> Vec<Value> {
    let sql = format!("SELECT {columns} FROM (SELECT * FROM query_audit ORDER BY Time, RequestId)");
    let mut answer = warehouse.owner.query(&sql).fetch_bytes("JSONCompactEachRow").unwrap();
    let text = answer.collect().await.unwrap();
    let text = str::from_utf8(&text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_query_is_written_down_with_what_was_bound_and_what_it_read() {
    let warehouse = filled("audit_query").await;
    let gateway = TestGateway::audited(&warehouse, &[], |_| {}).await;
    let path = format!("/v1/queries/sessions.csv?{THE_DAY}&user=sk-secret&user=user1@example.com&limit=5");
    let reply = gateway.send(from([127, 0, 2, 1], &path)).await;
    assert_eq!(reply.status, StatusCode::OK);
    gateway.close().await;
    let columns = "toString(RequestId), TenantId, Kind, Query, Format, Account, Address, Outcome, Reason, Status, Entries";
    let id = reply.headers["x-request-id"].to_str().unwrap();
    assert_eq!(
        entries(&warehouse, columns).await,
        [json!([id, "default", "query", "sessions", "csv", "127.0.2.1", "127.0.2.1", "ok", "", 200, 1])]
    );
    let told = &entries(&warehouse, "Parameters").await[0];
    let told: Value = serde_json::from_str(told[0].as_str().unwrap()).unwrap();
    assert_eq!(told["user"], json!(["[redacted]", "user1@example.com"]));
    assert_eq!((&told["limit"], &told["from"]), (&json!(5), &json!("2026-11-19 00:00:00.000000000")));
    assert!(told.get("tenant").is_none(), "{told}");
    let bytes = reply.text().len();
    let figures = format!("RowsRead > 0, BytesRead > RowsRead, ResultRows, ResultBytes = {bytes}");
    assert_eq!(entries(&warehouse, &figures).await, [json!([1, 1, 2, 1])]);
    let days =
        entries(&warehouse, "dateDiff('day', Time, ExpiresAt), abs(dateDiff('second', Time, now())) < 60")
            .await;
    assert_eq!(days, [json!([400, 1])]);
}

#[tokio::test]
async fn what_was_refused_and_what_failed_is_written_down_with_the_reason() {
    let warehouse = filled("audit_refused").await;
    let broken = format!("SELECT no_such_column AS x FROM {ONE_ROW}");
    let gateway =
        TestGateway::audited(&warehouse, &[("broken", &broken)], |config| config.max_result_rows = 5).await;
    for path in [
        format!("sessions.json?{THE_DAY}&tenant=other"),
        format!("sessions.json?{THE_DAY}"),
        "broken.json".to_owned(),
        "no_such_query.json".to_owned(),
    ] {
        assert_ne!(gateway.get(&format!("/v1/queries/{path}")).await.status, StatusCode::OK);
    }
    gateway.close().await;
    assert_eq!(
        entries(&warehouse, "Query, Outcome, Reason, Status, Parameters = ''").await,
        [
            json!(["sessions", "refused", "bad-parameter", 400, 1]),
            json!(["sessions", "refused", "result_rows", 422, 0]),
            json!(["broken", "failed", "internal", 500, 0]),
        ]
    );
}

#[tokio::test]
async fn who_is_turned_away_again_and_again_makes_one_entry_with_the_number_of_times() {
    let warehouse = filled("audit_turned_away").await;
    let gateway = TestGateway::audited(&warehouse, &[], |config| {
        config.burst = 2.try_into().unwrap();
        config.requests_per_second = 1.try_into().unwrap();
    })
    .await;
    let mut refused = 0;
    for _ in 0..50 {
        let reply = gateway.send(from([127, 0, 2, 1], "/v1/queries")).await;
        refused += u64::from(reply.status == StatusCode::TOO_MANY_REQUESTS);
    }
    gateway.close().await;
    let told =
        entries(&warehouse, "sum(Entries), count() < 10, any(Kind), any(Reason), any(Status), any(Account)")
            .await;
    let told = told.into_iter().next().unwrap();
    assert_eq!(told, json!([refused, 1, "request", "requests", 429, "127.0.2.1"]));
    assert!(refused > 40, "{refused}");
}

#[tokio::test]
async fn a_query_that_was_left_is_written_down_with_what_it_had_read() {
    let warehouse = filled("audit_left").await;
    let slow =
        format!("SELECT sum(cityHash64(number, n)) AS x FROM numbers(1000000000000) AS many, {ONE_ROW}");
    let long = format!("SELECT number AS n, repeat('x', 1000) AS x FROM numbers(1000000) AS many, {ONE_ROW}");
    let queries = [("audit_left_at_work", slow.as_str()), ("audit_left_streaming", &long)];
    let gateway = TestGateway::audited(&warehouse, &queries, |config| {
        config.max_rows_to_read = u64::MAX;
    })
    .await;
    let mut streaming = gateway.begin(from([127, 0, 2, 1], "/v1/queries/audit_left_streaming.csv")).await;
    streaming.body_mut().frame().await.unwrap().unwrap();
    drop(streaming);
    let working = gateway.begin(from([127, 0, 2, 1], "/v1/queries/audit_left_at_work.csv"));
    tokio::select! {
        answer = working => panic!("{answer:?}"),
        () = until(|| is_reading("audit_left_at_work")) => {}
    }
    gateway.close().await;
    assert_eq!(
        entries(&warehouse, "Query, Outcome, Status, RowsRead > 0, ResultBytes > 0").await,
        [
            json!(["audit_left_streaming", "abandoned", 200, 1, 1]),
            json!(["audit_left_at_work", "abandoned", 0, 1, 0]),
        ]
    );
    assert!(gateway.metric("granary_gateway_read_rows_total").await > 0);
}

#[tokio::test]
async fn sessions_that_are_read_are_written_down_too() {
    let warehouse = filled("audit_sessions").await;
    let gateway = TestGateway::audited(&warehouse, &[], |_| {}).await;
    for path in ["events.ndjson", "events.csv", "replay?speed=max", "archive"] {
        gateway.get(&format!("/v1/sessions/s0/{path}")).await;
    }
    gateway.get("/v1/sessions/nobody/replay").await;
    gateway.close().await;
    assert_eq!(
        entries(&warehouse, "Kind, SessionId, Format, Outcome, Reason, Status, ResultRows, Account").await,
        [
            json!(["export", "s0", "ndjson", "ok", "", 200, 50, "local"]),
            json!(["export", "s0", "csv", "ok", "", 200, 50, "local"]),
            json!(["replay", "s0", "sse", "ok", "", 200, 50, "local"]),
            json!(["object", "s0", "gz", "refused", "not-archived", 404, 0, "local"]),
            json!(["replay", "nobody", "sse", "refused", "unknown-session", 404, 0, "local"]),
        ]
    );
}

#[tokio::test]
async fn entries_wait_while_they_cannot_be_inserted_and_what_is_lost_is_told() {
    let warehouse = filled("audit_away").await;
    let gateway = TestGateway::audited(&warehouse, &[], |config| {
        config.audit_queue = 3.try_into().unwrap();
    })
    .await;
    warehouse.owner.execute("RENAME TABLE query_audit TO away").await.unwrap();
    let lost = async || {
        let text = gateway.get("/metrics").await;
        metric(text.text(), "granary_gateway_audit_entries_total{fate=\"lost\"}")
    };
    until(async || {
        gateway.json(&format!("/v1/queries/sessions.json?{THE_DAY}")).await;
        lost().await >= 2
    })
    .await;
    warehouse.owner.execute("RENAME TABLE away TO query_audit").await.unwrap();
    gateway.close().await;
    let told =
        entries(&warehouse, "sumIf(Entries, Kind = 'lost'), countIf(Kind = 'query') >= 3, uniq(TenantId)")
            .await;
    assert_eq!(told, [json!([lost().await, 1, 1])]);
}

#[tokio::test]
async fn an_admin_can_ask_who_asked_what() {
    let warehouse = filled("audit_asked").await;
    let gateway = TestGateway::audited(&warehouse, &[], |_| {}).await;
    gateway.json(&format!("/v1/queries/sessions.json?{THE_DAY}&user=someone@example.com")).await;
    gateway.json(&format!("/v1/queries/cost_summary.json?{THE_DAY}")).await;
    gateway.close().await;
    warehouse
        .owner
        .execute("INSERT INTO query_audit (TenantId, Time, Query, ExpiresAt) SELECT 'other', now64(3), 'theirs', now() + 1000")
        .await
        .unwrap();
    // The audit of this gateway is closed, and the answers are given all the same.
    let all = gateway.json("/v1/queries/query_audit.json?from=-1h").await;
    let queries: Vec<_> = all["data"].as_array().unwrap().iter().map(|row| &row["query"]).collect();
    assert_eq!(queries, ["cost_summary", "sessions"]);
    let one =
        gateway.json("/v1/queries/query_audit.json?from=-1h&text=SOMEONE@&kinds=query&outcomes=ok").await;
    assert_eq!((&one["rows"], &one["data"][0]["query"]), (&json!(1), &json!("sessions")));
    assert_eq!(gateway.json("/v1/queries/query_audit").await["role"], "admin");
}

#[tokio::test]
async fn without_an_auditor_everything_is_answered_and_nothing_written() {
    let gateway = TestGateway::new().await;
    assert_eq!(gateway.json(&format!("/v1/queries/sessions.json?{THE_DAY}")).await["rows"], 6);
    gateway.close().await;
}

#[tokio::test]
async fn a_gateway_that_stops_has_written_down_its_last_answer() {
    let warehouse = filled("audit_stop").await;
    let config = granary_gateway::GatewayConfig { listen: ([127, 0, 0, 1], 0).into(), ..Default::default() };
    let reader = Warehouse::new(&warehouse.reader_config);
    let (health, metrics) = Default::default();
    let gateway =
        granary_gateway::Gateway::bind(config, reader, None, health, metrics, Catalogue::embedded().unwrap());
    let gateway = gateway.await.unwrap();
    let gateway = gateway.with_auditor(Warehouse::new(&warehouse.auditor_config), Scrub::with(str::to_owned));
    let url = format!("http://{}/v1/queries/sessions.json?{THE_DAY}", gateway.local_addr());
    let stop = tokio_util::sync::CancellationToken::new();
    let served = tokio::spawn(gateway.serve(stop.clone()));
    assert_eq!(reqwest::get(url).await.unwrap().status(), 200);
    stop.cancel();
    served.await.unwrap();
    assert_eq!(entries(&warehouse, "Query, Address").await, [json!(["sessions", "127.0.0.1"])]);
}

#[tokio::test]
async fn what_a_head_request_asks_is_written_down_as_well() {
    let warehouse = filled("audit_head").await;
    let gateway = TestGateway::audited(&warehouse, &[], |_| {}).await;
    let path = format!("/v1/queries/sessions.json?{THE_DAY}");
    gateway.send(Request::head(path).body(Body::empty()).unwrap()).await;
    gateway.close().await;
    assert_eq!(entries(&warehouse, "Query").await, [json!(["sessions"])]);
}

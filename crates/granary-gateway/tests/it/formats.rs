//! What an answer looks like in each format.

use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{ONE_ROW, THE_DAY, TestGateway};

#[tokio::test]
async fn csv_has_a_line_of_names_and_ndjson_an_object_a_line() {
    let gateway = TestGateway::new().await;
    let path = |format: &str| format!("/v1/queries/cost_by_model.{format}?{THE_DAY}&bucket=day");

    let csv = gateway.get(&path("csv")).await;
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8; header=present");
    insta::assert_snapshot!(csv.text(), @r#"
    "bucket","model","requests","cost","cost_list","input_tokens","output_tokens","cache_read_tokens","cache_creation_tokens","avg_ms","priced_requests","cost_priced"
    "2026-11-19T00:00:00Z","claude-sonnet-4-5",60,15,0.5175,60000,12000,300000,18000,248.5,60,15
    "#);

    let ndjson = gateway.get(&path("ndjson")).await;
    assert_eq!(ndjson.headers["content-type"], "application/x-ndjson");
    insta::assert_snapshot!(ndjson.text(), @r#"{"bucket":"2026-11-19T00:00:00Z","model":"claude-sonnet-4-5","requests":60,"cost":15,"cost_list":0.5175,"input_tokens":60000,"output_tokens":12000,"cache_read_tokens":300000,"cache_creation_tokens":18000,"avg_ms":248.5,"priced_requests":60,"cost_priced":15}"#);

    let json = gateway.get(&path("json")).await;
    assert_eq!(json.headers["content-type"], "application/json");
    assert_eq!(json.headers["cache-control"], "private, max-age=10");
    assert_eq!(json.json()["data"][0], ndjson.json());
}

#[tokio::test]
async fn integers_beyond_two_to_the_53rd_are_strings_and_everything_else_is_a_number() {
    let sql = format!(
        "SELECT toUInt64(9007199254740992) AS exact, toUInt64(9007199254740993) AS beyond, toInt64(-9007199254740993) AS below, \
         toUInt128('340282366920938463463374607431768211455') AS wide, toDecimal64('12.5', 9) AS money, 0.1 AS rate, nan AS none, \
         ['12345678901234567890'] AS text, map('n', 9007199254740993) AS nested FROM {ONE_ROW}"
    );
    let gateway = TestGateway::with_queries(&[("numbers", &sql)], |_| {}).await;
    let expected = json!({
        "exact": 9_007_199_254_740_992_u64, "beyond": "9007199254740993", "below": "-9007199254740993",
        "wide": "340282366920938463463374607431768211455", "money": 12.5, "rate": 0.1, "none": null,
        "text": ["12345678901234567890"], "nested": { "n": "9007199254740993" },
    });
    let answer = gateway.json("/v1/queries/numbers.json").await;
    assert_eq!(answer["data"][0], expected);
    assert_eq!(answer["meta"][0], json!({ "name": "exact", "type": "UInt64" }));
    assert_eq!(gateway.get("/v1/queries/numbers.ndjson").await.json(), expected);
}

#[tokio::test]
async fn an_answer_of_many_pieces_is_whole() {
    let sql = format!(
        "SELECT number AS n, repeat('x', 100) AS x FROM numbers(200000) AS many, {ONE_ROW} ORDER BY n"
    );
    let gateway = TestGateway::with_queries(&[("long", &sql)], |_| {}).await;
    let json = gateway.json("/v1/queries/long.json").await;
    assert_eq!(
        (json["rows"].as_u64(), json["data"].as_array().map(Vec::len)),
        (Some(200_000), Some(200_000))
    );
    let ndjson = gateway.get("/v1/queries/long.ndjson").await;
    assert!(
        ndjson
            .text()
            .lines()
            .enumerate()
            .all(|(n, line)| serde_json::from_str::<Value>(line).unwrap()["n"] == n)
    );
    assert_eq!(ndjson.text().lines().count(), 200_000);
}

#[tokio::test]
async fn an_answer_without_rows_is_an_answer() {
    let gateway = TestGateway::new().await;
    let none = "from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z";
    let json = gateway.json(&format!("/v1/queries/sessions.json?{none}")).await;
    assert_eq!((&json["data"], &json["rows"]), (&json!([]), &json!(0)));
    let csv = gateway.get(&format!("/v1/queries/sessions.csv?{none}")).await;
    assert!(csv.text().starts_with("\"session\",\"user\","), "{:?}", csv.body);
    let ndjson = gateway.get(&format!("/v1/queries/sessions.ndjson?{none}")).await;
    assert_eq!((ndjson.status, ndjson.text()), (StatusCode::OK, ""));
}

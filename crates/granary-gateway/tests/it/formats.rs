//! What an answer looks like in each format.

use std::collections::BTreeMap;

use axum::body::Body;
use granary_gateway::{Catalogue, Format};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::support::{ONE_ROW, THE_DAY, TestGateway, required, sample};

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

#[tokio::test]
async fn every_query_answers_in_the_formats_that_do_not_know_every_type() {
    let catalogue = Catalogue::embedded().unwrap();
    let gateway = TestGateway::with(Catalogue::embedded().unwrap(), |config| {
        config.burst = 100_000.try_into().unwrap();
    })
    .await;
    let strict = [Format::Parquet, Format::Arrow, Format::Prometheus, Format::Table];
    let mut broken = Vec::new();
    for query in catalogue.iter() {
        for format in query.formats().filter(|format| strict.contains(format)) {
            let path =
                format!("/v1/queries/{}.{}?{THE_DAY}{}", query.name(), format.name(), required(query, ""));
            let response = gateway.begin(Request::get(&path).body(Body::empty()).unwrap()).await;
            let status = response.status();
            let read = response.into_body().collect().await;
            if status != StatusCode::OK || read.is_err() {
                broken.push(format!("{path}: {status} {:?}", read.map(http_body_util::Collected::to_bytes)));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// What ClickHouse reads in an answer, as lines of JSON.
async fn read_back(format: &str, bytes: &[u8]) -> Vec<Value> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let sql = format!("SELECT toJSONString(tuple(*)) FROM format({format}, unhex('{hex}'))");
    let rows = sample().await.owner.query(&sql).fetch_all::<String>().await.unwrap();
    rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
}

#[tokio::test]
async fn parquet_and_arrow_are_read_back_as_they_were() {
    let sql = format!(
        "SELECT toUInt64(18446744073709551613 + number) AS n, if(number = 1, NULL, toFloat64(number) / 3) AS f, \
         toLowCardinality(concat('a|\"\\n', toString(number))) AS t, toDateTime64('2026-11-19 08:00:00.123456789', 9, 'UTC') AS at, \
         [number] AS l FROM numbers(3) AS many, {ONE_ROW} ORDER BY number"
    );
    let gateway = TestGateway::with_queries(&[("typed", &sql)], |_| {}).await;
    let mut read = Vec::new();
    for (format, engine, media) in [
        ("parquet", "Parquet", "application/vnd.apache.parquet"),
        ("arrow", "ArrowStream", "application/vnd.apache.arrow.stream"),
    ] {
        let request = Request::get(format!("/v1/queries/typed.{format}")).body(Body::empty()).unwrap();
        let response = gateway.begin(request).await;
        assert_eq!(response.headers()["content-type"], media);
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        read.push(read_back(engine, &bytes).await);
    }
    assert_eq!(read[0], read[1]);
    assert_eq!(read[0].len(), 3);
    assert!(read[0][1].to_string().contains("18446744073709551614"), "{}", read[0][1]);
    assert!(read[0][1].to_string().contains("null"), "{}", read[0][1]);
    assert!(read[0][2].to_string().contains("a|\\\"\\n2"), "{}", read[0][2]);
}

#[tokio::test]
async fn tsv_markdown_and_table_show_the_same_rows() {
    let gateway = TestGateway::new().await;
    let path = |format: &str| format!("/v1/queries/tool_success.{format}?{THE_DAY}");
    let tsv = gateway.get(&path("tsv")).await;
    assert_eq!(tsv.headers["content-type"], "text/tab-separated-values; charset=utf-8");
    let tools: Vec<_> = tsv.text().lines().skip(1).map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(tools, ["Bash", "Read"]);
    insta::assert_snapshot!(gateway.get(&path("markdown")).await.text(), @"
    | tool | calls | ok | failed | success_rate | avg_ms | p50_ms | p95_ms | p99_ms |
    | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
    | Bash | 30 | 15 | 15 | 0.5 | 253 | 248 | 388 | 398 |
    | Read | 30 | 30 | 0 | 1 | 248 | 243 | 382 | 392 |
    ");
    insta::assert_snapshot!(gateway.get(&path("table")).await.text(), @"
    tool  calls  ok  failed  success_rate  avg_ms  p50_ms  p95_ms  p99_ms
    ─────────────────────────────────────────────────────────────────────
    Bash     30  15      15           0.5     253     248     388     398
    Read     30  30       0             1     248     243     382     392
    ");
}

/// Samples by name and labels, as strictly as the format is written down.
fn parse_exposition(text: &str) -> BTreeMap<String, String> {
    let mut samples = BTreeMap::new();
    let mut current = String::new();
    let mut gauges = Vec::new();
    let mut lines = text.strip_suffix('\n').unwrap().lines();
    while let Some(line) = lines.next() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            rest.split_once(' ').unwrap().0.clone_into(&mut current);
            assert!(!gauges.contains(&current), "{current} comes in two places");
            assert_eq!(lines.next().unwrap(), format!("# TYPE {current} gauge"));
            gauges.push(current.clone());
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap();
        let labels = series.strip_prefix(&current).unwrap_or_else(|| panic!("{series} in {current}"));
        assert!(labels.is_empty() || (labels.starts_with('{') && labels.ends_with('}')), "{labels}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
        assert!(samples.insert(series.to_owned(), value.to_owned()).is_none(), "{series} twice");
    }
    samples
}

#[tokio::test]
async fn prometheus_reads_what_a_query_declares_as_samples() {
    let gateway = TestGateway::new().await;
    let reply = gateway.get(&format!("/v1/queries/tool_success.prometheus?{THE_DAY}")).await;
    assert_eq!(reply.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let samples = parse_exposition(reply.text());
    assert_eq!(samples["granary_tool_success_calls{tool=\"Bash\"}"], "30");
    assert_eq!(samples.len(), 16, "eight values of two tools: {samples:?}");
    for query in
        Catalogue::embedded().unwrap().iter().filter(|query| query.formats().any(|f| f == Format::Prometheus))
    {
        let path = format!("/v1/queries/{}.prometheus?{THE_DAY}{}", query.name(), required(query, ""));
        let reply = gateway.get(&path).await;
        if !reply.text().is_empty() {
            parse_exposition(reply.text());
        }
    }

    let by_day = gateway.get(&format!("/v1/queries/cost_by_model.prometheus?{THE_DAY}&bucket=day")).await;
    assert_eq!(by_day.status, StatusCode::NOT_ACCEPTABLE);
    let undeclared = gateway.get(&format!("/v1/queries/sessions.prometheus?{THE_DAY}")).await;
    assert_eq!(
        (undeclared.status, &undeclared.problem()["type"]),
        (StatusCode::NOT_ACCEPTABLE, &"urn:granary:problem:not-acceptable".into())
    );
}

#[tokio::test]
async fn accept_chooses_the_format_and_what_there_is_not_is_said_with_what_there_is() {
    let gateway = TestGateway::new().await;
    let path = format!("/v1/queries/sessions/rows?{THE_DAY}");
    for (accept, media) in [
        ("*/*", "application/json"),
        ("text/csv", "text/csv; charset=utf-8; header=present"),
        ("application/json;q=0.5, text/markdown", "text/markdown; charset=utf-8"),
        ("text/plain;version=0.0.4;q=0.9, application/x-ndjson;q=0.2", "application/x-ndjson"),
    ] {
        let reply = gateway.get_with(&path, "accept", accept).await;
        assert_eq!((reply.status, reply.headers["content-type"].to_str().unwrap()), (StatusCode::OK, media));
        let vary: Vec<_> = reply.headers.get_all("vary").iter().map(|v| v.to_str().unwrap()).collect();
        assert_eq!(vary.join(", "), "accept-encoding, authorization, accept, origin");
    }
    assert_eq!(gateway.get(&path).await.headers["content-type"], "application/json");
    let reply = gateway.get_with(&path, "accept", "image/png").await;
    assert_eq!(reply.status, StatusCode::NOT_ACCEPTABLE);
    let problem = reply.problem();
    assert_eq!(problem["formats"][0], json!({ "name": "json", "media_type": "application/json" }));
    assert_eq!(problem["formats"].as_array().unwrap().len(), 8, "all but prometheus");
    assert_eq!(gateway.get("/v1/queries/nothing/rows").await.status, StatusCode::NOT_FOUND);
}

//! Every named query, as it is shipped.

use granary_gateway::{Catalogue, NamedQuery};
use http::StatusCode;

use crate::support::{THE_DAY, TestGateway, filled, required};

/// The texts of a query's parameters: one for each combination of its enums.
fn variants(query: &NamedQuery) -> Vec<String> {
    let mut variants = vec![format!("{THE_DAY}{}", required(query, ""))];
    // What is required has a value already, and a parameter has one.
    for parameter in query.describe().parameters.iter().filter(|parameter| !parameter.required) {
        let values = parameter.values.iter().map(|value| format!("&{}={value}", parameter.name));
        let values: Vec<_> = if parameter.values.is_empty() { vec![String::new()] } else { values.collect() };
        variants = variants
            .iter()
            .flat_map(|before| values.iter().map(move |value| format!("{before}{value}")))
            .collect();
    }
    variants
}

#[tokio::test]
async fn every_query_answers_with_the_columns_its_header_tells_of() {
    let gateway = TestGateway::with(Catalogue::embedded().unwrap(), |config| {
        config.burst = 100_000.try_into().unwrap();
    })
    .await;
    let mut broken = Vec::new();
    for query in Catalogue::embedded().unwrap().iter() {
        let told: Vec<_> = query.columns().iter().map(|column| column.name.as_str()).collect();
        let mut seen = Vec::new();
        for given in variants(query) {
            let path = format!("/v1/queries/{}.json?{given}", query.name());
            let reply = gateway.get(&path).await;
            if reply.status != StatusCode::OK {
                broken.push(format!("{path}: {} {:?}", reply.status, reply.body));
                continue;
            }
            let answer = reply.json();
            let columns: Vec<_> = answer["meta"]
                .as_array()
                .unwrap()
                .iter()
                .map(|column| column["name"].as_str().unwrap().to_owned())
                .collect();
            let kept: Vec<_> =
                told.iter().copied().filter(|name| columns.iter().any(|column| column == name)).collect();
            if kept != columns || (kept != told && !query.is_switched()) {
                broken.push(format!("{path}: columns are {columns:?}, told are {told:?}"));
            }
            seen.extend(columns);
        }
        broken.extend(
            told.iter()
                .filter(|name| !seen.iter().any(|column| column == *name))
                .map(|name| format!("{}: no variant has the column {name}", query.name())),
        );
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[tokio::test]
async fn the_figures_are_those_of_the_events() {
    let gateway = TestGateway::new().await;
    let summary = gateway.json(&format!("/v1/queries/cost_summary.json?{THE_DAY}")).await;
    let row = &summary["data"][0];
    assert_eq!((&row["cost"], &row["requests"], &row["sessions"]), (&15.into(), &60.into(), &6.into()));
    assert_eq!(summary["rows"], 1);
    assert!(summary["statistics"]["elapsed"].is_number(), "{summary}");

    let one_user = gateway.json(&format!("/v1/queries/tool_success.json?{THE_DAY}&user=user0%40example.com&user=user1%40example.com&tool=Bash")).await;
    assert_eq!(one_user["rows"], 1, "{one_user}");
    assert_eq!(one_user["data"][0]["tool"], "Bash");
    assert_eq!(one_user["data"][0]["calls"], 20);
}

#[tokio::test]
async fn the_longest_range_there_is_holds_everything() {
    let ever = "from=1970-01-01T00:00:00Z&to=2106-02-07T06:28:15Z";
    let summary = TestGateway::new().await.json(&format!("/v1/queries/cost_summary.json?{ever}")).await;
    assert_eq!((&summary["data"][0]["cost"], &summary["data"][0]["sessions"]), (&15.into(), &6.into()));
}

#[tokio::test]
async fn a_switched_column_is_there_when_it_is_asked_for() {
    let gateway = TestGateway::new().await;
    let by_hour = gateway.json(&format!("/v1/queries/cost_by_model.json?{THE_DAY}&bucket=hour")).await;
    assert_eq!(by_hour["rows"], 5);
    assert_eq!(by_hour["data"][0]["bucket"], "2026-11-19T08:00:00Z");
    let in_total = gateway.json(&format!("/v1/queries/cost_by_model.json?{THE_DAY}")).await;
    assert_eq!(in_total["data"][0].get("bucket"), None);
}

#[tokio::test]
async fn every_query_is_listed_and_described() {
    let gateway = TestGateway::new().await;
    let list = gateway.json("/v1/queries").await;
    let list = list["queries"].as_array().unwrap();
    assert_eq!(list.len(), Catalogue::embedded().unwrap().iter().count());
    for query in list {
        let told = gateway.json(query["href"].as_str().unwrap()).await;
        assert_eq!((&told["name"], &told["question"]), (&query["name"], &query["question"]));
    }
}

#[tokio::test]
async fn a_description_says_all_that_a_caller_needs() {
    let told = TestGateway::new().await.json("/v1/queries/tool_sequences").await;
    let lines =
        |what: &str| told[what].as_array().unwrap().iter().map(|one| format!("{one}\n")).collect::<String>();
    assert_eq!(
        (&told["name"], &told["group"], &told["cache_seconds"]),
        (&"tool_sequences".into(), &"tools".into(), &60.into())
    );
    insta::assert_snapshot!(lines("columns"), @r#"
    {"meaning":"the tools in order, joined by arrows","name":"sequence"}
    {"meaning":"how often the chain occurs; chains overlap","name":"count"}
    {"meaning":"sessions in which it occurs","name":"sessions"}
    "#);
    insta::assert_snapshot!(lines("parameters"), @r#"
    {"default":"-24h","help":"start of the range, which belongs to it; the default counts back from to","name":"from","repeatable":false,"required":false,"type":"time"}
    {"default":"now","help":"end of the range, which does not belong to it","name":"to","repeatable":false,"required":false,"type":"time"}
    {"help":"only these; all if not given","name":"user","repeatable":true,"required":false,"type":"string"}
    {"help":"only these; all if not given","name":"team","repeatable":true,"required":false,"type":"string"}
    {"help":"only these; all if not given","name":"project","repeatable":true,"required":false,"type":"string"}
    {"help":"only these; all if not given","name":"tool","repeatable":true,"required":false,"type":"string"}
    {"help":"only these; all if not given","name":"session","repeatable":true,"required":false,"type":"string"}
    {"help":"only these; all if not given","name":"terminal","repeatable":true,"required":false,"type":"string"}
    {"help":"only these; all if not given","name":"version","repeatable":true,"required":false,"type":"string"}
    {"default":2,"help":"how many tools make a chain","max":4,"min":2,"name":"length","repeatable":false,"required":false,"type":"uint"}
    {"default":"tool_result","help":"chains of tools that ran, or of tools that were asked for, refused ones included","name":"event","repeatable":false,"required":false,"type":"enum","values":["tool_result","tool_decision"]}
    {"default":100,"help":"rows at most","max":10000,"min":1,"name":"limit","repeatable":false,"required":false,"type":"uint"}
    "#);
}

#[tokio::test]
async fn what_was_asked_is_counted_by_query_and_by_who_asked() {
    let warehouse = filled("statistics").await;
    let audit = "INSERT INTO query_audit (TenantId, Time, RequestId, Kind, Query, Account, Outcome, Cache, DurationMs, WaitMs, RowsRead, BytesRead, ResultRows, Entries, ExpiresAt)
        SELECT tenant, toDateTime64('2026-11-19 10:00:00', 3, 'UTC'), generateUUIDv4(), kind, 'sessions', account, outcome, cache, ms, 2, 100, 1000, 10, entries, now() + 100000
        FROM values('tenant String, kind String, account String, outcome String, cache String, ms UInt64, entries UInt64',
            ('default', 'query', 'k1', 'ok', 'miss', 10, 1), ('default', 'query', 'k1', 'ok', 'hit', 30, 1), ('default', 'query', 'k1', 'ok', 'miss', 20, 1),
            ('default', 'query', 'k2', 'failed', '', 500, 1), ('default', 'query', 'k2', 'refused', '', 0, 4),
            ('default', 'replay', 'k2', 'ok', '', 9000, 1), ('other', 'query', 'k3', 'ok', 'miss', 9000, 1))";
    warehouse.owner.execute(audit).await.unwrap();
    let gateway = TestGateway::over(&warehouse.reader_config, Catalogue::embedded().unwrap(), None, |_| {});
    let asked = gateway.json(&format!("/v1/queries/query_statistics.json?{THE_DAY}")).await;
    insta::assert_json_snapshot!(asked["data"], @r#"
    [
      {
        "abandoned": 0,
        "accounts": 2,
        "answered": 3,
        "bytes_read": 5000,
        "cached": 1,
        "error_rate": 0.125,
        "failed": 1,
        "last_asked": "2026-11-19T10:00:00.000Z",
        "max_ms": 30,
        "p50_ms": 20,
        "p95_ms": 30,
        "query": "sessions",
        "refused": 4,
        "result_rows": 50,
        "rows_read": 500,
        "times": 8,
        "wait_ms": 2
      }
    ]
    "#);
    let by_account = gateway.json(&format!("/v1/queries/query_statistics.json?{THE_DAY}&by=account")).await;
    let rows: Vec<_> = by_account["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["account"].clone(), row["times"].clone(), row["p50_ms"].clone()))
        .collect();
    assert_eq!(rows, [("k2".into(), 5.into(), serde_json::Value::Null), ("k1".into(), 3.into(), 20.into())]);
}

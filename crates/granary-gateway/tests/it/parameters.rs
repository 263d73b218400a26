//! What may be given with a query, and how what may not is refused.

use http::StatusCode;

use crate::support::{THE_DAY, TestGateway};

/// The problems of some addresses, one a line, as a caller reads them.
async fn refusals(paths: &[&str]) -> String {
    let gateway = TestGateway::new().await;
    let mut lines = Vec::new();
    for path in paths {
        let reply = gateway.get(&format!("/v1/queries/{path}")).await;
        let problem = reply.problem();
        assert_eq!(problem["status"], reply.status.as_u16());
        lines.push(format!("{} {}", reply.status.as_u16(), problem["detail"].as_str().unwrap()));
    }
    lines.join("\n")
}

#[tokio::test]
async fn a_refusal_names_the_parameter_and_what_was_expected() {
    let refusals = refusals(&[
        "cost_summary.json?form=-24h",
        "cost_by_model.json?session=s1",
        "cost_summary.json?limit=5",
        "cost_by_model.json?bucket=week",
        "cost_by_model.json?limit=0",
        "cost_by_model.json?limit=50001",
        "cost_by_model.json?limit=%2B5",
        "tool_sequences.json?length=5",
        "tool_sequences.json?length=two",
        "cost_anomalies.json?k=inf",
        "cost_anomalies.json?k=0.5",
        "cost_summary.json?from=yesterday",
        "cost_summary.json?from=2026-11-20T09:00:00+01:00",
        "cost_summary.json?to=1950-01-01T00:00:00Z",
        "cost_summary.json?from=2026-11-20T00:00:00Z&to=2026-11-20T00:00:00Z",
        "cost_summary.json?from=-1h&from=-2h",
        "session_summary.json",
        "session_summary.json?session=a&session=b",
        "cost_summary.json?user=%FF",
        "peak_hours.json?timezone=Europe/Atlantis",
    ])
    .await;
    insta::assert_snapshot!(refusals, @r#"
    400 there is no parameter "form"; there are from, to, user, team, project, model, terminal, version
    400 there is no parameter "session"; there are from, to, user, team, project, model, terminal, version, bucket, limit
    400 there is no parameter "limit"; there are from, to, user, team, project, model, terminal, version
    400 the parameter bucket is "week"; expected one of none, hour, day
    400 the parameter limit is "0"; expected a whole number between 1 and 50000
    400 the parameter limit is "50001"; expected a whole number between 1 and 50000
    400 the parameter limit is "+5"; expected a whole number between 1 and 50000
    400 the parameter length is "5"; expected a whole number between 2 and 4
    400 the parameter length is "two"; expected a whole number between 2 and 4
    400 the parameter k is "inf"; expected a number between 1 and 100
    400 the parameter k is "0.5"; expected a number between 1 and 100
    400 the parameter from is "yesterday"; expected a time such as 2026-11-20T09:00:00Z (RFC 3339, a + in it written as %2B), now, or a number of s, m, h, d or w before now such as -24h
    400 the parameter from is "2026-11-20T09:00:00 01:00"; expected a time such as 2026-11-20T09:00:00Z (RFC 3339, a + in it written as %2B), now, or a number of s, m, h, d or w before now such as -24h
    400 the parameter to is "1950-01-01T00:00:00Z"; expected a time such as 2026-11-20T09:00:00Z (RFC 3339, a + in it written as %2B), now, or a number of s, m, h, d or w before now such as -24h
    400 the range from 2026-11-20T00:00:00Z to 2026-11-20T00:00:00Z is empty; expected from before to
    400 the parameter from is given 2 times; it has one value
    400 the parameter session is missing; expected a session's id
    400 the parameter session is given 2 times; it has one value
    400 "user=%FF" is not percent-encoded UTF-8
    400 the parameter timezone names no zone; expected a time zone such as Europe/Berlin or UTC
    "#);
}

#[tokio::test]
async fn a_refusal_is_made_for_machines_too() {
    let reply = TestGateway::new().await.get("/v1/queries/cost_by_model.json?bucket=week").await;
    insta::assert_json_snapshot!(reply.problem(), @r#"
    {
      "detail": "the parameter bucket is \"week\"; expected one of none, hour, day",
      "expected": "one of none, hour, day",
      "parameter": "bucket",
      "status": 400,
      "title": "Bad Request",
      "type": "urn:granary:problem:bad-parameter"
    }
    "#);
}

#[tokio::test]
async fn an_unknown_query_or_format_is_not_found() {
    let refusals = refusals(&[
        "cost_sumary.json",
        "cost_sumary",
        "cost_summary.xml",
        "cost.summary.json",
        ".json",
        "%FF",
    ])
    .await;
    insta::assert_snapshot!(refusals, @r#"
    404 there is no query named "cost_sumary"; GET /v1/queries lists them
    404 there is no query named "cost_sumary"; GET /v1/queries lists them
    404 "xml" is no format; there are json, ndjson, csv, tsv, parquet, arrow, prometheus, markdown, table
    404 there is no query named "cost.summary"; GET /v1/queries lists them
    404 there is no query named ""; GET /v1/queries lists them
    404 the path is not percent-encoded UTF-8
    "#);
}

#[tokio::test]
async fn a_long_value_is_not_repeated_whole_and_a_very_long_one_not_read() {
    let gateway = TestGateway::new().await;
    let long = gateway.get(&format!("/v1/queries/cost_summary.json?from={}", "x".repeat(10_000))).await;
    assert!(long.text().len() < 1_000, "{:?}", long.body);
    let longer = gateway.get(&format!("/v1/queries/cost_summary.json?user={}", "x".repeat(40_000))).await;
    assert_eq!(longer.status, StatusCode::URI_TOO_LONG);
}

#[tokio::test]
async fn times_may_be_relative_and_the_range_is_half_open() {
    let gateway = TestGateway::new().await;
    let events = async |given: &str| {
        gateway.json(&format!("/v1/queries/session_timeline.json?session=s0&{given}")).await["rows"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(events("").await, 50, "a timeline starts with the session by itself");
    assert_eq!(events("from=-3650d&to=now").await, 50);
    assert_eq!(events("from=2026-11-19T08:00:00Z&to=2026-11-19T08:06:00Z").await, 1);
    assert_eq!(events("from=2026-11-19T08:00:00.000000001Z&to=2026-11-19T08:06:00.000000001Z").await, 1);
    assert_eq!(events("from=2026-11-19T09:00:00%2B01:00&to=2026-11-19T08:06:01Z").await, 2);
    assert_eq!(events("events=user_prompt&events=api_error&limit=7").await, 7);
}

#[tokio::test]
async fn an_empty_value_is_a_value() {
    let gateway = TestGateway::new().await;
    let nobody = gateway.json(&format!("/v1/queries/sessions.json?{THE_DAY}&user=")).await;
    assert_eq!(nobody["rows"], 0);
    let all = gateway.json(&format!("/v1/queries/sessions.json?{THE_DAY}")).await;
    assert_eq!(all["rows"], 6);
}

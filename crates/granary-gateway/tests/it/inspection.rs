//! What the engine is asked about a query before anyone may ask the query.

use granary_clickhouse::{ClickHouseConfig, Warehouse};
use granary_gateway::{Catalogue, InspectError, Inspection, inspect, starter};

use crate::support::{operator_dir, sample};

const TENANT: &str = "TenantId = {tenant:String}";

async fn reader() -> Warehouse {
    Warehouse::new(&sample().await.reader_config)
}

/// What is found of a query of the table `otel_logs` whose one column is declared as `x`.
async fn inspected(sql: &str) -> Result<Inspection, InspectError> {
    let catalogue = Catalogue::load(Some(operator_dir(&[("mine", sql)]).path())).unwrap();
    assert!(catalogue.problems().is_empty(), "{:?}", catalogue.problems());
    inspect(&reader().await, catalogue.get("mine").unwrap()).await
}

#[tokio::test]
async fn the_engine_finds_nothing_wrong_with_any_query_that_comes_along() {
    let reader = reader().await;
    let mut wrong = Vec::new();
    for query in Catalogue::embedded().unwrap().iter() {
        match inspect(&reader, query).await {
            Ok(inspection) => assert_eq!(inspection.columns.len(), query.columns().len(), "{}", query.name()),
            Err(error) => wrong.push(format!("{}/{}.sql: {error}", query.group(), query.name())),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_column_is_found_with_its_type_and_whether_every_answer_has_it() {
    let catalogue = Catalogue::embedded().unwrap();
    let found = inspect(&reader().await, catalogue.get("cost_by_model").unwrap()).await.unwrap();
    let of = |name: &str| {
        let column = found.columns.iter().find(|column| column.name == name).unwrap();
        (column.type_name.as_str(), column.is_always_there)
    };
    assert_eq!(of("bucket"), ("DateTime('UTC')", false));
    assert_eq!(of("requests"), ("UInt64", true));
    assert_eq!(of("cost_list"), ("Nullable(Float64)", true));
}

#[tokio::test]
async fn what_breaks_a_rule_only_the_engine_can_see_is_refused_with_the_rule() {
    let joined = format!(
        "SELECT count() AS x FROM otel_logs AS l JOIN otel_logs AS r ON l.EventId = r.EventId WHERE l.{TENANT}"
    );
    let unfiltered = "table otel_logs is read without WHERE TenantId = {tenant:String} on it";
    for (sql, reason) in [
        (joined.as_str(), unfiltered),
        (&format!("SELECT count() AS x FROM otel_logs WHERE {TENANT} OR 1"), unfiltered),
        (&format!("SELECT count() AS x FROM otel_logs WHERE NOT ({TENANT})"), unfiltered),
        (
            &format!(
                "SELECT count() AS x FROM otel_logs WHERE {TENANT} AND UserId IN (SELECT UserId FROM otel_logs)"
            ),
            unfiltered,
        ),
        (
            &format!(
                "SELECT count() AS x FROM (SELECT TenantId FROM otel_logs UNION ALL SELECT TenantId FROM otel_logs WHERE {TENANT})"
            ),
            unfiltered,
        ),
        (
            &format!("SELECT count() AS y FROM otel_logs WHERE {TENANT}"),
            "column y is not declared in [columns]",
        ),
        (
            &format!("SELECT countState() AS x FROM otel_logs WHERE {TENANT}"),
            "column x is a state of an aggregation; finish it with a -Merge function",
        ),
        (
            &format!(
                "SELECT count() AS x FROM otel_logs, sessions AS s WHERE otel_logs.{TENANT} AND s.{TENANT}"
            ),
            "table sessions is read, and tables does not name it",
        ),
        (
            &format!("SELECT sum(NoSuchColumn) AS x FROM otel_logs WHERE {TENANT}"),
            "Unknown expression or function identifier `NoSuchColumn`",
        ),
        (&format!("SELECT count() AS x FRM otel_logs WHERE {TENANT}"), "Syntax error"),
    ] {
        match inspected(sql).await {
            Err(InspectError::Refused { reasons }) => {
                assert!(reasons.iter().any(|one| one.starts_with(reason)), "{sql}\n{reasons:?}");
            }
            other => panic!("{sql}: {other:?}"),
        }
    }
    inspected(&format!("SELECT count() AS x FROM otel_logs PREWHERE {TENANT} WHERE UserId != ''"))
        .await
        .unwrap();
}

#[tokio::test]
async fn table_functions_that_reach_other_rows_are_refused() {
    for function in [
        "merge(currentDatabase(), '.*')",
        "remote('127.0.0.1', currentDatabase(), 'otel_logs')",
        "url('http://127.0.0.1:1/', 'CSV', 'n UInt8')",
    ] {
        let sql = format!(
            "SELECT count() AS x FROM {function} AS f, (SELECT 1 FROM otel_logs WHERE {TENANT}) AS l"
        );
        let refusal = inspected(&sql).await.unwrap_err();
        assert!(matches!(refusal, InspectError::Refused { .. }), "{function}: {refusal}");
    }
}

#[tokio::test]
async fn a_table_that_is_not_there_and_an_engine_that_is_not_are_no_fault_of_the_file() {
    let unready =
        inspected(&format!("SELECT count() AS x FROM no_such_table, otel_logs WHERE {TENANT}")).await;
    assert!(matches!(unready, Err(InspectError::Unready { .. })), "{unready:?}");
    let gone =
        ClickHouseConfig { url: "http://127.0.0.1:1".to_owned(), ..sample().await.reader_config.clone() };
    let catalogue = Catalogue::embedded().unwrap();
    let unavailable = inspect(&Warehouse::new(&gone), catalogue.get("cost_by_model").unwrap()).await;
    assert!(matches!(unavailable, Err(InspectError::Unavailable { .. })), "{unavailable:?}");
}

#[tokio::test]
async fn a_new_file_passes_every_check() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("ours")).unwrap();
    std::fs::write(dir.path().join("ours/mine.sql"), starter("mine").unwrap()).unwrap();
    let catalogue = Catalogue::load(Some(dir.path())).unwrap();
    inspect(&reader().await, catalogue.get("mine").unwrap()).await.unwrap();
}

//! Whose data is read, and that nothing can be changed.

use axum::body::Body;
use granary_clickhouse::Warehouse;
use granary_gateway::Catalogue;
use http::{Request, StatusCode};

use crate::support::{ONE_ROW, THE_DAY, TestGateway, operator_dir, required, sample};

/// `READONLY` and `ACCESS_DENIED`.
const REFUSED: [u32; 2] = [164, 497];

#[tokio::test]
async fn no_parameter_and_no_header_makes_another_tenant_of_a_caller() {
    let gateway = TestGateway::new().await;
    for given in [
        "tenant=other",
        "tenant=default",
        "Tenant=other",
        "param_tenant=other",
        "TenantId=other",
        "database=system",
    ] {
        let reply = gateway.get(&format!("/v1/queries/sessions.json?{THE_DAY}&{given}")).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{given}");
    }
    let path = format!("/v1/queries/sessions.json?{THE_DAY}");
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    for name in [
        "tenant",
        "x-tenant",
        "x-tenant-id",
        "x-granary-tenant",
        "x-scope-orgid",
        "x-clickhouse-user",
        "x-clickhouse-database",
        "authorization",
    ] {
        request.headers_mut().insert(name, "other".parse().unwrap());
    }
    let reply = gateway.send(request).await;
    let answer = reply.json();
    assert_eq!(answer["rows"], 6);
    assert!(!reply.text().contains("theirs@example.com"), "{answer}");
}

#[tokio::test]
async fn no_query_shows_what_belongs_to_another_tenant() {
    let gateway = TestGateway::with(Catalogue::embedded().unwrap(), |config| {
        config.burst = 100_000.try_into().unwrap();
    })
    .await;
    for query in Catalogue::embedded().unwrap().iter() {
        let required = required(query, "");
        let reply = gateway.get(&format!("/v1/queries/{}.ndjson?{THE_DAY}{required}", query.name())).await;
        assert_eq!(reply.status, StatusCode::OK, "{}: {:?}", query.name(), reply.body);
        assert!(!reply.text().contains("theirs@example.com"), "{}", query.name());
    }
}

#[tokio::test]
async fn the_reader_can_change_nothing_and_read_nothing_else() {
    let reader = Warehouse::new(&sample().await.reader_config);
    for sql in [
        "INSERT INTO otel_logs (Body) VALUES ('x')",
        "DROP TABLE otel_logs",
        "CREATE TABLE x (a Int8) ENGINE = Memory",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM system.processes",
        "SET readonly = 0",
    ] {
        let error = reader.execute(sql).await.unwrap_err();
        assert!(error.code().is_some_and(|code| REFUSED.contains(&code)), "{sql}: {error}");
    }
}

#[tokio::test]
async fn queries_read_only_even_as_a_user_that_may_write() {
    let sql = format!("SELECT getSetting('readonly') AS x FROM {ONE_ROW}");
    let catalogue = Catalogue::load(Some(operator_dir(&[("rights", &sql)]).path())).unwrap();
    let gateway = TestGateway::over(&sample().await.owner_config, catalogue, None, |_| {});
    assert_eq!(gateway.json("/v1/queries/rights.json").await["data"][0]["x"], 2);
}

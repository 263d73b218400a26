//! What is there beside the queries.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::json;

use crate::support::TestGateway;

#[tokio::test]
async fn ready_is_said_with_the_reasons_why_not() {
    let gateway = TestGateway::new().await;
    gateway.health.up("engine");
    gateway.health.down("schema", "3 migrations are not applied");
    let reply = gateway.get("/readyz").await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    let conditions = json!({ "engine": null, "schema": "3 migrations are not applied" });
    assert_eq!(reply.json(), json!({ "ready": false, "conditions": conditions }));
    gateway.health.up("schema");
    assert_eq!(gateway.json("/readyz").await["ready"], true);
    assert_eq!(gateway.json("/livez").await, json!({ "alive": true }));
}

#[tokio::test]
async fn the_index_lists_routes_that_are_there() {
    let gateway = TestGateway::new().await;
    let index = gateway.json("/").await;
    for route in index["routes"].as_array().unwrap() {
        let path = route["path"].as_str().unwrap();
        if path == "/mcp" {
            assert_eq!(gateway.get(path).await.headers["allow"], "POST");
            continue;
        }
        let path = path
            .replace("{name}", "cost_summary")
            .replace("{format}", "csv")
            .replace("{id}", "s1")
            .replace("{ndjson,csv}", "csv");
        if path == "/v1/live" {
            // Its answer does not end.
            let request = Request::get(&path).body(Body::empty()).unwrap();
            assert_eq!(gateway.begin(request).await.status(), StatusCode::OK);
            continue;
        }
        let reply = gateway.get(&path).await;
        if path == "/clickhouse" {
            // There is no guest.
            assert!(reply.text().contains("there is no door"), "{:?}", reply.body);
            continue;
        }
        let no_archive = path.contains("/sessions/") && reply.text().contains("there is no archive");
        assert!(reply.status == StatusCode::OK || no_archive, "{path}: {:?}", reply.body);
    }
}

#[tokio::test]
async fn every_answer_has_an_id_and_no_id_is_taken_from_a_caller() {
    let gateway = TestGateway::new().await;
    for path in ["/", "/livez", "/v1/queries", "/nothing/here"] {
        let request = Request::get(path).header("x-request-id", "mine").body(Body::empty()).unwrap();
        let reply = gateway.send(request).await;
        assert_eq!(reply.headers["x-request-id"].len(), 36, "{path}");
        assert_eq!(reply.headers["x-content-type-options"], "nosniff");
    }
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_as_problems() {
    let gateway = TestGateway::new().await;
    let reply = gateway.get("/v2/queries").await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    insta::assert_json_snapshot!(reply.problem(), @r#"
    {
      "detail": "there is nothing here; GET / lists what there is",
      "status": 404,
      "title": "Not Found",
      "type": "urn:granary:problem:not-found"
    }
    "#);
    let reply =
        gateway.send(Request::post("/v1/queries/cost_summary.json").body(Body::empty()).unwrap()).await;
    assert_eq!(
        (reply.status, reply.headers["allow"].to_str().unwrap()),
        (StatusCode::METHOD_NOT_ALLOWED, "GET,HEAD")
    );
    assert_eq!(reply.problem()["detail"], "this cannot be done here; Allow says what can");
    let reply = gateway.send(Request::post("/v1/cache").body(Body::empty()).unwrap()).await;
    assert_eq!(reply.headers["allow"], "GET,HEAD,DELETE");
}

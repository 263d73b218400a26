//! The document about the interface, held against the interface.

use std::collections::BTreeSet;

use axum::body::Body;
use granary_clickhouse::{ClickHouseConfig, Warehouse};
use granary_gateway::{Catalogue, Gateway, GatewayConfig};
use granary_service::Health;
use granary_service::metrics::Registry;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::support::{THE_DAY, TestGateway, required, sample};

async fn document(gateway: &TestGateway) -> Value {
    gateway.json("/openapi.json").await
}

/// Every value in a document with the path to it.
fn visit<'a>(value: &'a Value, path: &str, see: &mut impl FnMut(&str, &'a Value)) {
    see(path, value);
    match value {
        Value::Object(inner) => {
            inner.iter().for_each(|(name, value)| visit(value, &format!("{path}/{name}"), see));
        }
        Value::Array(inner) => {
            inner.iter().enumerate().for_each(|(at, value)| visit(value, &format!("{path}/{at}"), see));
        }
        _ => {}
    }
}

/// The operations of a document: path, method, and the operation.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(method, one)| (path.as_str(), method.as_str(), one))
        })
        .collect()
}

/// A schema of the document's, ready to be held against something.
fn validator(document: &Value, name: &str) -> jsonschema::Validator {
    let schema =
        json!({ "$ref": format!("#/components/schemas/{name}"), "components": document["components"] });
    jsonschema::draft202012::new(&schema).unwrap()
}

#[tokio::test]
async fn the_document_is_whole_and_its_schemas_are_schemas() {
    let document = document(&TestGateway::new().await).await;
    assert_eq!(document["openapi"], "3.1.1");
    let mut references = 0;
    visit(&document, "", &mut |path, value| {
        if let Some(to) = value.get("$ref").and_then(Value::as_str) {
            references += 1;
            assert!(document.pointer(to.strip_prefix('#').unwrap()).is_some(), "{path} refers to {to}");
        }
        if path.ends_with("/schema")
            || path.starts_with("/components/schemas/") && path.matches('/').count() == 3
        {
            jsonschema::draft202012::meta::validate(value).unwrap_or_else(|error| panic!("{path}: {error}"));
        }
    });
    assert!(references > 100);
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id), "{id} twice");
        let tag = &operation["tags"][0];
        assert!(document["tags"].as_array().unwrap().iter().any(|one| one["name"] == *tag), "{tag}");
        let named: BTreeSet<_> =
            path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
        let parameters = operation["parameters"].as_array().unwrap().iter().map(|one| {
            one.get("$ref").and_then(Value::as_str).map_or(one, |to| document.pointer(&to[1..]).unwrap())
        });
        let in_path = parameters.filter(|one| one["in"] == "path").map(|one| one["name"].as_str().unwrap());
        assert_eq!(in_path.collect::<BTreeSet<_>>(), named, "{method} {path}");
        for (status, response) in operation["responses"].as_object().unwrap() {
            let has_text = response.get("$ref").is_some()
                || response["description"].as_str().is_some_and(|text| !text.is_empty());
            assert!(has_text && status.parse::<u16>().is_ok(), "{method} {path} {status}");
        }
    }
}

#[tokio::test]
async fn examples_of_problems_are_problems() {
    let document = document(&TestGateway::new().await).await;
    let problem = validator(&document, "Problem");
    let mut examples = 0;
    for response in document["components"]["responses"].as_object().unwrap().values() {
        for example in
            response["content"]["application/problem+json"]["examples"].as_object().unwrap().values()
        {
            problem.validate(&example["value"]).unwrap();
            examples += 1;
        }
    }
    assert!(examples > 15, "{examples}");
}

#[tokio::test]
async fn every_route_is_in_the_document_and_everything_in_it_is_a_route() {
    let gateway = TestGateway::new().await;
    let document = document(&gateway).await;
    let documented: BTreeSet<_> = document["paths"].as_object().unwrap().keys().cloned().collect();
    // A query's name and the ending of its answer are one part of the address to the router.
    let queries: BTreeSet<_> = Catalogue::embedded()
        .unwrap()
        .iter()
        .map(|query| format!("/v1/queries/{}.{{format}}", query.name()))
        .collect();
    let routers =
        [include_str!("../../src/router.rs"), include_str!("../../src/routes/clickhouse.rs")].concat();
    let mut routed: BTreeSet<_> = routers
        .split(".route(")
        .skip(1)
        .map(|rest| rest.split('"').nth(1).unwrap().replace("/v1/queries/{file}", "/v1/queries/{name}"))
        .collect();
    routed.extend(queries);
    assert_eq!(documented, routed);

    for (path, method, _) in operations(&document) {
        let address = path
            .replace("{format}", "json")
            .replace("{name}", "cost_summary")
            .replace("{file}", "app.js")
            .replace("{id}", "s1");
        let request = Request::builder()
            .method(method.to_uppercase().as_str())
            .uri(&address)
            .body(Body::empty())
            .unwrap();
        if path == "/v1/live" {
            // It has no end.
            assert_eq!(gateway.begin(request).await.status(), StatusCode::OK);
            continue;
        }
        let reply = gateway.send(request).await;
        assert_ne!(reply.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        let is_nothing =
            reply.status == StatusCode::NOT_FOUND && reply.text().contains("there is nothing here");
        assert!(!is_nothing, "{method} {path}");
    }
}

#[tokio::test]
async fn every_query_answers_as_the_document_says() {
    let gateway = TestGateway::new().await;
    let document = document(&gateway).await;
    let mut rows = 0;
    for query in Catalogue::embedded().unwrap().iter() {
        let name = query.name();
        let described = &document["paths"][format!("/v1/queries/{name}.{{format}}")]["get"];
        let parameters = described["parameters"].as_array().unwrap();
        // And the format, and a cursor.
        let described = query.describe();
        assert_eq!(parameters.len(), described.parameters.len() + 1 + usize::from(described.pages), "{name}");
        let answer = gateway.json(&format!("/v1/queries/{name}.json?{THE_DAY}{}", required(query, ""))).await;
        rows += answer["data"].as_array().unwrap().len();
        if let Err(error) = validator(&document, &format!("{name}_answer")).validate(&answer) {
            panic!("{name} at {}: {error}", error.instance_path());
        }
        for column in query.columns() {
            let schema =
                &document["components"]["schemas"][format!("{name}_row")]["properties"][&column.name];
            assert_eq!(schema["description"], column.meaning, "{name}");
            assert!(schema.as_object().unwrap().len() > 1, "the type of {name}'s {} is known", column.name);
        }
    }
    assert!(rows > 100, "{rows}");
}

#[tokio::test]
async fn what_is_answered_beside_queries_is_as_the_document_says() {
    let gateway = TestGateway::new().await;
    let document = document(&gateway).await;
    for path in ["/", "/v1/queries", "/livez", "/readyz", "/v1/queries/{name}"] {
        let schema =
            &document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        let schema = json!({ "allOf": [schema], "components": document["components"] });
        let answer = gateway.json(&path.replace("{name}", "tool_sequences")).await;
        jsonschema::draft202012::new(&schema)
            .unwrap()
            .validate(&answer)
            .unwrap_or_else(|error| panic!("{path}: {error}"));
    }
}

#[tokio::test]
async fn without_an_engine_there_is_a_document_without_types_and_it_is_not_kept() {
    let gone =
        ClickHouseConfig { url: "http://127.0.0.1:1".to_owned(), ..sample().await.reader_config.clone() };
    let gateway = TestGateway::over(&gone, Catalogue::embedded().unwrap(), None, |_| {});
    let document = document(&gateway).await;
    let cost = &document["components"]["schemas"]["cost_summary_row"]["properties"]["cost"];
    assert_eq!(cost.as_object().unwrap().keys().collect::<Vec<_>>(), ["description"]);
}

#[tokio::test]
async fn the_engine_is_asked_about_the_columns_before_somebody_wants_the_document() {
    let engine = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", engine.local_addr().unwrap());
    let reader = Warehouse::new(&ClickHouseConfig { url, ..ClickHouseConfig::default() });
    let config = GatewayConfig { listen: ([127, 0, 0, 1], 0).into(), ..GatewayConfig::default() };
    let (health, metrics) = (Health::default(), Registry::default());
    let gateway = Gateway::bind(config, reader, None, health, metrics, Catalogue::embedded().unwrap());
    let stop = CancellationToken::new();
    let served = tokio::spawn(Box::pin(gateway).await.unwrap().serve(stop.clone()));
    // Nobody asks for anything.
    let (mut asked, mut text) = (engine.accept().await.unwrap().0, Vec::new());
    while !text.windows(18).any(|part| part == b"EXPLAIN QUERY TREE") {
        assert_ne!(asked.read_buf(&mut text).await.unwrap(), 0, "{}", String::from_utf8_lossy(&text));
    }
    stop.cancel();
    served.await.unwrap();
}

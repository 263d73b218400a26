//! Each way of saying no is provoked, and documented where it is met.

use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use granary_access::{JwtAlgorithm, JwtConfig, NewKey, Role};
use granary_gateway::{Catalogue, GatewayConfig};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};

use super::keys::Keys;
use super::{empty, from, gateway};
use crate::support::{Reply, TestGateway, archive, sample};

/// Operations of the document: method, path as it is asked for, and the kinds of problems by status.
type Operations = Vec<(String, String, BTreeMap<u16, Vec<String>>)>;

fn operations(document: &Value) -> Operations {
    let kinds = |operation: &Value| -> BTreeMap<u16, Vec<String>> {
        let responses = operation["responses"].as_object().unwrap().iter();
        let named = responses.filter_map(|(status, response)| {
            let name = response["$ref"].as_str()?.strip_prefix("#/components/responses/")?;
            Some((status.parse().ok()?, name.split("_or_").map(str::to_owned).collect()))
        });
        named.collect()
    };
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, item)| {
        let path = path.replace("{format}", "json").replace("{name}", "cost_summary").replace("{id}", "s1");
        item.as_object()
            .unwrap()
            .iter()
            .map(move |(method, one)| (method.to_uppercase(), path.clone(), kinds(one)))
    });
    operations.collect()
}

fn kind(reply: &Reply) -> String {
    let problem = reply.problem();
    problem["type"].as_str().unwrap().strip_prefix("urn:granary:problem:").unwrap().to_owned()
}

/// A token that no key can be found for, since the provider's are not to be had.
const UNCHECKED: &str = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ.e30.AAAA";

#[tokio::test]
async fn every_route_that_asks_for_a_key_says_no_as_documented() {
    let keys = Keys::none();
    let (sender, analyst) = (keys.of(Role::Ingest), keys.of(Role::Analyst));
    let networks = Some(vec!["10.0.0.0/8".parse().unwrap()]);
    let elsewhere = keys.add(NewKey { networks, ..keys.new_key(Role::Analyst) });
    let one = 1.try_into().unwrap();
    let with_keys = |config: &mut GatewayConfig| {
        config.keys_file = keys.file();
        config.jwt = JwtConfig {
            algorithm: JwtAlgorithm::Es256,
            jwks: Some("http://127.0.0.1:1/jwks".to_owned()),
            issuer: "https://issuer.example".to_owned(),
            audience: "granary".to_owned(),
            ..JwtConfig::default()
        };
        (config.requests_per_second, config.burst) = (one, one);
    };
    let document = gateway(|_| {}).await.json("/openapi.json").await;
    let without_keys = gateway(|_| {}).await;
    let mut asked = 0;
    for (method, path, kinds) in operations(&document) {
        if !kinds.get(&401).is_some_and(|kinds| kinds.contains(&"unauthenticated".to_owned())) {
            continue;
        }
        // Each with allowances that nobody has used.
        let gateway = gateway(with_keys).await;
        let request = |peer: &str, key: &str| {
            let request = from(peer, &path).method(method.as_str());
            let request = if key.is_empty() { request } else { request.header("x-api-key", key) };
            empty(request.header("content-type", "application/json"))
        };
        let mut replies = Vec::new();
        for (key, expected) in [
            ("", "unauthenticated"),
            (&sender, "wrong-role"),
            (&elsewhere, "wrong-network"),
            (UNCHECKED, "unavailable"),
        ] {
            replies.push((gateway.send(request("127.0.0.1:1", key)).await, expected));
        }
        let foreign = from("127.0.0.1:1", &path).method(method.as_str()).header("host", "attacker.example");
        replies.push((without_keys.send(empty(foreign)).await, "foreign-host"));
        for _ in 0..40 {
            gateway.send(request("192.0.2.9:1", "wrong")).await;
        }
        replies.push((gateway.send(request("192.0.2.9:1", "wrong")).await, "too-many-failures"));
        replies
            .push((one_too_many(&gateway, || request("127.0.0.1:1", &analyst)).await, "too-many-requests"));
        for (reply, expected) in replies {
            assert_eq!(kind(&reply), expected, "{method} {path}");
            let documented = kinds
                .get(&reply.status.as_u16())
                .is_some_and(|kinds| kinds.iter().any(|one| one == expected));
            assert!(documented, "{method} {path} has no {} {expected}", reply.status);
            asked += 1;
        }
    }
    assert!(asked > 7 * 100, "{asked}");
}

/// Asks until the allowance, a request a second, is used up; what is answered before that may have no end.
async fn one_too_many(gateway: &TestGateway, request: impl Fn() -> Request<Body>) -> Reply {
    loop {
        let (parts, body) = gateway.begin(request()).await.into_parts();
        if parts.status == StatusCode::TOO_MANY_REQUESTS {
            let text = String::from_utf8(body.collect().await.unwrap().to_bytes().into()).unwrap();
            return Reply { status: parts.status, headers: parts.headers, body: Ok(text) };
        }
    }
}

/// What is provoked where its limit or its rule is tested.
const ELSEWHERE: [(&str, &str); 8] = [
    ("busy", "limits.rs"),
    ("budget-used-up", "limits.rs"),
    ("internal", "audit.rs"),
    ("too-large", "bounds.rs"),
    ("timeout", "bounds.rs"),
    ("too-many-queries", "limits.rs"),
    ("not-archived", "sessions.rs"),
    ("forbidden-group", "access/roles.rs"),
];

/// What every route has that asks for a key; the test above provokes it everywhere.
const EVERYWHERE: [&str; 7] = [
    "unauthenticated",
    "wrong-role",
    "wrong-network",
    "foreign-host",
    "too-many-failures",
    "too-many-requests",
    "unavailable",
];

fn get(path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let request =
        headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    empty(request)
}

fn message(content_type: &str, body: String) -> Request<Body> {
    let request = Request::post("/mcp").header("content-type", content_type);
    request.header("accept", "application/json, text/event-stream").body(Body::from(body)).unwrap()
}

#[tokio::test]
async fn every_other_kind_of_problem_is_provoked_on_each_kind_of_route_that_has_it() {
    let keys = Keys::none();
    let mut parameters = granary_access::Fixed::default();
    parameters.add("project", "granary");
    let (viewer, analyst) = (keys.of(Role::Viewer), keys.of(Role::Analyst));
    let fixed = keys.add(NewKey { parameters, ..keys.new_key(Role::Analyst) });
    let archive = archive().await;
    let owned = TestGateway::over(
        &sample().await.reader_config,
        Catalogue::embedded().unwrap(),
        Some(archive),
        |config| {
            config.keys_file = keys.file();
            config.burst = 10_000.try_into().unwrap();
        },
    );
    let as_key = |path: &str, key: &str, more: &[(&str, &str)]| {
        get(path, &[&[("x-api-key", key), ("host", "127.0.0.1")], more].concat())
    };
    let as_analyst = |path: &str, more: &[(&str, &str)]| as_key(path, &analyst, more);
    let long = format!("user={}", "x".repeat(33 * 1024));
    let broken = [("upgrade", "websocket")];
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" }).to_string();
    let with_key = |mut request: Request<Body>| {
        request.headers_mut().insert("x-api-key", analyst.parse().unwrap());
        request
    };
    let from_evil = |mut request: Request<Body>| {
        request.headers_mut().insert("origin", "https://evil.example".parse().unwrap());
        request
    };
    let mut provoked = BTreeSet::new();
    for (request, status, expected) in [
        (as_analyst("/v1/queries/cost_summary.json?limit=x", &[]), 400, "unknown-parameter"),
        (as_analyst("/v1/queries/sessions.json?limit=0", &[]), 400, "bad-parameter"),
        (as_analyst("/v1/sessions/s1/replay?speed=0", &[]), 400, "bad-parameter"),
        (as_analyst("/v1/sessions/s1/events.csv?format=x", &[]), 400, "unknown-parameter"),
        (as_analyst("/v1/sessions/s1/events.ndjson?from=noon", &[]), 400, "bad-parameter"),
        (as_analyst("/v1/live?tenant=other", &[]), 400, "unknown-parameter"),
        (as_analyst("/v1/live", &[("last-event-id", "x")]), 400, "bad-parameter"),
        (as_analyst("/v1/live", &broken), 400, "bad-upgrade"),
        (as_analyst("/v1/sessions/s1/replay", &broken), 400, "bad-upgrade"),
        (as_key("/v1/queries/ingest_accounting.json", &viewer, &[]), 403, "forbidden-query"),
        (as_key("/v1/queries/ingest_accounting", &viewer, &[]), 403, "forbidden-query"),
        (as_key("/v1/queries/ingest_accounting/rows", &viewer, &[]), 403, "forbidden-query"),
        (as_key("/v1/queries/sessions.json?project=other", &fixed, &[]), 403, "fixed-parameter"),
        (as_key("/v1/live", &fixed, &[]), 403, "forbidden-query"),
        (as_key("/v1/live?user=other", &viewer, &[]), 403, "fixed-parameter"),
        (from_evil(with_key(message("application/json", ping.clone()))), 403, "foreign-origin"),
        (as_analyst("/v1/nothing", &[]), 404, "not-found"),
        (as_analyst("/v1/queries/sessions.docx", &[]), 404, "not-found"),
        (as_analyst("/v1/queries/%FF", &[]), 404, "not-found"),
        (as_analyst("/docs/other.js", &[]), 404, "not-found"),
        (as_analyst("/v1/queries/cots.json", &[]), 404, "unknown-query"),
        (as_analyst("/v1/queries/cots", &[]), 404, "unknown-query"),
        (as_analyst("/v1/queries/cots/rows", &[]), 404, "unknown-query"),
        (as_key("/v1/queries/session_flow.json?session=s0", &viewer, &[]), 404, "unknown-session"),
        (as_analyst("/v1/sessions/nobody/events.ndjson", &[]), 404, "unknown-session"),
        (as_analyst("/v1/sessions/nobody/replay", &[]), 404, "unknown-session"),
        (empty(Request::put("/v1/queries").header("x-api-key", &analyst)), 405, "method-not-allowed"),
        (as_analyst("/mcp", &[]), 405, "method-not-allowed"),
        (as_analyst("/v1/queries/sessions.prometheus", &[]), 406, "not-acceptable"),
        (as_analyst("/v1/queries/sessions/rows", &[("accept", "image/png")]), 406, "not-acceptable"),
        (with_key(message("application/json", " ".repeat(70_000))), 413, "message-too-large"),
        (as_analyst(&format!("/v1/queries/sessions.json?{long}"), &[]), 414, "uri-too-long"),
        (with_key(message("text/plain", ping)), 415, "unsupported-media-type"),
    ] {
        let what = request.uri().to_string().chars().take(100).collect::<String>();
        let reply = owned.send(request).await;
        assert_eq!((reply.status.as_u16(), &*kind(&reply)), (status, expected), "{what}");
        provoked.insert(expected);
    }
    provoked.insert(Box::pin(beyond_the_end()).await);
    let document = owned.send(as_analyst("/openapi.json", &[])).await.json();
    let documented: BTreeSet<_> =
        operations(&document).into_iter().flat_map(|(_, _, kinds)| kinds.into_values().flatten()).collect();
    let known: BTreeSet<_> =
        ELSEWHERE.iter().map(|(kind, _)| *kind).chain(EVERYWHERE).chain(provoked).collect();
    let unknown: Vec<_> = documented.iter().filter(|kind| !known.contains(kind.as_str())).collect();
    assert!(unknown.is_empty(), "nothing provokes {unknown:?}");
    for (kind, file) in ELSEWHERE {
        let path = format!("{}/tests/it/{file}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains(kind), "{file} provokes {kind}");
    }
}

/// A part of an archived object that begins where it has ended.
async fn beyond_the_end() -> &'static str {
    let warehouse = crate::support::filled("problems").await;
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().display().to_string();
    let config = granary_archive::ArchiveConfig { url, ..granary_archive::ArchiveConfig::default() };
    let archive = granary_archive::Archive::open(&config, warehouse.owner.clone()).await.unwrap();
    archive.archive_session(&granary_model::TenantId::default(), "s1").await.unwrap();
    let gateway =
        TestGateway::over(&warehouse.reader_config, Catalogue::embedded().unwrap(), Some(archive), |_| {});
    let reply = gateway.send(get("/v1/sessions/s1/archive", &[("range", "bytes=99999999-")])).await;
    assert_eq!((reply.status, &*kind(&reply)), (StatusCode::RANGE_NOT_SATISFIABLE, "range-not-satisfiable"));
    let unknown = gateway.send(get("/v1/sessions/nobody/archive", &[])).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    "range-not-satisfiable"
}

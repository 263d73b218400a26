//! Who is answered, what each role may ask, and what others are told.

mod ended;
mod keys;
mod problems;
mod roles;
mod sessions;
mod sql;
mod tls;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::ConnectInfo;
use granary_access::{NewKey, Role};
use granary_gateway::{Catalogue, GatewayConfig};
use http::{Method, Request, StatusCode, header};
use serde_json::json;

use crate::support::{Reply, THE_DAY, TestGateway};
use keys::{Keys, basic};

/// A request that came from there.
fn from(peer: &str, path: &str) -> http::request::Builder {
    Request::get(path).extension(ConnectInfo(peer.parse::<SocketAddr>().unwrap()))
}

fn empty(request: http::request::Builder) -> Request<Body> {
    request.body(Body::empty()).unwrap()
}

async fn gateway(configure: impl FnOnce(&mut GatewayConfig)) -> TestGateway {
    TestGateway::with(Catalogue::embedded().unwrap(), configure).await
}

async fn get(gateway: &TestGateway, name: &str, value: &str) -> Reply {
    let path = format!("/v1/queries/sessions.json?{THE_DAY}");
    gateway.send(empty(Request::get(path).header(name, value))).await
}

#[tokio::test]
async fn a_key_is_taken_from_every_place_that_a_request_has_for_it() {
    let keys = Keys::none();
    let key = keys.of(Role::Analyst);
    let gateway = gateway(|config| config.keys_file = keys.file()).await;
    for (name, value) in [
        ("authorization", format!("Bearer {key}")),
        ("x-api-key", key.clone()),
        ("authorization", basic("anybody", &key)),
        ("authorization", basic(&key, "")),
    ] {
        let reply = get(&gateway, name, &value).await;
        assert_eq!((reply.status, &reply.json()["rows"]), (StatusCode::OK, &json!(6)), "{name}");
    }
    let reply = get(&gateway, "x-clickhouse-key", &key).await;
    assert_eq!(
        reply.status,
        StatusCode::UNAUTHORIZED,
        "that is for the door that speaks ClickHouse's interface"
    );
    let reply = gateway.get(&format!("/v1/queries/sessions.json?{THE_DAY}&password={key}")).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn who_is_not_let_in_is_told_why_and_how_to_be() {
    let keys = Keys::none();
    let good = keys.of(Role::Analyst);
    let sender = keys.of(Role::Ingest);
    let elsewhere = keys
        .add(NewKey { networks: Some(vec!["10.0.0.0/8".parse().unwrap()]), ..keys.new_key(Role::Analyst) });
    let expired = keys.expired(Role::Analyst);
    let gateway = gateway(|config| config.keys_file = keys.file()).await;
    let nothing = gateway.get("/v1/queries").await;
    assert_eq!(nothing.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        nothing.headers["www-authenticate"],
        "Bearer realm=\"granary\", Basic realm=\"granary\", charset=\"UTF-8\""
    );
    assert_eq!(nothing.problem()["type"], "urn:granary:problem:unauthenticated");
    for (key, status, kind, says) in [
        (&good[..20], 401, "unauthenticated", "mistyped"),
        ("secret-of-another-kind", 401, "unauthenticated", "no bearer token of this granary"),
        (&expired, 401, "unauthenticated", "has expired"),
        (&sender, 403, "wrong-role", "role ingest, which may not ask"),
        (&elsewhere, 403, "wrong-network", "not taken from this address"),
    ] {
        let reply = get(&gateway, "authorization", &format!("Bearer {key}")).await;
        let problem = reply.problem();
        assert_eq!(
            (reply.status.as_u16(), &problem["type"]),
            (status, &json!(format!("urn:granary:problem:{kind}")))
        );
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
        assert!(!reply.text().contains(key), "{problem}");
        assert_eq!(reply.headers.contains_key("www-authenticate"), status == 401);
    }
    let from_there = empty(from("10.1.1.1:9", "/v1/queries").header("x-api-key", &elsewhere));
    assert_eq!(gateway.send(from_there).await.status, StatusCode::OK);
    let mut last = gateway.get("/v1/queries").await;
    for _ in 0..40 {
        last = gateway.send(empty(from("192.0.2.9:1", "/v1/queries").header("x-api-key", "wrong"))).await;
    }
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(last.problem()["type"], "urn:granary:problem:too-many-failures");
    assert!(last.headers.contains_key("retry-after"));
    let good = empty(from("192.0.2.9:1", "/v1/queries").header("x-api-key", &good));
    assert_eq!(gateway.send(good).await.status, StatusCode::OK, "others may come from the same host");
}

#[tokio::test]
async fn without_keys_this_machine_is_answered_by_its_own_names_and_no_other_machine_is() {
    let gateway = gateway(|config| config.hosts = vec!["granary.example".to_owned()]).await;
    for host in ["localhost:8080", "127.0.0.1", "[::1]:8080", "granary.example"] {
        let reply = gateway.send(empty(from("127.0.0.1:9", "/v1/queries").header("host", host))).await;
        assert_eq!(reply.status, StatusCode::OK, "{host}");
    }
    let rebound =
        gateway.send(empty(from("127.0.0.1:9", "/v1/queries").header("host", "attacker.example:8080"))).await;
    assert_eq!(rebound.status, StatusCode::FORBIDDEN);
    assert_eq!(rebound.problem()["type"], "urn:granary:problem:foreign-host");
    let by_address = gateway.send(empty(from("127.0.0.1:9", "http://attacker.example/v1/queries"))).await;
    assert_eq!(by_address.status, StatusCode::FORBIDDEN, "as HTTP/2 says it");
    let remote = gateway.send(empty(from("192.0.2.1:9", "/v1/queries").header("host", "localhost"))).await;
    assert_eq!(remote.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn probes_and_scrapers_need_no_key() {
    let keys = Keys::none();
    keys.of(Role::Analyst);
    let gateway = gateway(|config| config.keys_file = keys.file()).await;
    for path in ["/livez", "/readyz", "/metrics"] {
        let reply = gateway.send(empty(from("192.0.2.1:9", path))).await;
        assert_ne!(reply.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    for path in
        ["/", "/v1/queries", "/v1/queries/sessions", "/v1/sessions/s0/replay", "/v1/sessions/s0/archive"]
    {
        assert_eq!(gateway.get(path).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn pages_of_allowed_sites_may_ask_and_others_may_not() {
    let keys = Keys::none();
    let key = keys.of(Role::Analyst);
    let gateway = gateway(|config| {
        config.keys_file = keys.file();
        config.cors_origins = vec!["https://grafana.example".to_owned()];
    })
    .await;
    let preflight = |origin: &str| {
        let request = Request::builder().method(Method::OPTIONS).uri("/v1/queries").header("origin", origin);
        let request = request.header("access-control-request-method", "GET");
        empty(request.header("access-control-request-headers", "authorization"))
    };
    let allowed = gateway.send(preflight("https://grafana.example")).await;
    assert_eq!(allowed.status, StatusCode::OK);
    assert_eq!(allowed.headers["access-control-allow-origin"], "https://grafana.example");
    assert!(allowed.headers["access-control-allow-headers"].to_str().unwrap().contains("authorization"));
    assert!(!allowed.headers.contains_key("access-control-allow-credentials"));
    let answer =
        Request::get("/v1/queries").header("origin", "https://grafana.example").header("x-api-key", &key);
    let answer = gateway.send(empty(answer)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["access-control-allow-origin"], "https://grafana.example");
    for origin in ["https://attacker.example", "null", "https://grafana.example.attacker.example"] {
        let refused = gateway.send(preflight(origin)).await;
        assert!(!refused.headers.contains_key("access-control-allow-origin"), "{origin}");
    }
}

#[tokio::test]
async fn a_token_of_an_identity_provider_is_taken_beside_keys() {
    let keys = Keys::none();
    let key = keys.of(Role::Analyst);
    let secret_file = keys.path("secret");
    std::fs::write(&secret_file, [b's'; 32]).unwrap();
    let gateway = gateway(|config| {
        config.keys_file = keys.file();
        config.jwt = granary_access::JwtConfig {
            algorithm: granary_access::JwtAlgorithm::Hs256,
            secret_file: Some(secret_file),
            issuer: "https://issuer.example".to_owned(),
            audience: "granary".to_owned(),
            ..Default::default()
        };
    })
    .await;
    let token = |role: &str, tenant: &str| {
        let claims = json!({
            "iss": "https://issuer.example", "aud": "granary", "sub": "someone", "exp": 4_000_000_000_u64,
            "tenant": tenant, "role": role, "email": "user1@example.com",
        });
        keys::signed(&claims, &[b's'; 32])
    };
    for (shown, rows) in [(key, 6), (token("analyst", "default"), 6), (token("viewer", "default"), 2)] {
        let reply = get(&gateway, "authorization", &format!("Bearer {shown}")).await;
        assert_eq!(reply.status, StatusCode::OK, "{:?}", reply.body);
        assert_eq!(reply.json()["rows"], rows);
    }
    let theirs = get(&gateway, "authorization", &format!("Bearer {}", token("analyst", "other"))).await;
    assert!(theirs.text().contains("theirs@example.com") && !theirs.text().contains("user1@example.com"));
    let forged = keys::signed(&json!({ "tenant": "default", "role": "admin" }), &[b'x'; 32]);
    let reply = get(&gateway, "authorization", &format!("Bearer {forged}")).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert!(reply.problem()["detail"].as_str().unwrap().contains("signature is wrong"));
}

/// All that is logged, down to the least.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_credential_is_in_any_log_line() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // With a single subscriber, what other tests' threads come by first would be taken as nobody's interest.
    let _another = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let logging = tracing::subscriber::set_default(subscriber);
    let keys = Keys::none();
    let good = keys.of(Role::Analyst);
    let gateway = gateway(|config| config.keys_file = keys.file()).await;
    let wrong = format!("{}x", &good[..good.len() - 1]);
    for key in [&good, &wrong] {
        for (name, value) in [
            (header::AUTHORIZATION.as_str(), format!("Bearer {key}")),
            ("authorization", basic("user", key)),
            ("x-api-key", key.clone()),
            ("x-clickhouse-key", key.clone()),
        ] {
            get(&gateway, name, &value).await;
        }
        gateway.get(&format!("/v1/queries?user=x&password={key}")).await;
    }
    drop(logging);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("/v1/queries/{file}"), "requests are logged by their routes: {text}");
    let secret = &good[13..40];
    assert!(!text.contains(secret) && !text.contains(&basic("user", &good)[10..]), "{text}");
}

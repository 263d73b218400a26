//! Ingest keys at both doors: who is let in, as whom, and how much.

use std::time::Duration;

use bytesize::ByteSize;
use granary_access::{Key, KeyFile, KeyFileError, KeyLimits, NewKey, Token};
use granary_ingest::{BindError, Ingest, IngestConfig};
use granary_model::Signal;
use granary_redact::{RedactConfig, Redactor};
use granary_service::metrics::Registry;
use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use reqwest::{Response, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::connections::{PREFACE, begin_request};
use crate::events::{body_of, log};
use crate::receiver::{Receiver, config, eventually};

/// A key file with some keys.
struct Keys {
    dir: tempfile::TempDir,
}

impl Keys {
    fn none() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn config(&self) -> IngestConfig {
        IngestConfig { keys_file: self.dir.path().join("ingest-keys.toml"), ..config() }
    }

    fn change<T>(&self, change: impl FnOnce(&mut KeyFile) -> T) -> T {
        KeyFile::change(&self.config().keys_file, |file| Ok::<_, KeyFileError>(change(file))).unwrap()
    }

    fn add(&self, new: NewKey) -> (Key, Token) {
        let (key, token) = Key::generate(new, Timestamp::now());
        self.change(|file| file.keys.push(key.clone()));
        (key, token)
    }

    fn of(&self, tenant: &str) -> Token {
        self.add(NewKey { tenant: tenant.to_owned(), ..NewKey::default() }).1
    }

    fn of_team(&self, tenant: &str, team: &str) -> Token {
        let new = NewKey { tenant: tenant.to_owned(), team: Some(team.to_owned()), ..NewKey::default() };
        self.add(new).1
    }
}

async fn send(receiver: &Receiver, token: &str, logs: &[String]) -> Response {
    let post = receiver.post("logs").header("Content-Type", "application/json");
    post.bearer_auth(token).body(body_of(logs)).send().await.unwrap()
}

async fn status(receiver: &Receiver, token: &Token) -> StatusCode {
    send(receiver, token.reveal(), &[log("status")]).await.status()
}

async fn send_grpc(receiver: &Receiver, authorization: Option<&str>) -> Result<(), Status> {
    let mut client = LogsServiceClient::connect(format!("http://{}", receiver.grpc)).await.unwrap();
    let mut request = Request::new(ExportLogsServiceRequest::default());
    if let Some(value) = authorization {
        request.metadata_mut().insert("authorization", value.parse().unwrap());
    }
    client.export(request).await.map(drop)
}

#[tokio::test]
async fn with_keys_nobody_is_let_in_without_one_over_http_and_grpc() {
    let keys = Keys::none();
    let token = keys.of("acme");
    let receiver = Receiver::start_with("keys_both_doors", keys.config()).await;
    let without = receiver.post("logs").header("Content-Type", "application/json").body(body_of(&[log("a")]));
    let refused = without.send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(refused.headers()["WWW-Authenticate"], "Bearer");
    let answer: serde_json::Value = serde_json::from_str(&refused.text().await.unwrap()).unwrap();
    assert_eq!(answer["code"], Code::Unauthenticated as i32);
    assert!(answer["message"].as_str().unwrap().contains("Authorization: Bearer"), "{answer}");
    assert_eq!(status(&receiver, &token).await, StatusCode::OK);

    let bearer = format!("Bearer {}", token.reveal());
    assert_eq!(send_grpc(&receiver, None).await.unwrap_err().code(), Code::Unauthenticated);
    let wrong = send_grpc(&receiver, Some(&format!("{bearer}x"))).await.unwrap_err();
    assert_eq!(wrong.code(), Code::Unauthenticated);
    assert!(!wrong.message().contains(token.reveal()), "{wrong:?}");
    send_grpc(&receiver, Some(&bearer)).await.unwrap();

    let metrics = receiver.metrics();
    for line in [
        r#"granary_ingest_refused_requests_total{signal="logs",door="http",reason="key_missing",key=""} 1"#,
        r#"granary_ingest_refused_requests_total{signal="logs",door="grpc",reason="key_mistyped",key=""} 1"#,
        r#"granary_ingest_keys{state="valid"} 1"#,
        r#"tenant="acme"} 2"#,
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    let (_, secret) = token.reveal().rsplit_once('_').unwrap();
    assert!(!metrics.contains(secret));
    receiver.finish().await;
}

#[tokio::test]
async fn each_wrong_token_is_told_what_is_wrong_with_it_and_not_repeated() {
    let keys = Keys::none();
    let good = keys.of("acme");
    let (mut expired, of_expired) = Key::generate(
        NewKey { tenant: "acme".to_owned(), ..NewKey::default() },
        Timestamp::from_second(1_000_000_000).unwrap(),
    );
    expired.expires = Some(Timestamp::from_second(1_100_000_000).unwrap());
    keys.change(|file| file.keys.push(expired));
    let unknown = Keys::none().of("acme");
    let receiver = Receiver::start_with("keys_wrong", keys.config()).await;
    let cut = &good.reveal()[..good.reveal().len() - 1];
    for (token, says) in [
        ("sk-something-else", "no bearer token of this granary"),
        (cut, "mistyped"),
        (unknown.reveal(), "not known"),
        (of_expired.reveal(), "expired"),
    ] {
        let refused = send(&receiver, token, &[log("a")]).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
        let text = refused.text().await.unwrap();
        assert!(text.contains(says) && !text.contains(token), "{text}");
    }
    assert_eq!(receiver.accounting.of(Signal::Logs).received, 0);
    receiver.finish().await;
}

#[tokio::test]
async fn a_sender_without_a_key_is_refused_before_its_body_is_read() {
    let keys = Keys::none();
    drop(keys.of("acme"));
    let receiver = Receiver::start_with("keys_before_body", keys.config()).await;
    let mut stream = TcpStream::connect(receiver.http).await.unwrap();
    let head = "POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 401");

    let mut stream = TcpStream::connect(receiver.grpc).await.unwrap();
    stream.write_all(PREFACE).await.unwrap();
    stream.write_all(&begin_request()).await.unwrap();
    let refused =
        r#"granary_ingest_refused_requests_total{signal="logs",door="grpc",reason="key_missing",key=""} 1"#;
    eventually("the refusal", async || receiver.metrics().contains(refused)).await;
    drop(stream);
    receiver.finish().await;
}

#[tokio::test]
async fn a_key_that_is_revoked_or_rotated_while_granary_runs_changes_what_is_taken() {
    let keys = Keys::none();
    let (revoked, rotated) = (keys.of("acme"), keys.of("acme"));
    let receiver = Receiver::start_with("keys_revoked", keys.config()).await;
    for token in [&revoked, &rotated] {
        assert_eq!(status(&receiver, token).await, StatusCode::OK);
    }
    let (new, added) = keys.change(|file| {
        file.keys[0].revoked = Some(Timestamp::now());
        let new = file.keys[1].rotate(Timestamp::now());
        let (key, added) =
            Key::generate(NewKey { tenant: "acme".to_owned(), ..NewKey::default() }, Timestamp::now());
        file.keys.push(key);
        (new, added)
    });
    eventually("the new file", async || status(&receiver, &revoked).await == StatusCode::UNAUTHORIZED).await;
    assert_eq!(status(&receiver, &rotated).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&receiver, &new).await, StatusCode::OK);
    assert_eq!(status(&receiver, &added).await, StatusCode::OK);
    receiver.finish().await;
}

#[tokio::test]
async fn a_key_file_that_breaks_while_granary_runs_leaves_the_keys_in_force_and_is_counted() {
    let keys = Keys::none();
    let token = keys.of("acme");
    let receiver = Receiver::start_with("keys_broken", keys.config()).await;
    std::fs::write(keys.config().keys_file, "[[key]]\nid =").unwrap();
    let failed = r#"granary_ingest_reload_failures_total{what="keys"} 1"#;
    eventually("a failed reload", async || receiver.metrics().contains(failed)).await;
    assert_eq!(status(&receiver, &token).await, StatusCode::OK);
    receiver.finish().await;
}

#[tokio::test]
async fn a_first_key_made_while_granary_runs_ends_the_time_without_keys() {
    let keys = Keys::none();
    let receiver = Receiver::start_with("keys_first", keys.config()).await;
    let without = async || {
        let post = receiver.post("logs").header("Content-Type", "application/json");
        post.body(body_of(&[log("a")])).send().await.unwrap().status()
    };
    assert_eq!(without().await, StatusCode::OK);
    let token = keys.of("acme");
    eventually("the first key", async || without().await == StatusCode::UNAUTHORIZED).await;
    assert_eq!(status(&receiver, &token).await, StatusCode::OK);
    receiver.finish().await;
}

#[tokio::test]
async fn tenants_are_apart_in_the_accounting_and_in_the_tables() {
    let keys = Keys::none();
    let (acme, other) = (keys.of("acme"), keys.of("other"));
    let receiver = Receiver::start_with("keys_tenants", keys.config()).await;
    for (token, names) in [(&acme, ["a", "b"]), (&other, ["b", "c"])] {
        let answer = send(&receiver, token.reveal(), &names.map(log)).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
    receiver.accounting.settled().await;
    let counts: Vec<_> = receiver.accounting.all();
    let stored: Vec<_> = counts.iter().map(|(tenant, _, counts)| (tenant.as_str(), counts.stored)).collect();
    assert_eq!(stored, [("acme", 2), ("other", 2)], "the same event of two tenants is two events");
    let warehouse = receiver.finish().await;
    let sql = "SELECT TenantId, Body FROM otel_logs ORDER BY TenantId, Body";
    let rows: Vec<(String, String)> = warehouse.owner.query(sql).fetch_all().await.unwrap();
    let expected = [("acme", "a"), ("acme", "b"), ("other", "b"), ("other", "c")];
    assert_eq!(rows, expected.map(|(tenant, name)| (tenant.to_owned(), name.to_owned())));
}

#[tokio::test]
async fn a_key_s_team_counts_more_than_the_sender_s_word_and_makes_no_other_event() {
    let keys = Keys::none();
    let (platform, other, none) = (keys.of_team("t", "platform"), keys.of_team("t", "other"), keys.of("t"));
    let receiver = Receiver::start_with("keys_teams", keys.config()).await;
    let said = |name: &str, of_record: &str| {
        let log = log(name).replace(r#""attributes":["#, &format!(r#""attributes":[{of_record}"#));
        let resource = r#"{"resource":{"attributes":[{"key":"team.id","value":{"stringValue":"theirs"}}]},"#;
        body_of(&[log]).replace(r#"{"scopeLogs""#, &format!(r#"{resource}"scopeLogs""#))
    };
    let own = r#"{"key":"team","value":{"stringValue":"their own"}},"#;
    for (token, body) in [
        (&platform, said("a", "")),
        (&platform, said("b", own)),
        (&other, said("a", "")),
        (&none, said("b", own)),
        (&none, said("c", "")),
        (&none, said("d", own)),
    ] {
        let post = receiver.post("logs").header("Content-Type", "application/json");
        let answer = post.bearer_auth(token.reveal()).body(body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
    }
    assert_eq!(receiver.accounting.of(Signal::Logs).duplicates, 2, "a repetition through another key is one");
    let warehouse = receiver.finish().await;
    let sql = "SELECT Body, TeamId, ResourceAttributes['team.id'] FROM otel_logs ORDER BY Body";
    let rows: Vec<(String, String, String)> = warehouse.owner.query(sql).fetch_all().await.unwrap();
    let expected = [
        ("a", "platform", "platform"),
        ("b", "platform", "platform"),
        ("c", "theirs", "theirs"),
        ("d", "their own", "theirs"),
    ];
    assert_eq!(rows, expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())));
}

#[tokio::test]
async fn a_key_that_sends_too_many_requests_is_told_when_to_come_back_and_others_are_not() {
    let keys = Keys::none();
    let limits = KeyLimits {
        requests_per_second: Some(1),
        burst: Some(Duration::from_secs(2)),
        ..KeyLimits::default()
    };
    let (key, busy) = keys.add(NewKey { tenant: "busy".to_owned(), limits, ..NewKey::default() });
    let quiet = keys.of("quiet");
    let receiver = Receiver::start_with("keys_requests", keys.config()).await;
    // How many are taken before the first refusal depends on how fast this machine is.
    let refused = loop {
        let answer = send(&receiver, busy.reveal(), &[log("a")]).await;
        if answer.status() != StatusCode::OK {
            break answer;
        }
    };
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers()["Retry-After"], "1");
    let answer: serde_json::Value = serde_json::from_str(&refused.text().await.unwrap()).unwrap();
    assert_eq!(answer["code"], Code::ResourceExhausted as i32);
    let bearer = format!("Bearer {}", busy.reveal());
    let refused = loop {
        if let Err(refused) = send_grpc(&receiver, Some(&bearer)).await {
            break refused;
        }
    };
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let wait = refused.get_details_retry_info().unwrap().retry_delay.unwrap();
    assert!(wait <= Duration::from_secs(1), "{wait:?}");
    for _ in 0..10 {
        assert_eq!(status(&receiver, &quiet).await, StatusCode::OK);
    }
    let metrics = receiver.metrics();
    let line = format!(
        r#"granary_ingest_refused_requests_total{{signal="logs",door="grpc",reason="rate_limited_requests",key="{}"}} 1"#,
        key.id
    );
    assert!(metrics.contains(&line), "{metrics}");
    receiver.finish().await;
}

#[tokio::test]
async fn a_body_larger_than_the_burst_is_taken_once_and_then_waits_for_its_bytes() {
    let keys = Keys::none();
    let limits = KeyLimits {
        bytes_per_second: Some(ByteSize::kib(1)),
        burst: Some(Duration::from_secs(1)),
        ..KeyLimits::default()
    };
    let (_, token) = keys.add(NewKey { tenant: "acme".to_owned(), limits, ..NewKey::default() });
    let config = IngestConfig { max_body: ByteSize::kib(64), ..keys.config() };
    let receiver = Receiver::start_with("keys_bytes", config).await;
    let large = || format!("{}{}", body_of(&[log("large")]), " ".repeat(60_000));
    let post = |body: reqwest::Body| {
        let post = receiver.post("logs").header("Content-Type", "application/json");
        post.bearer_auth(token.reveal()).body(body).send()
    };
    assert_eq!(post(large().into()).await.unwrap().status(), StatusCode::OK);
    let refused = post(large().into()).await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = refused.headers()["Retry-After"].to_str().unwrap().parse().unwrap();
    assert!((50..=60).contains(&wait), "{wait}");
    // Of a chunked body the length is known when it is there.
    let chunks = futures::stream::iter([Ok::<_, std::io::Error>(large())]);
    let refused = post(reqwest::Body::wrap_stream(chunks)).await.unwrap();
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let mut client = LogsServiceClient::connect(format!("http://{}", receiver.grpc)).await.unwrap();
    let record = LogRecord { severity_text: " ".repeat(60_000), ..LogRecord::default() };
    let scope = ScopeLogs { log_records: vec![record], ..ScopeLogs::default() };
    let resource = ResourceLogs { scope_logs: vec![scope], ..ResourceLogs::default() };
    let mut request = Request::new(ExportLogsServiceRequest { resource_logs: vec![resource] });
    let bearer = format!("Bearer {}", token.reveal());
    request.metadata_mut().insert("authorization", bearer.parse().unwrap());
    let refused = client.export(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.get_details_retry_info().is_some());
    receiver.finish().await;
}

#[tokio::test]
async fn an_address_that_others_reach_is_refused_without_keys_and_served_with_them() {
    let keys = Keys::none();
    let wal = tempfile::tempdir().unwrap();
    let warehouse = granary_testkit::warehouse("keys_wide").await;
    let bind = async || {
        let redactor = Redactor::new(&RedactConfig::default()).unwrap();
        let config =
            IngestConfig { http: ([0, 0, 0, 0], 0).into(), wal_dir: wal.path().to_owned(), ..keys.config() };
        let ready = CancellationToken::new();
        Ingest::bind(&config, warehouse.owner.clone(), redactor, &Registry::default(), ready).await
    };
    let refused = bind().await.unwrap_err();
    assert!(matches!(refused, BindError::NoKeys { .. }));
    let says = refused.to_string();
    for part in ["0.0.0.0:0", "granary keys create", "--otlp-http 127.0.0.1", "ingest-keys.toml"] {
        assert!(says.contains(part), "{says}");
    }
    keys.change(|_| ());
    assert!(matches!(bind().await, Err(BindError::NoKeys { .. })), "a file without a key is none");
    drop(keys.of("acme"));
    bind().await.unwrap();
}

//! What the gateway costs over plain ClickHouse, and how many kept answers it gives in a second.
//!
//! ```text
//! cargo bench -p granary-gateway -- beside 1000       so many requests of each query, each way, one after the other
//! cargo bench -p granary-gateway -- cached 10 32      seconds, and connections
//! ```
//!
//! The engine is the embedded one, on the same machine. Gateway and clients are threads of this process, whose CPU time is
//! told apart by their names. `beside` sends the same SQL with the same parameters to ClickHouse and, as a named query that
//! is not kept, to the gateway, in turns, and compares the bytes that come back.

#![expect(clippy::print_stdout, reason = "the report")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on ends")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use granary_clickhouse::{ClickHouseConfig, Warehouse};
use granary_gateway::{Binding, Catalogue, Gateway, GatewayConfig, RawParams};
use granary_model::TenantId;
use granary_service::Health;
use granary_service::metrics::Registry;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

/// How the gateway's threads are called.
const GATEWAY: &str = "gateway";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    // The engine's process is this binary again.
    if arguments.first().is_some_and(|first| first == "engine_child") {
        granary_testkit::run_engine_child_if_asked();
        return;
    }
    let number = |at: usize, usual: u64| arguments.get(at).map_or(usual, |text| text.parse().unwrap());
    let threads = |name: &str| Builder::new_multi_thread().thread_name(name).enable_all().build().unwrap();
    let (serving, asking) = (threads(GATEWAY), threads("client"));
    let warehouse = asking.block_on(filled());
    let gateway = serve(&serving, &warehouse);
    asking.block_on(async {
        match arguments.first().map_or("beside", String::as_str) {
            "beside" => beside(&warehouse, gateway, number(1, 500)).await,
            "cached" => cached(gateway, number(1, 5), number(2, 32)).await,
            other => println!("{other:?} is none of beside, cached"),
        }
    });
}

/// 200,000 events of a day in 400 sessions.
async fn filled() -> ClickHouseConfig {
    let warehouse = granary_testkit::warehouse("gateway_bench").await;
    let sql = "INSERT INTO otel_logs (Timestamp, ServiceName, Body, ResourceAttributes, LogAttributes)
        SELECT toDateTime64('2026-11-19 00:00:00', 9, 'UTC') + toIntervalMillisecond(400 * number), 'claude-code', concat('claude_code.', event),
            map('service.version', '2.1.0', 'team.id', concat('team', toString(number % 9))),
            map('event.name', event, 'event.sequence', toString(number), 'session.id', concat('s', toString(number % 400)),
                'user.email', concat('user', toString(number % 40), '@example.com'), 'model', concat('model-', toString(number % 7)),
                'tool_name', ['Bash', 'Read', 'Edit'][number % 3 + 1], 'success', 'true', 'duration_ms', toString(number % 5000),
                'cost_usd', '0.25', 'input_tokens', '1000', 'output_tokens', '200')
        FROM (SELECT number, ['user_prompt', 'api_request', 'tool_decision', 'tool_result'][number % 4 + 1] AS event FROM numbers(200000))";
    warehouse.owner.execute(sql).await.unwrap();
    warehouse.owner.execute("OPTIMIZE TABLE otel_logs FINAL").await.unwrap();
    warehouse.reader_config
}

fn serve(serving: &Runtime, warehouse: &ClickHouseConfig) -> SocketAddr {
    let config = GatewayConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        requests_per_second: u32::MAX.try_into().unwrap(),
        burst: u32::MAX.try_into().unwrap(),
        tenant_requests_per_second: 0,
        ..GatewayConfig::default()
    };
    let gateway = serving.block_on(Gateway::bind(
        config,
        Warehouse::new(warehouse),
        None,
        Health::default(),
        Registry::default(),
        Catalogue::embedded().unwrap(),
    ));
    let gateway = gateway.unwrap();
    let address = gateway.local_addr();
    serving.spawn(gateway.serve(CancellationToken::new()));
    address
}

type Client = SendRequest<Full<Bytes>>;

async fn connect(address: SocketAddr) -> Client {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (client, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn ask(client: &mut Client, request: Request<Full<Bytes>>) -> (http::HeaderMap, Bytes) {
    client.ready().await.unwrap();
    let response = client.send_request(request).await.unwrap();
    let status = response.status();
    let headers = response.headers().clone();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
    (headers, body)
}

const THE_DAY: [(&str, &str); 2] = [("from", "2026-11-19T00:00:00Z"), ("to", "2026-11-20T00:00:00Z")];

/// A query of a handful of rows, one of some hundred, and two of some megabytes.
const ASKED: [(&str, &[(&str, &str)]); 4] = [
    ("cost_by_model", &[]),
    ("sessions", &[]),
    ("audit_trail", &[("limit", "10000")]),
    ("audit_trail", &[("limit", "100000")]),
];

async fn beside(warehouse: &ClickHouseConfig, gateway: SocketAddr, requests: u64) {
    let engine = warehouse.url.trim_start_matches("http://").parse().unwrap();
    let (mut direct, mut through) = (connect(engine).await, connect(gateway).await);
    let catalogue = Catalogue::embedded().unwrap();
    for (name, more) in ASKED {
        let params: RawParams = THE_DAY.iter().chain(more).copied().collect();
        let prepared = catalogue.get(name).unwrap();
        let prepared = prepared.prepare(&TenantId::default(), &params, jiff::Timestamp::UNIX_EPOCH).unwrap();
        let mut url = format!(
            "/?database={}&default_format=CSVWithNames&date_time_output_format=iso",
            warehouse.database
        );
        for (name, value) in prepared.bindings() {
            let value = match value {
                Binding::Text(text) => text.clone(),
                Binding::Texts(texts) => format!("{texts:?}").replace('"', "'"),
                Binding::Unsigned(number) => number.to_string(),
                Binding::Float(number) => number.to_string(),
                Binding::Bool(value) => value.to_string(),
            };
            let value: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            url.extend(["&param_", name.as_str(), "=", value.as_str()]);
        }
        let to_engine = || {
            let request = Request::post(&url)
                .header("host", "clickhouse")
                .header("x-clickhouse-user", &warehouse.user)
                .header("x-clickhouse-key", &warehouse.password);
            request.body(Full::from(prepared.sql().to_owned())).unwrap()
        };
        let given: String =
            THE_DAY.iter().chain(more).map(|(name, value)| format!("{name}={value}&")).collect();
        let to_gateway = || {
            let request = Request::get(format!("/v1/queries/{name}.csv?{given}")).header("host", "localhost");
            request.header("cache-control", "no-store").body(Full::default()).unwrap()
        };
        let count = if more.is_empty() { requests } else { requests / 5 };
        let (mut plain, mut ours, mut bytes, mut cpu) = (Vec::new(), Vec::new(), 0, Duration::ZERO);
        for at in 0..count + 5 {
            let start = Instant::now();
            let (_, expected) = ask(&mut direct, to_engine()).await;
            let middle = Instant::now();
            let before = cpu_of(GATEWAY);
            let (_, body) = ask(&mut through, to_gateway()).await;
            // The first ones warm everything up.
            if at >= 5 {
                plain.push(middle - start);
                ours.push(middle.elapsed());
                cpu += cpu_of(GATEWAY).saturating_sub(before);
            }
            assert_eq!(body, expected, "the same bytes");
            bytes = body.len();
        }
        let [(plain_50, plain_95), (ours_50, ours_95)] = [quantiles(&mut plain), quantiles(&mut ours)];
        println!(
            "{name} {more:?}: {bytes} bytes; ClickHouse p50 {plain_50:.2} p95 {plain_95:.2} ms; through the gateway {ours_50:.2} \
             {ours_95:.2} ms; added {:.2} {:.2} ms, p50 {:+.1} %; gateway's CPU {:.2} ms a request",
            ours_50 - plain_50,
            ours_95 - plain_95,
            (ours_50 / plain_50 - 1.0) * 100.0,
            cpu.as_secs_f64() * 1_000.0 / count as f64
        );
    }
}

/// The median and the 95th percentile in milliseconds.
fn quantiles(times: &mut [Duration]) -> (f64, f64) {
    times.sort();
    let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)].as_secs_f64() * 1_000.0;
    (at(50), at(95))
}

async fn cached(gateway: SocketAddr, seconds: u64, connections: u64) {
    for encoding in ["identity", "gzip"] {
        let path = "/v1/queries/cost_by_model.json?from=2026-11-19T00:00:00Z&to=2026-11-20T00:00:00Z";
        let (start, before, before_all) = (Instant::now(), cpu_of(GATEWAY), cpu_of(""));
        let askers = (0..connections).map(|_| async move {
            let mut client = connect(gateway).await;
            let (mut times, mut kept) = (Vec::new(), 0_u64);
            while start.elapsed() < Duration::from_secs(seconds) {
                let request =
                    Request::get(path).header("host", "localhost").header("accept-encoding", encoding);
                let began = Instant::now();
                let (headers, _) = ask(&mut client, request.body(Full::default()).unwrap()).await;
                times.push(began.elapsed());
                kept += u64::from(headers["x-cache"] == "hit");
            }
            (times, kept)
        });
        let askers: Vec<_> = askers.map(tokio::spawn).collect();
        let (mut times, mut kept) = (Vec::new(), 0);
        for asker in askers {
            let (its_times, its_kept) = asker.await.unwrap();
            times.extend(its_times);
            kept += its_kept;
        }
        let (took, answers) = (start.elapsed().as_secs_f64(), times.len() as f64);
        let gateways = cpu_of(GATEWAY).saturating_sub(before).as_secs_f64();
        let all = cpu_of("").saturating_sub(before_all).as_secs_f64();
        let (p50, p95) = quantiles(&mut times);
        println!(
            "{encoding}: {:.0} answers/s over {connections} connections, {kept} of {answers:.0} kept ones, no error; p50 {p50:.2} p95 \
             {p95:.2} ms; CPU {gateways:.1} s of the gateway and {:.1} s of the clients in {took:.1} s: {:.0} answers per CPU s of the gateway",
            answers / took,
            all - gateways,
            answers / gateways
        );
    }
}

/// CPU time of the threads whose names begin so.
fn cpu_of(name: &str) -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let nanos = tasks.filter_map(|task| {
        let path = task.ok()?.path();
        let is_one = std::fs::read_to_string(path.join("comm")).ok()?.starts_with(name);
        let stat = std::fs::read_to_string(path.join("schedstat")).ok()?;
        is_one.then(|| stat.split(' ').next()?.parse::<u64>().ok())?
    });
    Duration::from_nanos(nanos.sum())
}

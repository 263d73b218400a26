//! Roles as processes of their own, two of each, behind a balancer.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use granary_clickhouse::{ClickHouseConfig, Warehouse};
use reqwest::{Client, StatusCode};
use rustix::process::Signal;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

use crate::process::{Up, eventually, granary, record, request, send_signal, stdout};

/// A gateway that lets one address ask as fast as it can.
const ANSWERING: [&str; 7] = [
    "gateway",
    "--gateway-requests-per-second",
    "100000",
    "--gateway-burst",
    "100000",
    "--gateway-tenant-requests-per-second",
    "0",
];

/// A role, running.
pub(crate) struct Process {
    child: Child,
    addresses: HashMap<String, String>,
}

impl Process {
    /// Returns once it has said where it is; `last` is what it says at last.
    fn start(dir: &Path, server: &[String], arguments: &[&str], last: &str) -> Self {
        let mut command = granary(dir);
        command.args(arguments).args(server);
        Self::run(command, last)
    }

    /// The same for a command, which gets free ports.
    pub(crate) fn run(mut command: Command, last: &str) -> Self {
        let free = ["--otlp-grpc", "--otlp-http", "--gateway", "--health"].map(|flag| [flag, "127.0.0.1:0"]);
        command.args(free.as_flattened());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut addresses = HashMap::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            if let Some((name, address)) = line.trim().rsplit_once("   ") {
                addresses.insert(name.trim().to_owned(), address.trim().to_owned());
            }
            if line.trim().starts_with(last) {
                return Self { child, addresses };
            }
        }
        panic!("{command:?} ended with {:?}", child.wait());
    }

    pub(crate) fn url(&self, name: &str) -> &str {
        self.addresses[name].trim_end_matches("/v1/queries")
    }

    fn socket(&self, name: &str) -> SocketAddr {
        self.url(name).split_once("://").unwrap().1.parse().unwrap()
    }

    pub(crate) fn stop(mut self) -> ExitStatus {
        send_signal(self.child.id(), Signal::TERM);
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Forwards connections to several servers, each to the next one that is there.
struct Balancer {
    address: SocketAddr,
    servers: Arc<Mutex<Vec<Option<SocketAddr>>>>,
}

impl Balancer {
    async fn start(servers: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let servers = Arc::new(Mutex::new(servers.into_iter().map(Some).collect::<Vec<_>>()));
        let of_task = Arc::clone(&servers);
        tokio::spawn(async move {
            let turn = AtomicUsize::new(0);
            while let Ok((mut client, _)) = listener.accept().await {
                let first = turn.fetch_add(1, Ordering::Relaxed);
                let servers = of_task.lock().unwrap().clone();
                let chosen = (first..first + servers.len()).find_map(|at| servers[at % servers.len()]);
                tokio::spawn(async move {
                    // With nobody there the connection ends, and the client comes again.
                    if let Some(server) = chosen
                        && let Ok(mut server) = TcpStream::connect(server).await
                    {
                        tokio::io::copy_bidirectional(&mut client, &mut server).await.ok();
                    }
                });
            }
        });
        Self { address, servers }
    }

    fn set(&self, at: usize, server: Option<SocketAddr>) {
        self.servers.lock().unwrap()[at] = server;
    }
}

/// A ClickHouse server: the one of a granary whose other roles nobody uses. Its flags for others.
pub(crate) struct Server {
    pub(crate) up: Up,
    pub(crate) owner: ClickHouseConfig,
    pub(crate) reader: ClickHouseConfig,
    flags: Vec<String>,
}

impl Server {
    pub(crate) fn start(dir: &Path) -> Self {
        let up = Up::start(dir, &["--archive-quiet", "1d", "--archive-settle", "1d"]);
        let running: Value =
            serde_json::from_slice(&std::fs::read(dir.join("running.json")).unwrap()).unwrap();
        let user = |name: &str| serde_json::from_value::<ClickHouseConfig>(running[name].clone()).unwrap();
        let (owner, reader) = (user("owner"), user("reader"));
        let flags = [
            ("--clickhouse-url", &owner.url),
            ("--clickhouse-user", &owner.user),
            ("--clickhouse-password", &owner.password),
            ("--clickhouse-reader-user", &reader.user),
            ("--clickhouse-reader-password", &reader.password),
        ];
        let flags = flags.iter().flat_map(|(flag, value)| [(*flag).to_owned(), (*value).clone()]).collect();
        Self { up, owner, reader, flags }
    }

    async fn ask(&self, sql: &str) -> u64 {
        Warehouse::new(&self.owner).query(sql).fetch_one::<u64>().await.unwrap()
    }
}

/// Sends a record until it is acknowledged, as an exporter does.
async fn send(client: Client, receiver: SocketAddr, id: String) {
    let session = format!("session-{}", id.replace('-', "").len() + usize::from(id.as_bytes()[2]));
    let body = request(&[record(&id).replace("session-1", &session)]);
    let mut pause = tokio::time::interval(Duration::from_millis(20));
    let acknowledged = async {
        loop {
            pause.tick().await;
            let post =
                client.post(format!("http://{receiver}/v1/logs")).header("Content-Type", "application/json");
            if post.body(body.clone()).send().await.is_ok_and(|answer| answer.status() == StatusCode::OK) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), acknowledged).await.expect("it is acknowledged");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_runs_twice_and_is_restarted_under_load_and_every_event_is_stored_and_archived_once() {
    let dirs: [tempfile::TempDir; 3] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let objects = dirs[0].path().join("objects");
    let mut server = Server::start(dirs[0].path());
    server.flags.extend(["--archive".to_owned(), objects.to_str().unwrap().to_owned()]);
    let flags = server.flags.clone();
    let asking = asking_each_other();
    let ingest = |at: usize| {
        let flags = [&flags[..], &asking[at]].concat();
        Process::start(dirs[at + 1].path(), &flags, &["ingest"], "health")
    };
    let gateway = || Process::start(dirs[0].path(), &flags, &ANSWERING, "archive");
    let archiver = || {
        let often = ["archive", "run", "--archive-quiet", "300ms", "--archive-interval", "100ms"];
        Process::start(dirs[0].path(), &flags, &often, "health")
    };
    let mut receivers = vec![ingest(0), ingest(1)];
    let mut gateways = vec![gateway(), gateway()];
    let mut archivers = vec![archiver(), archiver()];
    let sockets =
        |processes: &[Process], name| processes.iter().map(|process| process.socket(name)).collect();
    let receiving = Balancer::start(sockets(&receivers, "OTLP over HTTP")).await;
    let answering = Balancer::start(sockets(&gateways, "queries")).await;

    let stop = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (1..=4_u8)
        .map(|host| {
            let (stop, receiver) = (Arc::clone(&stop), receiving.address);
            // A connection each, as the balancer chooses by connection.
            let client = Client::builder().pool_max_idle_per_host(0);
            let client = client.timeout(Duration::from_secs(5)).build().unwrap();
            tokio::spawn(async move {
                let mut sent = 0;
                while !stop.load(Ordering::Relaxed) {
                    send(client.clone(), receiver, format!("{host}-{sent}")).await;
                    sent += 1;
                }
                sent
            })
        })
        .collect();
    let asks = |_| {
        let (stop, url) =
            (Arc::clone(&stop), format!("http://{}/v1/queries/cost_summary.json", answering.address));
        tokio::spawn(async move {
            let mut answers = 0;
            while !stop.load(Ordering::Relaxed) {
                // A connection each, as the balancer chooses by connection; it may have chosen a gateway that is gone when it gets there.
                let answer = match reqwest::get(&url).await {
                    Ok(answer) => answer,
                    Err(_) => reqwest::get(&url).await.expect("one retry is enough"),
                };
                assert_eq!(answer.status(), StatusCode::OK, "a gateway that goes answers what it has got");
                answers += 1;
            }
            answers
        })
    };
    let askers: Vec<_> = (0..4).map(asks).collect();

    let count = "SELECT count() FROM otel_logs";
    let mut seen = 0;
    for at in 0..2 {
        // As a roll-out does it: out of the balancer, stopped, started anew on its data, put back.
        receiving.set(at, None);
        assert!(receivers.remove(0).stop().success());
        receivers.push(ingest(at));
        receiving.set(at, Some(receivers.last().unwrap().socket("OTLP over HTTP")));
        let health = receivers.last().unwrap().url("health").to_owned();
        let ready = async || {
            reqwest::get(format!("{health}/readyz")).await.is_ok_and(|a| a.status() == StatusCode::OK)
        };
        eventually("a receiver that is ready", ready).await;
        let metrics = reqwest::get(format!("{health}/metrics")).await.unwrap().text().await.unwrap();
        assert!(metrics.contains("granary_ingest_"), "{metrics}");

        answering.set(at, None);
        assert!(gateways.remove(0).stop().success());
        gateways.push(gateway());
        answering.set(at, Some(gateways.last().unwrap().socket("queries")));

        assert!(archivers.remove(0).stop().success());
        archivers.push(archiver());
        // Load went on.
        let before = std::mem::replace(&mut seen, server.ask(count).await);
        eventually("more events", async || server.ask(count).await > before.max(seen)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut sent = 0;
    for sender in senders {
        sent += sender.await.unwrap();
    }
    for asker in askers {
        assert!(asker.await.unwrap() > 0);
    }
    eventually("every event", async || server.ask(count).await >= sent).await;
    // A row can be seen a moment before the rollups have it.
    let rolled_up = "SELECT toUInt64(sum(Requests)) FROM cost_hourly";
    eventually("every event in the rollup", async || server.ask(rolled_up).await >= sent).await;
    assert_eq!(server.ask(count).await, sent, "stored once");
    assert_eq!(server.ask(rolled_up).await, sent, "rolled up once");

    let sessions = server.ask("SELECT uniqExact(SessionId) FROM otel_logs").await;
    let complete = "SELECT count() FROM (SELECT SessionId, max(Logs) AS archived FROM session_archives GROUP BY SessionId) AS a \
         JOIN (SELECT SessionId, count() AS stored FROM otel_logs GROUP BY SessionId) AS s USING SessionId WHERE archived = stored";
    eventually("every session in the archive, whole", async || server.ask(complete).await == sessions).await;
    // What another receiver took a moment earlier may be seen later: then there is more up to the same time.
    let twice = "SELECT count() FROM (SELECT SessionId, IngestedUpTo, Logs, count() AS times FROM session_archives \
         GROUP BY SessionId, IngestedUpTo, Logs HAVING times > 1)";
    assert_eq!(server.ask(twice).await, 0, "no state of a session was archived by both");
    for process in receivers.into_iter().chain(gateways).chain(archivers) {
        assert!(process.stop().success());
    }
    assert!(server.up.stop().success());
}

/// Where two receivers ask each other, and their flags: every address in 127/8 is this machine, and one drawn by lot is
/// nobody's.
fn asking_each_other() -> [Vec<String>; 2] {
    let addresses: [String; 2] = std::array::from_fn(|_| {
        let [a, b, c, ..] = uuid::Uuid::new_v4().into_bytes();
        format!("127.{}.{b}.{}:4319", a | 1, c.clamp(1, 254))
    });
    addresses.each_ref().map(|own| {
        let flags = [
            ("--ingest-peers", &format!("{addresses:?}")),
            ("--ingest-peer-address", own),
            ("--ingest-peer-secret", &"between receivers".to_owned()),
        ];
        flags.iter().flat_map(|(flag, value)| [(*flag).to_owned(), (*value).clone()]).collect()
    })
}

#[tokio::test]
async fn a_repetition_is_stored_once_whichever_receiver_it_lands_on_also_after_a_restart() {
    let dirs: [tempfile::TempDir; 3] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let server = Server::start(dirs[0].path());
    let asking = asking_each_other();
    let ingest = |at: usize| {
        let flags = [&server.flags[..], &asking[at - 1]].concat();
        Process::start(dirs[at].path(), &flags, &["ingest"], "health")
    };
    let (first, second) = (ingest(1), ingest(2));
    let client = Client::new();
    send(client.clone(), first.socket("OTLP over HTTP"), "1-0".to_owned()).await;
    assert!(first.stop().success());
    let first = ingest(1);
    send(client.clone(), first.socket("OTLP over HTTP"), "1-0".to_owned()).await;
    send(client.clone(), first.socket("OTLP over HTTP"), "1-1".to_owned()).await;
    let count = async || server.ask("SELECT count() FROM otel_logs").await;
    eventually("both events", async || count().await >= 2).await;
    send(client.clone(), second.socket("OTLP over HTTP"), "1-0".to_owned()).await;
    send(client.clone(), second.socket("OTLP over HTTP"), "1-2".to_owned()).await;
    assert!(first.stop().success() && second.stop().success());
    assert_eq!(count().await, 3, "each once");
    assert_eq!(server.ask("SELECT uniqExact(EventId) FROM otel_logs").await, 3);
    assert!(server.up.stop().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn senders_that_repeat_to_either_of_two_receivers_that_are_killed_have_every_event_stored_once() {
    const KILLS: usize = 6;
    let dirs: [tempfile::TempDir; 3] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let server = Server::start(dirs[0].path());
    let asking = asking_each_other();
    let ingest = |at: usize| {
        let flags = [&server.flags[..], &asking[at]].concat();
        Process::start(dirs[at + 1].path(), &flags, &["ingest"], "health")
    };
    let mut receivers = [Some(ingest(0)), Some(ingest(1))];
    let sockets = receivers.iter().flatten().map(|receiver| receiver.socket("OTLP over HTTP")).collect();
    // Each request goes to the next one: one that is sent again to another than before, and some of them on purpose.
    let receiving = Balancer::start(sockets).await;
    let stop = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (1..=4_u8)
        .map(|host| {
            let (stop, receiver) = (Arc::clone(&stop), receiving.address);
            let client = Client::builder().pool_max_idle_per_host(0).timeout(Duration::from_secs(5));
            let client = client.build().unwrap();
            tokio::spawn(async move {
                let mut sent = 0;
                while !stop.load(Ordering::Relaxed) {
                    send(client.clone(), receiver, format!("{host}-{sent}")).await;
                    if sent % 3 == 0 {
                        send(client.clone(), receiver, format!("{host}-{sent}")).await;
                    }
                    sent += 1;
                }
                sent
            })
        })
        .collect();
    let count = "SELECT count() FROM otel_logs";
    for kill in 0..KILLS {
        let before = server.ask(count).await;
        eventually("more events", async || server.ask(count).await > before + 20).await;
        let at = kill % 2;
        // Dropped, it is killed.
        receiving.set(at, None);
        drop(receivers[at].take());
        receivers[at] = Some(ingest(at));
        receiving.set(at, Some(receivers[at].as_ref().unwrap().socket("OTLP over HTTP")));
    }
    stop.store(true, Ordering::Relaxed);
    let mut sent = 0;
    for sender in senders {
        sent += sender.await.unwrap();
    }
    eventually("every event", async || server.ask(count).await >= sent).await;
    for receiver in receivers.into_iter().flatten() {
        assert!(receiver.stop().success());
    }
    assert_eq!(server.ask(count).await, sent, "stored once");
    let rolled_up = "SELECT toUInt64(sum(Requests)) FROM cost_hourly";
    assert_eq!(server.ask(rolled_up).await, sent, "rolled up once");
    assert!(server.up.stop().success());
}

#[tokio::test]
async fn a_gateway_by_itself_asks_for_the_keys_that_receivers_ask_for() {
    let dirs: [tempfile::TempDir; 2] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let server = Server::start(dirs[0].path());
    let create = granary(dirs[1].path()).args(["keys", "create", "--role", "analyst"]).output().unwrap();
    let token = stdout(&create);
    let gateway = Process::start(dirs[1].path(), &server.flags, &ANSWERING, "archive");
    let ask = || Client::new().get(format!("{}/v1/queries", gateway.url("queries")));
    assert_eq!(ask().send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(ask().bearer_auth(token.trim()).send().await.unwrap().status(), StatusCode::OK);
    assert!(gateway.stop().success() && server.up.stop().success());
}

#[tokio::test]
async fn a_gateway_starts_and_answers_while_the_object_store_is_away() {
    let dirs: [tempfile::TempDir; 2] = std::array::from_fn(|_| tempfile::tempdir().unwrap());
    let mut server = Server::start(dirs[0].path());
    for (flag, value) in [
        ("--archive", "s3://sessions/archive"),
        ("--archive-s3-endpoint", "http://127.0.0.1:9"),
        ("--archive-s3-region", "us-east-1"),
        ("--archive-s3-access-key-id", "key"),
        ("--archive-s3-secret-access-key", "hush"),
        ("--archive-s3-max-attempts", "1"),
    ] {
        server.flags.extend([flag.to_owned(), value.to_owned()]);
    }
    let gateway = Process::start(dirs[1].path(), &server.flags, &ANSWERING, "archive");
    let answer = reqwest::get(format!("{}/v1/queries/cost_summary.json", gateway.url("queries"))).await;
    assert_eq!(answer.unwrap().status(), StatusCode::OK);
    assert!(gateway.stop().success() && server.up.stop().success());
}

#[test]
fn a_role_by_itself_without_a_server_says_what_it_needs() {
    let dir = tempfile::tempdir().unwrap();
    for role in ["ingest", "gateway"] {
        let output = granary(dir.path()).arg(role).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && told.contains("--clickhouse-url"), "{told}");
    }
}

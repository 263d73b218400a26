//! Two engines in the place of replicated shards, each of one replica.
//!
//! The engine has no Keeper, so it knows neither replicated tables nor `ON CLUSTER`. This stands before the two: whoever speaks to it sends what
//! a cluster with Keeper is sent. A statement for all servers is read by the engine's own parser, word for word, and then carried out by each
//! engine without what only Keeper can do. So the statements are those of a cluster, and their effect is that of shards. What replicas do
//! among one another is not here.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use granary_clickhouse::ClusterConfig;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What was sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The statement, as it came.
    pub statement: String,
    /// Its settings, and what else the address says.
    pub settings: BTreeMap<String, String>,
}

impl Sent {
    /// Whether all servers carry it out.
    #[must_use]
    pub fn is_for_all(&self) -> bool {
        self.statement.contains(" ON CLUSTER ")
    }
}

/// Where the statements go; it ends when this is dropped.
#[derive(Debug)]
pub struct Replicas {
    /// What is to be taken for a server of the cluster.
    pub address: SocketAddr,
    sent: Arc<Mutex<Vec<Sent>>>,
    server: JoinHandle<()>,
}

impl Drop for Replicas {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A request that was read whole.
#[derive(Clone)]
struct Whole {
    head: hyper::http::request::Parts,
    body: Bytes,
}

type Answer = Response<Full<Bytes>>;

impl Replicas {
    pub(crate) async fn start(engines: [SocketAddr; 2], cluster: ClusterConfig) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("the port is bound");
        let sent = Arc::<Mutex<Vec<Sent>>>::default();
        let (cluster, of_server) = (Arc::new(cluster), Arc::clone(&sent));
        let server = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (cluster, sent) = (Arc::clone(&cluster), Arc::clone(&of_server));
                let answer = service_fn(move |request: Request<Incoming>| {
                    let (cluster, sent) = (Arc::clone(&cluster), Arc::clone(&sent));
                    async move { serve(request, engines, &cluster, &sent).await }
                });
                tokio::spawn(async move {
                    let server = Builder::new(TokioExecutor::new());
                    // A client that goes away is no fault of the test's.
                    drop(server.serve_connection(TokioIo::new(socket), answer).await);
                });
            }
        });
        Self { address, sent, server }
    }

    /// Everything that was sent so far.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn serve(
    request: Request<Incoming>,
    engines: [SocketAddr; 2],
    cluster: &ClusterConfig,
    sent: &Mutex<Vec<Sent>>,
) -> Result<Answer, hyper::Error> {
    let (head, body) = request.into_parts();
    let whole = Whole { head, body: body.collect().await?.to_bytes() };
    let mut settings = settings(whole.head.uri.query().unwrap_or_default());
    let in_address = settings.remove("query");
    let statement = in_address.clone().unwrap_or_else(|| statement_of(&whole.body));
    let one = Sent { statement, settings };
    sent.lock().unwrap_or_else(PoisonError::into_inner).push(one.clone());
    if in_address.is_some() || !one.is_for_all() {
        return forward(whole, engines[0]).await;
    }
    let read = asking(&whole, "system", &format!("SELECT formatQuery({})", text(&one.statement)));
    let read = forward(read, engines[0]).await?;
    if !read.status().is_success() {
        return Ok(read);
    }
    let each = match one.statement.strip_prefix("SYSTEM SYNC REPLICA") {
        // A server carries it out in a database of its own choice.
        Some(table) => {
            let table = table.replace(&on(cluster), "").replace(" LIGHTWEIGHT", "");
            asking(&whole, "system", &format!("DESCRIBE TABLE {table} FORMAT Null"))
        }
        None => without_keeper(&whole, cluster),
    };
    let mut last = None;
    for engine in engines {
        let answer = forward(each.clone(), engine).await?;
        if !answer.status().is_success() {
            return Ok(answer);
        }
        last = Some(answer);
    }
    Ok(last.unwrap_or_default())
}

fn on(cluster: &ClusterConfig) -> String {
    format!(" ON CLUSTER `{}`", cluster.name)
}

/// The same for a server that is alone.
fn without_keeper(whole: &Whole, cluster: &ClusterConfig) -> Whole {
    let (path, name) = (&cluster.replica_path, &cluster.replica_name);
    let places =
        [format!("'{path}', '{name}'"), format!("'{}', '{{shard}}-{name}'", path.replace("{shard}", "all"))];
    let mut body = String::from_utf8_lossy(&whole.body)
        .replace(&on(cluster), "")
        .replace("ENGINE = Replicated", "ENGINE = ")
        .replace("replicated_deduplication_window_seconds = 604800, replicated_", "non_replicated_");
    for place in places {
        body = body.replace(&format!("({place}, "), "(").replace(&format!("({place})"), "");
    }
    Whole { head: whole.head.clone(), body: body.into() }
}

/// Another statement of the same user.
fn asking(whole: &Whole, database: &str, statement: &str) -> Whole {
    let mut head = whole.head.clone();
    head.uri = format!("/?database={database}").parse().expect("it is an address");
    head.headers.remove(hyper::header::CONTENT_TYPE);
    Whole { head, body: statement.to_owned().into() }
}

async fn forward(whole: Whole, engine: SocketAddr) -> Result<Answer, hyper::Error> {
    let Ok(socket) = TcpStream::connect(engine).await else {
        let mut away = Response::new(Full::new(Bytes::from_static(b"the engine is away")));
        *away.status_mut() = StatusCode::BAD_GATEWAY;
        return Ok(away);
    };
    let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(socket)).await?;
    tokio::spawn(connection);
    let Whole { mut head, body } = whole;
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    head.uri = path.parse().expect("it was one before");
    for of_connection in [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION] {
        head.headers.remove(of_connection);
    }
    head.headers.insert(HOST, engine.to_string().parse().expect("an address is a header's value"));
    let (mut head, body) =
        client.send_request(Request::from_parts(head, Full::new(body))).await?.into_parts();
    for of_connection in [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION] {
        head.headers.remove(of_connection);
    }
    Ok(Response::from_parts(head, Full::new(body.collect().await?.to_bytes())))
}

/// A statement without parameters is the body; one with parameters is a field of a form.
fn statement_of(body: &[u8]) -> String {
    const FIELD: &str = "name=\"query\"\r\n\r\n";
    let body = String::from_utf8_lossy(body);
    match body.split_once(FIELD) {
        Some((_, rest)) => rest.split("\r\n--").next().unwrap_or_default().to_owned(),
        None => body.into_owned(),
    }
}

fn settings(query: &str) -> BTreeMap<String, String> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let hex = [rest.next().unwrap_or_default(), rest.next().unwrap_or_default()];
                let hex = std::str::from_utf8(&hex).unwrap_or_default();
                u8::from_str_radix(hex, 16).unwrap_or_default()
            }
            other => other,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

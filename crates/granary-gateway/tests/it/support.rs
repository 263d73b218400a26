//! A gateway over a day of six sessions, and questions to it.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use bytes::Bytes;
use futures::StreamExt;
use granary_access::{Gate, GateConfig, Watch};
use granary_archive::{Archive, ArchiveConfig};
use granary_clickhouse::{ClickHouseConfig, Warehouse};
use granary_gateway::{Catalogue, GatewayConfig, GatewayState, NamedQuery, Scrub, create_app};
use granary_service::Health;
use granary_service::metrics::Registry;
use granary_testkit::TestWarehouse;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tower::ServiceExt;

/// The day that the sample's events are on.
pub(crate) const THE_DAY: &str = "from=2026-11-19T00:00:00Z&to=2026-11-20T00:00:00Z";

/// 300 events of the default tenant, a minute apart, in the sessions s0 to s5; every kind of event in each. As the
/// collector would write them: the columns that the queries read are all computed.
const SAMPLE: &str = "INSERT INTO otel_logs (Timestamp, ServiceName, Body, ResourceAttributes, LogAttributes)
SELECT
    toDateTime64('2026-11-19 08:00:00', 9, 'UTC') + toIntervalSecond(60 * number),
    'claude-code',
    concat('claude_code.', event),
    map('service.version', concat('2.1.', toString(number % 3)), 'team.id', concat('team', toString(number % 2)), 'project', 'granary'),
    map(
        'event.name', event,
        'event.sequence', toString(number),
        'session.id', concat('s', toString(number % 6)),
        'user.email', concat('user', toString(number % 3), '@example.com'),
        'prompt.id', toString(intDiv(number, 30)),
        'terminal.type', 'vscode',
        'model', if(event IN ('api_request', 'api_error'), 'claude-sonnet-4-5', ''),
        'tool_name', if(event IN ('tool_result', 'tool_decision'), if(number % 2 = 0, 'Bash', 'Read'), ''),
        'success', if(event = 'tool_result', if(number % 4 = 0, 'false', 'true'), ''),
        'decision', if(event = 'tool_decision', 'accept', ''),
        'source', if(event = 'tool_decision', 'config', ''),
        'duration_ms', toString(100 + number),
        'cost_usd', if(event = 'api_request', '0.25', ''),
        'input_tokens', if(event = 'api_request', '1000', ''),
        'output_tokens', if(event = 'api_request', '200', ''),
        'cache_read_tokens', if(event = 'api_request', '5000', ''),
        'cache_creation_tokens', if(event = 'api_request', '300', ''),
        'error', if(event = 'api_error', concat('overloaded after ', toString(number), ' ms'), ''),
        'status_code', if(event = 'api_error', '529', ''),
        'attempt', if(event = 'api_error', '3', ''))
FROM
(
    SELECT
        number,
        ['user_prompt', 'api_request', 'tool_decision', 'tool_result', 'api_error'][number % 5 + 1] AS event
    FROM numbers(300)
)";

/// The same of another tenant, told apart by its users, and in the same sessions.
const OTHER_TENANT: &str = "INSERT INTO otel_logs (Timestamp, ServiceName, Body, ResourceAttributes, LogAttributes, TenantId)
SELECT Timestamp, ServiceName, Body, ResourceAttributes, mapUpdate(LogAttributes, map('user.email', 'theirs@example.com')), 'other'
FROM otel_logs WHERE TenantId = 'default'";

/// A gateway of a test's own.
pub(crate) struct TestGateway {
    app: Router,
    state: GatewayState,
    pub(crate) health: Health,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// An error is an answer that was cut off.
    pub(crate) body: Result<String, String>,
}

/// The configurations of owner and reader of the sample's database, which is made once and only read.
pub(crate) async fn sample() -> &'static TestWarehouse {
    static SAMPLES: OnceCell<TestWarehouse> = OnceCell::const_new();
    SAMPLES.get_or_init(async || filled("gateway").await).await
}

/// A database of a test's own with the sample in it.
pub(crate) async fn filled(test: &str) -> TestWarehouse {
    let warehouse = granary_testkit::warehouse(test).await;
    warehouse.owner.execute(SAMPLE).await.unwrap();
    warehouse.owner.execute(OTHER_TENANT).await.unwrap();
    warehouse
}

impl TestGateway {
    /// Over the sample, with the queries that come along.
    pub(crate) async fn new() -> Self {
        Self::with(Catalogue::embedded().unwrap(), |_| {}).await
    }

    /// Over the sample, with queries `ours/<name>` of an operator's.
    pub(crate) async fn with_queries(
        queries: &[(&str, &str)],
        configure: impl FnOnce(&mut GatewayConfig),
    ) -> Self {
        let dir = operator_dir(queries);
        Self::with(Catalogue::load(Some(dir.path())).unwrap(), configure).await
    }

    /// Over the sample, with queries whose answers are kept for a minute.
    pub(crate) async fn with_kept_queries(
        queries: &[(&str, &str)],
        configure: impl FnOnce(&mut GatewayConfig),
    ) -> Self {
        let dir = operator_dir_with("cache = '60s'", queries);
        Self::with(Catalogue::load(Some(dir.path())).unwrap(), configure).await
    }

    /// Asks with a header.
    pub(crate) async fn get_with(&self, path: &str, name: &str, value: &str) -> Reply {
        self.send(Request::get(path).header(name, value).body(Body::empty()).unwrap()).await
    }

    /// The bytes of an answer that must be one.
    pub(crate) async fn bytes(&self, request: Request<Body>) -> Bytes {
        let response = self.begin(request).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.into_body().collect().await.unwrap().to_bytes()
    }

    pub(crate) async fn with(catalogue: Catalogue, configure: impl FnOnce(&mut GatewayConfig)) -> Self {
        Self::over(&sample().await.reader_config, catalogue, None, configure)
    }

    pub(crate) fn over(
        warehouse: &ClickHouseConfig,
        catalogue: Catalogue,
        archive: Option<Archive>,
        configure: impl FnOnce(&mut GatewayConfig),
    ) -> Self {
        let mut config = GatewayConfig::default();
        configure(&mut config);
        let health = Health::default();
        let of_gate = GateConfig {
            keys_file: config.keys_file.clone(),
            loopback_without_key: config.loopback_without_key,
            hosts: config.hosts.clone(),
            jwt: config.jwt.clone(),
        };
        let gate = Gate::open(&of_gate, &mut Watch::default()).unwrap();
        let origins = config.cors_origins.iter().map(|origin| origin.parse().unwrap()).collect();
        let state = GatewayState::new(
            &config,
            Warehouse::new(warehouse),
            archive,
            health.clone(),
            Registry::default(),
            catalogue,
        );
        let state = state.with_access(gate, origins);
        Self { app: create_app(state.clone()), state, health }
    }

    /// Over a database whose views are published, with a door for that guest.
    pub(crate) fn with_door(
        warehouse: &TestWarehouse,
        guest: &ClickHouseConfig,
        configure: impl FnOnce(&mut GatewayConfig),
    ) -> Self {
        let catalogue = Catalogue::embedded().unwrap();
        let gateway = Self::over(&warehouse.reader_config, catalogue, None, configure);
        let state = gateway.state.with_guest(guest).unwrap();
        Self { app: create_app(state.clone()), state, ..gateway }
    }

    /// Over a warehouse of a test's own, with an audit, an archive in which nothing is, and queries of an operator's.
    pub(crate) async fn audited(
        warehouse: &TestWarehouse,
        queries: &[(&str, &str)],
        configure: impl FnOnce(&mut GatewayConfig),
    ) -> Self {
        let catalogue = Catalogue::load(Some(operator_dir(queries).path())).unwrap();
        let objects = concat!(env!("CARGO_TARGET_TMPDIR"), "/gateway-audited").to_owned();
        let archive = ArchiveConfig { url: objects, ..ArchiveConfig::default() };
        let archive = Archive::open(&archive, Warehouse::new(&warehouse.reader_config)).await.unwrap();
        let gateway = Self::over(&warehouse.reader_config, catalogue, Some(archive), configure);
        let scrub = Scrub::with(|text| text.replace("sk-secret", "[redacted]"));
        let state = gateway.state.with_auditor(Warehouse::new(&warehouse.auditor_config), scrub);
        Self { app: create_app(state.clone()), state, ..gateway }
    }

    /// Returns when everything is written down.
    pub(crate) async fn close(&self) {
        self.state.close().await;
    }

    /// The value of a metric without labels.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        metric(self.get("/metrics").await.text(), name)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let (parts, body) = self.begin(request).await.into_parts();
        let body = match body.collect().await {
            Ok(body) => Ok(String::from_utf8(body.to_bytes().into()).unwrap()),
            Err(error) => Err(error.to_string()),
        };
        Reply { status: parts.status, headers: parts.headers, body }
    }

    /// An answer of which nothing is read yet.
    pub(crate) async fn begin(&self, request: Request<Body>) -> Response<Body> {
        self.app.clone().oneshot(request).await.unwrap()
    }

    /// The JSON of an answer that must be one.
    pub(crate) async fn json(&self, path: &str) -> Value {
        let reply = self.get(path).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}: {:?}", reply.body);
        reply.json()
    }
}

/// The value of a metric, given as it stands in the text, with labels if it has any.
pub(crate) fn metric(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("there is no {name} in {text}")).parse().unwrap()
}

/// A request from an address.
pub(crate) fn from(address: [u8; 4], path: &str) -> Request<Body> {
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    request.extensions_mut().insert(ConnectInfo(std::net::SocketAddr::from((address, 4711))));
    request
}

impl Reply {
    pub(crate) fn text(&self) -> &str {
        self.body.as_ref().unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.text()).unwrap()
    }

    /// The problem without its id, which differs each time.
    pub(crate) fn problem(&self) -> Value {
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let mut problem = self.json();
        let id = problem.as_object_mut().unwrap().remove("request_id").unwrap();
        assert_eq!(self.headers["x-request-id"], id.as_str().unwrap());
        problem
    }
}

/// A folder with the group `ours`: name and SQL of each query, which may have any columns.
pub(crate) fn operator_dir(queries: &[(&str, &str)]) -> tempfile::TempDir {
    operator_dir_with("", queries)
}

/// The same, with more in the headers.
pub(crate) fn operator_dir_with(header: &str, queries: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let group = dir.path().join("ours");
    std::fs::create_dir(&group).unwrap();
    for (name, sql) in queries {
        // The engine is asked whether a query has the columns that it says.
        let columns =
            if sql.contains(" AS n,") { "n = 'a number'\nx = 'whatever'" } else { "x = 'whatever'" };
        let header =
            format!("question = 'q?'\nfilters = []\ntables = ['otel_logs']\n{header}\n[columns]\n{columns}");
        std::fs::write(group.join(format!("{name}.sql")), format!("/*\n{header}\n*/\n{sql}")).unwrap();
    }
    dir
}

/// One row whatever the tenant's data, so that a query can be about something else.
pub(crate) const ONE_ROW: &str =
    "(SELECT count() AS n FROM otel_logs WHERE TenantId = {tenant:String}) AS one";

/// Something for each parameter that a query requires, but for one; to stand behind other parameters.
pub(crate) fn required(query: &NamedQuery, except: &str) -> String {
    let parameters = query.describe().parameters;
    let needed = parameters.iter().filter(|parameter| parameter.required && parameter.name != except);
    needed
        .map(|parameter| {
            let value = match parameter.type_name {
                "enum" => parameter.values[0].clone(),
                "string" | "strings" => "s1".to_owned(),
                "bool" => "true".to_owned(),
                _ => parameter.min.as_ref().map_or("1".to_owned(), Value::to_string),
            };
            format!("&{}={value}", parameter.name)
        })
        .collect()
}

/// Text as it stands in an address.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// An archive of the sample, in which no session is archived yet: they come from the warehouse.
pub(crate) async fn archive() -> Archive {
    let objects = concat!(env!("CARGO_TARGET_TMPDIR"), "/gateway-archive").to_owned();
    let config = ArchiveConfig { url: objects, ..ArchiveConfig::default() };
    Archive::open(&config, Warehouse::new(&sample().await.reader_config)).await.unwrap()
}

/// Whether the engine is at work on a query of that name.
pub(crate) async fn is_running(name: &str) -> bool {
    let owner = Warehouse::new(&sample().await.owner_config);
    let running = owner
        .query("SELECT count() FROM system.processes WHERE JSONExtractString(Settings['log_comment'], 'query') = {name:String}")
        .param("name", name);
    running.fetch_one::<u64>().await.unwrap() > 0
}

/// Whether the engine has read anything for a query of that name.
pub(crate) async fn is_reading(name: &str) -> bool {
    let owner = Warehouse::new(&sample().await.owner_config);
    let running = owner
        .query(
            "SELECT count() FROM system.processes \
             WHERE JSONExtractString(Settings['log_comment'], 'query') = {name:String} AND read_rows > 0",
        )
        .param("name", name);
    running.fetch_one::<u64>().await.unwrap() > 0
}

/// Asks again until it holds; fails if it does not within two minutes, which only a machine with much else to do needs.
pub(crate) async fn until<F: Future<Output = bool>>(mut holds: impl FnMut() -> F) {
    let again = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        while !holds().await {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(2), again).await.expect("it holds in the end");
}

/// The next that is said over a websocket, signs of life left out; that it is closed, with the code.
pub(crate) async fn hear(socket: &mut WebSocketStream<MaybeTlsStream<TcpStream>>) -> Value {
    let heard = async {
        loop {
            match socket.next().await.unwrap().unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Close(frame) => return json!({ "closed": u16::from(frame.unwrap().code) }),
                _ => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), heard).await.expect("something is said")
}

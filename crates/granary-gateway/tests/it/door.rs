//! The door for BI tools, as their client libraries use it.

use axum::body::Body;
use granary_clickhouse::{ClickHouseConfig, Warehouse, publish};
use granary_gateway::{Catalogue, Gateway, GatewayConfig};
use granary_service::Health;
use granary_service::metrics::Registry;
use granary_testkit::TestWarehouse;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::support::{Reply, TestGateway, encoded, filled, until};

/// A door to the sample.
async fn door() -> TestGateway {
    let warehouse = published().await;
    TestGateway::with_door(warehouse, &warehouse.guest_config, |_| {})
}

pub(crate) async fn published() -> &'static TestWarehouse {
    static PUBLISHED: OnceCell<TestWarehouse> = OnceCell::const_new();
    let make = async || {
        let warehouse = filled("door").await;
        publish::publish(&warehouse.owner, &warehouse.guest_config.database).await.unwrap();
        warehouse
    };
    PUBLISHED.get_or_init(make).await
}

async fn post(door: &TestGateway, path: &str, statement: &str) -> Reply {
    door.send(Request::post(path).body(Body::from(statement.to_owned())).unwrap()).await
}

async fn ask(door: &TestGateway, statement: &str) -> Reply {
    post(door, "/clickhouse/", statement).await
}

#[tokio::test]
async fn a_statement_is_answered_as_clickhouse_answers_it() {
    let door = door().await;
    let reply =
        ask(&door, "SELECT session, count() FROM tool_calls GROUP BY session ORDER BY session LIMIT 2").await;
    assert_eq!((reply.status, reply.text()), (StatusCode::OK, "s0\t10\ns1\t10\n"));
    assert_eq!(reply.headers["x-clickhouse-format"], "TSV");
    assert!(reply.headers.contains_key("x-clickhouse-summary"));

    let get = format!(
        "/clickhouse/?query={}&default_format=JSONEachRow",
        encoded("SELECT sum(cost) AS cost FROM api_requests")
    );
    assert_eq!(door.get(&get).await.text(), "{\"cost\":15}\n");

    let bound = "/clickhouse?param_user=user1%40example.com&database=default&session_id=x&user=u&password=p";
    let reply =
        post(&door, bound, "SELECT uniqExact(user) FROM events WHERE user = {user:String} FORMAT CSV").await;
    assert_eq!(reply.text(), "1\n");

    assert_eq!(door.get("/clickhouse/ping").await.text(), "Ok.\n");
    assert_eq!(door.get("/ping").await.text(), "Ok.\n");
    assert_eq!(post(&door, "/", "SELECT 1").await.text(), "1\n");
    assert_eq!(door.get("/?query=SELECT%201").await.text(), "1\n");
    assert_eq!(door.json("/").await["name"], "granary");
    assert_eq!(door.get("/clickhouse/").await.text(), "Ok.\n");
}

#[tokio::test]
async fn what_a_client_asks_of_the_system_before_it_begins_is_answered() {
    let door = door().await;
    for statement in [
        "SELECT version(), timezone()",
        "SELECT displayName(), version(), revision(), timezone()",
        "SELECT name, value, readonly FROM system.settings",
        "SELECT name FROM system.databases",
        "SELECT database, name, engine, comment FROM system.tables",
        "SELECT name, type, comment FROM system.columns WHERE table = 'sessions'",
        "SHOW TABLES",
        "DESCRIBE TABLE sessions",
        "SELECT name FROM system.functions LIMIT 1",
        "EXPLAIN SELECT 1",
        // The SQLAlchemy dialect of clickhouse-connect, by which Superset reflects tables.
        "SELECT currentDatabase()",
        "SHOW DATABASES",
        "EXISTS TABLE sessions",
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine IN ('View', 'WindowView') ORDER BY name",
        "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'MaterializedView' ORDER BY name",
        "SELECT engine, engine_full, comment FROM system.tables WHERE name = 'sessions'",
        // Grafana's editor.
        "SELECT name, database, table, type, comment FROM system.columns WHERE table = 'api_requests'",
        "SELECT DISTINCT database FROM system.tables",
    ] {
        let reply = ask(&door, statement).await;
        assert_eq!(reply.status, StatusCode::OK, "{statement}: {:?}", reply.body);
    }
}

/// How `DBeaver` and Metabase list what there is, as clickhouse-jdbc 0.9.6 writes it.
const JDBC_TABLES: &str = "SELECT '' AS TABLE_CAT, t.database AS TABLE_SCHEM, t.name AS TABLE_NAME, \
    CASE WHEN t.engine LIKE '%Log' THEN 'LOG TABLE' WHEN t.engine in ('Buffer', 'Memory', 'Set') THEN 'MEMORY TABLE' \
    WHEN t.is_temporary != 0 THEN 'TEMPORARY TABLE' WHEN t.engine like '%View' THEN 'VIEW' ELSE 'TABLE' END AS TABLE_TYPE, \
    t.comment AS REMARKS FROM system.tables t WHERE t.database LIKE '%' AND t.name LIKE 'api_requests'";

#[tokio::test]
async fn what_the_jdbc_driver_of_dbeaver_and_metabase_sends_is_answered() {
    let door = door().await;
    let request = |settings: &str, statement: &str| {
        let id = uuid::Uuid::now_v7();
        let address = format!("/?query_id={id}&async_insert=0&wait_end_of_query=0{settings}");
        let request = Request::post(address)
            .header("content-type", "text/plain")
            .header("x-clickhouse-format", "TabSeparated")
            .header("x-clickhouse-database", "default")
            .header("x-clickhouse-query-id", id.to_string())
            .header("authorization", "Basic ZGVmYXVsdDo=")
            .header("user-agent", "ClickHouse JDBC Driver V2/0.9.6 clickhouse-java-v2/0.9.6");
        request.body(Body::from(statement.to_owned())).unwrap()
    };
    let send = async |settings: &str, statement: &str| door.send(request(settings, statement)).await;
    for (settings, statement, text) in [
        ("", "SELECT 'local' AS TABLE_CAT  WHERE 1 = 0", ""),
        ("", "SELECT 1", "1\n"),
        (
            "",
            "-- Metabase:: userID: 1 queryType: MBQL\nSELECT count() FROM tool_calls WHERE tool = 'Ba''sh'",
            "0\n",
        ),
        ("&max_result_rows=5&result_overflow_mode=break", "SELECT 2", "2\n"),
        ("&max_execution_time=5", "SELECT 3", "3\n"),
    ] {
        let reply = send(settings, statement).await;
        assert_eq!((reply.status, reply.text()), (StatusCode::OK, text), "{settings} {statement}");
    }
    let tables = send("", JDBC_TABLES).await;
    let row: Vec<_> = tables.text().trim_end().split('\t').skip(2).collect();
    assert_eq!(
        row,
        ["api_requests", "VIEW", "API requests that were answered: what each cost, consumed and took"]
    );
    // A checksum of 16 bytes, then the method: LZ4.
    let compressed = door.bytes(request("&compress=1", "SELECT 1")).await;
    assert_eq!(compressed[16], 0x82, "blocks of ClickHouse's own, as the driver wants them");
    let insert = send("", "INSERT INTO api_requests (model) VALUES ('x')").await;
    assert_eq!(insert.headers["x-clickhouse-exception-code"], "497");
}

#[tokio::test]
async fn nothing_shows_another_tenant_s_rows() {
    let warehouse = published().await;
    let door = door().await;
    let tables = &warehouse.owner_config.database;
    let other = "other".bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let id = format!("{}.{other}..", uuid::Uuid::nil());
    let theirs = "SELECT count() FROM events WHERE user = 'theirs@example.com'";
    for address in [
        "/clickhouse/".to_owned(),
        format!("/clickhouse/?query_id={id}"),
        format!("/clickhouse/?query_id={id}&query_id={id}"),
        "/clickhouse/?param_tenant=other".to_owned(),
        "/clickhouse/?role=granary_owner&user=granary_owner".to_owned(),
    ] {
        let mut request = Request::post(&address).body(Body::from(theirs)).unwrap();
        for header in ["x-clickhouse-query-id", "x-tenant", "x-clickhouse-user", "x-granary-tenant"] {
            request.headers_mut().insert(header, id.parse().unwrap());
        }
        let reply = door.send(request).await;
        assert_eq!((reply.status, reply.text()), (StatusCode::OK, "0\n"), "{address}");
    }
    for refused in [
        format!("{theirs} SETTINGS query_id = '{id}'"),
        format!("{theirs} SETTINGS log_comment = 'x', use_query_cache = 1"),
        format!("SELECT count() FROM {tables}.otel_logs"),
        format!("SELECT count() FROM merge('{tables}', 'otel_logs')"),
        format!("SELECT count() FROM remote('127.0.0.1', '{tables}', 'otel_logs')"),
        format!("SELECT count() FROM mergeTreeIndex('{tables}', 'otel_logs')"),
        "SELECT * FROM system.processes".to_owned(),
        "SELECT * FROM system.parts".to_owned(),
    ] {
        let reply = ask(&door, &refused).await;
        assert!(!reply.status.is_success(), "{refused}: {:?}", reply.body);
        assert!(reply.headers.contains_key("x-clickhouse-exception-code"), "{refused}");
    }
    for setting in ["tenant=other", "use_query_cache=1", "query_id_=x"] {
        let reply = post(&door, &format!("/clickhouse/?{setting}"), theirs).await;
        assert!(!reply.status.is_success(), "{setting}: {:?}", reply.body);
    }
}

#[tokio::test]
async fn no_statement_reads_a_file_of_the_machine() {
    let door = door().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "what is in the file").unwrap();
    let path = file.path().to_str().unwrap();
    for statement in [
        format!("SELECT file('{path}')"),
        format!("SELECT arrayMap(file, ['{path}'])"),
        format!("SELECT * APPLY(file) FROM (SELECT '{path}' AS path)"),
        format!("SELECT 'it''s' AS a, file('{path}')"),
        format!("SELECT 1 AS \"'\", file('{path}'), 2 AS \"'\""),
        format!("SELECT 1 AS `'`, file('{path}'), 2 AS `'`"),
        format!("SELECT 1 -- '\n, file('{path}') -- '"),
        format!("SELECT \"f\\x69le\"('{path}')"),
        format!("SELECT * FROM file('{path}', 'LineAsString')"),
        format!("SELECT 1 FORMAT Template SETTINGS format_template_row = '{path}'"),
        format!("SELECT 1 AS n SETTINGS additional_result_filter = 'throwIf(1, file(\\'{path}\\'))'"),
        format!("EXPLAIN QUERY TREE SELECT file('{path}')"),
        format!("SHOW TABLES WHERE throwIf(1, file('{path}'))"),
    ] {
        let reply = ask(&door, &statement).await;
        assert!(!reply.status.is_success(), "{statement}: {:?}", reply.body);
        assert!(!reply.text().contains("what is in the file"), "{statement}: {:?}", reply.body);
    }
    let named =
        post(&door, "/clickhouse/?param_f=file", &format!("SELECT arrayMap({{f:Identifier}}, ['{path}'])"))
            .await;
    assert_eq!(named.status, StatusCode::FORBIDDEN, "{:?}", named.body);
    let text = ask(&door, "SELECT count() FROM tool_calls WHERE tool = 'file'").await;
    assert_eq!(text.text(), "0\n", "as a text the word is no matter");
}

#[tokio::test]
async fn errors_are_in_clickhouse_s_own_form() {
    let door = door().await;
    for (statement, address, status, code) in [
        ("SELEC 1", "/clickhouse/", StatusCode::BAD_REQUEST, "62"),
        ("SELECT nothing FROM sessions", "/clickhouse/", StatusCode::NOT_FOUND, "47"),
        ("SELECT 1", "/clickhouse/?database=otel", StatusCode::NOT_FOUND, "81"),
        ("SELECT 1", "/clickhouse/?max_result_rows=many", StatusCode::BAD_REQUEST, "36"),
        ("SELECT 1", "/clickhouse/?decompress=1", StatusCode::UNSUPPORTED_MEDIA_TYPE, "1"),
        ("DROP VIEW sessions", "/clickhouse/", StatusCode::INTERNAL_SERVER_ERROR, "497"),
        ("SELECT 1", "/clickhouse/?join_algorithm=hash", StatusCode::INTERNAL_SERVER_ERROR, "164"),
    ] {
        let reply = post(&door, address, statement).await;
        let found = reply.headers.get("x-clickhouse-exception-code").map(|code| code.to_str().unwrap());
        assert_eq!((reply.status, found), (status, Some(code)), "{statement} at {address}: {:?}", reply.body);
        assert!(reply.text().starts_with(&format!("Code: {code}. DB::Exception: ")), "{:?}", reply.body);
    }
    let form = "--x\r\ncontent-disposition: form-data; name=\"t\"; filename=\"t.csv\"\r\n\r\n1\r\n--x--\r\n";
    let upload = Request::post("/clickhouse/?query=SELECT%20*%20FROM%20t&t_structure=n%20Int8")
        .header("content-type", "multipart/form-data; boundary=x")
        .body(Body::from(form))
        .unwrap();
    assert_eq!(door.send(upload).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let long = ask(&door, &format!("SELECT '{}'", "x".repeat(1 << 20))).await;
    assert_eq!(long.status, StatusCode::PAYLOAD_TOO_LARGE);
}

/// What Grafana's ClickHouse source asks in its OpenTelemetry mode, for logs and for traces.
#[tokio::test]
async fn grafana_s_own_queries_for_logs_and_traces_are_answered() {
    let warehouse = published().await;
    let door = door().await;
    let database = &warehouse.guest_config.database;
    let during = "timestamp >= toDateTime64('2026-11-19 08:00:00', 3) AND timestamp <= toDateTime64('2026-11-19 14:00:00', 3)";
    let logs = format!(
        "SELECT Timestamp as \"timestamp\", Body as \"body\", SeverityText as \"level\", LogAttributes as \"labels\", \
         TraceId as \"traceID\" FROM \"{database}\".\"otel_logs\" WHERE ( {during} ) AND (body LIKE '%api_request%') \
         ORDER BY timestamp DESC LIMIT 1000 FORMAT TSV"
    );
    let reply = ask(&door, &logs).await;
    assert_eq!((reply.status, reply.text().lines().count()), (StatusCode::OK, 60), "{:?}", reply.body);
    let insert = "INSERT INTO otel_traces (Timestamp, TraceId, SpanId, ParentSpanId, ServiceName, SpanName, Duration, StatusCode) VALUES \
                  ('2026-11-19 08:00:00', 't1', 'a', '', 'claude-code', 'interaction', 5000000, 'Ok'), \
                  ('2026-11-19 08:00:00.001', 't1', 'b', 'a', 'claude-code', 'tool', 2000000, 'Error')";
    warehouse.owner.execute(insert).await.unwrap();
    let traces = format!(
        "SELECT \"TraceId\" as traceID, \"ServiceName\" as serviceName, \"SpanName\" as operationName, \"Timestamp\" as startTime, \
         multiply(\"Duration\", 0.000001) as duration FROM \"{database}\".\"otel_traces\" WHERE ( ParentSpanId = '' ) AND ( Duration > 0 ) \
         ORDER BY Timestamp DESC, Duration DESC LIMIT 1000"
    );
    assert_eq!(
        ask(&door, &traces).await.text(),
        "t1\tclaude-code\tinteraction\t2026-11-19 08:00:00.000000000\t5\n"
    );
    let one = format!(
        "WITH 't1' as trace_id, (SELECT min(Timestamp) FROM \"{database}\".\"otel_traces\" WHERE TraceId = trace_id) as trace_start, \
         (SELECT max(Timestamp) + 1 FROM \"{database}\".\"otel_traces\" WHERE TraceId = trace_id) as trace_end \
         SELECT \"TraceId\" as traceID, \"SpanId\" as spanID, \"ParentSpanId\" as parentSpanID, \"SpanName\" as operationName, \
         multiply(toUnixTimestamp64Nano(\"Timestamp\"), 0.000001) as startTime, multiply(\"Duration\", 0.000001) as duration, \
         arrayMap(key -> map('key', key, 'value',\"SpanAttributes\"[key]), mapKeys(\"SpanAttributes\")) as tags, \
         if(\"StatusCode\" IN ('Error', 'STATUS_CODE_ERROR'), 2, 0) as statusCode \
         FROM \"{database}\".\"otel_traces\" WHERE traceID = trace_id AND \"Timestamp\" >= trace_start AND \"Timestamp\" <= trace_end LIMIT 1000"
    );
    assert_eq!(ask(&door, &one).await.text().lines().count(), 2);
}

#[tokio::test]
async fn a_client_library_works_through_the_door() {
    let warehouse = published().await;
    let reader = Warehouse::new(&warehouse.reader_config);
    let config = GatewayConfig { listen: ([127, 0, 0, 1], 0).into(), ..GatewayConfig::default() };
    let catalogue = Catalogue::embedded().unwrap();
    let gateway =
        Gateway::bind(config, reader, None, Health::default(), Registry::default(), catalogue).await.unwrap();
    let gateway = gateway.with_guest(&warehouse.guest_config).unwrap();
    let address = gateway.local_addr();
    let stop = CancellationToken::new();
    let served = tokio::spawn(gateway.serve(stop.clone()));
    for path in ["/clickhouse", ""] {
        let client = Warehouse::new(&ClickHouseConfig {
            url: format!("http://{address}{path}"),
            database: warehouse.guest_config.database.clone(),
            ..ClickHouseConfig::default()
        });
        let rows: Vec<(String, u64)> = client
            .query(
                "SELECT user, count() FROM events WHERE user LIKE {like:String} GROUP BY user ORDER BY user",
            )
            .param("like", "user%")
            .fetch_all()
            .await
            .unwrap();
        let hundred = |user: &str| (format!("{user}@example.com"), 100);
        assert_eq!(rows, ["user0", "user1", "user2"].map(hundred));
        let refused = client.execute("DROP VIEW events").await.unwrap_err();
        assert_eq!(refused.code(), Some(497));
    }
    stop.cancel();
    served.await.unwrap();
}

#[tokio::test]
async fn bounds_hold_and_can_be_lowered() {
    let door = door().await;
    let rows = "SELECT number FROM numbers(2000000)";
    assert!(ask(&door, rows).await.body.is_err(), "more rows than an answer may have: it is cut off");
    let fewer = post(&door, "/clickhouse/?max_result_rows=5", "SELECT number FROM numbers(6)").await;
    assert!(fewer.text().contains("Code: 396"), "{:?}", fewer.body);
    let lifted = post(&door, "/clickhouse/?max_result_rows=0&max_rows_to_read=0", rows).await;
    assert!(lifted.body.is_err(), "0 lifts nothing");
}

#[tokio::test]
async fn a_client_that_goes_away_takes_its_statement_with_it() {
    let warehouse = published().await;
    let door = door().await;
    let endless = "SELECT count() FROM numbers(1000000000) WHERE sipHash64(number) = 1 UNION ALL SELECT number FROM numbers(900000)";
    let (owner, running) = (
        &warehouse.owner,
        "SELECT count() FROM system.processes WHERE user = 'granary_guest' AND query LIKE '%900000%'",
    );
    let count = async || owner.query(running).fetch_one::<u64>().await.unwrap();
    let asked = tokio::spawn(async move { ask(&door, endless).await });
    until(async || count().await == 1).await;
    asked.abort();
    until(async || count().await == 0).await;
}

#[tokio::test]
async fn an_answer_streams() {
    let door = door().await;
    let request = Request::post("/clickhouse/")
        .body(Body::from("SELECT number, repeat('x', 100) FROM numbers(500000)"));
    let mut body = door.begin(request.unwrap()).await.into_body();
    let (mut pieces, mut bytes) = (0, 0);
    while let Some(frame) = body.frame().await {
        pieces += 1;
        bytes += frame.unwrap().into_data().unwrap().len();
    }
    assert!(pieces > 10 && bytes > 50_000_000, "{bytes} bytes in {pieces} pieces");
}

#[tokio::test]
async fn the_door_stays_shut_where_the_guest_could_do_harm() {
    let warehouse = published().await;
    let database = warehouse.guest_config.database.clone();
    for (harmful, config) in [
        (
            "it has all rights",
            ClickHouseConfig { database: database.clone(), ..warehouse.owner_config.clone() },
        ),
        ("it reads the tables", ClickHouseConfig { database, ..warehouse.reader_config.clone() }),
    ] {
        let door = TestGateway::with_door(warehouse, &config, |_| {});
        let reply = ask(&door, "SELECT 1").await;
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{harmful}");
        assert!(reply.text().contains("this door is shut"), "{:?}", reply.body);
    }
    // Its constraints let it read more rows than the gateway lets anyone.
    let stricter = TestGateway::with_door(warehouse, &warehouse.guest_config, |config| {
        config.max_rows_to_read = 1_000_000;
    });
    assert!(ask(&stricter, "SELECT 1").await.text().contains("this door is shut"));
    let none = TestGateway::new().await;
    assert_eq!(ask(&none, "SELECT 1").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn whoever_asks_too_often_is_told_so_as_clickhouse_would() {
    let warehouse = published().await;
    let once = |config: &mut GatewayConfig| {
        (config.requests_per_second, config.burst) = (1.try_into().unwrap(), 1.try_into().unwrap());
    };
    let door = TestGateway::with_door(warehouse, &warehouse.guest_config, once);
    assert_eq!(ask(&door, "SELECT 1").await.status, StatusCode::OK);
    let refused = ask(&door, "SELECT 1").await;
    assert_eq!(
        (refused.status, &refused.headers["x-clickhouse-exception-code"]),
        (StatusCode::TOO_MANY_REQUESTS, &"202".parse().unwrap())
    );
    assert!(
        refused.text().starts_with("Code: 202. DB::Exception: ")
            && refused.headers.contains_key("retry-after")
    );
}

/// The table of an earlier tool that dashboards were made for, by column and type; there `date` was computed.
const TELEMETRY_EVENTS: &str = "\
timestamp DateTime64(6, 'UTC'), session_id String, event_type LowCardinality(String), agent LowCardinality(String), \
task_id String, severity LowCardinality(String), file_path String, lines_added UInt32, lines_removed UInt32, \
command_binary String, exit_code Int32, duration_ms UInt64, cpu_time_ms UInt64, peak_memory_mib Float32, \
metadata String, date Date";

#[tokio::test]
async fn telemetry_events_has_the_columns_and_types_that_its_dashboards_know() {
    let door = door().await;
    let columns = "SELECT arrayStringConcat(groupArray(name || ' ' || type), ', ') FROM \
                   (SELECT name, type FROM system.columns WHERE table = 'telemetry_events' ORDER BY position) FORMAT TSVRaw";
    assert_eq!(ask(&door, columns).await.text().trim_end(), TELEMETRY_EVENTS);
    let by_agent = "SELECT agent, countIf(event_type IN ('agent.task.failed', 'command.executed') AND exit_code != 0) AS error_count, \
                    count(*) AS total_events, error_count / total_events AS error_rate FROM telemetry_events \
                    WHERE session_id = 's0' GROUP BY agent ORDER BY error_rate DESC";
    // Of fifty events each tenth is a tool's, of which every second one is Bash; a failure is a number that four divides.
    assert_eq!(ask(&door, by_agent).await.text().split('\t').nth(2), Some("50"));
}

//! What is published, and to whom.

use granary_clickhouse::{Scope, Warehouse, publish};
use granary_model::TenantId;
use granary_testkit::TestWarehouse;
use uuid::Uuid;

async fn published(test: &str) -> (TestWarehouse, Warehouse) {
    let warehouse = granary_testkit::warehouse(test).await;
    publish::publish(&warehouse.owner, &warehouse.guest_config.database).await.unwrap();
    let guest = Warehouse::new(&warehouse.guest_config);
    (warehouse, guest)
}

/// Three events a tenant and user; each tenant's users are in a team that has the user's name.
async fn fill(owner: &Warehouse) {
    for tenant in ["acme", "beta"] {
        for user in ["ada", "bob"] {
            let sql = format!(
                "INSERT INTO otel_logs (Timestamp, TenantId, SessionId, UserId, TeamId, AgentEvent, ToolName, Model, Cost, EventId) \
                 SELECT toDateTime64('2026-11-20 09:00:00', 9), '{tenant}', '{tenant}-{user}', '{user}', 'team-{user}', \
                 ['api_request', 'tool_result', 'user_prompt'][number + 1], 'Bash', 'claude-opus-4-8', 0.5, rand64() FROM numbers(3)"
            );
            owner.execute(&sql).await.unwrap();
        }
    }
}

fn scope(user: Option<&str>, team: Option<&str>) -> Scope {
    Scope { tenant: TenantId::new("acme"), user: user.map(str::to_owned), team: team.map(str::to_owned) }
}

async fn ask(guest: &Warehouse, scope: &Scope, sql: &str) -> Result<String, String> {
    let mut answer = guest
        .query(sql)
        .with_setting("query_id", scope.query_id(Uuid::now_v7()))
        .fetch_bytes("TSV")
        .map_err(|error| error.to_string())?;
    let bytes = answer.collect().await.map_err(|error| error.to_string())?;
    Ok(String::from_utf8(bytes.to_vec()).unwrap().trim_end().to_owned())
}

#[tokio::test]
async fn every_view_can_be_read_and_every_column_of_those_for_people_says_what_it_is() {
    let (_warehouse, guest) = published("published_all").await;
    for (name, sql) in publish::views() {
        let rows =
            ask(&guest, &scope(None, None), &format!("SELECT count() FROM (SELECT * FROM {name})")).await;
        assert!(rows.is_ok(), "{name}: {rows:?}");
        let is_bound = sql.contains("WHERE {scope}") || sql.contains("WHERE {tenant}");
        assert!(name == "model_prices" || is_bound, "{name} is not bound to a tenant");
        if !name.starts_with("otel_") {
            let sql = format!(
                "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = '{name}' AND comment = ''"
            );
            let uncommented = ask(&guest, &scope(None, None), &sql).await;
            assert_eq!(uncommented.unwrap(), "", "columns of {name} without a comment");
        }
    }
    let listed = ask(
        &guest,
        &scope(None, None),
        "SELECT count() FROM system.tables WHERE database = currentDatabase() AND comment != ''",
    )
    .await;
    assert_eq!(listed.unwrap(), publish::views().count().to_string());
}

#[tokio::test]
async fn a_view_shows_the_rows_of_the_scope_in_the_query_s_id_and_none_without_one() {
    let (warehouse, guest) = published("published_scope").await;
    fill(&warehouse.owner).await;
    for (view, rows_a_session) in [
        ("events", 3),
        ("otel_logs", 3),
        ("telemetry_events", 3),
        ("api_requests", 1),
        ("tool_calls", 1),
        ("user_prompts", 1),
        ("sessions", 1),
        ("cost_hourly", 1),
        ("tools_hourly", 1),
    ] {
        let count = format!("SELECT count() FROM {view}");
        for (seen, sessions) in [
            (scope(None, None), 2),
            (scope(Some("ada"), None), 1),
            (scope(None, Some("team-bob")), 1),
            (scope(Some("ada"), Some("team-bob")), 0),
            (scope(Some("' OR 1 = 1 OR '"), None), 0),
            (Scope { tenant: TenantId::new("acme.beta"), user: None, team: None }, 0),
        ] {
            let rows = ask(&guest, &seen, &count).await.unwrap();
            assert_eq!(rows, (sessions * rows_a_session).to_string(), "{view} for {seen:?}");
        }
        let unscoped = guest.query(&count).fetch_one::<u64>().await.unwrap();
        assert_eq!(unscoped, 0, "{view} for a query with an id of ClickHouse's own");
    }
    let foreign = "SELECT count() FROM events WHERE session LIKE 'beta%'";
    assert_eq!(ask(&guest, &scope(None, None), foreign).await.unwrap(), "0");
}

#[tokio::test]
async fn the_scope_prunes_by_the_sort_key() {
    let (warehouse, guest) = published("published_prune").await;
    for tenant in ["acme", "beta", "zeta"] {
        let sql = format!(
            "INSERT INTO otel_logs (Timestamp, TenantId, AgentEvent) SELECT now64(9), '{tenant}', 'api_request' FROM numbers(50000)"
        );
        warehouse.owner.execute(&sql).await.unwrap();
    }
    warehouse.owner.execute("OPTIMIZE TABLE otel_logs FINAL").await.unwrap();
    let estimate = "EXPLAIN ESTIMATE SELECT sum(input_tokens) FROM api_requests";
    let estimate = ask(&guest, &scope(None, None), estimate).await.unwrap();
    // Database, table, parts, rows, marks.
    let rows: u64 = estimate.split('\t').nth(3).unwrap().parse().unwrap();
    assert!((50_000..70_000).contains(&rows), "{rows} rows of 150,000");
}

#[tokio::test]
async fn a_range_prunes_through_a_view_by_the_hour_that_the_table_s_key_has() {
    let (warehouse, guest) = published("published_range").await;
    // A call every ten seconds of November, and in the rollup a row for each.
    let calls = "INSERT INTO otel_logs (Timestamp, TenantId, SessionId, UserId, AgentEvent, ToolName, Success) \
                 SELECT toDateTime64('2026-11-01 00:00:00', 9, 'UTC') + toIntervalSecond(10 * number), 'acme', \
                 concat('s', toString(number % 50)), toString(number % 500), 'tool_result', 'Bash', true FROM numbers(259200)";
    warehouse.owner.execute(calls).await.unwrap();
    for table in ["otel_logs", "tool_usage_hourly"] {
        warehouse.owner.execute(&format!("OPTIMIZE TABLE {table} FINAL")).await.unwrap();
    }
    let day = |column: &str| {
        format!(
            "{column} >= toDateTime('2026-11-15 00:00:00', 'UTC') AND {column} <= toDateTime('2026-11-15 23:59:59', 'UTC')"
        )
    };
    let read = async |view: &str, condition: &str| {
        let estimate = format!("EXPLAIN ESTIMATE SELECT count(), any(1) FROM {view} WHERE {condition}");
        let estimate = ask(&guest, &scope(None, None), &estimate).await.unwrap();
        estimate.split('\t').nth(3).unwrap().parse::<u64>().unwrap()
    };
    // A day is 8,640 rows, and a granule at its beginning and its end.
    let about_a_day = 8_640..30_000;
    for (view, condition) in [
        (
            "otel_logs",
            format!(
                "AgentEvent = 'tool_result' AND {} AND {}",
                day("Timestamp"),
                day("toStartOfHour(Timestamp)")
            ),
        ),
        ("tool_calls", format!("{} AND {}", day("time"), day("hour"))),
        ("rollup_tool_usage_hourly", day("Hour")),
        ("tools_hourly", day("hour")),
    ] {
        let rows = read(view, &condition).await;
        assert!(about_a_day.contains(&rows), "{view}: {rows} rows of 259,200");
    }
    let by_time_alone = read("tool_calls", &day("time")).await;
    assert!(
        by_time_alone > 200_000,
        "{by_time_alone} rows: the hour is not needed any more, so nobody need be told"
    );
}

#[tokio::test]
async fn what_belongs_to_a_tenant_alone_is_not_shown_to_who_sees_one_user_or_team() {
    let (warehouse, guest) = published("published_tenant").await;
    for tenant in ["acme", "beta"] {
        let rows = format!(
            "INSERT INTO ingest_accounting SELECT '{tenant}', now(), 'logs', 'stored', generateUUIDv4(), 3"
        );
        warehouse.owner.execute(&rows).await.unwrap();
    }
    for (seen, rows) in [
        (scope(None, None), "1"),
        (scope(Some("ada"), None), "0"),
        (scope(None, Some("team-ada")), "0"),
        (Scope { tenant: TenantId::new("nobody"), user: None, team: None }, "0"),
    ] {
        let answer = ask(&guest, &seen, "SELECT count() FROM ingest_accounting").await;
        assert_eq!(answer.unwrap(), rows, "{seen:?}");
    }
    let unscoped = guest.query("SELECT count() FROM ingest_accounting").fetch_one::<u64>().await.unwrap();
    assert_eq!(unscoped, 0);
}

#[tokio::test]
async fn a_guest_reads_what_is_published_and_nothing_else_and_lifts_no_bound() {
    let (warehouse, guest) = published("published_guest").await;
    fill(&warehouse.owner).await;
    let tables = &warehouse.owner_config.database;
    for refused in [
        &format!("SELECT count() FROM {tables}.otel_logs"),
        &format!("SELECT * FROM merge('{tables}', '.*')"),
        "SELECT * FROM system.processes",
        "SELECT * FROM file('/etc/hostname', 'CSV', 'line String')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'line String')",
        "SELECT * FROM remote('127.0.0.1', system.one)",
        "CREATE TEMPORARY TABLE mine (n UInt8)",
        "DROP VIEW events",
        "INSERT INTO events SELECT * FROM events",
        "KILL QUERY WHERE 1",
        "SELECT 1 SETTINGS max_execution_time = 0",
        "SELECT 1 SETTINGS max_execution_time = 31",
        "SELECT 1 SETTINGS max_rows_to_read = 2000000001",
        "SELECT 1 SETTINGS max_memory_usage = 0",
        "SELECT 1 SETTINGS readonly = 0",
        // It keeps answers by statement and user, which all callers share.
        "SELECT 1 SETTINGS use_query_cache = 1",
        // These open files, or are expressions within a string.
        "SELECT 1 FORMAT Template SETTINGS format_template_row = '/etc/hostname'",
        "SELECT 1 SETTINGS additional_result_filter = 'length(file(\\'/etc/hostname\\'))'",
        "SELECT 1 SETTINGS dialect = 'kusto'",
    ] {
        let answer = ask(&guest, &scope(None, None), refused).await;
        assert!(answer.is_err(), "{refused}: {answer:?}");
    }
    for allowed in
        ["SELECT 1 SETTINGS max_execution_time = 5", "SELECT 1 SETTINGS join_use_nulls = 1", "SHOW TABLES"]
    {
        let answer = ask(&guest, &scope(None, None), allowed).await;
        assert!(answer.is_ok(), "{allowed}: {answer:?}");
    }
}

#[tokio::test]
async fn views_that_are_as_they_are_to_be_are_left_alone_and_one_that_is_gone_is_made_again() {
    let (warehouse, _) = published("left_alone").await;
    let database = &warehouse.guest_config.database;
    let uuids = async || {
        let uuids =
            "SELECT name, toString(uuid) FROM system.tables WHERE database = {database:String} ORDER BY name";
        let query = warehouse.owner.query(uuids).param("database", database);
        query.fetch_all::<(String, String)>().await.unwrap()
    };
    let before = uuids().await;
    assert_eq!(before.len(), publish::views().count());
    publish::publish(&warehouse.owner, database).await.unwrap();
    assert_eq!(uuids().await, before);
    warehouse.owner.execute(&format!("DROP VIEW {database}.events")).await.unwrap();
    publish::publish(&warehouse.owner, database).await.unwrap();
    let after = uuids().await;
    assert_eq!(after.len(), before.len());
    assert_ne!(after, before, "they are made together");
}

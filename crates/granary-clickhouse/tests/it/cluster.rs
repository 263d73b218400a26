//! The tables of a cluster: what the files become, and how a change of them reaches servers that others write to.

use std::time::Duration;

use granary_clickhouse::migrate::{self, all_statements};
use granary_clickhouse::{ClickHouseConfig, ClusterConfig, Warehouse, publish};

use crate::records::{api_request, logs, seal};

/// The same server, taken for one of replicated shards. It knows neither Keeper nor `ON CLUSTER`, but every setting.
pub(crate) fn replicated(config: &ClickHouseConfig) -> ClickHouseConfig {
    ClickHouseConfig { cluster: Some(Box::new(ClusterConfig::replicated("granary"))), ..config.clone() }
}

/// Has each insert into `otel_logs` write down what these settings are for it.
async fn spy(warehouse: &Warehouse, settings: &[&str]) {
    let values: Vec<_> = settings.iter().map(|name| format!("toString(getSetting('{name}'))")).collect();
    let values = values.join(", ");
    for statement in [
        "CREATE TABLE spied (Values Array(String)) ENGINE = MergeTree ORDER BY ()".to_owned(),
        format!(
            "CREATE MATERIALIZED VIEW spy TO spied AS SELECT [{values}] AS Values FROM otel_logs LIMIT 1"
        ),
    ] {
        warehouse.execute(&statement).await.unwrap();
    }
}

/// What was written down.
async fn spied(warehouse: &Warehouse) -> Vec<Vec<String>> {
    warehouse.query("SELECT Values FROM spied").fetch_all().await.unwrap()
}

#[tokio::test]
async fn an_insert_into_replicated_tables_is_on_most_replicas_when_it_is_answered() {
    let test = granary_testkit::warehouse("cluster_quorum").await;
    let settings = ["insert_quorum", "insert_quorum_parallel", "insert_quorum_timeout"];
    spy(&test.owner, &settings).await;
    let replicated = Warehouse::new(&replicated(&test.owner_config));
    replicated.insert(&seal(&logs(&[api_request()]), "a")).await.unwrap();
    assert_eq!(spied(&test.owner).await, [["auto", "true", "60000"]]);
}

async fn parsed(warehouse: &Warehouse, statement: &str) -> String {
    let format = warehouse.query("SELECT formatQuery({statement:String})").param("statement", statement);
    format.fetch_one().await.unwrap_or_else(|error| panic!("{error}\n{statement}"))
}

/// Every statement for shards with replicas, as the engine's parser understands it: what it does not know, it refuses. It says
/// nothing of what a server would do.
#[tokio::test]
async fn the_engine_s_parser_reads_every_statement_for_replicated_shards() {
    let test = granary_testkit::warehouse("cluster_parsed").await;
    let config = replicated(&ClickHouseConfig::default());
    let mut all = Vec::new();
    for statement in all_statements(&config).unwrap() {
        all.push(parsed(&test.owner, &statement).await);
    }
    for statement in publish::statements(config.cluster.as_deref()) {
        let statement = parsed(&test.owner, &statement).await;
        // The views' columns stand in the files; what a cluster adds stands in the first line.
        all.push(statement.lines().next().unwrap().to_owned());
    }
    assert!(
        all.iter()
            .all(|sql| sql.contains("ON CLUSTER granary") || sql.starts_with("INSERT INTO model_prices"))
    );
    insta::assert_snapshot!("replicated", all.join(";\n\n"));
}

#[tokio::test]
async fn a_statement_for_all_servers_ends_before_who_sent_it_gives_up_and_waits_for_each_replica() {
    let test = granary_testkit::warehouse("cluster_everywhere").await;
    let names = [
        "distributed_ddl_task_timeout",
        "alter_sync",
        "replication_wait_for_inactive_replica_timeout",
        "receive_timeout",
    ];
    let values = names.map(|name| format!("toString(getSetting('{name}'))")).join(", ");
    let settings = async |warehouse: &Warehouse| {
        let query = warehouse.query(&format!("SELECT [{values}]"));
        let query = warehouse.everywhere(query, Duration::from_mins(1));
        query.fetch_one::<Vec<String>>().await.unwrap()
    };
    let replicas = Warehouse::new(&replicated(&test.owner_config));
    assert_eq!(settings(&replicas).await, ["50", "2", "50", "50"]);
    assert_eq!(settings(&test.owner).await[..2], ["180", "1"]);
}

#[tokio::test]
async fn plain_shards_have_the_same_tables_and_a_second_run_finds_nothing_to_do() {
    let test = granary_testkit::sharded_warehouse("cluster_migrated").await;
    let owner = &test.whole.owner;
    assert!(migrate::apply(owner).await.unwrap().is_empty());
    assert_eq!(migrate::status(owner).await.unwrap().applied.len(), migrate::all().len());
    let tables = "SELECT groupArray((name, engine)) FROM (SELECT name, engine FROM system.tables \
         WHERE database = currentDatabase() ORDER BY name)";
    let [one, other]: [Vec<(String, String)>; 2] = [
        test.shards[0].query(tables).fetch_one().await.unwrap(),
        test.shards[1].query(tables).fetch_one().await.unwrap(),
    ];
    assert_eq!(one, other);
    let engine = |name: &str| one.iter().find(|(table, _)| table == name).map(|(_, engine)| engine.as_str());
    assert_eq!(engine("otel_logs"), Some("Distributed"));
    assert_eq!(engine("otel_logs_local"), Some("MergeTree"));
    assert_eq!(engine("cost_hourly_local"), Some("AggregatingMergeTree"));
    assert_eq!(engine("model_prices"), Some("ReplacingMergeTree"));
    assert!(missing(owner).await.is_empty());
}

/// The names of what some servers lack.
async fn missing(owner: &Warehouse) -> Vec<String> {
    owner.missing_somewhere().await.unwrap().into_iter().map(|table| table.name).collect()
}

/// The engine takes no `ON CLUSTER`; without it, the server that lacks the tables takes the same statements.
#[tokio::test]
async fn a_replica_that_was_added_later_gets_its_tables_as_the_others_have_them_by_now() {
    let test = granary_testkit::sharded_warehouse("cluster_replaced").await;
    let config = &test.whole.owner_config;
    let cluster = ClusterConfig::replicated(&config.cluster.as_ref().unwrap().name);
    let owner =
        Warehouse::new(&ClickHouseConfig { cluster: Some(Box::new(cluster.clone())), ..config.clone() });
    let on = format!(" ON CLUSTER `{}`", cluster.name);
    for shard in &test.shards {
        for altered in ["otel_logs_local", "otel_logs"] {
            let later = format!("ALTER TABLE {altered} ADD COLUMN Shade LowCardinality(String)");
            shard.execute(&later).await.unwrap();
        }
    }
    let tables = "SELECT groupArray((name, engine, columns)) FROM (SELECT name, any(engine) AS engine, \
         (SELECT groupArray((table, name, type, default_expression)) FROM system.columns WHERE database = currentDatabase()) AS columns \
         FROM system.tables WHERE database = currentDatabase() GROUP BY name ORDER BY name)";
    let tables = async |shard: &Warehouse| {
        let mut answer = shard.query(tables).fetch_bytes("JSONEachRow").unwrap();
        String::from_utf8(answer.collect().await.unwrap().to_vec()).unwrap()
    };
    let before = tables(&test.shards[1]).await;
    let database = owner.database();
    test.shards[1].execute(&format!("DROP DATABASE {database} SYNC")).await.unwrap();
    let lacked = owner.missing_somewhere().await.unwrap();
    let anywhere = Warehouse::new(&ClickHouseConfig {
        database: "system".to_owned(),
        url: config.cluster.as_ref().unwrap().hosts[1].clone(),
        cluster: None,
        ..config.clone()
    });
    anywhere.execute(&format!("CREATE DATABASE {database}")).await.unwrap();
    for table in &lacked {
        let statement = table.statement(&cluster).unwrap();
        assert!(statement.contains(&on), "{statement}");
        anywhere.execute(&statement.replace(&on, "")).await.unwrap();
    }
    assert!(missing(&owner).await.is_empty());
    assert_eq!(tables(&test.shards[1]).await, before);
    let views = "SELECT uniqExact(uuid) FROM clusterAllReplicas('two_shards', system.tables) \
         WHERE database = currentDatabase() AND name = 'cost_hourly_mv'";
    assert_eq!(owner.query(views).fetch_one::<u64>().await.unwrap(), 1);
}

/// The engine refuses `ON CLUSTER`, and knows no cluster of that name.
#[tokio::test]
async fn where_nothing_is_pending_no_other_server_is_asked_and_nothing_is_sent() {
    let test = granary_testkit::warehouse("cluster_idle").await;
    let owner = Warehouse::new(&replicated(&test.owner_config));
    assert!(migrate::apply(&owner).await.unwrap().is_empty());
    let status = migrate::status_here(&owner).await.unwrap();
    assert_eq!((status.applied.len(), status.pending.len()), (migrate::all().len(), 0));
    assert!(
        publish::publish(&owner, "published_idle").await.is_err(),
        "ON CLUSTER is sent where views are to be made"
    );
    owner.execute("INSERT INTO granary_migrations (Version, Checksum) VALUES (1, 'other')").await.unwrap();
    assert!(migrate::apply(&owner).await.is_err());
}

/// What a view is known by in the tokens of its rows is its name or its UUID, as the server's version has it.
#[tokio::test]
async fn a_view_made_by_another_statement_knows_the_inserts_of_the_one_before() {
    let test = granary_testkit::sharded_warehouse("cluster_views").await;
    let (owner, shard) = (&test.whole.owner, &test.shards[0]);
    let uuids = "SELECT uniqExact(name, uuid), uniqExact(uuid) FROM clusterAllReplicas('two_shards', system.tables) \
         WHERE database = currentDatabase() AND engine = 'MaterializedView'";
    let (of_all, distinct): (u64, u64) = owner.query(uuids).fetch_one().await.unwrap();
    assert_eq!(of_all, distinct, "each view has one UUID on all servers");

    let block = seal(&logs(&[api_request(), api_request()]), "a");
    owner.insert(&block).await.unwrap();
    let statements = all_statements(&test.whole.owner_config).unwrap();
    for shard in &test.shards {
        shard.execute("DROP VIEW cost_hourly_mv").await.unwrap();
        let made = statements.iter().find(|made| made.contains(" cost_hourly_mv ")).unwrap();
        shard.execute(made).await.unwrap();
    }
    owner.insert(&block).await.unwrap();
    let requests: Vec<u64> = owner.query("SELECT sum(Requests) FROM cost_hourly").fetch_all().await.unwrap();
    assert_eq!(requests, [2]);
    let uuid = "SELECT toString(uuid) FROM system.tables WHERE database = currentDatabase() AND name = 'cost_hourly_mv'";
    let uuid: String = shard.query(uuid).fetch_one().await.unwrap();
    assert!(statements.iter().any(|made| made.contains(&uuid)));
}

#[tokio::test]
async fn a_server_that_was_added_later_is_known_by_what_it_lacks_and_is_brought_up() {
    let test = granary_testkit::sharded_warehouse("cluster_grown").await;
    let owner = &test.whole.owner;
    let database = owner.database();
    test.shards[1].execute(&format!("DROP DATABASE {database} SYNC")).await.unwrap();
    owner.execute("CREATE TABLE an_operators_own (a UInt8) ENGINE = Memory").await.unwrap();
    let lacking = missing(owner).await;
    assert!(
        ["otel_logs", "otel_logs_local", "model_prices"]
            .iter()
            .all(|table| lacking.iter().any(|m| m == table))
    );
    assert_eq!(migrate::status(owner).await.unwrap().pending.len(), migrate::all().len());
    assert_eq!(migrate::apply(owner).await.unwrap().len(), migrate::all().len());
    assert!(missing(owner).await.is_empty(), "an operator's own table need not be everywhere");
    let prices = "SELECT count() FROM model_prices FINAL";
    let [one, other] = [
        test.shards[0].query(prices).fetch_one::<u64>().await.unwrap(),
        test.shards[1].query(prices).fetch_one::<u64>().await.unwrap(),
    ];
    assert!(one > 0 && one == other);
}

/// A column comes: first the rows have it, then the distributed table, and who does not know it writes on. It goes the other way.
#[tokio::test]
async fn a_writer_of_the_old_columns_writes_on_while_a_column_comes_and_after_it_is_gone() {
    let test = granary_testkit::sharded_warehouse("cluster_rolling").await;
    let owner = &test.whole.owner;
    let old = async |from: u64| {
        let sql = format!(
            "INSERT INTO otel_logs (Timestamp, TenantId, SessionId, Body, EventId) \
             SELECT now64(9), 'acme', concat('s', toString(number)), 'old', number + {from} FROM numbers(20)"
        );
        owner.execute(&sql).await.map_err(|error| error.to_string())
    };
    let new = async |from: u64| {
        let sql = format!(
            "INSERT INTO otel_logs (Timestamp, TenantId, SessionId, Body, EventId, Shade) \
             SELECT now64(9), 'acme', concat('s', toString(number)), 'new', number + {from}, 'blue' FROM numbers(20)"
        );
        owner.execute(&sql).await.map_err(|error| error.to_string())
    };
    let expand =
        "ALTER TABLE otel_logs ADD COLUMN IF NOT EXISTS Shade LowCardinality(String) DEFAULT upper(Body)";
    let contract = "ALTER TABLE otel_logs DROP COLUMN IF EXISTS Shade";
    let rendered = |statement| migrate::rendered(&test.whole.owner_config, statement).unwrap();

    old(0).await.unwrap();
    assert!(new(100).await.unwrap_err().contains("Shade"), "the column comes before its writer");
    let [rows_first, then_distributed] = rendered(expand).try_into().unwrap();
    for shard in &test.shards {
        shard.execute(&rows_first).await.unwrap();
        old(200).await.unwrap();
    }
    for shard in &test.shards {
        shard.execute(&then_distributed).await.unwrap();
        old(300).await.unwrap();
    }
    new(400).await.unwrap();
    let shades = "SELECT groupArray((shade, rows)) FROM (SELECT toString(Shade) AS shade, count() AS rows FROM otel_logs GROUP BY shade ORDER BY shade)";
    let found: Vec<(String, u64)> = owner.query(shades).fetch_one().await.unwrap();
    assert_eq!(
        found,
        [("OLD".to_owned(), 100), ("blue".to_owned(), 20)],
        "the default holds for rows of the old writer"
    );

    let [distributed_first, then_rows] = rendered(contract).try_into().unwrap();
    for statement in [distributed_first, then_rows] {
        for shard in &test.shards {
            shard.execute(&statement).await.unwrap();
            old(500).await.unwrap();
        }
    }
    assert!(new(600).await.is_err(), "the writer of the new column is to be gone before the column is");
    let rows: u64 = owner.query("SELECT count() FROM otel_logs").fetch_one().await.unwrap();
    assert_eq!(rows, 200);
}

/// No service with `SharedMergeTree` is at hand; a table of one server takes the settings of both kinds.
#[tokio::test]
async fn shared_tables_have_both_windows_and_are_asked_for_what_was_written() {
    let test = granary_testkit::warehouse("shared").await;
    let database = format!("{}_shared", test.owner.database());
    let config = ClickHouseConfig { database, shared_merge_tree: true, ..test.owner_config };
    let shared = Warehouse::new(&config);
    migrate::apply(&shared).await.unwrap();
    assert!(migrate::apply(&shared).await.unwrap().is_empty());
    let windows = "SELECT count(), countIf(create_table_query LIKE '% replicated_deduplication_window = %' \
         AND create_table_query LIKE '% replicated_deduplication_window_seconds = 604800%' \
         AND create_table_query LIKE '% non_replicated_deduplication_window = %') FROM system.tables \
         WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND name != 'granary_migrations'";
    let (tables, with_both): (u64, u64) = shared.query(windows).fetch_one().await.unwrap();
    assert_eq!(tables, with_both);
    let asked = shared.query("SELECT toString(getSetting('select_sequential_consistency'))");
    assert_eq!(shared.as_written(asked).fetch_one::<String>().await.unwrap(), "1");
    assert!(shared.life().await.unwrap().is_none(), "no start of a server tells anything");
    let block = seal(&logs(&[api_request()]), "a");
    shared.insert(&block).await.unwrap();
    shared.insert(&block).await.unwrap();
    let counts: Vec<(u64, u64)> = shared
        .query("SELECT assumeNotNull((SELECT count() FROM otel_logs)), assumeNotNull((SELECT sum(Requests) FROM cost_hourly))")
        .fetch_all()
        .await
        .unwrap();
    assert_eq!(counts, [(1, 1)]);
}

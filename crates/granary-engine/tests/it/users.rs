//! What each of the engine's users may do.

use granary_clickhouse::{ClickHouseConfig, Warehouse, migrate};
use granary_engine::{Credentials, Engine};

async fn refused(warehouse: &Warehouse, sql: &str) {
    let error = warehouse.execute(sql).await.expect_err(sql);
    // 497 is ACCESS_DENIED, 164 READONLY.
    assert!(matches!(error.code(), Some(497 | 164)), "{sql}: {error}");
}

#[tokio::test]
async fn the_reader_reads_its_database_and_nothing_else() {
    let test = granary_testkit::warehouse("reader").await;
    let reader = Warehouse::new(&test.reader_config);
    reader.query("SELECT count() FROM otel_logs").fetch_one::<u64>().await.unwrap();
    for sql in [
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "SELECT * FROM system.parts",
        "SELECT * FROM remote('127.0.0.1', system.one)",
        "INSERT INTO model_prices (Model) VALUES ('x')",
        "DROP TABLE otel_logs",
        "CREATE TABLE t (n UInt8) ENGINE = Memory",
        "CREATE TEMPORARY TABLE t (n UInt8)",
    ] {
        refused(&reader, sql).await;
    }
}

#[tokio::test]
async fn a_caller_without_a_password_can_do_nothing() {
    let test = granary_testkit::warehouse("nobody").await;
    let database = test.owner.database().to_owned();
    let nobody = Warehouse::new(&ClickHouseConfig {
        user: "default".to_owned(),
        password: String::new(),
        database: "default".to_owned(),
        ..test.owner_config.clone()
    });
    for sql in [
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM system.parts",
        &format!("SELECT * FROM {database}.otel_logs"),
        &format!("INSERT INTO {database}.model_prices (Model) VALUES ('x')"),
        "KILL QUERY WHERE 1",
    ] {
        refused(&nobody, sql).await;
    }
    let wrong = ClickHouseConfig { password: "wrong".to_owned(), ..test.owner_config };
    assert_eq!(Warehouse::new(&wrong).ping().await.unwrap_err().code(), Some(516));
}

#[tokio::test]
async fn the_auditor_adds_to_the_audit_and_can_do_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(granary_testkit::engine_options(dir.path())).await.unwrap();
    let connect = |credentials: &Credentials| {
        Warehouse::new(&ClickHouseConfig {
            url: format!("http://{}", engine.http()),
            user: credentials.user.clone(),
            password: credentials.password.clone(),
            database: "otel".to_owned(),
            ..ClickHouseConfig::default()
        })
    };
    let (owner, auditor) = (connect(engine.owner()), connect(engine.auditor()));
    migrate::apply(&owner).await.unwrap();
    auditor
        .execute("INSERT INTO query_audit (Query, ExpiresAt) VALUES ('x', '2100-01-01 00:00:00')")
        .await
        .unwrap();
    for sql in [
        "SELECT count() FROM query_audit",
        "ALTER TABLE query_audit DELETE WHERE 1",
        "ALTER TABLE query_audit UPDATE Outcome = 'ok' WHERE 1",
        "ALTER TABLE query_audit REMOVE TTL",
        "DELETE FROM query_audit WHERE 1",
        "TRUNCATE TABLE query_audit",
        "OPTIMIZE TABLE query_audit FINAL",
        "DROP TABLE query_audit",
        "RENAME TABLE query_audit TO gone",
        "INSERT INTO otel_logs (Body) VALUES ('x')",
        "SELECT count() FROM otel_logs",
        "SELECT query FROM system.processes",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "KILL QUERY WHERE 1",
    ] {
        refused(&auditor, sql).await;
    }
    auditor.execute("SELECT query_id, read_rows, read_bytes FROM system.processes").await.unwrap();
    assert_eq!(owner.query("SELECT count() FROM query_audit").fetch_one::<u64>().await.unwrap(), 1);
    engine.stop().await;
}

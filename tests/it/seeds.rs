//! The SQL that people already run against the collector's tables runs here as written.

use granary_testkit::TestWarehouse;

use crate::capture::Capture;
use crate::receiver::Receiver;

/// A warehouse with the captured sessions in it.
pub(crate) async fn filled(test: &str) -> TestWarehouse {
    let receiver = Receiver::start(test).await;
    receiver.send_captured(Capture::open().requests()).await;
    receiver.finish().await
}

#[tokio::test]
async fn the_published_analyses_run_as_written_and_find_something() {
    let warehouse = filled("seeds").await;
    let database = warehouse.owner.database();
    let file = include_str!("../fixtures/published_analyses.sql");
    let mut ran = 0;
    for statement in file.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()) {
        // The texts name the database; each test has one of its own.
        let sql = statement.replace("otel.otel_logs", &format!("{database}.otel_logs"));
        let sql = sql.replace("getCurrentSession()", "(SELECT any(SessionId) FROM otel_logs)");
        let lines = warehouse.owner.query(&sql).fetch_bytes("TSV").unwrap().collect().await;
        let lines = lines.unwrap_or_else(|error| panic!("{error}\n{statement}"));
        let title = statement.lines().next().unwrap_or_default();
        assert!(!lines.is_empty() || title.contains("unusually expensive"), "{title}: no rows");
        ran += 1;
    }
    assert_eq!(ran, 8);
}

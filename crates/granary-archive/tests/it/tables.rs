//! What a warehouse holds, in a form that two warehouses can be compared by.

use granary_clickhouse::{TABLES, Warehouse};

/// The rollups as their questions see them: merged, states as their values, sets in order.
const ROLLUPS: [(&str, &str); 4] = [
    ("cost_hourly", "SELECT * FROM cost_hourly FINAL"),
    (
        "tool_usage_hourly",
        "SELECT * REPLACE (toString(finalizeAggregation(DurationQuantiles)) AS DurationQuantiles) FROM tool_usage_hourly FINAL",
    ),
    ("sessions", "SELECT * REPLACE (arraySort(Models) AS Models) FROM sessions FINAL"),
    ("session_models", "SELECT * FROM session_models FINAL"),
];

/// Every column of every row of every telemetry table and rollup, and the marks but for the moment they were made: a
/// count and an order-free hash of each.
pub(crate) async fn contents(warehouse: &Warehouse) -> Vec<(String, u64, u64)> {
    let mut of: Vec<(&str, String)> =
        TABLES.iter().map(|table| (*table, format!("SELECT * FROM {table}"))).collect();
    of.extend(ROLLUPS.map(|(table, sql)| (table, sql.to_owned())));
    of.push(("session_archives", "SELECT * EXCEPT (ArchivedAt) FROM session_archives FINAL".to_owned()));
    let mut contents = Vec::new();
    for (table, sql) in of {
        let sql = format!("SELECT count(), sum(cityHash64(toString(tuple(*)))) FROM ({sql})");
        let (rows, hash) = warehouse.query(&sql).fetch_one::<(u64, u64)>().await.unwrap();
        contents.push((table.to_owned(), rows, hash));
    }
    contents
}

/// Takes everything out of every table that a session's life leaves something in.
pub(crate) async fn empty(warehouse: &Warehouse) {
    let mut tables = TABLES.to_vec();
    tables.extend(ROLLUPS.map(|(table, _)| table));
    tables.extend(["session_archives", "session_restores"]);
    for table in tables {
        warehouse.execute(&format!("TRUNCATE TABLE {table}")).await.unwrap();
    }
}

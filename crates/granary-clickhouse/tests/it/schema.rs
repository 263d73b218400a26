//! The columns that are sent are the columns that the tables have.

use granary_clickhouse::{LogColumns, MetricColumns, SpanColumns, TableColumns, Warehouse};

async fn agrees(warehouse: &Warehouse, table: &str, mut sent: Vec<(&'static str, &'static str)>) {
    let query = warehouse
        // What is MATERIALIZED nobody can send.
        .query("SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = {table:String} AND default_kind != 'MATERIALIZED' ORDER BY name")
        .param("table", table);
    let there: Vec<(String, String)> = query.fetch_all().await.unwrap();
    sent.sort_unstable();
    let sent: Vec<_> = sent.into_iter().map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect();
    assert_eq!(sent, there, "{table}");
}

#[tokio::test]
async fn every_table_s_columns_are_sent_with_their_types() {
    let test = granary_testkit::warehouse("schema").await;
    agrees(&test.owner, LogColumns::TABLE, LogColumns::default().schema()).await;
    agrees(&test.owner, SpanColumns::TABLE, SpanColumns::default().schema()).await;
    let metrics = MetricColumns::default();
    agrees(&test.owner, "otel_metrics_gauge", metrics.gauge.schema()).await;
    agrees(&test.owner, "otel_metrics_sum", metrics.sum.schema()).await;
    agrees(&test.owner, "otel_metrics_histogram", metrics.histogram.schema()).await;
    agrees(&test.owner, "otel_metrics_exponential_histogram", metrics.exponential_histogram.schema()).await;
    agrees(&test.owner, "otel_metrics_summary", metrics.summary.schema()).await;
}

//! Two shards are one warehouse: what is sent is there once, and every question has the answer that one server gives.

mod archived;
mod contents;
mod once;

use granary_archive::{InsertRows, inserts_since};
use granary_clickhouse::{Scope, TABLES, Warehouse, publish};
use granary_model::TenantId;
use granary_testkit::sharded_warehouse;
use uuid::Uuid;

use crate::isolation::askers::Asker;
use crate::isolation::compare_all;
use crate::isolation::warehouses::telemetry_in;
use contents::{contents, on_one_server, read};

/// Entries of the audit, which no receiver writes.
const AUDIT: &str = "INSERT INTO query_audit (TenantId, Time, RequestId, Kind, Query, Account, Outcome, RowsRead, ExpiresAt) \
     SELECT 'acme', toDateTime64('2026-11-18 09:00:00', 3, 'UTC') + number, generateUUIDv4(), 'query', \
     concat('query_', toString(number % 5)), concat('account_', toString(number % 3)), \
     if(number % 7 = 0, 'refused', 'ok'), number, toDateTime('2100-01-01 00:00:00', 'UTC') FROM numbers(60)";

#[tokio::test]
async fn a_session_s_rows_are_on_one_shard_and_every_named_query_answers_as_one_server_does() {
    let sharded = sharded_warehouse("queries").await;
    let shards = &sharded.shards;
    let telemetry = telemetry_in("queries", sharded.whole).await;
    let whole = &telemetry.everybody.owner;
    whole.execute(AUDIT).await.unwrap();

    for table in TABLES {
        let of_sessions = format!(
            "SELECT DISTINCT concat(TenantId, ' ', SessionId) FROM {table}_local WHERE SessionId != ''"
        );
        let sessions: [Vec<String>; 2] = [
            shards[0].query(&of_sessions).fetch_all().await.unwrap(),
            shards[1].query(&of_sessions).fetch_all().await.unwrap(),
        ];
        assert!(!sessions[0].iter().any(|session| sessions[1].contains(session)), "{table}");
        let is_used = matches!(table, "otel_logs" | "otel_traces" | "otel_metrics_sum");
        assert!(!is_used || sessions.iter().all(|sessions| sessions.len() > 5), "{table}: {sessions:?}");
    }

    let one = on_one_server("queries", whole).await;
    assert_eq!(contents(whole).await, contents(&one.owner).await);

    let seen = Asker::over(&telemetry.everybody, &telemetry, telemetry.admin()).await;
    let expected = Asker::over(&one, &telemetry, telemetry.admin()).await;
    let (asked, answered) = Box::pin(compare_all(&telemetry, &seen, &expected, true, |_| true)).await;
    assert!(asked > 300 && answered.len() > 72, "{asked} asked, {} with rows", answered.len());
}

#[tokio::test]
async fn a_guest_sees_the_published_rows_of_its_tenant_on_all_shards_and_may_join_them() {
    let sharded = sharded_warehouse("guest").await;
    let published = sharded.whole.guest_config.clone();
    publish::publish(&sharded.whole.owner, &published.database).await.unwrap();
    let telemetry = telemetry_in("guest", sharded.whole).await;
    let guest = Warehouse::new(&published);
    let scope = Scope { tenant: TenantId::new("acme"), user: None, team: None };
    let ask = async |sql: &str| {
        let query = guest.query(sql).with_setting("query_id", scope.query_id(Uuid::now_v7()));
        query.fetch_one::<u64>().await.unwrap()
    };
    let expected = async |sql: &str| telemetry.everybody.owner.query(sql).fetch_one::<u64>().await.unwrap();
    assert_eq!(
        ask("SELECT count() FROM telemetry_events").await,
        expected("SELECT count() FROM otel_logs WHERE TenantId = 'acme'").await
    );
    assert_eq!(
        ask("SELECT sum(calls) FROM tools_hourly").await,
        expected("SELECT sum(Calls) FROM tool_usage_hourly WHERE TenantId = 'acme'").await
    );
    assert_eq!(
        ask("SELECT count() FROM tool_calls WHERE session IN (SELECT session FROM tool_decisions)").await,
        expected(
            "SELECT count() FROM otel_logs WHERE TenantId = 'acme' AND AgentEvent = 'tool_result' AND SessionId IN \
             (SELECT SessionId FROM otel_logs WHERE TenantId = 'acme' AND AgentEvent = 'tool_decision')"
        )
        .await
    );
}

#[tokio::test]
async fn who_follows_what_is_stored_gets_each_event_of_each_shard_once() {
    let telemetry = telemetry_in("followed", sharded_warehouse("followed").await.whole).await;
    let reader = Warehouse::new(&telemetry.everybody.reader_config);
    let mut followed = Vec::new();
    for insert in inserts_since(&reader, 0).await.unwrap() {
        let mut rows = InsertRows::of(&reader, &insert, insert.rows).unwrap();
        let before = followed.len() as u64;
        while let Some(row) = rows.next().await.unwrap() {
            followed.push((insert.tenant.to_string(), row.facets.event_id.to_string()));
        }
        assert_eq!(followed.len() as u64 - before, insert.rows, "an insert has its own rows");
    }
    followed.sort();
    let mut stored: Vec<(String, String)> =
        read(&reader, "SELECT toString(TenantId), toString(EventId) FROM otel_logs").await;
    stored.sort();
    assert_eq!(followed, stored);
}

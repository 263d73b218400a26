//! A team's telemetry, received and stored.

use futures::{StreamExt, TryStreamExt};
use granary_clickhouse::{TABLES, Warehouse};
use granary_simulate::{Request, SimulatedSession, Team};
use granary_testkit::TestWarehouse;
use jiff::Timestamp;
use prost::Message;
use serde_json::{Value, json};

use super::grafana::{Range, Someone};
use crate::receiver::Receiver;

pub(super) struct Sent {
    pub(super) warehouse: TestWarehouse,
    /// From the first event to the last.
    pub(super) happened: Range,
    /// From the first event to when the last one came.
    pub(super) received: Range,
    /// Who did most.
    pub(super) someone: Someone,
}

/// Requests under way at once: they share commits.
const REQUESTS_AT_ONCE: usize = 32;

/// The same sessions each time: 20 November 2026, 12:00 UTC.
const END: u64 = 1_795_176_000_000_000_000;
const SEED: u64 = 7;
const USERS: usize = 8;
const SESSIONS: usize = 30;
const DAYS: u64 = 7;
const DAY_NANOS: u64 = 86_400_000_000_000;

/// Sends the sessions of some days.
pub(super) async fn telemetry() -> Sent {
    let receiver = Receiver::start("dashboards").await;
    let sessions: Vec<_> = Team::new(SEED, USERS).sessions(END - DAYS * DAY_NANOS, END, SESSIONS).collect();
    let bodies = sessions.iter().flat_map(SimulatedSession::requests).map(|request| match request.body {
        Request::Logs(request) => ("logs", request.encode_to_vec()),
        Request::Metrics(request) => ("metrics", request.encode_to_vec()),
        Request::Traces(request) => ("traces", request.encode_to_vec()),
    });
    let post = |signal: &str, kind: &str, body: Vec<u8>| {
        let request = receiver.post(signal).header("Content-Type", kind).body(body);
        async move { request.send().await?.error_for_status() }
    };
    futures::stream::iter(bodies)
        .map(|(signal, body)| post(signal, "application/x-protobuf", body))
        .buffer_unordered(REQUESTS_AT_ONCE)
        .try_for_each(|_| async { Ok(()) })
        .await
        .unwrap();
    post("logs", "application/json", rare().to_string().into_bytes()).await.unwrap();
    // With its last breath the receiver writes its counts.
    let warehouse = receiver.finish().await;
    let (happened, someone) = (happened(&warehouse.owner).await, someone(&warehouse.owner).await);
    let received = Range { to: Timestamp::now().as_second() + 1, ..happened };
    Sent { warehouse, happened, received, someone }
}

/// What a simulated team does not meet with, and a panel and a rule show: a subagent that failed,
/// the worst of commands, and a file with secrets.
fn rare() -> Value {
    let subagent = [
        ("tool_name", "Agent"),
        ("success", "false"),
        ("error", "the subagent gave up"),
        ("tool_parameters", r#"{"subagent_type":"Explore"}"#),
    ];
    let command = [
        ("tool_name", "Bash"),
        ("success", "true"),
        ("error", ""),
        ("tool_parameters", r#"{"bash_command":"sudo","full_command":"sudo rm -rf /"}"#),
    ];
    let file = [
        ("tool_name", "Read"),
        ("success", "true"),
        ("error", ""),
        ("tool_input", r#"{"file_path":"/home/ada/shop/.env"}"#),
    ];
    let text = |(key, value): &(&str, &str)| json!({ "key": key, "value": { "stringValue": value } });
    let same = [
        ("event.name", "tool_result"),
        ("session.id", "1c3b4ee2-7a0f-4c53-9d3c-5a52f4d3b0a1"),
        ("user.email", "rare@example.com"),
        ("duration_ms", "1200"),
    ];
    let records = [("toolu_01", subagent), ("toolu_02", command), ("toolu_03", file)].map(|(call, own)| {
        let attributes: Vec<_> = same.iter().chain(&own).chain(&[("tool_use_id", call)]).map(text).collect();
        json!({
            "timeUnixNano": (END - 1_000_000_000).to_string(),
            "body": { "stringValue": "claude_code.tool_result" },
            "attributes": attributes,
        })
    });
    json!({ "resourceLogs": [{
        "resource": { "attributes": [text(&("service.name", "claude-code"))] },
        "scopeLogs": [{ "logRecords": records }],
    }] })
}

impl Sent {
    /// The same up to a second from now, for what looks at how long ago something was.
    pub(super) fn received_just_now(&self) -> Range {
        Range { to: Timestamp::now().as_second() + 1, ..self.received }
    }

    /// Another tenant has the same sessions, of a user of its own.
    pub(super) async fn copy_to_another_tenant(&self) {
        for table in TABLES.into_iter().chain(["ingest_accounting"]) {
            let user = if table == "ingest_accounting" { "" } else { ", 'intruder' AS UserId" };
            let copy =
                format!("INSERT INTO {table} SELECT * REPLACE ('other' AS TenantId{user}) FROM {table}");
            self.warehouse.owner.execute(&copy).await.unwrap();
        }
    }
}

async fn happened(warehouse: &Warehouse) -> Range {
    let sql = "SELECT toInt64(toUnixTimestamp(min(Timestamp))), toInt64(toUnixTimestamp(max(Timestamp))) + 1 FROM otel_logs";
    let (from, to): (i64, i64) = warehouse.query(sql).fetch_one().await.unwrap();
    Range { from, to }
}

/// Session, team, project, user, model, tool, terminal.
type Row = (String, String, String, String, String, String, String);

async fn someone(warehouse: &Warehouse) -> Someone {
    let sql = "SELECT topK(1)(SessionId)[1], toString(topK(1)(TeamId)[1]), toString(topK(1)(Project)[1]), \
               toString(topK(1)(UserId)[1]), toString(topKIf(1)(Model, Model != '')[1]), \
               toString(topKIf(1)(ToolName, ToolName != '')[1]), topK(1)(LogAttributes['terminal.type'])[1] FROM otel_logs";
    let (session, team, project, user, model, tool, terminal) =
        warehouse.query(sql).fetch_one::<Row>().await.unwrap();
    Someone { session, team, project, user, model, tool, terminal }
}

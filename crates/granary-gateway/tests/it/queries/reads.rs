//! What a query reads follows from the range it is asked about, and not from what the tables hold.
//!
//! Sixty days of two tenants, a thousand events of each kind a day: a day is one sixtieth, of a tenant half of that. The server reads granules of
//! 8192 rows, a whole one at least for each kind of event, and one more where the day begins within one. The rollups have few rows here, and
//! what this says of them is little; it says most of `otel_logs`.

use granary_gateway::Catalogue;

use crate::support::{TestGateway, required};

/// Fifty-nine days before the range, and the range: a day.
const DAYS: u32 = 60;
const THE_LAST_DAY: &str = "from=2026-11-19T00:00:00Z&to=2026-11-20T00:00:00Z";

/// Of all rows of a query's tables, the most that a day's question may read, and two granules for each of the six kinds of events besides.
const SHARE: f64 = 0.02;
const GRANULES: f64 = 12.0 * 8192.0;

/// Those that read more, how much, and why.
const FURTHER: [(&str, f64, &str); 6] = [
    (
        "attribute_drift",
        0.21,
        "events of every kind, twice; a granule in which one kind ends and another begins cannot be left out",
    ),
    ("audit_trail", 0.05, "events of fourteen kinds, and such granules between them"),
    ("freshness", 0.07, "events of every kind, and such granules between them"),
    ("live_feed", 0.09, "events of seven kinds, and such granules between them"),
    ("subagent_cost", 0.04, "the spans three times: who called, what lies between, who was called"),
    ("subagent_depth", 0.21, "the spans three times, and nothing else"),
];

const LOGS: &str = "INSERT INTO otel_logs (TenantId, Timestamp, ServiceName, Body, ResourceAttributes, LogAttributes)
SELECT
    tenant, toDateTime64('2026-11-19 00:00:00', 9, 'UTC') - toIntervalDay(day) + toIntervalSecond(nth * 84), 'claude-code', concat('claude_code.', event),
    map('service.version', '2.1.0'),
    map('event.name', event, 'session.id', concat('s', toString(day), '-', toString(nth % 16)), 'user.email', concat('u', toString(nth % 16)),
        'model', 'claude-haiku-4-5', 'tool_name', if(startsWith(event, 'tool'), 'Bash', ''), 'tool_use_id', toString(nth),
        'success', 'true', 'cost_usd', '0.01', 'duration_ms', '5', 'event.sequence', toString(nth))
FROM (SELECT number AS nth FROM numbers(1024)) AS events
CROSS JOIN (SELECT number AS day FROM numbers({days})) AS days
CROSS JOIN (SELECT arrayJoin(['user_prompt', 'api_request', 'api_error', 'tool_decision', 'tool_result', 'subagent_completed']) AS event) AS kinds
CROSS JOIN (SELECT arrayJoin(['default', 'other']) AS tenant) AS tenants
SETTINGS max_partitions_per_insert_block = 0, max_insert_block_size = 200000";

const SPANS: &str = "INSERT INTO otel_traces (TenantId, Timestamp, ServiceName, SpanName, SpanId, SpanAttributes, Duration)
SELECT
    TenantId, Timestamp, ServiceName, if(AgentEvent = 'api_request', 'claude_code.llm_request', 'claude_code.tool'), hex(EventId),
    map('session.id', SessionId, 'user.email', UserId), 1000000
FROM otel_logs WHERE AgentEvent IN ('api_request', 'tool_result')";

const METRICS: &str = "INSERT INTO otel_metrics_sum (TenantId, TimeUnix, StartTimeUnix, ServiceName, MetricName, Attributes, Value, AggregationTemporality)
SELECT
    TenantId, Timestamp, Timestamp, ServiceName,
    if(AgentEvent = 'api_request', 'claude_code.lines_of_code.count', 'claude_code.active_time.total'),
    map('session.id', SessionId, 'user.email', UserId, 'type', 'added'), 1, 1
FROM otel_logs WHERE AgentEvent IN ('api_request', 'tool_result')";

#[tokio::test]
async fn a_day_s_question_reads_a_day_and_not_the_table() {
    let warehouse = granary_testkit::warehouse("reads").await;
    for statement in [&LOGS.replace("{days}", &DAYS.to_string()), SPANS, METRICS] {
        warehouse.owner.execute(statement).await.unwrap();
    }
    // Merges go on by themselves, and what is read depends on how far they are.
    for table in [
        "otel_logs",
        "otel_traces",
        "otel_metrics_sum",
        "cost_hourly",
        "tool_usage_hourly",
        "sessions",
        "session_models",
    ] {
        warehouse.owner.execute(&format!("OPTIMIZE TABLE {table} FINAL")).await.unwrap();
    }
    let gateway =
        TestGateway::over(&warehouse.reader_config, Catalogue::embedded().unwrap(), None, |config| {
            config.burst = 100_000.try_into().unwrap();
        });
    let mut too_much = Vec::new();
    for query in Catalogue::embedded().unwrap().iter() {
        let told = query.describe();
        let given = required(query, "session");
        let session = if told.parameters.iter().any(|one| one.name == "session" && one.required) {
            "&session=s0-1"
        } else {
            ""
        };
        let path = format!("/v1/queries/{}.json?{THE_LAST_DAY}{given}{session}", query.name());
        let answer = gateway.json(&path).await;
        let read = answer["statistics"]["rows_read"].as_u64().unwrap();
        let mut there = 0;
        for table in &told.tables {
            // A view has the rows of what it is made from, prices aside, which all tenants share.
            let table = table.strip_suffix("_priced").unwrap_or(table);
            let rows = warehouse.owner.query(&format!("SELECT count() FROM {table}"));
            there += rows.fetch_one::<u64>().await.unwrap();
        }
        let further = FURTHER.iter().find(|(name, ..)| *name == query.name());
        let share = further.map_or(SHARE, |(_, share, _)| *share);
        #[expect(clippy::cast_precision_loss, reason = "some hundred thousand rows")]
        let most = share * there as f64 + GRANULES;
        #[expect(clippy::cast_precision_loss, reason = "some hundred thousand rows")]
        if read as f64 > most {
            too_much.push(format!("{}: {read} of {there} rows, more than {most:.0}", query.name()));
        }
    }
    assert!(too_much.is_empty(), "{}", too_much.join("\n"));
}

/// What the sample above is too small to show: a month of a kind of event is three granules there.
#[test]
fn every_range_is_asked_for_by_the_key_s_hour_as_well() {
    let queries = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../queries");
    let mut files = 0;
    for group in
        std::fs::read_dir(queries).unwrap().map(|group| group.unwrap().path()).filter(|path| path.is_dir())
    {
        for file in std::fs::read_dir(group).unwrap().map(|file| file.unwrap().path()) {
            let sql = std::fs::read_to_string(&file).unwrap();
            for time in ["Timestamp", "TimeUnix"] {
                let count = |text: &str| sql.lines().filter(|line| line.contains(text)).count();
                let (since, hour) =
                    (count(&format!("AND {time} >= ")), count(&format!("AND toStartOfHour({time}) > ")));
                assert_eq!(since, hour, "{}: {time}", file.display());
                files += usize::from(since > 0);
            }
        }
    }
    assert!(files > 40, "{files}");
}

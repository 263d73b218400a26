//! How fast sessions are archived, and in how much memory.
//!
//! ```text
//! cargo bench -p granary-archive -- small 5000 30      sessions, and events of each
//! cargo bench -p granary-archive -- single 5000 30     the same, each session by itself, sixteen at once
//! cargo bench -p granary-archive -- large 5000000      events of one session
//! ```
//!
//! The engine is the embedded one, on the same machine. `small` goes into a bucket of a server in this process, or of
//! the one that `GRANARY_TEST_S3_ENDPOINT`, `_BUCKET`, `_KEY` and `_SECRET` name; `large` into a folder, so that the
//! memory is the archive's alone.

#![expect(clippy::print_stdout, reason = "the report")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on ends")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use granary_archive::{Archive, ArchiveConfig, S3Config};
use granary_clickhouse::Warehouse;
use granary_model::TenantId;
use tokio_util::sync::CancellationToken;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    // The engine's process is this binary again.
    if arguments.first().is_some_and(|first| first == "engine_child") {
        granary_testkit::run_engine_child_if_asked();
        return;
    }
    let number = |at: usize, usual: u64| arguments.get(at).map_or(usual, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        match arguments.first().map_or("small", String::as_str) {
            "small" => small(number(1, 5_000), number(2, 30), false).await,
            "single" => small(number(1, 5_000), number(2, 30), true).await,
            "large" => large(number(1, 500_000)).await,
            other => println!("{other:?} is none of small, single, large"),
        }
    });
}

/// Events as Claude Code's, of about 1.5 kB as a line: a quarter of the values differ from event to event.
async fn fill(warehouse: &Warehouse, sessions: u64, events: u64) {
    let sql = format!(
        "INSERT INTO otel_logs (Timestamp, ServiceName, Body, ResourceAttributes, ScopeName, ScopeVersion, SessionId, \
         AgentEvent, Sequence, EventId, LogAttributes, AttributeTypes, IngestedAt) \
         WITH intDiv(number, {events}) AS s, \
         concat('s-', hex(sipHash64(s)), '-', toString(s)) AS name, number % {events} AS n \
         SELECT fromUnixTimestamp64Nano(1795165605000000000 + toInt64(n) * 1700000000), 'claude-code', \
         'claude_code.api_request', map('host.arch', 'arm64', 'os.type', 'darwin', 'service.name', 'claude-code', \
         'service.version', '2.1.329', 'team.id', 'platform'), 'com.anthropic.claude_code.events', '2.1.329', name, \
         'api_request', n, reinterpretAsUInt128(sipHash128(number)), map('cache_creation_tokens', toString(rand(1) % 9000), \
         'cache_read_tokens', toString(rand(2) % 90000), 'cost_usd', toString(rand(3) % 100000 / 1e6), \
         'duration_ms', toString(rand(4) % 60000), 'event.name', 'api_request', 'event.sequence', toString(n), \
         'event.timestamp', toString(fromUnixTimestamp64Milli(1795165605000 + toInt64(n) * 1700)), \
         'input_tokens', toString(rand(5) % 900), 'model', 'claude-opus-4-8', 'organization.id', \
         '6c4b6f3e-40dd-4c55-b4a5-4fd8b6e6ce16', 'output_tokens', toString(rand(6) % 4000), \
         'prompt.id', toString(generateUUIDv4(n)), 'request_id', concat('req_', hex(rand64(7)), hex(rand64(8))), \
         'session.id', name, 'speed', 'normal', 'terminal.type', 'vscode', 'user.account_uuid', \
         '11b1b1f0-4e37-4ba4-9d0f-9b7d6bb1f7a1', 'user.email', 'ada@example.com', 'user.id', hex(sipHash128('ada'))), \
         's|sssss||iidissisissssssssss', '2026-11-20 09:06:45.000' \
         FROM numbers({total}) SETTINGS max_partitions_per_insert_block = 0",
        total = sessions * events,
    );
    warehouse.query(&sql).execute().await.unwrap();
}

fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<f64>().ok()).unwrap_or_default() / 1024.0
}

async fn small(sessions: u64, events: u64, one_by_one: bool) {
    let warehouse = granary_testkit::warehouse("bench").await.owner;
    fill(&warehouse, sessions, events).await;
    let server = granary_testkit::s3("bench").await;
    #[expect(clippy::disallowed_methods, reason = "how a bench is told of a server outside")]
    let variable = |name: &str| std::env::var(format!("GRANARY_TEST_S3_{name}")).ok();
    let outside = variable("ENDPOINT");
    let bucket = variable("BUCKET").filter(|_| outside.is_some()).unwrap_or_else(|| server.bucket.clone());
    let config = ArchiveConfig {
        url: format!("s3://{bucket}/bench-{}", uuid::Uuid::new_v4()),
        s3: S3Config {
            access_key_id: variable("KEY").or_else(|| Some(server.access_key_id.clone())),
            secret_access_key: variable("SECRET").or_else(|| Some(server.secret_access_key.clone())),
            endpoint: outside.or_else(|| Some(server.endpoint.clone())),
            path_style: true,
            ..S3Config::default()
        },
        ..ArchiveConfig::default()
    };
    let archive = Archive::open(&config, warehouse).await.unwrap();
    let due = archive.due(std::time::SystemTime::now()).await.unwrap();
    let begin = Instant::now();
    let mut archived = 0;
    if one_by_one {
        let each = futures::stream::iter(due).for_each_concurrent(16, async |due| {
            archive.archive_session(&due.tenant, &due.session).await.unwrap();
        });
        each.await;
        archived = sessions;
    }
    while archived < sessions {
        let pass = archive.run_once(CancellationToken::new()).await.unwrap();
        archived += pass.archived as u64;
        assert_eq!(pass.failed, 0);
    }
    let (elapsed, requests) = (begin.elapsed(), server.requests());
    let status = archive.status().await.unwrap();
    report(elapsed, sessions, status.records, status.bytes, status.compressed_bytes);
    println!("requests to the server in this process: {requests}");
}

async fn large(events: u64) {
    let warehouse = granary_testkit::warehouse("bench").await.owner;
    fill(&warehouse, 1, events).await;
    let folder = tempfile::tempdir().unwrap();
    let config = ArchiveConfig { url: folder.path().display().to_string(), ..ArchiveConfig::default() };
    let archive = Archive::open(&config, warehouse).await.unwrap();
    let before = peak_mib();
    let due = archive.due(std::time::SystemTime::now()).await.unwrap();
    let begin = Instant::now();
    let archived = archive.archive_session(&TenantId::default(), &due[0].session).await.unwrap();
    report(begin.elapsed(), 1, archived.contents.logs, archived.bytes, archived.compressed_bytes);
    println!("peak memory of this process: {before:.0} MiB before, {:.0} MiB after", peak_mib());
}

fn report(elapsed: Duration, sessions: u64, records: u64, bytes: u64, compressed_bytes: u64) {
    let seconds = elapsed.as_secs_f64();
    let (per_second, mb) = (|of: u64| of as f64 / seconds, bytes as f64 / 1e6);
    println!(
        "{sessions} sessions, {records} records, {mb:.0} MB as lines, {:.0} MB as objects ({:.1} to 1), in {seconds:.1} s",
        compressed_bytes as f64 / 1e6,
        bytes as f64 / compressed_bytes as f64,
    );
    println!(
        "{:.0} sessions/s, {:.0} records/s, {:.1} MB/s of lines",
        per_second(sessions),
        per_second(records),
        mb / seconds,
    );
}

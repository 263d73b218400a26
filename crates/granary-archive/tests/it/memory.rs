//! A session of any size is archived in the same memory.
//!
//! What is measured is a process of its own, this test binary started again: other tests' memory is not in it.

use std::process::Command;

use granary_archive::{Archive, ArchiveConfig};
use granary_clickhouse::{ClickHouseConfig, Warehouse};

use crate::support::tenant;

const CHILD: &str = "GRANARY_TEST_MEMORY_CHILD";

/// How many events each session has.
const SESSIONS: [(&str, u64); 2] = [("small", 40_000), ("large", 90_000)];

/// Events of about a kilobyte.
async fn fill(warehouse: &Warehouse, session: &str, events: u64) {
    let sql = format!(
        "INSERT INTO otel_logs (Timestamp, Body, SessionId, AgentEvent, Sequence, EventId, LogAttributes, IngestedAt) \
         SELECT fromUnixTimestamp64Nano(1795165605000000000 + toInt64(number) * 1000000), 'claude_code.tool_result', \
         '{session}', 'tool_result', number, number, map('session.id', '{session}', 'event.sequence', toString(number), \
         'tool_result', randomPrintableASCII(1000)), '2026-11-20 09:06:45.000' FROM numbers({events})"
    );
    warehouse.execute(&sql).await.unwrap();
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn memory_does_not_grow_with_the_session() {
    let warehouse = granary_testkit::warehouse("memory").await;
    // The first, which is longer than what is read at once, brings the process to what any session takes.
    for (session, events) in SESSIONS {
        fill(&warehouse.owner, session, events).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let ClickHouseConfig { url, user, password, database, .. } = warehouse.owner_config;
    let place = folder.path().to_str().unwrap().to_owned();
    let told = [url, user, password, database, place].join("\n");
    let child = tokio::task::spawn_blocking(|| {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["memory::child", "--exact", "--nocapture"]).env(CHILD, told).output().unwrap()
    });
    let output = String::from_utf8(child.await.unwrap().stdout).unwrap();
    let peaks: Vec<u64> = output
        .lines()
        .filter_map(|line| line.split_once("peak ")?.1.split_once(" KiB")?.0.parse().ok())
        .collect();
    let [small, large] = peaks[..] else { panic!("{output}") };
    // 50 MiB of lines more went through it.
    assert!(large < small + (14 << 10), "{small} KiB for the small one, {large} KiB for the large one");
}

/// The measured process; passes at once where it is run as a test.
#[tokio::test]
async fn child() {
    #[expect(clippy::disallowed_methods, reason = "how a process of the test harness can be told what it is")]
    let Ok(told) = std::env::var(CHILD) else { return };
    let mut told = told.lines().map(str::to_owned);
    let mut next = || told.next().unwrap();
    let config = ClickHouseConfig {
        url: next(),
        user: next(),
        password: next(),
        database: next(),
        ..ClickHouseConfig::default()
    };
    let place = ArchiveConfig { url: next(), ..ArchiveConfig::default() };
    let archive = Archive::open(&place, Warehouse::new(&config)).await.unwrap();
    for (session, events) in SESSIONS {
        let archived = archive.archive_session(&tenant(), session).await.unwrap();
        assert_eq!(archived.contents.logs, events);
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        println!("peak {} KiB", peak.trim().trim_end_matches(" kB"));
    }
}

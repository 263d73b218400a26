//! Arrangement: sessions in a warehouse, as Granary stores them, and archives of them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use async_compression::tokio::bufread::GzipDecoder;
use async_compression::tokio::write::GzipEncoder;
use futures::TryStreamExt;
use granary_archive::{Archive, ArchiveConfig, ArchiveLine};
use granary_clickhouse::{
    Append, Envelope, GroupRef, Insert, LogColumns, MetricColumns, SpanColumns, TableColumns, Warehouse,
};
use granary_model::{
    Attribute, Attributes, LogRecord, MetricPoint, Records, Resource, Scope, Span, TenantId,
};
use granary_testkit::TestWarehouse;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub(crate) const SESSION: &str = "8772053e-6144-4150-9600-467b4bd937c5";

/// 2026-11-20T09:06:45Z
pub(crate) const TIME: u64 = 1_795_165_605_000_000_000;

/// When records are received unless a test says otherwise: two hours after [`TIME`].
pub(crate) const INGESTED_MS: i64 = 1_795_172_805_000;

/// A warehouse and an archive of its sessions in a folder.
pub(crate) struct Fixture {
    pub(crate) warehouse: TestWarehouse,
    pub(crate) archive: Archive,
    pub(crate) folder: TempDir,
}

impl Fixture {
    pub(crate) async fn new(test: &str) -> Self {
        let warehouse = granary_testkit::warehouse(test).await;
        let folder = tempfile::tempdir().unwrap();
        let archive = Archive::open(&folder_config(&folder), warehouse.owner.clone()).await.unwrap();
        Self { warehouse, archive, folder }
    }

    /// The only object's text.
    pub(crate) async fn object_text(&self) -> String {
        let [path] = self.objects().try_into().unwrap();
        let compressed = std::fs::read(path).unwrap();
        let mut text = String::new();
        GzipDecoder::new(&compressed[..]).read_to_string(&mut text).await.unwrap();
        text
    }

    /// The files of all objects.
    pub(crate) fn objects(&self) -> Vec<std::path::PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.folder.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found
    }

    pub(crate) async fn lines(&self, session: &str) -> Vec<ArchiveLine> {
        self.archive.read(&tenant(), session).await.unwrap().try_collect().await.unwrap()
    }

    /// The sessions that are due an hour after [`INGESTED_MS`].
    pub(crate) async fn due(&self) -> Vec<String> {
        let due = self.archive.due(at_ms(INGESTED_MS) + Duration::from_hours(1)).await.unwrap();
        due.into_iter().map(|due| due.session).collect()
    }
}

/// Text as an object's bytes.
pub(crate) async fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzipEncoder::new(Vec::new());
    encoder.write_all(text.as_bytes()).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder.into_inner()
}

pub(crate) fn folder_config(folder: &TempDir) -> ArchiveConfig {
    ArchiveConfig { url: folder.path().to_str().unwrap().to_owned(), ..ArchiveConfig::default() }
}

pub(crate) fn tenant() -> TenantId {
    TenantId::default()
}

pub(crate) fn at_ms(unix_ms: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(unix_ms.try_into().unwrap())
}

/// A resource and a scope as Claude Code has them, and the given records.
pub(crate) fn records<R>(records: Vec<R>) -> Records<R> {
    Records {
        resource: Resource {
            attributes: Attributes::new(vec![
                Attribute::new("service.name", "claude-code"),
                Attribute::new("team.id", "platform"),
            ]),
            schema_url: String::new(),
        }
        .into(),
        scope: Scope { name: "com.anthropic.claude_code.events".to_owned(), ..Scope::default() },
        records,
    }
}

/// An event of a session, some seconds after [`TIME`].
pub(crate) fn event(session: &str, second: u64, sequence: i64) -> LogRecord {
    LogRecord {
        time_unix_nano: TIME + second * 1_000_000_000,
        observed_time_unix_nano: TIME + second * 1_000_000_000,
        body: "claude_code.api_request".into(),
        attributes: Attributes::new(vec![
            Attribute::new("session.id", session),
            Attribute::new("event.name", "api_request"),
            Attribute::new("event.sequence", sequence),
        ]),
        ..LogRecord::default()
    }
}

/// Records that have a table, or several.
pub(crate) trait Stored: Sized {
    fn blocks(envelope: Envelope<'_>, records: &Records<Self>) -> Vec<Insert>;
}

impl Stored for LogRecord {
    fn blocks(envelope: Envelope<'_>, records: &Records<Self>) -> Vec<Insert> {
        vec![seal(&filled(LogColumns::default(), envelope, records))]
    }
}

impl Stored for Span {
    fn blocks(envelope: Envelope<'_>, records: &Records<Self>) -> Vec<Insert> {
        vec![seal(&filled(SpanColumns::default(), envelope, records))]
    }
}

impl Stored for MetricPoint {
    fn blocks(envelope: Envelope<'_>, records: &Records<Self>) -> Vec<Insert> {
        let MetricColumns { gauge, sum, histogram, exponential_histogram, summary } =
            filled(MetricColumns::default(), envelope, records);
        vec![seal(&gauge), seal(&sum), seal(&histogram), seal(&exponential_histogram), seal(&summary)]
    }
}

fn filled<C: Append<R>, R: granary_model::Record>(
    mut columns: C,
    envelope: Envelope<'_>,
    of: &Records<R>,
) -> C {
    for record in &of.records {
        columns.append(envelope, GroupRef::from(of), record, &["body"]);
    }
    columns
}

fn seal<C: TableColumns>(columns: &C) -> Insert {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut frames = Vec::new();
    columns.seal(&mut Vec::new(), &mut frames);
    Insert {
        table: C::TABLE,
        rows: columns.rows(),
        token: format!("archive-test-{}", COUNT.fetch_add(1, Ordering::Relaxed)),
        frames: vec![frames.into()],
    }
}

/// Stores records as Granary does, received at [`INGESTED_MS`].
pub(crate) async fn store<R: Stored>(warehouse: &Warehouse, records: &Records<R>) {
    store_at(warehouse, TenantId::DEFAULT, INGESTED_MS, records).await;
}

/// Stores records as Granary does.
pub(crate) async fn store_at<R: Stored>(
    warehouse: &Warehouse,
    tenant: &str,
    ingested_at_ms: i64,
    records: &Records<R>,
) {
    let envelope = Envelope { tenant, ingested_at_ms, batch: uuid::Uuid::nil() };
    for block in R::blocks(envelope, records) {
        if block.rows > 0 {
            warehouse.insert(&block).await.unwrap();
        }
    }
}

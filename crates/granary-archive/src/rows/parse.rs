//! One row's text to the line of an archive.

use granary_model::{Record as _, Resource, Scope, Signal};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::letters::{Letters, Pairs};
use super::records;
use super::sql::kind;
use crate::format::{StoredWith, event_member};
use crate::otlp::{RecordLine, write_line};
use crate::{ArchiveLine, EventInfo, LineKind};

/// What rows are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RowKey {
    pub(super) time: i64,
    pub(super) sequence: u64,
    pub(super) kind: u8,
    pub(super) id: u128,
}

impl Default for RowKey {
    /// Before every row: 1900, where a `DateTime64` begins.
    fn default() -> Self {
        Self { time: -2_208_988_800_000_000_000, sequence: 0, kind: 0, id: 0 }
    }
}

/// The columns that all tables have.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Shared {
    resource_attributes: Pairs,
    resource_schema_url: String,
    scope_name: String,
    scope_version: String,
    scope_attributes: Pairs,
    scope_schema_url: String,
    attribute_types: String,
    redacted_fields: Vec<String>,
    ingested_ms: i64,
    batch_id: Uuid,
    team_id: String,
    time_out_of_range: bool,
}

/// Splits off the place that a line of several sessions begins with.
pub(super) fn place(line: &[u8]) -> Result<(usize, &[u8]), String> {
    let mut parts = line.splitn(2, |byte| *byte == b'\t');
    let place = number(parts.next(), "place")?;
    Ok((place, parts.next().unwrap_or_default()))
}

/// Reads a row as the statements in `sql.rs` write it.
///
/// # Errors
///
/// What is wrong with it, without its text.
pub(super) fn row(line: &[u8]) -> Result<(RowKey, ArchiveLine), String> {
    let mut fields = line.splitn(6, |byte| *byte == b'\t');
    let key = RowKey {
        time: number(fields.next(), "time")?,
        sequence: number(fields.next(), "sequence")?,
        kind: number(fields.next(), "kind")?,
        id: number(fields.next(), "id")?,
    };
    let shared: Shared = json(fields.next(), "the shared columns")?;
    let own = fields.next();
    let time_unix_nano = u64::try_from(key.time).unwrap_or_default();

    let mut letters = Letters::new(&shared.attribute_types);
    let alone = letters.alone();
    let resource = Resource {
        attributes: letters.attributes(shared.resource_attributes),
        schema_url: shared.resource_schema_url,
    };
    let mut scope = Scope {
        attributes: letters.attributes(shared.scope_attributes),
        name: shared.scope_name,
        version: shared.scope_version,
        schema_url: shared.scope_schema_url,
        dropped_attributes: 0,
    };
    let record = match key.kind {
        kind::LOG => {
            RecordLine::Log(json::<records::LogRow>(own, "a log")?.record(time_unix_nano, alone, letters))
        }
        kind::SPAN => {
            RecordLine::Span(json::<records::SpanRow>(own, "a span")?.record(time_unix_nano, letters))
        }
        other => {
            let point = json::<records::PointRow>(own, "a metric point")?.record(
                other,
                time_unix_nano,
                alone,
                letters,
            );
            let (point, scope_dropped) = point.ok_or_else(|| format!("kind {other} is unknown"))?;
            scope.dropped_attributes = scope_dropped;
            RecordLine::Point(point)
        }
    };

    let signal = match &record {
        RecordLine::Log(_) => Signal::Logs,
        RecordLine::Span(_) => Signal::Traces,
        RecordLine::Point(_) => Signal::Metrics,
    };
    let info = EventInfo { signal, time_unix_nano, ingested_at_ms: shared.ingested_ms };
    let own_team = match &record {
        RecordLine::Log(log) => log.facts(&resource).team,
        RecordLine::Span(span) => span.facts(&resource).team,
        RecordLine::Point(point) => point.facts(&resource).team,
    };
    let stored = StoredWith {
        event_id: key.id,
        batch: Some(shared.batch_id),
        team: (own_team != shared.team_id).then_some(shared.team_id),
        time_out_of_range: Some(shared.time_out_of_range),
        redacted_fields: shared.redacted_fields,
    };
    let member = event_member(info, stored);
    let json = write_line(&member, &resource, &scope, &record).map_err(|error| error.to_string())?;
    Ok((key, ArchiveLine { kind: LineKind::Event(info), json }))
}

fn number<T: std::str::FromStr>(field: Option<&[u8]>, name: &str) -> Result<T, String> {
    let text = field.and_then(|field| std::str::from_utf8(field).ok());
    text.and_then(|text| text.parse().ok()).ok_or_else(|| format!("{name} is not a number"))
}

fn json<T: DeserializeOwned>(field: Option<&[u8]>, what: &str) -> Result<T, String> {
    serde_json::from_slice(field.unwrap_or_default())
        .map_err(|error| format!("{what}: {:?} error at column {}", error.classify(), error.column()))
}

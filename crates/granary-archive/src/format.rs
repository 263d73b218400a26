//! What an archived session looks like: format 2.
//!
//! An object is gzip (RFC 1952, one member) around UTF-8 text, one JSON object a line, each line ended by `\n`:
//! a header, one line a record, a trailer.
//!
//! ```text
//! {"granary":{"format":2,"tenant":"default","session":"8772053e-…","firstTime":"2026-11-20T09:06:45.889000000Z"}}
//! {"granary":{"signal":"logs","time":"1795165605889000000","ingestedAt":"2026-11-20T09:06:46.120Z","eventId":"1951…0d50","batchId":"019a…"},"resourceLogs":[…]}
//! {"granary":{"end":true,"logs":1,"spans":0,"metricPoints":0,"firstTime":"…","lastTime":"…","sha256":"…"}}
//! ```
//!
//! **Records** are in the order of their time, then of `event.sequence`, then logs before spans before metric
//! points. Each line is an object of the [OTLP file format](https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/)
//! (`LogsData`, `TracesData` or `MetricsData` in OTLP's JSON form) that holds exactly one record, data point or
//! span with its resource and scope, so that any tool that takes OTLP can read an archive; those pass over
//! the member `granary`, which no OTLP message has. 64-bit integers are strings, ids are hex, fields with their default
//! value are left out. Decoding a line gives the record that was received (after redaction), and the same
//! `EventId`, so that a restored session is known to be there already.
//!
//! **`granary`** of a record holds what OTLP has no field for: the `signal`, the record's `time` in nanoseconds
//! since 1970, when it was received, its `EventId` in hex, the batch that it was stored with (`batchId`), and the
//! names of the fields that were redacted, where there are any (`redactedFields`); `timeOutOfRange` where its clock was
//! not believed, and `team` where its team is not the one that the record itself says, since a sender's key overrules it.
//!
//! **Format 1** had no `batchId`, `timeOutOfRange` and `team`, without which a restored row would not be the row that was
//! archived. It is read as ever: a row restored from it has the nil batch, the record's own team, and its time is held
//! against its reception by the rule of the tables' `DEFAULT`.
//!
//! **The trailer** counts the records and has the SHA-256, in hex, of every byte before its own line. An object
//! without a trailer, or with anything behind it, is damaged. Neither header nor trailer says when or by whom
//! the object was written: the same rows give the same text.
//!
//! # What the tables do not keep, and an archive therefore cannot have
//!
//! - Data points: integers beyond 2^53 (the collector's `Value` is a `Float64`); whether an exemplar's value was an
//!   integer (it is written as a double) or missing (written as 0); `metadata` of a metric.
//! - Spans: an end before the start (the span then ends as it starts), the counts of attributes dropped from
//!   events and links, flags of links, kinds that OTLP does not define.
//! - Scopes of logs and spans: the count of dropped attributes; resources: that count and entity references.
//! - Times before 1970, which OTLP has no way to say either, become 0.
//! - Within an array or map: bytes (written as base64 text), and NaN and infinities (written as text). An array or
//!   map nested more than 32 deep is written as its JSON text.
//! - Rows that the OpenTelemetry Collector inserted itself have no `AttributeTypes`: all their attributes and
//!   bodies are strings, and minimum, maximum and sum of a histogram are always there.

use granary_model::{Signal, TenantId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::digest::hex;

/// The version of the format that is written. A reader refuses a later one.
pub const FORMAT_VERSION: u32 = 2;

/// One line of an archived session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveLine {
    /// What the line is.
    pub kind: LineKind,
    /// The line's text, without the line break.
    pub json: String,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineKind {
    /// The first line.
    Header(Header),
    /// A record's line.
    Event(EventInfo),
    /// The last line.
    Trailer(Trailer),
}

/// What the first line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The version of the format.
    pub format: u32,
    /// Whose session it is.
    pub tenant: TenantId,
    /// The session.
    pub session: String,
    /// The time of the first record, in nanoseconds since 1970.
    pub first_time_unix_nano: u64,
}

/// What a record's line says outside of OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventInfo {
    /// What kind of record it is.
    pub signal: Signal,
    /// When it happened, in nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// When it was received, in milliseconds since 1970.
    pub ingested_at_ms: i64,
}

/// What the last line says: what the lines before it hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailer {
    /// Log records.
    pub logs: u64,
    /// Spans.
    pub spans: u64,
    /// Metric data points.
    pub metric_points: u64,
    /// The time of the first record, in nanoseconds since 1970.
    pub first_time_unix_nano: u64,
    /// The time of the last record, in nanoseconds since 1970.
    pub last_time_unix_nano: u64,
    /// SHA-256, in hex, of every byte before the trailer's line.
    pub sha256: String,
}

impl Trailer {
    /// The times of the first and the last record. What was before 1970 is written as 0, and may have been at any time before.
    pub(crate) fn times(&self) -> (i64, i64) {
        let signed = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
        let first = if self.first_time_unix_nano == 0 { i64::MIN } else { signed(self.first_time_unix_nano) };
        (first, signed(self.last_time_unix_nano))
    }
}

/// The member `granary` of any line.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GranaryMember {
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logs: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spans: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric_points: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ingested_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    batch_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_out_of_range: Option<bool>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    redacted_fields: Vec<String>,
}

/// What a record was stored with that is neither OTLP's nor follows from the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredWith {
    pub(crate) event_id: u128,
    /// `None` in format 1.
    pub(crate) batch: Option<Uuid>,
    /// Where it is not the one that the record says.
    pub(crate) team: Option<String>,
    /// `None` in format 1; in format 2 the flag is written where it is set.
    pub(crate) time_out_of_range: Option<bool>,
    pub(crate) redacted_fields: Vec<String>,
}

impl StoredWith {
    /// Reads it from a record's line.
    ///
    /// # Errors
    ///
    /// What is wrong with the line, without its text.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        let GranaryLine { granary: member } = serde_json::from_str(json)
            .map_err(|error| format!("not a line of an archive ({:?} error)", error.classify()))?;
        let event_id = member.event_id.as_deref().and_then(|hex| u128::from_str_radix(hex, 16).ok());
        Ok(Self {
            event_id: required("eventId", event_id)?,
            batch: member.batch_id,
            team: member.team,
            time_out_of_range: member.time_out_of_range.or(member.batch_id.map(|_| false)),
            redacted_fields: member.redacted_fields,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct GranaryLine {
    granary: GranaryMember,
}

impl ArchiveLine {
    /// The first line of a session.
    pub(crate) fn header(header: Header) -> Self {
        let member = GranaryMember {
            format: Some(header.format),
            tenant: Some(header.tenant.as_str().to_owned()),
            session: Some(header.session.clone()),
            first_time: Some(nano_text(header.first_time_unix_nano)),
            ..GranaryMember::default()
        };
        Self { kind: LineKind::Header(header), json: to_json(member) }
    }

    /// The last line of a session.
    pub(crate) fn trailer(trailer: Trailer) -> Self {
        let member = GranaryMember {
            end: Some(true),
            logs: Some(trailer.logs),
            spans: Some(trailer.spans),
            metric_points: Some(trailer.metric_points),
            first_time: Some(nano_text(trailer.first_time_unix_nano)),
            last_time: Some(nano_text(trailer.last_time_unix_nano)),
            sha256: Some(trailer.sha256.clone()),
            ..GranaryMember::default()
        };
        Self { kind: LineKind::Trailer(trailer), json: to_json(member) }
    }

    /// Reads a line's kind from its text. The record itself is not looked at.
    ///
    /// # Errors
    ///
    /// What is wrong with the line, without its text.
    pub(crate) fn parse(json: String) -> Result<Self, String> {
        let GranaryLine { granary: member } = serde_json::from_str(&json)
            .map_err(|error| format!("not a line of an archive ({:?} error)", error.classify()))?;
        let kind = if member.format.is_some() {
            LineKind::Header(read_header(member)?)
        } else if member.end == Some(true) {
            LineKind::Trailer(read_trailer(member)?)
        } else {
            LineKind::Event(read_event(&member)?)
        };
        Ok(Self { kind, json })
    }
}

fn read_header(member: GranaryMember) -> Result<Header, String> {
    let format = required("format", member.format)?;
    if format > FORMAT_VERSION {
        return Err(format!(
            "format {format} is later than {FORMAT_VERSION}, which this version of Granary reads"
        ));
    }
    Ok(Header {
        format,
        tenant: TenantId::new(required("tenant", member.tenant)?),
        session: required("session", member.session)?,
        first_time_unix_nano: nanos("firstTime", member.first_time.as_deref())?,
    })
}

fn read_trailer(member: GranaryMember) -> Result<Trailer, String> {
    Ok(Trailer {
        logs: required("logs", member.logs)?,
        spans: required("spans", member.spans)?,
        metric_points: required("metricPoints", member.metric_points)?,
        first_time_unix_nano: nanos("firstTime", member.first_time.as_deref())?,
        last_time_unix_nano: nanos("lastTime", member.last_time.as_deref())?,
        sha256: required("sha256", member.sha256)?,
    })
}

fn read_event(member: &GranaryMember) -> Result<EventInfo, String> {
    let signal = member.signal.as_deref().unwrap_or_default();
    let time = member.time.as_deref().and_then(|time| time.parse().ok());
    let ingested: Option<Timestamp> = member.ingested_at.as_deref().and_then(|time| time.parse().ok());
    Ok(EventInfo {
        signal: required("signal", Signal::ALL.into_iter().find(|known| known.name() == signal))?,
        time_unix_nano: required("time", time)?,
        ingested_at_ms: required("ingestedAt", ingested)?.as_millisecond(),
    })
}

fn required<T>(field: &str, value: Option<T>) -> Result<T, String> {
    value.ok_or_else(|| format!("granary.{field} is missing or unreadable"))
}

fn nanos(field: &str, text: Option<&str>) -> Result<u64, String> {
    let time: Option<Timestamp> = text.and_then(|text| text.parse().ok());
    required(field, time.and_then(|time| u64::try_from(time.as_nanosecond()).ok()))
}

fn to_json(granary: GranaryMember) -> String {
    // A struct of options, numbers and strings always serializes.
    serde_json::to_string(&GranaryLine { granary }).unwrap_or_default()
}

/// The member `granary` of a record's line.
pub(crate) fn event_member(info: EventInfo, stored: StoredWith) -> impl Serialize + std::fmt::Debug {
    let StoredWith { event_id, batch, team, time_out_of_range, redacted_fields } = stored;
    GranaryMember {
        signal: Some(info.signal.name().to_owned()),
        time: Some(info.time_unix_nano.to_string()),
        ingested_at: Some(milli_text(info.ingested_at_ms)),
        event_id: Some(format!("{event_id:032x}")),
        batch_id: batch,
        team,
        time_out_of_range: time_out_of_range.filter(|out_of_range| *out_of_range),
        redacted_fields,
        ..GranaryMember::default()
    }
}

/// A time as `2026-11-20T09:06:45.889000000Z`.
pub(crate) fn nano_text(unix_nano: u64) -> String {
    Timestamp::from_nanosecond(i128::from(unix_nano))
        .map_or_else(|_| unix_nano.to_string(), |t| format!("{t:.9}"))
}

fn milli_text(unix_ms: i64) -> String {
    Timestamp::from_millisecond(unix_ms).map_or_else(|_| unix_ms.to_string(), |t| format!("{t:.3}"))
}

/// Adds up what lines hold, as they are written or read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    logs: u64,
    spans: u64,
    metric_points: u64,
    first_time_unix_nano: Option<u64>,
    last_time_unix_nano: u64,
    ingested_up_to_ms: i64,
    bytes: u64,
    hasher: Sha256,
}

impl Tally {
    /// Takes a line; the trailer adds its length and nothing else.
    pub(crate) fn add(&mut self, line: &ArchiveLine) {
        self.bytes += line.json.len() as u64 + 1;
        match &line.kind {
            LineKind::Trailer(_) => return,
            LineKind::Header(_) => {}
            LineKind::Event(event) => {
                match event.signal {
                    Signal::Logs => self.logs += 1,
                    Signal::Traces => self.spans += 1,
                    Signal::Metrics => self.metric_points += 1,
                }
                self.first_time_unix_nano.get_or_insert(event.time_unix_nano);
                self.last_time_unix_nano = self.last_time_unix_nano.max(event.time_unix_nano);
                self.ingested_up_to_ms = self.ingested_up_to_ms.max(event.ingested_at_ms);
            }
        }
        self.hasher.update(line.json.as_bytes());
        self.hasher.update(b"\n");
    }

    /// What the lines hold, as the trailer says it.
    pub(crate) fn trailer(&self) -> Trailer {
        Trailer {
            logs: self.logs,
            spans: self.spans,
            metric_points: self.metric_points,
            first_time_unix_nano: self.first_time_unix_nano.unwrap_or_default(),
            last_time_unix_nano: self.last_time_unix_nano,
            sha256: hex(&self.hasher.clone().finalize()),
        }
    }

    /// When the newest of the records was received, in milliseconds since 1970.
    pub(crate) fn ingested_up_to_ms(&self) -> i64 {
        self.ingested_up_to_ms
    }

    /// The length of the text.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            format: FORMAT_VERSION,
            tenant: TenantId::default(),
            session: "a \"quoted\" one".to_owned(),
            first_time_unix_nano: 1_795_165_605_889_000_001,
        }
    }

    #[test]
    fn header_and_trailer_are_read_as_they_were_written() {
        let written = ArchiveLine::header(header());
        assert_eq!(
            written.json,
            r#"{"granary":{"format":2,"tenant":"default","session":"a \"quoted\" one","firstTime":"2026-11-20T09:06:45.889000001Z"}}"#
        );
        assert_eq!(ArchiveLine::parse(written.json.clone()), Ok(written.clone()));
        let mut tally = Tally::default();
        tally.add(&written);
        let trailer = ArchiveLine::trailer(tally.trailer());
        assert_eq!(ArchiveLine::parse(trailer.json.clone()), Ok(trailer));
    }

    #[test]
    fn a_later_format_is_refused_by_name() {
        let json = ArchiveLine::header(Header { format: FORMAT_VERSION + 1, ..header() }).json;
        assert_eq!(
            ArchiveLine::parse(json).unwrap_err(),
            "format 3 is later than 2, which this version of Granary reads"
        );
    }

    #[test]
    fn a_line_that_is_none_is_refused_without_its_text() {
        for text in ["", "{}", r#"{"granary":{"signal":"hush"}}"#, r#"{"granary":{"end":true}}"#, "[hush]"] {
            let problem = ArchiveLine::parse(text.to_owned()).unwrap_err();
            assert!(!problem.contains("hush"), "{problem}");
        }
    }
}

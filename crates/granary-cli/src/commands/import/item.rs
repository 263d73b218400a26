//! One record on its way: as a request of its own, with what it is known by.

use std::path::PathBuf;

use granary_model::{Record, TenantId};
use granary_otlp::{Context, Decode, Encoding, decode};
use granary_redact::{Redactable, Redactor};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

/// What reading a file comes upon.
#[derive(Debug)]
pub(super) enum Found {
    Item(Box<Item>),
    /// A line that cannot be taken.
    Skipped(Skipped),
    /// A line that is in order and holds no event.
    PassedOver(String),
    /// A file begins.
    File(PathBuf),
}

/// A line that was left out, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(super) struct Skipped {
    pub(super) file: PathBuf,
    /// 0 where it is the whole file.
    pub(super) line: u64,
    pub(super) reason: String,
}

impl std::fmt::Display for Skipped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.reason)
    }
}

/// A request with one record.
#[derive(Debug, Clone)]
pub(super) enum One {
    Logs(ExportLogsServiceRequest),
    Traces(ExportTraceServiceRequest),
    Metrics(ExportMetricsServiceRequest),
}

/// One record and its names.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) one: One,
    /// The event's name, for the summary.
    pub(super) event: String,
    pub(super) session: String,
    pub(super) time_unix_nano: u64,
    pub(super) id: u128,
    /// What the live telemetry of the same event has, too.
    pub(super) natural: Option<Natural>,
}

/// The attribute that an event has in a transcript and in the live telemetry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Natural {
    /// Its column in the statement of `known.rs`.
    pub(super) key: NaturalKey,
    pub(super) value: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum NaturalKey {
    RequestId,
    MessageUuid,
    ToolUseId,
}

/// Nothing is left out here; the receiver has the limits.
const CONTEXT: Context =
    Context { received_unix_nano: 0, max_attributes: usize::MAX, max_expanded: usize::MAX };

impl Item {
    /// Reads who the record is, as the receiver will, redaction included.
    ///
    /// # Errors
    ///
    /// The receiver would not take it, and why.
    pub(super) fn new(
        one: One,
        tenant: &TenantId,
        redactor: &Redactor,
        natural: Option<Natural>,
    ) -> Result<Self, String> {
        let known = match &one {
            One::Logs(request) => {
                identify::<granary_model::LogRecord>(&request.encode_to_vec(), tenant, redactor)
            }
            One::Traces(request) => {
                identify::<granary_model::Span>(&request.encode_to_vec(), tenant, redactor)
            }
            One::Metrics(request) => {
                identify::<granary_model::MetricPoint>(&request.encode_to_vec(), tenant, redactor)
            }
        };
        let (event, session, time_unix_nano, id) = known?;
        Ok(Self { one, event, session, time_unix_nano, id, natural })
    }
}

fn identify<R: Decode + Redactable + Record>(
    body: &[u8],
    tenant: &TenantId,
    redactor: &Redactor,
) -> Result<(String, String, u64, u128), String> {
    let decoded = decode::<R>(body, Encoding::Protobuf, CONTEXT).map_err(|error| error.to_string())?;
    let rejected = decoded.rejected.to_string();
    let redacted = redactor.redact(decoded.records);
    let group = redacted.iter().find(|group| !group.records().is_empty());
    let Some((group, record)) = group.and_then(|group| Some((group, group.records().first()?))) else {
        return Err(format!("the record cannot be taken: {rejected}"));
    };
    let facts = record.facts(group.resource());
    let id = record.event_id(tenant.as_str(), group.resource(), &facts, &mut Vec::new());
    let event = if facts.event.is_empty() { R::SIGNAL.name() } else { facts.event };
    Ok((event.to_owned(), facts.session.to_owned(), record.time_unix_nano(), id.0))
}

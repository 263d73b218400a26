//! `otel_logs`.

use granary_model::LogRecord;
use serde::Deserialize;

use super::super::letters::{Letters, Pairs, value};
use super::{span_id, trace_id};

/// A row's own columns.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in super::super) struct LogRow {
    trace_id: String,
    span_id: String,
    trace_flags: u8,
    severity_text: String,
    severity_number: u8,
    body: String,
    attributes: Pairs,
    event_name: String,
    observed_delay: i64,
    flags: u32,
    dropped_attributes: u32,
}

impl LogRow {
    pub(in super::super) fn record(
        self,
        time_unix_nano: u64,
        body_letter: Option<&[u8]>,
        mut letters: Letters<'_>,
    ) -> LogRecord {
        let letter = body_letter.and_then(|letters| letters.first()).copied().unwrap_or(b's');
        LogRecord {
            time_unix_nano,
            observed_time_unix_nano: time_unix_nano.saturating_add_signed(self.observed_delay),
            severity_number: self.severity_number,
            severity_text: self.severity_text,
            body: value(self.body, letter),
            attributes: letters.attributes(self.attributes),
            dropped_attributes: self.dropped_attributes,
            // The collector fills the lowest eight bits only.
            flags: if self.flags == 0 { self.trace_flags.into() } else { self.flags },
            trace_id: trace_id(&self.trace_id),
            span_id: span_id(&self.span_id),
            event_name: self.event_name,
        }
    }
}

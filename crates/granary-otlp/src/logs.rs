//! `ExportLogsServiceRequest` to log records.

use std::sync::Arc;

use granary_model::{Attributes, LogRecord, Records, Rejected, Value};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord as OtlpLogRecord, ResourceLogs, ScopeLogs};
use prost::Message as _;

use crate::attributes::{attributes, resource, scope, span_id, trace_id, value, with_builder};
use crate::error::Refusal;
use crate::json::json_envelope;
use crate::logs_wire;
use crate::time::{first_known, within_range};
use crate::{AttributeBudget, Context, DecodeError, Decoded, weight};

json_envelope!("resourceLogs", "scopeLogs", "logRecords");

pub(crate) fn from_protobuf(body: &[u8], context: Context) -> Result<Decoded<LogRecord>, DecodeError> {
    match with_builder(|builder| logs_wire::read(body, context, builder))? {
        Some(decoded) => Ok(decoded),
        None => from_messages(body, context),
    }
}

/// Reads a request by way of its messages: slower, and with nothing left to be wished for.
pub(crate) fn from_messages(body: &[u8], context: Context) -> Result<Decoded<LogRecord>, DecodeError> {
    weight::must_fit(body, &weight::LOGS, context.max_expanded)?;
    let request = ExportLogsServiceRequest::decode(body)?;
    let mut rejected = Rejected::default();
    let mut records = Vec::new();
    for ResourceLogs { resource: of, scope_logs, schema_url } in request.resource_logs {
        let resource = resource(of, schema_url);
        for ScopeLogs { scope: of, log_records, schema_url } in scope_logs {
            let mut group = Records {
                resource: Arc::clone(&resource),
                scope: scope(of, schema_url),
                records: Vec::with_capacity(log_records.len()),
            };
            for record in log_records {
                match log_message(record, context) {
                    Ok(record) => group.records.push(record),
                    Err(refusal) => rejected.add(refusal.reason, refusal.detail),
                }
            }
            records.push(group);
        }
    }
    Ok(Decoded { records, rejected, expanded: 0 })
}

pub(crate) fn from_json(body: &[u8], context: Context) -> Result<Decoded<LogRecord>, DecodeError> {
    read_json(body, |json, group, rejected| {
        match crate::json::record(json).and_then(|record| log_message(record, context)) {
            Ok(record) => group.push(record),
            Err(refusal) => rejected.add(refusal.reason, refusal.detail),
        }
    })
}

fn log_message(record: OtlpLogRecord, context: Context) -> Result<LogRecord, Refusal> {
    let OtlpLogRecord {
        time_unix_nano,
        observed_time_unix_nano,
        severity_number,
        severity_text,
        body,
        attributes: pairs,
        dropped_attributes_count,
        flags,
        trace_id,
        span_id,
        event_name,
    } = record;
    log_record(
        Parts {
            time_unix_nano,
            observed_time_unix_nano,
            severity_number,
            severity_text,
            body: body.map(value).unwrap_or_default(),
            attributes: attributes(pairs),
            dropped_attributes: dropped_attributes_count,
            flags,
            trace_id: &trace_id,
            span_id: &span_id,
            event_name,
        },
        context,
    )
}

/// A log record as it was sent.
#[derive(Debug, Default)]
pub(crate) struct Parts<'a> {
    pub(crate) time_unix_nano: u64,
    pub(crate) observed_time_unix_nano: u64,
    pub(crate) severity_number: i32,
    pub(crate) severity_text: String,
    pub(crate) body: Value,
    pub(crate) attributes: Attributes,
    pub(crate) dropped_attributes: u32,
    pub(crate) flags: u32,
    pub(crate) trace_id: &'a [u8],
    pub(crate) span_id: &'a [u8],
    pub(crate) event_name: String,
}

/// Takes a record, if it can be taken.
pub(crate) fn log_record(parts: Parts<'_>, context: Context) -> Result<LogRecord, Refusal> {
    let time = first_known(
        "the record's time",
        &[parts.time_unix_nano, parts.observed_time_unix_nano, context.received_unix_nano],
    )?;
    AttributeBudget::new(context).spend(&parts.attributes)?;
    Ok(LogRecord {
        time_unix_nano: time,
        observed_time_unix_nano: match within_range("the observed time", parts.observed_time_unix_nano)? {
            0 => time,
            observed => observed,
        },
        severity_number: u8::try_from(parts.severity_number).unwrap_or_default(),
        severity_text: parts.severity_text,
        body: parts.body,
        attributes: parts.attributes,
        dropped_attributes: parts.dropped_attributes,
        flags: parts.flags,
        trace_id: trace_id(parts.trace_id)?,
        span_id: span_id("span id", parts.span_id)?,
        event_name: parts.event_name,
    })
}

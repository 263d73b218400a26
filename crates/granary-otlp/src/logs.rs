//! `ExportLogsServiceRequest` to log records.

use std::sync::Arc;

use granary_model::{LogRecord, Records, Rejected};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord as OtlpLogRecord, ResourceLogs, ScopeLogs};
use prost::Message as _;

use crate::attributes::{attributes, resource, scope, span_id, trace_id, value};
use crate::error::Refusal;
use crate::json::json_envelope;
use crate::time::{first_known, within_range};
use crate::{AttributeBudget, Context, DecodeError, Decoded};

json_envelope!("resourceLogs", "scopeLogs", "logRecords");

pub(crate) fn from_protobuf(body: &[u8], context: Context) -> Result<Decoded<LogRecord>, DecodeError> {
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
                match log_record(record, context) {
                    Ok(record) => group.records.push(record),
                    Err(refusal) => rejected.add(refusal.reason, refusal.detail),
                }
            }
            records.push(group);
        }
    }
    Ok(Decoded { records, rejected })
}

pub(crate) fn from_json(body: &[u8], context: Context) -> Result<Decoded<LogRecord>, DecodeError> {
    read_json(body, |json, group, rejected| {
        match crate::json::record(json).and_then(|record| log_record(record, context)) {
            Ok(record) => group.push(record),
            Err(refusal) => rejected.add(refusal.reason, refusal.detail),
        }
    })
}

fn log_record(record: OtlpLogRecord, context: Context) -> Result<LogRecord, Refusal> {
    let OtlpLogRecord {
        time_unix_nano,
        observed_time_unix_nano,
        severity_number,
        severity_text,
        body,
        attributes: pairs,
        dropped_attributes_count,
        flags,
        trace_id: trace,
        span_id: span,
        event_name,
    } = record;
    let time = first_known(
        "the record's time",
        &[time_unix_nano, observed_time_unix_nano, context.received_unix_nano],
    )?;
    let attributes = attributes(pairs);
    AttributeBudget::new(context).spend(&attributes)?;
    Ok(LogRecord {
        time_unix_nano: time,
        observed_time_unix_nano: match within_range("the observed time", observed_time_unix_nano)? {
            0 => time,
            observed => observed,
        },
        severity_number: u8::try_from(severity_number).unwrap_or_default(),
        severity_text,
        body: body.map(value).unwrap_or_default(),
        attributes,
        dropped_attributes: dropped_attributes_count,
        flags,
        trace_id: trace_id(&trace)?,
        span_id: span_id("span id", &span)?,
        event_name,
    })
}

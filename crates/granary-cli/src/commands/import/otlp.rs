//! OTLP files: a request in protobuf or JSON, JSON lines as the Collector's file exporter writes them, its protobuf form
//! with lengths in front.

use std::io::BufRead;
use std::path::Path;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric::Data};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::item::{Found, Item, One};
use super::lines::{self, Line};
use super::source::{Finds, Reading};
use super::transcript::mark;
use crate::arguments::ImportSignal;

/// A JSON document, or one a line.
pub(super) fn read_json(
    reader: &mut dyn BufRead,
    reading: &Reading,
    finds: &mut Finds<'_>,
) -> std::io::Result<()> {
    let mut number = 0;
    while let Some(line) = lines::next(reader)? {
        number += 1;
        if !finds.is_wanted {
            return Ok(());
        }
        let Line::Text(line) = line else {
            finds.skip(number, lines::too_long());
            continue;
        };
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        if number == 1 && serde_json::from_slice::<serde::de::IgnoredAny>(&line).is_err() {
            // A document over several lines.
            let mut pending = line;
            pending.push(b'\n');
            if rest_of_document(&mut pending, reader)? {
                take_json(&pending, 1, reading, finds);
            } else {
                finds.skip(1, "neither a line nor the file is a JSON document of a size that can be taken");
            }
            return Ok(());
        }
        take_json(&line, number, reading, finds);
    }
    Ok(())
}

/// Reads a document that began in the first line. `false` where the file as a whole is none.
fn rest_of_document(pending: &mut Vec<u8>, reader: &mut dyn BufRead) -> std::io::Result<bool> {
    let Some(rest) = lines::whole(reader)? else { return Ok(false) };
    pending.extend_from_slice(&rest);
    Ok(serde_json::from_slice::<serde::de::IgnoredAny>(pending).is_ok())
}

fn take_json(line: &[u8], number: u64, reading: &Reading, finds: &mut Finds<'_>) {
    let text = String::from_utf8_lossy(line);
    let parsed = if text.contains("\"resourceLogs\"") {
        serde_json::from_str(&text).map(One::Logs)
    } else if text.contains("\"resourceSpans\"") {
        serde_json::from_str(&text).map(One::Traces)
    } else {
        serde_json::from_str(&text).map(One::Metrics)
    };
    match parsed {
        Ok(request) => take(request, number, reading, finds),
        // The error's own text may quote the line.
        Err(error) => finds
            .skip(number, format!("not OTLP ({:?} error at column {})", error.classify(), error.column())),
    }
}

/// One request, or several with their lengths in front (four bytes, big-endian).
pub(super) fn read_protobuf(
    file: &Path,
    reader: &mut dyn BufRead,
    reading: &Reading,
    finds: &mut Finds<'_>,
) -> std::io::Result<()> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let named =
        [("log", ImportSignal::Logs), ("trace", ImportSignal::Traces), ("metric", ImportSignal::Metrics)];
    let by_name = named.into_iter().find_map(|(word, signal)| name.contains(word).then_some(signal));
    let Some(signal) = by_name.or(reading.signal) else {
        finds.skip(0, "protobuf does not say which signal it is: put logs, traces or metrics into the name, or say --signal");
        return Ok(());
    };
    let Some(bytes) = lines::whole(reader)? else {
        finds.skip(0, "the file is larger than what can be taken in protobuf; JSON lines may be of any size");
        return Ok(());
    };
    let messages = framed(&bytes).unwrap_or_else(|| vec![&bytes]);
    for (index, message) in messages.into_iter().enumerate() {
        let decoded = match signal {
            ImportSignal::Logs => ExportLogsServiceRequest::decode(message).map(One::Logs),
            ImportSignal::Traces => ExportTraceServiceRequest::decode(message).map(One::Traces),
            ImportSignal::Metrics => ExportMetricsServiceRequest::decode(message).map(One::Metrics),
        };
        let number = index as u64 + 1;
        match decoded {
            Ok(request) => take(request, number, reading, finds),
            Err(error) => finds.skip(number, format!("message {number} is not OTLP: {error}")),
        }
    }
    Ok(())
}

/// The messages, where lengths and file fit together to the last byte; a request begins with a tag, which as a length
/// would be 160 MiB.
fn framed(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk()?;
        let (message, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        messages.push(message);
        bytes = rest;
    }
    Some(messages)
}

/// Takes a request apart, a record an item.
fn take(request: One, number: u64, reading: &Reading, finds: &mut Finds<'_>) {
    for one in split(request, reading) {
        match Item::new(one, &reading.tenant, &reading.redactor, None) {
            Ok(item) => finds.push(Found::Item(Box::new(item))),
            Err(reason) => finds.skip(number, reason),
        }
    }
}

fn split(request: One, reading: &Reading) -> Vec<One> {
    let marked = |resource: Option<Resource>| {
        let mut resource = resource.unwrap_or_default();
        resource.attributes.push(mark("otlp"));
        resource.attributes.extend(reading.attributes.iter().cloned());
        Some(resource)
    };
    let mut ones = Vec::new();
    match request {
        One::Logs(request) => {
            for mut resource in request.resource_logs {
                resource.resource = marked(resource.resource);
                for mut scope in std::mem::take(&mut resource.scope_logs) {
                    for record in std::mem::take(&mut scope.log_records) {
                        let (mut resource, mut scope) = (resource.clone(), scope.clone());
                        scope.log_records = vec![record];
                        resource.scope_logs = vec![scope];
                        ones.push(One::Logs(ExportLogsServiceRequest { resource_logs: vec![resource] }));
                    }
                }
            }
        }
        One::Traces(request) => {
            for mut resource in request.resource_spans {
                resource.resource = marked(resource.resource);
                for mut scope in std::mem::take(&mut resource.scope_spans) {
                    for span in std::mem::take(&mut scope.spans) {
                        let (mut resource, mut scope) = (resource.clone(), scope.clone());
                        scope.spans = vec![span];
                        resource.scope_spans = vec![scope];
                        ones.push(One::Traces(ExportTraceServiceRequest { resource_spans: vec![resource] }));
                    }
                }
            }
        }
        One::Metrics(request) => {
            for mut resource in request.resource_metrics {
                resource.resource = marked(resource.resource);
                for mut scope in std::mem::take(&mut resource.scope_metrics) {
                    for metric in std::mem::take(&mut scope.metrics).into_iter().flat_map(points) {
                        let (mut resource, mut scope) = (resource.clone(), scope.clone());
                        scope.metrics = vec![metric];
                        resource.scope_metrics = vec![scope];
                        ones.push(One::Metrics(ExportMetricsServiceRequest {
                            resource_metrics: vec![resource],
                        }));
                    }
                }
            }
        }
    }
    ones
}

/// A metric of one data point for each data point.
fn points(mut metric: Metric) -> Vec<Metric> {
    macro_rules! each {
        ($data:ident, $kind:path) => {{
            let points = std::mem::take(&mut $data.data_points);
            let one = |point| {
                let mut data = $data.clone();
                data.data_points = vec![point];
                Metric { data: Some($kind(data)), ..metric.clone() }
            };
            points.into_iter().map(one).collect()
        }};
    }
    match metric.data.take() {
        Some(Data::Gauge(mut data)) => each!(data, Data::Gauge),
        Some(Data::Sum(mut data)) => each!(data, Data::Sum),
        Some(Data::Histogram(mut data)) => each!(data, Data::Histogram),
        Some(Data::ExponentialHistogram(mut data)) => each!(data, Data::ExponentialHistogram),
        Some(Data::Summary(mut data)) => each!(data, Data::Summary),
        None => vec![metric],
    }
}

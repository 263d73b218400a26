//! How does the client cut what happened into requests?
//!
//! Log records and spans leave every five seconds, metrics every minute, and all that is left when the process ends.
//! A request carries one process's records of one signal; one that would carry too many becomes several.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{Metric, ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

use crate::calendar::MILLISECOND;
use crate::identity::Identity;
use crate::metrics::Collector;
use crate::plan::Process;
use crate::session::{Request, TimedRequest};
use crate::{events, spans};

/// How often log records and spans are sent.
const BATCH_INTERVAL_MS: u64 = 5_000;

/// How often metrics are sent.
const METRIC_INTERVAL_MS: u64 = 60_000;

/// The most log records or spans in a request, as the SDK has it.
const MOST_RECORDS: usize = 512;

/// How long a process takes to send what is left.
const FLUSH_MS: u64 = 40;

/// Returns what the process sent, in the order in which it did.
pub(crate) fn requests(process: &Process, identity: &Identity, session_start_nano: u64) -> Vec<TimedRequest> {
    let export = Export { process, identity, session_start_nano };
    let mut requests = export.logs();
    requests.extend(export.metrics());
    requests.extend(export.spans());
    requests.sort_by_key(|request| request.time_unix_nano);
    requests
}

struct Export<'a> {
    process: &'a Process,
    identity: &'a Identity,
    session_start_nano: u64,
}

impl Export<'_> {
    fn logs(&self) -> Vec<TimedRequest> {
        let records = self.process.events.iter().zip(0..).map(|(event, sequence)| {
            (event.at_ms, events::render(event, sequence, self.identity, self.session_start_nano))
        });
        self.cut(records, |records| Request::Logs(logs_request(self.identity, records)))
    }

    fn spans(&self) -> Vec<TimedRequest> {
        let spans = self
            .process
            .spans
            .iter()
            .map(|plan| (plan.end_ms, spans::render(plan, self.identity, self.session_start_nano)));
        self.cut(spans, |spans| Request::Traces(traces_request(self.identity, spans)))
    }

    fn metrics(&self) -> Vec<TimedRequest> {
        let mut requests = Vec::new();
        let mut collector = Collector::default();
        let mut due_ms = self.tick_after(self.process.start_ms, METRIC_INTERVAL_MS);
        let mut collect = |collector: &mut Collector, at_ms| {
            let metrics = collector.collect(at_ms, self.identity, self.session_start_nano);
            if !metrics.is_empty() {
                requests.push(self.timed(at_ms, Request::Metrics(metrics_request(self.identity, metrics))));
            }
        };
        for count in &self.process.counts {
            let due_now_ms = self.tick_after(count.at_ms, METRIC_INTERVAL_MS);
            if due_now_ms > due_ms {
                collect(&mut collector, due_ms);
                // The collections in between had nothing to say, but each ended the series before it.
                if due_now_ms > due_ms + METRIC_INTERVAL_MS {
                    collect(&mut collector, due_ms + METRIC_INTERVAL_MS);
                }
                due_ms = due_now_ms;
            }
            collector.count(count);
        }
        collect(&mut collector, due_ms);
        requests
    }

    /// Cuts records, which come in the order of time, into one request per interval.
    fn cut<T>(
        &self,
        records: impl Iterator<Item = (u64, T)>,
        request: impl Fn(Vec<T>) -> Request,
    ) -> Vec<TimedRequest> {
        let mut requests = Vec::new();
        let mut batch = Vec::new();
        let mut due_ms = 0;
        for (at_ms, record) in records {
            let record_due_ms = self.tick_after(at_ms, BATCH_INTERVAL_MS);
            if !batch.is_empty() && (record_due_ms != due_ms || batch.len() == MOST_RECORDS) {
                requests.push(self.timed(due_ms, request(std::mem::take(&mut batch))));
            }
            due_ms = record_due_ms;
            batch.push(record);
        }
        if !batch.is_empty() {
            requests.push(self.timed(due_ms, request(batch)));
        }
        requests
    }

    /// Returns when something of this moment is sent: at the next tick, or at the end if that is sooner.
    fn tick_after(&self, at_ms: u64, interval_ms: u64) -> u64 {
        let since_start = at_ms - self.process.start_ms;
        let tick_ms = self.process.start_ms + (since_start / interval_ms + 1) * interval_ms;
        tick_ms.min(self.process.end_ms + FLUSH_MS)
    }

    fn timed(&self, at_ms: u64, body: Request) -> TimedRequest {
        TimedRequest { time_unix_nano: self.session_start_nano + at_ms * MILLISECOND, body }
    }
}

/// Makes a request of log records of one process.
pub(crate) fn logs_request(identity: &Identity, log_records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    let scope_logs =
        vec![ScopeLogs { scope: Some(identity.events_scope()), log_records, ..ScopeLogs::default() }];
    let resource = Some(identity.resource.clone());
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs { resource, scope_logs, ..ResourceLogs::default() }],
    }
}

fn traces_request(identity: &Identity, spans: Vec<Span>) -> ExportTraceServiceRequest {
    let scope_spans =
        vec![ScopeSpans { scope: Some(identity.spans_scope()), spans, ..ScopeSpans::default() }];
    let resource = Some(identity.resource.clone());
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }],
    }
}

fn metrics_request(identity: &Identity, metrics: Vec<Metric>) -> ExportMetricsServiceRequest {
    let scope_metrics =
        vec![ScopeMetrics { scope: Some(identity.metrics_scope()), metrics, ..ScopeMetrics::default() }];
    let resource = Some(identity.resource.clone());
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() }],
    }
}

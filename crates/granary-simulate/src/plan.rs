//! What happened in a session, before anything is written as protobuf?
//!
//! Times are milliseconds since the session's start, so that a plan can be drawn before it is known when the session
//! starts.

use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::KeyValue;

use crate::metrics::Counter;
use crate::truth::Truth;

/// A whole session.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) processes: Vec<Process>,
    pub(crate) truth: Truth,
}

impl Plan {
    /// Returns when the last thing happened.
    pub(crate) fn end_ms(&self) -> u64 {
        self.processes.last().map_or(0, |process| process.end_ms)
    }
}

/// One run of the client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Process {
    pub(crate) start_ms: u64,
    pub(crate) end_ms: u64,
    /// In the order of time.
    pub(crate) events: Vec<Event>,
    /// In the order in which they ended.
    pub(crate) spans: Vec<SpanPlan>,
    /// In the order of time.
    pub(crate) counts: Vec<Count>,
}

/// An event, without what every event has.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) at_ms: u64,
    pub(crate) name: &'static str,
    pub(crate) prompt_id: Option<Arc<str>>,
    /// The span that was active, if the client records any.
    pub(crate) span: Option<SpanContext>,
    pub(crate) attributes: Vec<KeyValue>,
}

/// A span's own id and that of its trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SpanContext {
    pub(crate) trace: [u8; 16],
    pub(crate) span: [u8; 8],
}

/// A span, without what every span has.
#[derive(Debug, Clone)]
pub(crate) struct SpanPlan {
    /// The name without its prefix, which is `span.type` as well.
    pub(crate) kind: &'static str,
    pub(crate) context: SpanContext,
    pub(crate) parent: Option<[u8; 8]>,
    pub(crate) start_ms: u64,
    pub(crate) end_ms: u64,
    /// Nanoseconds beyond the millisecond, which ends have and starts do not.
    pub(crate) end_nanos: u64,
    pub(crate) attributes: Vec<KeyValue>,
    /// When each attempt of a request began.
    pub(crate) attempts_ms: Vec<u64>,
    pub(crate) error: Option<String>,
}

/// Something a counter was increased by.
#[derive(Debug, Clone)]
pub(crate) struct Count {
    pub(crate) at_ms: u64,
    pub(crate) counter: Counter,
    pub(crate) value: f64,
    pub(crate) labels: Vec<KeyValue>,
}

/// What is written down while a session is played through.
#[derive(Debug)]
pub(crate) struct Recorder {
    traces: bool,
    processes: Vec<Process>,
    current: Process,
    pub(crate) truth: Truth,
}

impl Recorder {
    pub(crate) fn new(traces: bool) -> Self {
        Self { traces, processes: Vec::new(), current: Process::default(), truth: Truth::default() }
    }

    pub(crate) fn start_process(&mut self, at_ms: u64) {
        self.current = Process { start_ms: at_ms, ..Process::default() };
        self.truth.processes += 1;
    }

    pub(crate) fn end_process(&mut self, at_ms: u64) {
        let mut process = std::mem::take(&mut self.current);
        process.events.sort_by_key(|event| event.at_ms);
        process.spans.sort_by_key(|span| (span.end_ms, span.end_nanos));
        process.counts.sort_by_key(|count| count.at_ms);
        let last_event = process.events.last().map_or(0, |event| event.at_ms);
        let last_span = process.spans.last().map_or(0, |span| span.end_ms + 1);
        process.end_ms = at_ms.max(last_event).max(last_span);
        self.processes.push(process);
    }

    pub(crate) fn event(&mut self, mut event: Event) {
        if !self.traces {
            event.span = None;
        }
        self.truth.event(event.name);
        self.current.events.push(event);
    }

    pub(crate) fn span(&mut self, span: SpanPlan) {
        if self.traces {
            self.truth.span(&crate::spans::name(span.kind));
            self.current.spans.push(span);
        }
    }

    pub(crate) fn count(&mut self, count: Count) {
        self.current.counts.push(count);
    }

    pub(crate) fn finish(self) -> Plan {
        Plan { processes: self.processes, truth: self.truth }
    }
}

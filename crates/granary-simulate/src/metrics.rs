//! What do the metrics say?
//!
//! Counters are collected once a minute and start anew: delta sums of doubles. As in the client's SDK, a series that was
//! there at the last collection starts where that one ended, and a new one starts with its first increase.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Metric, NumberDataPoint, Sum, metric, number_data_point,
};

use crate::calendar::MILLISECOND;
use crate::identity::Identity;
use crate::plan::Count;

/// A counter of the client, in the order in which it creates them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counter {
    Sessions,
    LinesOfCode,
    PullRequests,
    Commits,
    Cost,
    Tokens,
    EditDecisions,
    ActiveTime,
}

const ALL: [Counter; 8] = [
    Counter::Sessions,
    Counter::LinesOfCode,
    Counter::PullRequests,
    Counter::Commits,
    Counter::Cost,
    Counter::Tokens,
    Counter::EditDecisions,
    Counter::ActiveTime,
];

impl Counter {
    /// Returns name, description and unit.
    const fn text(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Sessions => ("claude_code.session.count", "Count of CLI sessions started", ""),
            Self::LinesOfCode => (
                "claude_code.lines_of_code.count",
                "Count of lines of code modified, with the 'type' attribute indicating whether lines were added or \
                 removed and the 'model' attribute indicating which model made the change",
                "",
            ),
            Self::PullRequests => ("claude_code.pull_request.count", "Number of pull requests created", ""),
            Self::Commits => ("claude_code.commit.count", "Number of git commits created", ""),
            Self::Cost => ("claude_code.cost.usage", "Cost of the Claude Code session", "USD"),
            Self::Tokens => ("claude_code.token.usage", "Number of tokens used", "tokens"),
            Self::EditDecisions => (
                "claude_code.code_edit_tool.decision",
                "Count of code editing tool permission decisions (accept/reject) for Edit, Write, and NotebookEdit \
                 tools",
                "",
            ),
            Self::ActiveTime => ("claude_code.active_time.total", "Total active time in seconds", "s"),
        }
    }
}

/// The counters of one process, between collections.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    series: Vec<Series>,
    last: Vec<(Counter, Vec<KeyValue>)>,
    last_ms: u64,
}

#[derive(Debug)]
struct Series {
    counter: Counter,
    labels: Vec<KeyValue>,
    since_ms: u64,
    value: f64,
}

impl Collector {
    pub(crate) fn count(&mut self, count: &Count) {
        let known = self
            .series
            .iter_mut()
            .find(|series| series.counter == count.counter && series.labels == count.labels);
        if let Some(series) = known {
            series.value += count.value;
            return;
        }
        let continued =
            self.last.iter().any(|(counter, labels)| *counter == count.counter && *labels == count.labels);
        self.series.push(Series {
            counter: count.counter,
            labels: count.labels.clone(),
            since_ms: if continued { self.last_ms } else { count.at_ms },
            value: count.value,
        });
    }

    /// Returns what was counted since the last time, none if nothing was, and starts anew.
    pub(crate) fn collect(
        &mut self,
        at_ms: u64,
        identity: &Identity,
        session_start_nano: u64,
    ) -> Vec<Metric> {
        let nano = |ms: u64| session_start_nano + ms * MILLISECOND;
        let metrics = ALL
            .into_iter()
            .filter_map(|counter| {
                let points: Vec<NumberDataPoint> = self
                    .series
                    .iter()
                    .filter(|series| series.counter == counter)
                    .map(|series| {
                        let mut attributes = identity.standard(series.labels.len());
                        attributes.extend_from_slice(&series.labels);
                        NumberDataPoint {
                            attributes,
                            start_time_unix_nano: nano(series.since_ms),
                            time_unix_nano: nano(at_ms),
                            value: Some(number_data_point::Value::AsDouble(series.value)),
                            ..NumberDataPoint::default()
                        }
                    })
                    .collect();
                (!points.is_empty()).then(|| sum(counter, points))
            })
            .collect();
        self.last = self.series.drain(..).map(|series| (series.counter, series.labels)).collect();
        self.last_ms = at_ms;
        metrics
    }
}

fn sum(counter: Counter, data_points: Vec<NumberDataPoint>) -> Metric {
    let (name, description, unit) = counter.text();
    Metric {
        name: name.to_owned(),
        description: description.to_owned(),
        unit: unit.to_owned(),
        data: Some(metric::Data::Sum(Sum {
            data_points,
            aggregation_temporality: AggregationTemporality::Delta.into(),
            is_monotonic: true,
        })),
        ..Metric::default()
    }
}

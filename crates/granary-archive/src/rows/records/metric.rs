//! The five tables of metric points.

use std::sync::Arc;

use granary_model::{Exemplar, ExponentialBuckets, MetricKind, MetricPoint, Number, QuantileValue};
use serde::Deserialize;

use super::super::letters::{Letters, Pairs};
use super::super::sql::kind;
use super::{Double, span_id, trace_id, unix_nano};

/// A row's own columns: those that all five tables have, then those of some.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(in super::super) struct PointRow {
    scope_dropped: u32,
    metric_name: Arc<str>,
    metric_description: Arc<str>,
    metric_unit: Arc<str>,
    attributes: Pairs,
    start_time: i64,
    flags: u32,

    value: Double,
    temporality: i32,
    is_monotonic: bool,
    count: u64,
    sum: Double,
    min: Double,
    max: Double,
    bucket_counts: Vec<u64>,
    explicit_bounds: Vec<Double>,
    scale: i32,
    zero_count: u64,
    zero_threshold: Double,
    positive_offset: i32,
    positive_bucket_counts: Vec<u64>,
    negative_offset: i32,
    negative_bucket_counts: Vec<u64>,
    quantiles: Vec<Double>,
    quantile_values: Vec<Double>,
    exemplar_attributes: Vec<Pairs>,
    exemplar_times: Vec<i64>,
    exemplar_values: Vec<Double>,
    exemplar_span_ids: Vec<String>,
    exemplar_trace_ids: Vec<String>,
}

impl PointRow {
    /// The point, and the count of attributes that its scope was sent without. `numbers` are the letters of the
    /// numbers that may be missing. `None` is a kind that there is no table for.
    pub(in super::super) fn record(
        self,
        row_kind: u8,
        time_unix_nano: u64,
        numbers: Option<&[u8]>,
        mut letters: Letters<'_>,
    ) -> Option<(MetricPoint, u32)> {
        // In the order of their groups.
        let attributes = letters.attributes(self.attributes);
        let exemplar_attributes = letters.list(self.exemplar_attributes);

        let (value, temporality) = (number(self.value, letter(numbers, 0)), self.temporality);
        let (count, sum) = (self.count, present(self.sum, letter(numbers, 0)));
        let (min, max) = (present(self.min, letter(numbers, 1)), present(self.max, letter(numbers, 2)));
        let kind = match row_kind {
            kind::GAUGE => MetricKind::Gauge { value },
            kind::SUM => MetricKind::Sum { value, temporality, monotonic: self.is_monotonic },
            kind::HISTOGRAM => MetricKind::Histogram {
                count,
                sum,
                min,
                max,
                bucket_counts: self.bucket_counts,
                explicit_bounds: self.explicit_bounds.into_iter().map(|Double(bound)| bound).collect(),
                temporality,
            },
            kind::EXPONENTIAL_HISTOGRAM => MetricKind::ExponentialHistogram {
                count,
                sum,
                min,
                max,
                scale: self.scale,
                zero_count: self.zero_count,
                zero_threshold: self.zero_threshold.0,
                positive: ExponentialBuckets {
                    offset: self.positive_offset,
                    counts: self.positive_bucket_counts,
                },
                negative: ExponentialBuckets {
                    offset: self.negative_offset,
                    counts: self.negative_bucket_counts,
                },
                temporality,
            },
            kind::SUMMARY => MetricKind::Summary {
                count,
                sum: self.sum.0,
                quantiles: (self.quantiles.into_iter().zip(self.quantile_values))
                    .map(|(Double(quantile), Double(value))| QuantileValue { quantile, value })
                    .collect(),
            },
            _ => return None,
        };

        let exemplar_ids = self.exemplar_trace_ids.iter().zip(&self.exemplar_span_ids);
        let exemplars = exemplar_attributes
            .into_iter()
            .zip(self.exemplar_times.into_iter().zip(self.exemplar_values).zip(exemplar_ids))
            .map(|(attributes, ((time, Double(value)), (trace, span)))| Exemplar {
                attributes,
                time_unix_nano: unix_nano(time),
                value: Some(Number::Double(value)),
                trace_id: trace_id(trace),
                span_id: span_id(span),
            })
            .collect();
        let point = MetricPoint {
            name: self.metric_name,
            description: self.metric_description,
            unit: self.metric_unit,
            attributes,
            start_time_unix_nano: unix_nano(self.start_time),
            time_unix_nano,
            flags: self.flags,
            kind,
            exemplars,
        };
        Some((point, self.scope_dropped))
    }
}

/// The letter of a number; where there are none, every number is a double and there.
fn letter(letters: Option<&[u8]>, index: usize) -> u8 {
    letters.and_then(|letters| letters.get(index)).copied().unwrap_or(b'd')
}

#[expect(clippy::cast_possible_truncation, reason = "it was an i64 before it was stored as a double")]
fn number(Double(value): Double, letter: u8) -> Option<Number> {
    match letter {
        b'n' => None,
        b'i' => Some(Number::Int(value as i64)),
        _ => Some(Number::Double(value)),
    }
}

fn present(Double(value): Double, letter: u8) -> Option<f64> {
    (letter != b'n').then_some(value)
}

//! The five tables of metric points, one per kind.

use granary_model::{Exemplar, ExponentialBuckets, MetricKind, MetricPoint, Number, QuantileValue, ValueRef};

use super::{Append, Row, attribute_types, nanos, table};
use crate::native::{AttributeMap, Fixed, List, LowText, Text};

/// Writes a metric table: the columns all kinds have, and its own.
macro_rules! metric_table {
    ($(#[$doc:meta])* $name:ident, $table:literal, $($own:tt)*) => {
        table! {
            $(#[$doc])*
            $name, $table,
            scope_dropped: Fixed<4> = "ScopeDroppedAttrCount", Fixed::new("UInt32");
            name: LowText = "MetricName", LowText::default();
            description: LowText = "MetricDescription", LowText::default();
            unit: LowText = "MetricUnit", LowText::default();
            attributes: AttributeMap = "Attributes", AttributeMap::default();
            start_time: Fixed<8> = "StartTimeUnix", Fixed::new("DateTime64(9)");
            time: Fixed<8> = "TimeUnix", Fixed::new("DateTime64(9)");
            flags: Fixed<4> = "Flags", Fixed::new("UInt32");
            $($own)*
        }

        impl $name {
            fn push_common(&mut self, row: Row<'_, MetricPoint>, number_types: &[u8]) {
                let point = row.record;
                let mut scratch = std::mem::take(&mut self.scratch);
                // The groups are the types of the point's numbers that may be missing, resource, scope, point,
                // exemplars.
                attribute_types::start(&mut scratch, number_types);
                attribute_types::group(&mut scratch, &row.group.resource.attributes);
                attribute_types::group(&mut scratch, &row.group.scope.attributes);
                attribute_types::group(&mut scratch, &point.attributes);
                attribute_types::list(&mut scratch, point.exemplars.iter().map(|exemplar| &exemplar.attributes));
                self.shared.push(row, &scratch);
                self.scratch = scratch;
                self.scope_dropped.push(row.group.scope.dropped_attributes.to_le_bytes());
                self.name.push(point.name.as_bytes());
                self.description.push(point.description.as_bytes());
                self.unit.push(point.unit.as_bytes());
                self.attributes.push(&point.attributes);
                self.start_time.push(nanos(point.start_time_unix_nano));
                self.time.push(nanos(point.time_unix_nano));
                self.flags.push(point.flags.to_le_bytes());
            }
        }
    };
}

metric_table! {
    /// A block of `otel_metrics_gauge`.
    GaugeColumns, "otel_metrics_gauge",
    value: Fixed<8> = "Value", Fixed::new("Float64");
    exemplar_attributes: List<AttributeMap> = "Exemplars.FilteredAttributes", attribute_maps();
    exemplar_times: List<Fixed<8>> = "Exemplars.TimeUnix", times();
    exemplar_values: List<Fixed<8>> = "Exemplars.Value", floats();
    exemplar_span_ids: List<Text> = "Exemplars.SpanId", texts();
    exemplar_trace_ids: List<Text> = "Exemplars.TraceId", texts();
}

metric_table! {
    /// A block of `otel_metrics_sum`.
    SumColumns, "otel_metrics_sum",
    value: Fixed<8> = "Value", Fixed::new("Float64");
    exemplar_attributes: List<AttributeMap> = "Exemplars.FilteredAttributes", attribute_maps();
    exemplar_times: List<Fixed<8>> = "Exemplars.TimeUnix", times();
    exemplar_values: List<Fixed<8>> = "Exemplars.Value", floats();
    exemplar_span_ids: List<Text> = "Exemplars.SpanId", texts();
    exemplar_trace_ids: List<Text> = "Exemplars.TraceId", texts();
    temporality: Fixed<4> = "AggregationTemporality", Fixed::new("Int32");
    monotonic: Fixed<1> = "IsMonotonic", Fixed::new("Bool");
}

metric_table! {
    /// A block of `otel_metrics_histogram`.
    HistogramColumns, "otel_metrics_histogram",
    count: Fixed<8> = "Count", Fixed::new("UInt64");
    sum: Fixed<8> = "Sum", Fixed::new("Float64");
    bucket_counts: List<Fixed<8>> = "BucketCounts", counts();
    explicit_bounds: List<Fixed<8>> = "ExplicitBounds", floats();
    exemplar_attributes: List<AttributeMap> = "Exemplars.FilteredAttributes", attribute_maps();
    exemplar_times: List<Fixed<8>> = "Exemplars.TimeUnix", times();
    exemplar_values: List<Fixed<8>> = "Exemplars.Value", floats();
    exemplar_span_ids: List<Text> = "Exemplars.SpanId", texts();
    exemplar_trace_ids: List<Text> = "Exemplars.TraceId", texts();
    min: Fixed<8> = "Min", Fixed::new("Float64");
    max: Fixed<8> = "Max", Fixed::new("Float64");
    temporality: Fixed<4> = "AggregationTemporality", Fixed::new("Int32");
}

metric_table! {
    /// A block of `otel_metrics_exponential_histogram`.
    ExponentialHistogramColumns, "otel_metrics_exponential_histogram",
    count: Fixed<8> = "Count", Fixed::new("UInt64");
    sum: Fixed<8> = "Sum", Fixed::new("Float64");
    scale: Fixed<4> = "Scale", Fixed::new("Int32");
    zero_count: Fixed<8> = "ZeroCount", Fixed::new("UInt64");
    zero_threshold: Fixed<8> = "ZeroThreshold", Fixed::new("Float64");
    positive_offset: Fixed<4> = "PositiveOffset", Fixed::new("Int32");
    positive_counts: List<Fixed<8>> = "PositiveBucketCounts", counts();
    negative_offset: Fixed<4> = "NegativeOffset", Fixed::new("Int32");
    negative_counts: List<Fixed<8>> = "NegativeBucketCounts", counts();
    exemplar_attributes: List<AttributeMap> = "Exemplars.FilteredAttributes", attribute_maps();
    exemplar_times: List<Fixed<8>> = "Exemplars.TimeUnix", times();
    exemplar_values: List<Fixed<8>> = "Exemplars.Value", floats();
    exemplar_span_ids: List<Text> = "Exemplars.SpanId", texts();
    exemplar_trace_ids: List<Text> = "Exemplars.TraceId", texts();
    min: Fixed<8> = "Min", Fixed::new("Float64");
    max: Fixed<8> = "Max", Fixed::new("Float64");
    temporality: Fixed<4> = "AggregationTemporality", Fixed::new("Int32");
}

metric_table! {
    /// A block of `otel_metrics_summary`.
    SummaryColumns, "otel_metrics_summary",
    count: Fixed<8> = "Count", Fixed::new("UInt64");
    sum: Fixed<8> = "Sum", Fixed::new("Float64");
    quantiles: List<Fixed<8>> = "ValueAtQuantiles.Quantile", floats();
    quantile_values: List<Fixed<8>> = "ValueAtQuantiles.Value", floats();
}

fn attribute_maps() -> List<AttributeMap> {
    List::new("Array(Map(LowCardinality(String), String))", AttributeMap::default())
}

fn times() -> List<Fixed<8>> {
    List::new("Array(DateTime64(9))", Fixed::new("DateTime64(9)"))
}

fn floats() -> List<Fixed<8>> {
    List::new("Array(Float64)", Fixed::new("Float64"))
}

fn counts() -> List<Fixed<8>> {
    List::new("Array(UInt64)", Fixed::new("UInt64"))
}

fn texts() -> List<Text> {
    List::new("Array(String)", Text::default())
}

/// Writes the exemplars of a point into the five columns that a table has for them.
macro_rules! push_exemplars {
    ($table:expr, $exemplars:expr) => {{
        let (table, exemplars): (_, &[Exemplar]) = ($table, $exemplars);
        table.exemplar_attributes.push(|maps| exemplars.iter().for_each(|e| maps.push(&e.attributes)));
        table.exemplar_times.push(|times| exemplars.iter().for_each(|e| times.push(nanos(e.time_unix_nano))));
        table.exemplar_values.push(|values| exemplars.iter().for_each(|e| values.push(number(e.value))));
        let mut hex = Vec::new();
        table.exemplar_span_ids.push(|ids| {
            for exemplar in exemplars {
                hex.clear();
                exemplar.span_id.push_hex(&mut hex);
                ids.push(&hex);
            }
        });
        table.exemplar_trace_ids.push(|ids| {
            for exemplar in exemplars {
                hex.clear();
                exemplar.trace_id.push_hex(&mut hex);
                ids.push(&hex);
            }
        });
    }};
}

/// Blocks of all five tables; a point goes to the one of its kind.
#[derive(Debug, Default)]
pub struct MetricColumns {
    /// Gauges.
    pub gauge: GaugeColumns,
    /// Sums.
    pub sum: SumColumns,
    /// Histograms.
    pub histogram: HistogramColumns,
    /// Exponential histograms.
    pub exponential_histogram: ExponentialHistogramColumns,
    /// Summaries.
    pub summary: SummaryColumns,
}

impl Append<MetricPoint> for MetricColumns {
    fn append_row(&mut self, row: Row<'_, MetricPoint>) {
        let point = row.record;
        let letters = match &point.kind {
            MetricKind::Gauge { value } | MetricKind::Sum { value, .. } => [number_letter(*value); 3],
            MetricKind::Histogram { sum, min, max, .. }
            | MetricKind::ExponentialHistogram { sum, min, max, .. } => {
                [*sum, *min, *max].map(|number| number_letter(number.map(Number::Double)))
            }
            MetricKind::Summary { .. } => [ValueRef::Double(0.0).type_letter(); 3],
        };
        let number_types = match &point.kind {
            MetricKind::Histogram { .. } | MetricKind::ExponentialHistogram { .. } => &letters[..],
            _ => &letters[..1],
        };
        match &point.kind {
            MetricKind::Gauge { value } => {
                self.gauge.push_common(row, number_types);
                self.gauge.value.push(number(*value));
                push_exemplars!(&mut self.gauge, &point.exemplars);
            }
            MetricKind::Sum { value, temporality, monotonic } => {
                self.sum.push_common(row, number_types);
                self.sum.value.push(number(*value));
                self.sum.temporality.push(temporality.to_le_bytes());
                self.sum.monotonic.push([u8::from(*monotonic)]);
                push_exemplars!(&mut self.sum, &point.exemplars);
            }
            MetricKind::Histogram { count, sum, min, max, bucket_counts, explicit_bounds, temporality } => {
                let table = &mut self.histogram;
                table.push_common(row, number_types);
                table.count.push(count.to_le_bytes());
                table.sum.push(float(*sum));
                table.bucket_counts.push(|counts| fill(counts, bucket_counts, |count| count.to_le_bytes()));
                table
                    .explicit_bounds
                    .push(|bounds| fill(bounds, explicit_bounds, |bound| bound.to_le_bytes()));
                table.min.push(float(*min));
                table.max.push(float(*max));
                table.temporality.push(temporality.to_le_bytes());
                push_exemplars!(table, &point.exemplars);
            }
            MetricKind::ExponentialHistogram {
                count,
                sum,
                min,
                max,
                scale,
                zero_count,
                zero_threshold,
                positive,
                negative,
                temporality,
            } => {
                let table = &mut self.exponential_histogram;
                table.push_common(row, number_types);
                table.count.push(count.to_le_bytes());
                table.sum.push(float(*sum));
                table.scale.push(scale.to_le_bytes());
                table.zero_count.push(zero_count.to_le_bytes());
                table.zero_threshold.push(zero_threshold.to_le_bytes());
                let ExponentialBuckets { offset, counts } = positive;
                table.positive_offset.push(offset.to_le_bytes());
                table.positive_counts.push(|column| fill(column, counts, |count| count.to_le_bytes()));
                let ExponentialBuckets { offset, counts } = negative;
                table.negative_offset.push(offset.to_le_bytes());
                table.negative_counts.push(|column| fill(column, counts, |count| count.to_le_bytes()));
                table.min.push(float(*min));
                table.max.push(float(*max));
                table.temporality.push(temporality.to_le_bytes());
                push_exemplars!(table, &point.exemplars);
            }
            MetricKind::Summary { count, sum, quantiles } => {
                let table = &mut self.summary;
                table.push_common(row, number_types);
                table.count.push(count.to_le_bytes());
                table.sum.push(sum.to_le_bytes());
                table.quantiles.push(|column| {
                    fill(column, quantiles, |QuantileValue { quantile, .. }| quantile.to_le_bytes());
                });
                table.quantile_values.push(|column| {
                    fill(column, quantiles, |QuantileValue { value, .. }| value.to_le_bytes());
                });
            }
        }
    }
}

/// The letter of a number's type; a missing one is empty.
const fn number_letter(number: Option<Number>) -> u8 {
    match number {
        Some(Number::Int(_)) => ValueRef::Int(0).type_letter(),
        Some(Number::Double(_)) => ValueRef::Double(0.0).type_letter(),
        None => ValueRef::Empty.type_letter(),
    }
}

/// A number as `Float64`; the collector writes a missing one as zero.
fn number(number: Option<Number>) -> [u8; 8] {
    float(number.map(Number::as_f64))
}

fn float(number: Option<f64>) -> [u8; 8] {
    number.unwrap_or_default().to_le_bytes()
}

fn fill<T>(column: &mut Fixed<8>, values: &[T], bytes: impl Fn(&T) -> [u8; 8]) {
    for value in values {
        column.push(bytes(value));
    }
}

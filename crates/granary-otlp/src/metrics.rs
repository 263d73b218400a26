//! `ExportMetricsServiceRequest` to data points.

use std::sync::Arc;

use granary_model::{
    DropReason, Exemplar, ExponentialBuckets, MetricKind, MetricPoint, Number, QuantileValue, Records,
    Rejected,
};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar as OtlpExemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, SummaryDataPoint, exemplar, metric, number_data_point,
};
use prost::Message as _;

use crate::attributes::{attributes, resource, scope, span_id, trace_id};
use crate::error::Refusal;
use crate::json::json_envelope;
use crate::time::{first_known, within_range};
use crate::{AttributeBudget, Context, DecodeError, Decoded, weight};

json_envelope!("resourceMetrics", "scopeMetrics", "metrics");

pub(crate) fn from_protobuf(body: &[u8], context: Context) -> Result<Decoded<MetricPoint>, DecodeError> {
    weight::must_fit(body, &weight::METRICS, context.max_expanded)?;
    let request = ExportMetricsServiceRequest::decode(body)?;
    let mut rejected = Rejected::default();
    let mut records = Vec::new();
    for ResourceMetrics { resource: of, scope_metrics, schema_url } in request.resource_metrics {
        let resource = resource(of, schema_url);
        for ScopeMetrics { scope: of, metrics, schema_url } in scope_metrics {
            let mut points = Vec::new();
            for metric in metrics {
                push_points(metric, context, &mut points, &mut rejected);
            }
            records.push(Records {
                resource: Arc::clone(&resource),
                scope: scope(of, schema_url),
                records: points,
            });
        }
    }
    Ok(Decoded { records, rejected, expanded: 0 })
}

pub(crate) fn from_json(body: &[u8], context: Context) -> Result<Decoded<MetricPoint>, DecodeError> {
    read_json(body, |json, group, rejected| match crate::json::record(json) {
        Ok(metric) => push_points(metric, context, group, rejected),
        Err(refusal) => rejected.add(refusal.reason, refusal.detail),
    })
}

/// What the points of one metric share.
struct Shared {
    name: Arc<str>,
    description: Arc<str>,
    unit: Arc<str>,
    context: Context,
}

fn push_points(metric: Metric, context: Context, points: &mut Vec<MetricPoint>, rejected: &mut Rejected) {
    // The metric's metadata has no place in the collector's tables.
    let Metric { name, description, unit, metadata: _, data } = metric;
    let shared = Shared { name: name.into(), description: description.into(), unit: unit.into(), context };
    let mut push = |point: Result<MetricPoint, Refusal>| match point {
        Ok(point) => points.push(point),
        Err(refusal) => rejected.add(refusal.reason, refusal.detail),
    };
    match data {
        Some(metric::Data::Gauge(gauge)) => {
            gauge
                .data_points
                .into_iter()
                .for_each(|p| push(shared.number(p, |value| MetricKind::Gauge { value })));
        }
        Some(metric::Data::Sum(sum)) => {
            let (temporality, monotonic) = (sum.aggregation_temporality, sum.is_monotonic);
            sum.data_points.into_iter().for_each(|p| {
                push(shared.number(p, |value| MetricKind::Sum { value, temporality, monotonic }));
            });
        }
        Some(metric::Data::Histogram(histogram)) => {
            let temporality = histogram.aggregation_temporality;
            histogram.data_points.into_iter().for_each(|p| push(shared.histogram(p, temporality)));
        }
        Some(metric::Data::ExponentialHistogram(histogram)) => {
            let temporality = histogram.aggregation_temporality;
            histogram
                .data_points
                .into_iter()
                .for_each(|p| push(shared.exponential_histogram(p, temporality)));
        }
        Some(metric::Data::Summary(summary)) => {
            summary.data_points.into_iter().for_each(|p| push(shared.summary(p)));
        }
        // How many points an unknown kind holds cannot be known; the metric is counted as one.
        None => {
            let refusal = Refusal::unknown_metric_kind(&shared.name);
            rejected.add(DropReason::UnknownMetricKind, refusal.detail);
        }
    }
}

/// The fields that every kind of data point has.
struct Common {
    attributes: Vec<KeyValue>,
    start_time_unix_nano: u64,
    time_unix_nano: u64,
    flags: u32,
    exemplars: Vec<OtlpExemplar>,
}

impl Shared {
    fn point(&self, common: Common, kind: MetricKind) -> Result<MetricPoint, Refusal> {
        let time = first_known(
            "the time of a data point",
            &[common.time_unix_nano, self.context.received_unix_nano],
        )?;
        let attributes = attributes(common.attributes);
        let mut budget = AttributeBudget::new(self.context);
        budget.spend(&attributes)?;
        Ok(MetricPoint {
            name: Arc::clone(&self.name),
            description: Arc::clone(&self.description),
            unit: Arc::clone(&self.unit),
            attributes,
            start_time_unix_nano: within_range("the start of a data point", common.start_time_unix_nano)?,
            time_unix_nano: time,
            flags: common.flags,
            kind,
            exemplars: common
                .exemplars
                .into_iter()
                .map(|e| exemplar(e, time, &mut budget))
                .collect::<Result<_, _>>()?,
        })
    }

    fn number(
        &self,
        point: NumberDataPoint,
        kind: impl FnOnce(Option<Number>) -> MetricKind,
    ) -> Result<MetricPoint, Refusal> {
        let NumberDataPoint { attributes, start_time_unix_nano, time_unix_nano, exemplars, flags, value } =
            point;
        let value = value.map(|value| match value {
            number_data_point::Value::AsDouble(number) => Number::Double(number),
            number_data_point::Value::AsInt(number) => Number::Int(number),
        });
        self.point(Common { attributes, start_time_unix_nano, time_unix_nano, flags, exemplars }, kind(value))
    }

    fn histogram(&self, point: HistogramDataPoint, temporality: i32) -> Result<MetricPoint, Refusal> {
        let HistogramDataPoint {
            attributes,
            start_time_unix_nano,
            time_unix_nano,
            count,
            sum,
            bucket_counts,
            explicit_bounds,
            exemplars,
            flags,
            min,
            max,
        } = point;
        let kind =
            MetricKind::Histogram { count, sum, min, max, bucket_counts, explicit_bounds, temporality };
        self.point(Common { attributes, start_time_unix_nano, time_unix_nano, flags, exemplars }, kind)
    }

    fn exponential_histogram(
        &self,
        point: ExponentialHistogramDataPoint,
        temporality: i32,
    ) -> Result<MetricPoint, Refusal> {
        let ExponentialHistogramDataPoint {
            attributes,
            start_time_unix_nano,
            time_unix_nano,
            count,
            sum,
            scale,
            zero_count,
            positive,
            negative,
            flags,
            exemplars,
            min,
            max,
            zero_threshold,
        } = point;
        let kind = MetricKind::ExponentialHistogram {
            count,
            sum,
            min,
            max,
            scale,
            zero_count,
            zero_threshold,
            positive: buckets(positive),
            negative: buckets(negative),
            temporality,
        };
        self.point(Common { attributes, start_time_unix_nano, time_unix_nano, flags, exemplars }, kind)
    }

    fn summary(&self, point: SummaryDataPoint) -> Result<MetricPoint, Refusal> {
        let SummaryDataPoint {
            attributes,
            start_time_unix_nano,
            time_unix_nano,
            count,
            sum,
            quantile_values,
            flags,
        } = point;
        let quantiles = quantile_values
            .into_iter()
            .map(|q| QuantileValue { quantile: q.quantile, value: q.value })
            .collect();
        let common =
            Common { attributes, start_time_unix_nano, time_unix_nano, flags, exemplars: Vec::new() };
        self.point(common, MetricKind::Summary { count, sum, quantiles })
    }
}

fn buckets(buckets: Option<Buckets>) -> ExponentialBuckets {
    let Buckets { offset, bucket_counts } = buckets.unwrap_or_default();
    ExponentialBuckets { offset, counts: bucket_counts }
}

fn exemplar(
    exemplar: OtlpExemplar,
    point_time: u64,
    budget: &mut AttributeBudget,
) -> Result<Exemplar, Refusal> {
    let OtlpExemplar { filtered_attributes, time_unix_nano, span_id: span, trace_id: trace, value } =
        exemplar;
    let attributes = attributes(filtered_attributes);
    budget.spend(&attributes)?;
    Ok(Exemplar {
        attributes,
        time_unix_nano: first_known("the time of an exemplar", &[time_unix_nano, point_time])?,
        value: value.map(|value| match value {
            exemplar::Value::AsDouble(number) => Number::Double(number),
            exemplar::Value::AsInt(number) => Number::Int(number),
        }),
        trace_id: trace_id(&trace)?,
        span_id: span_id("the span id of an exemplar", &span)?,
    })
}

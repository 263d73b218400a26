//! A metric point, with the metric around it, as OTLP's JSON writes it.

use granary_model::{Exemplar, ExponentialBuckets, MetricKind, MetricPoint, Number, QuantileValue};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::value::{Fields, Json, Seq};

/// A `Metric` with one data point.
impl Serialize for Json<'_, MetricPoint> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let point = self.0;
        let mut fields = Fields::start(serializer)?;
        fields.some("name", &&*point.name)?;
        fields.some("description", &&*point.description)?;
        fields.some("unit", &&*point.unit)?;
        let kind = match &point.kind {
            MetricKind::Gauge { .. } => "gauge",
            MetricKind::Sum { .. } => "sum",
            MetricKind::Histogram { .. } => "histogram",
            MetricKind::ExponentialHistogram { .. } => "exponentialHistogram",
            MetricKind::Summary { .. } => "summary",
        };
        fields.always(kind, &Data(point))?;
        fields.end()
    }
}

/// What a metric of any kind has besides its name: a list of one data point, and what holds for all of them.
struct Data<'a>(&'a MetricPoint);

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = Fields::start(serializer)?;
        fields.always("dataPoints", &[DataPoint(self.0)])?;
        match &self.0.kind {
            MetricKind::Sum { temporality, monotonic, .. } => {
                fields.some("aggregationTemporality", temporality)?;
                fields.some("isMonotonic", monotonic)?;
            }
            MetricKind::Histogram { temporality, .. }
            | MetricKind::ExponentialHistogram { temporality, .. } => {
                fields.some("aggregationTemporality", temporality)?;
            }
            MetricKind::Gauge { .. } | MetricKind::Summary { .. } => {}
        }
        fields.end()
    }
}

struct DataPoint<'a>(&'a MetricPoint);

impl Serialize for DataPoint<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let MetricPoint {
            name: _,
            description: _,
            unit: _,
            attributes,
            start_time_unix_nano,
            time_unix_nano,
            flags,
            kind,
            exemplars,
        } = self.0;
        let mut fields = Fields::start(serializer)?;
        fields.attributes("attributes", attributes)?;
        if *start_time_unix_nano != 0 {
            fields.long("startTimeUnixNano", *start_time_unix_nano)?;
        }
        fields.long("timeUnixNano", *time_unix_nano)?;
        fields.some("flags", flags)?;
        match kind {
            MetricKind::Gauge { value } | MetricKind::Sum { value, .. } => put_number(&mut fields, *value)?,
            MetricKind::Histogram {
                count,
                sum,
                min,
                max,
                bucket_counts,
                explicit_bounds,
                temporality: _,
            } => {
                fields.long("count", *count)?;
                fields.double("sum", *sum)?;
                fields.double("min", *min)?;
                fields.double("max", *max)?;
                fields.longs("bucketCounts", bucket_counts)?;
                fields.list("explicitBounds", explicit_bounds)?;
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
                temporality: _,
            } => {
                fields.long("count", *count)?;
                fields.double("sum", *sum)?;
                fields.double("min", *min)?;
                fields.double("max", *max)?;
                fields.some("scale", scale)?;
                fields.long("zeroCount", *zero_count)?;
                fields.double("zeroThreshold", Some(*zero_threshold))?;
                fields.always("positive", &Json(positive))?;
                fields.always("negative", &Json(negative))?;
            }
            MetricKind::Summary { count, sum, quantiles } => {
                fields.long("count", *count)?;
                fields.double("sum", Some(*sum))?;
                fields.always("quantileValues", &Seq(quantiles))?;
            }
        }
        fields.list("exemplars", exemplars)?;
        fields.end()
    }
}

fn put_number<M: SerializeMap>(fields: &mut Fields<M>, number: Option<Number>) -> Result<(), M::Error> {
    match number {
        Some(Number::Int(number)) => fields.always("asInt", &number.to_string()),
        Some(Number::Double(number)) => fields.double("asDouble", Some(number)),
        None => Ok(()),
    }
}

impl Serialize for Json<'_, ExponentialBuckets> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ExponentialBuckets { offset, counts } = self.0;
        let mut fields = Fields::start(serializer)?;
        fields.some("offset", offset)?;
        fields.longs("bucketCounts", counts)?;
        fields.end()
    }
}

impl Serialize for Json<'_, QuantileValue> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let QuantileValue { quantile, value } = self.0;
        let mut fields = Fields::start(serializer)?;
        fields.double("quantile", Some(*quantile))?;
        fields.double("value", Some(*value))?;
        fields.end()
    }
}

impl Serialize for Json<'_, Exemplar> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Exemplar { attributes, time_unix_nano, value, trace_id, span_id } = self.0;
        let mut fields = Fields::start(serializer)?;
        fields.attributes("filteredAttributes", attributes)?;
        fields.long("timeUnixNano", *time_unix_nano)?;
        put_number(&mut fields, *value)?;
        fields.text("traceId", trace_id)?;
        fields.text("spanId", span_id)?;
        fields.end()
    }
}

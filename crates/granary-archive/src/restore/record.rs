//! One line of an object, as the record it was and what it was stored with.

use granary_clickhouse::{
    ExponentialHistogramColumns, GaugeColumns, HistogramColumns, LogColumns, SpanColumns, SumColumns,
    SummaryColumns, TableColumns,
};
use granary_model::{LogRecord, MetricKind, MetricPoint, Records, Signal, Span};
use granary_otlp::{Context, Decode, Encoding, decode};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::EventInfo;
use crate::format::StoredWith;

/// What was taken once is taken again, however many attributes it has.
const CONTEXT: Context =
    Context { received_unix_nano: 0, max_attributes: usize::MAX, max_expanded: usize::MAX };

/// A row to be restored.
#[derive(Debug)]
pub(super) struct Restorable {
    pub(super) table: &'static str,
    /// Its partition, as `YYYYMM`.
    pub(super) month: u32,
    pub(super) info: EventInfo,
    pub(super) stored: StoredWith,
    pub(super) record: OneRecord,
}

/// A record with its resource and scope: the only one of its group.
#[derive(Debug)]
pub(super) enum OneRecord {
    Log(Records<LogRecord>),
    Span(Records<Span>),
    Point(Records<MetricPoint>),
}

impl Restorable {
    /// Reads a record's line.
    ///
    /// # Errors
    ///
    /// What is wrong with it, without its text.
    pub(super) fn read(info: EventInfo, json: &str) -> Result<Self, String> {
        let stored = StoredWith::parse(json)?;
        let (record, table) = match info.signal {
            Signal::Logs => (OneRecord::Log(one(json)?), LogColumns::TABLE),
            Signal::Traces => (OneRecord::Span(one(json)?), SpanColumns::TABLE),
            Signal::Metrics => {
                let points = one(json)?;
                let table = points.records.first().map_or("", table_of);
                (OneRecord::Point(points), table)
            }
        };
        Ok(Self { table, month: month_of(info.time_unix_nano), info, stored, record })
    }

    /// Which row it is.
    pub(super) fn id(&self) -> (&'static str, u128) {
        (self.table, self.stored.event_id)
    }
}

fn one<R: Decode>(json: &str) -> Result<Records<R>, String> {
    let decoded = decode::<R>(json.as_bytes(), Encoding::Json, CONTEXT).map_err(|error| error.to_string())?;
    let (rejected, accepted) = (decoded.rejected.total(), decoded.accepted());
    let mut groups = decoded.records.into_iter().filter(|group| !group.records.is_empty());
    match (groups.next(), accepted, rejected) {
        (Some(group), 1, 0) => Ok(group),
        _ => Err(format!(
            "it holds {accepted} records that can be read and {rejected} that cannot, and not one"
        )),
    }
}

fn table_of(point: &MetricPoint) -> &'static str {
    match point.kind {
        MetricKind::Gauge { .. } => GaugeColumns::TABLE,
        MetricKind::Sum { .. } => SumColumns::TABLE,
        MetricKind::Histogram { .. } => HistogramColumns::TABLE,
        MetricKind::ExponentialHistogram { .. } => ExponentialHistogramColumns::TABLE,
        MetricKind::Summary { .. } => SummaryColumns::TABLE,
    }
}

/// An insert's rows lie in one partition, so that all of them are there or none is.
fn month_of(unix_nano: u64) -> u32 {
    let time = Timestamp::from_nanosecond(i128::from(unix_nano)).unwrap_or(Timestamp::UNIX_EPOCH);
    let day = time.to_zoned(TimeZone::UTC).date();
    u32::from(day.year().unsigned_abs()) * 100 + u32::from(day.month().unsigned_abs())
}

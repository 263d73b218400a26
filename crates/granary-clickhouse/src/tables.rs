//! The tables that telemetry goes into, as columns being filled.
//!
//! One file per table or family of tables. The names and the order are those of `ddl/`; a test compares them
//! with what the server has.

mod attribute_types;
mod logs;
mod metrics;
mod shared;
mod spans;

pub use logs::LogColumns;
pub use metrics::{
    ExponentialHistogramColumns, GaugeColumns, HistogramColumns, MetricColumns, SumColumns, SummaryColumns,
};
pub use spans::SpanColumns;

use granary_model::{EventId, Facts, Record, Records};
use uuid::Uuid;

/// Every table that telemetry goes into.
pub const TABLES: [&str; 7] = [
    LogColumns::TABLE,
    SpanColumns::TABLE,
    GaugeColumns::TABLE,
    SumColumns::TABLE,
    HistogramColumns::TABLE,
    ExponentialHistogramColumns::TABLE,
    SummaryColumns::TABLE,
];

/// The names and types of what is sent into one of [`TABLES`]; nothing for another table.
pub(crate) fn schema_of(table: &str) -> Vec<(&'static str, &'static str)> {
    match table {
        LogColumns::TABLE => LogColumns::default().schema(),
        SpanColumns::TABLE => SpanColumns::default().schema(),
        GaugeColumns::TABLE => GaugeColumns::default().schema(),
        SumColumns::TABLE => SumColumns::default().schema(),
        HistogramColumns::TABLE => HistogramColumns::default().schema(),
        ExponentialHistogramColumns::TABLE => ExponentialHistogramColumns::default().schema(),
        SummaryColumns::TABLE => SummaryColumns::default().schema(),
        _ => Vec::new(),
    }
}

/// What a record is stored with besides itself.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// Whose it is.
    pub tenant: &'a str,
    /// When it came, in milliseconds since 1970.
    pub ingested_at_ms: i64,
    /// The batch it is inserted with.
    pub batch: Uuid,
}

/// A block of one table being filled.
pub trait TableColumns: Send + 'static {
    /// The table's name.
    const TABLE: &'static str;
    /// The names and types of the columns, in the order they are sent.
    fn schema(&self) -> Vec<(&'static str, &'static str)>;
    /// Empties every column and keeps its memory.
    fn clear(&mut self);
    /// How many rows there are.
    fn rows(&self) -> usize;
    /// Whose rows they are, and how many each has.
    fn tenants(&self) -> Vec<(String, u64)>;
    /// About how many bytes the block takes before compression.
    fn size_bytes(&self) -> usize;
    /// Appends the block in Native format, compressed in frames: what an `INSERT` sends. `scratch` is
    /// written over; it is best kept as it is for the next time. The block must have rows: the server refuses one without.
    fn seal(&self, scratch: &mut Vec<u8>, out: &mut Vec<u8>);
}

/// Columns that take records of one signal.
pub trait Append<R: Record> {
    /// Adds one record of the group, whose facts and id are known already.
    fn append_row(&mut self, row: Row<'_, R>);

    /// Adds one record of the group, with the names of its fields that were redacted.
    fn append(&mut self, envelope: Envelope<'_>, group: GroupRef<'_>, record: &R, redacted_fields: &[&str]) {
        let facts = record.facts(group.resource);
        let event_id = record.event_id(envelope.tenant, group.resource, &facts, &mut Vec::new());
        self.append_row(Row {
            envelope,
            group,
            record,
            facts: &facts,
            event_id,
            time_out_of_range: false,
            redacted_fields,
        });
    }
}

/// A record with everything that is stored with it.
#[derive(Debug)]
pub struct Row<'a, R> {
    /// What it is stored with.
    pub envelope: Envelope<'a>,
    /// Its resource and scope.
    pub group: GroupRef<'a>,
    /// The record.
    pub record: &'a R,
    /// What it says.
    pub facts: &'a Facts<'a>,
    /// Which event it is.
    pub event_id: EventId,
    /// Its clock says something that cannot be: the time is kept and marked.
    pub time_out_of_range: bool,
    /// The names of its fields that were redacted.
    pub redacted_fields: &'a [&'a str],
}

impl<R> Clone for Row<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Row<'_, R> {}

/// The resource and scope that a record belongs to.
#[derive(Debug, Clone, Copy)]
pub struct GroupRef<'a> {
    /// The resource.
    pub resource: &'a granary_model::Resource,
    /// The scope.
    pub scope: &'a granary_model::Scope,
}

impl<'a, R> From<&'a Records<R>> for GroupRef<'a> {
    fn from(records: &'a Records<R>) -> Self {
        Self { resource: &records.resource, scope: &records.scope }
    }
}

/// Writes a table's columns as a struct: each field with its column's name, type and how it begins.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident, $table:literal, $($field:ident: $type:ty = $column:literal, $new:expr;)+) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            shared: $crate::tables::shared::SharedColumns,
            $($field: $type,)+
            /// Reused by every row.
            scratch: Vec<u8>,
        }

        impl Default for $name {
            fn default() -> Self {
                Self { shared: $crate::tables::shared::SharedColumns::default(), $($field: $new,)+ scratch: Vec::new() }
            }
        }

        impl $name {
            fn columns(&self) -> Vec<(&'static str, &dyn $crate::native::Column)> {
                let mut columns = self.shared.columns();
                $(columns.push(($column, &self.$field));)+
                columns
            }
        }

        impl $crate::tables::TableColumns for $name {
            const TABLE: &'static str = $table;

            fn schema(&self) -> Vec<(&'static str, &'static str)> {
                self.columns().into_iter().map(|(name, column)| (name, column.type_name())).collect()
            }

            fn clear(&mut self) {
                use $crate::native::Column as _;
                self.shared.clear();
                $(self.$field.clear();)+
            }

            fn rows(&self) -> usize {
                self.shared.rows()
            }

            fn tenants(&self) -> Vec<(String, u64)> {
                self.shared.tenants()
            }

            fn size_bytes(&self) -> usize {
                self.columns().iter().map(|(_, column)| column.size_bytes()).sum()
            }

            fn seal(&self, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
                let mut frames = $crate::native::FrameWriter::new(scratch);
                $crate::native::write_block(self.rows(), &self.columns(), &mut frames);
                frames.finish(out);
            }
        }
    };
}
pub(crate) use table;

/// A time in nanoseconds since 1970 as a `DateTime64(9)` holds it; later ones were refused at decoding.
pub(crate) fn nanos(unix_nano: u64) -> [u8; 8] {
    i64::try_from(unix_nano).unwrap_or(i64::MAX).to_le_bytes()
}

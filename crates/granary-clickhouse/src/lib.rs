//! The only crate that speaks to ClickHouse.
//!
//! It turns records into columns and blocks ([`LogColumns`] and its kin), inserts sealed blocks so that a
//! repeated insert adds nothing ([`Warehouse::insert`]), applies the `ddl/` files ([`migrate`]) and hands
//! out queries whose parameters the server binds ([`Warehouse::query`]). What other people may ask in SQL of their own
//! is in the published views ([`publish`]), and [`Relay`] passes that on. Everything goes over ClickHouse's HTTP
//! interface; whether an embedded engine or a server answers, nothing here knows. Where there are several servers, [`cluster`]
//! says what is where.

mod accounting;
mod client;
pub mod cluster;
mod config;
mod error;
mod insert;
mod insert_rows;
pub mod migrate;
mod native;
pub mod publish;
mod relay;
mod tables;

pub use accounting::AccountedRecords;
pub use clickhouse::query::{BytesCursor, Query};
pub use client::Warehouse;
pub use cluster::ClusterConfig;
pub use config::ClickHouseConfig;
pub use error::ClickHouseError;
pub use insert::{Insert, ServerLife};
pub use insert_rows::{new_token, under};
pub use native::{Remains, SealedBlockError, leave_out};
pub use publish::Scope;
pub use relay::{Relay, RelayError};
pub use tables::{
    Append, Envelope, ExponentialHistogramColumns, GaugeColumns, GroupRef, HistogramColumns, LogColumns,
    MetricColumns, Row, SpanColumns, SumColumns, SummaryColumns, TABLES, TableColumns,
};

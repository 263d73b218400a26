//! The role that answers: named queries over HTTP, within limits.
//!
//! A client may ask what is in the catalogue ([`Catalogue`]: the project's `queries/` and an operator's folder),
//! and nothing else: `GET /v1/queries/{name}.json?param=…`. Its parameters are checked against what the query declares
//! ([`RawParams`], [`ParamError`]) and bound by the server; no SQL is made from them. Whose data is read follows from who
//! asks ([`Caller`]), not from anything that can be given.
//!
//! The bounds ([`GatewayConfig`]): each caller has an allowance of requests (429 past it); so many queries run at the
//! same time, so many wait, so long (503); each query has its time (504), rows to read, memory and rows in
//! its answer (422). Answers stream from ClickHouse in constant memory ([`Runner`]). An error before an answer's first
//! megabyte has a status of its own; a later one cuts the connection, so that half an answer never looks whole. A client
//! that goes away takes its query with it.
//!
//! With an archive, `GET /v1/sessions/{id}/replay` plays a session's events at the pace they happened, or faster;
//! `events.ndjson` and `events.csv` give them as a file, and `archive` the archived object itself.

mod caller;
mod catalogue;
mod conditional;
mod config;
mod limits;
mod line;
mod mcp;
mod numbers;
mod openapi;
mod params;
mod problem;
mod request;
mod router;
mod routes;
mod run;
mod server;
mod time;

pub use caller::Caller;
pub use catalogue::{
    AnswerColumn, Catalogue, CatalogueError, Column, Filter, IndexUse, InspectError, Inspection,
    LiveCatalogue, NamedQuery, ParameterDescription, QueryDescription, QueryProblem, RowLimit, StarterError,
    explain, inspect, starter,
};
pub use config::{GatewayConfig, QueryLimits};
pub use params::{Binding, ParamError, PreparedQuery, RawParams};
pub use router::{GatewayState, create_app};
pub use run::{Answer, Format, FormatError, RunError, Runner};
pub use server::{Gateway, GatewayError};

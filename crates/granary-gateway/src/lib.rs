//! The role that answers: named queries over HTTP, within limits.
//!
//! A client may ask what is in the catalogue ([`Catalogue`]: the project's `queries/` and an operator's folder),
//! and nothing else: `GET /v1/queries/{name}.json?param=…`. Its parameters are checked against what the query declares
//! ([`RawParams`], [`ParamError`]) and bound by the server; no SQL is made from them. Whose data is read follows from who
//! asks ([`Caller`]), not from anything that can be given.
//!
//! The bounds ([`GatewayConfig`]), each with the answer past it. A caller, its tenant and everybody have an
//! allowance of requests, and of rows and bytes read in an hour (429; 503 where reading is everybody's); so many queries run at
//! the same time, so many wait, so long (429; 503 where the bound is everybody's); each query has its time (504), rows to read,
//! memory and rows in its answer (422). A problem says which limit it was, whose, its value, and when to come back
//! ([`Refusal`]). Places go to who has the fewest, so that one heavy caller does not hold up the others. Answers
//! stream from ClickHouse in constant memory ([`Runner`]). An error before an answer's first megabyte has a status of its own; a
//! later one cuts the connection, so that half an answer never looks whole. A client that goes away takes its query with it.
//! Limits are this process's: two gateways give twice as much.
//!
//! Who asked what, and what came of it, is written into `query_audit` ([`Audit`]).
//!
//! With an archive, `GET /v1/sessions/{id}/replay` plays a session's events at the pace they happened, or faster;
//! `events.ndjson` and `events.csv` give them as a file, and `archive` the archived object itself.

mod audit;
mod caller;
mod catalogue;
mod conditional;
mod config;
mod limits;
mod line;
mod metrics;
mod numbers;
mod params;
mod problem;
mod request;
mod router;
mod routes;
mod run;
mod server;
mod time;

pub use audit::{Asked, Audit, AuditOptions, Entry, Kind, Outcome, Scrub};
pub use caller::Caller;
pub use catalogue::{
    Catalogue, CatalogueError, Column, Filter, MinimumRole, NamedQuery, ParameterDescription,
    QueryDescription, RowLimit,
};
pub use config::{GatewayConfig, QueryLimits};
pub use limits::{Limit, Limits, Refusal, Scope};
pub use params::{Binding, ParamError, PreparedQuery, RawParams};
pub use router::{GatewayState, create_app};
pub use run::{Answer, Excess, Format, FormatError, RunError, Runner};
pub use server::{Gateway, GatewayError};

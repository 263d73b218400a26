//! The role that answers: named queries over HTTP, within limits.
//!
//! A client may ask what is in the catalogue ([`Catalogue`]: the project's `queries/` and an operator's folder),
//! and nothing else: `GET /v1/queries/{name}.json?param=…`. Its parameters are checked against what the query declares
//! ([`RawParams`], [`ParamError`]) and bound by the server; no SQL is made from them. Whose data is read follows from who
//! asks ([`Caller`]), not from anything that can be given.
//!
//! # Who may ask what
//!
//! Whoever asks shows a key or a JWT (`granary-access`); where neither is configured, this machine is served without
//! and no other is. A caller that may see only some users' data, or teams', projects' or sessions', asks only
//! queries that honour that filter, which is then bound for it ([`Caller::prepare`]). `/livez`, `/readyz` and `/metrics`
//! are open to everybody who reaches the address: probes and scrapers have no key, and nothing there is of a tenant's data.
//!
//! # How it says no
//!
//! As a problem of RFC 9457, whose `type` ends with the kind; at ClickHouse's interface as ClickHouse does. The document
//! at `/openapi.json` says which of them each route has.
//!
//! | answer | when |
//! |---|---|
//! | 400 `bad-parameter` | a value that the parameter cannot have; one that is missing, or there twice |
//! | 400 `unknown-parameter` | a parameter that there is not |
//! | 400 `bad-upgrade` | a `WebSocket` that is asked for in the wrong way |
//! | 401 `unauthenticated` | no key or token, or one that is not known, mistyped, expired, revoked; a JWT that is not in order |
//! | 403 `wrong-role` | a key that sends and does not ask; something that is for admins |
//! | 403 `wrong-network` | a key used from elsewhere than it may be |
//! | 403 `foreign-host` | without a key, by a name that is not this machine's |
//! | 403 `forbidden-group` | a query of a group that the key may not ask |
//! | 403 `forbidden-query` | a query that does not honour a filter which the key has |
//! | 403 `fixed-parameter` | another value for a parameter that is fixed |
//! | 403 `foreign-origin` | a page of another site, where it may not ask |
//! | 404 `not-found` | nothing is there: no such address or format, no archive |
//! | 404 `unknown-query` | a query that there is not |
//! | 404 `unknown-session` | a session that is not there, or is not the caller's |
//! | 404 `not-archived` | a session that has no object yet |
//! | 405 `method-not-allowed` | another method than those in `Allow` |
//! | 406 `not-acceptable` | `Accept`, or the ending, is of no format that there is |
//! | 413 `message-too-large`, 414 `uri-too-long` | more is said than is read |
//! | 415 `unsupported-media-type` | a message that is not JSON |
//! | 416 `range-not-satisfiable` | a part of an object that begins behind its end |
//! | 422 `too-large` | a query that would read, hold or answer more than it may |
//! | 429 `too-many-requests`, `too-many-queries`, `budget-used-up` | a limit of the caller's, or of its tenant's |
//! | 429 `too-many-failures` | too many wrong keys from one host |
//! | 500 `internal` | something is broken; the log has more under the request's id |
//! | 503 `busy` | a limit of everybody's |
//! | 503 `unavailable` | the warehouse does not answer; the identity provider's keys were never there |
//! | 504 `timeout` | a query that takes longer than it may |
//!
//! # Until when
//!
//! What goes on after it was answered, a replay, an export or a live feed, ends within a second or so of the key that it
//! was asked with being revoked, expired or changed, and at a JWT's `exp`: with a last event `over`, over a `WebSocket` with code 1008, and an
//! export is cut off.
//!
//! # The bounds
//!
//! The bounds ([`GatewayConfig`]), each with the answer past it. A caller, its tenant and everybody have an
//! allowance of requests, and of rows and bytes read in an hour (429; 503 where reading is everybody's); so many queries run at
//! the same time, so many wait, so long (429; 503 where the bound is everybody's); each query has its time (504), rows to read,
//! memory and rows in its answer (422). A problem says which limit it was, whose, its value, and when to come back
//! ([`Refusal`]). Places go to who has the fewest, so that one heavy caller does not hold up the others. Answers
//! stream from ClickHouse in constant memory ([`Runner`]), in one of nine formats ([`Format`]), compressed as the client likes
//! it. Those that may be given again are kept within a bound, and equal requests at the same time are one query; long ones can
//! be read page by page, by cursors that only we can write. An error before an answer's first megabyte has a status of its own; a
//! later one cuts the connection, so that half an answer never looks whole. A client that goes away takes its query with it.
//! Limits are this process's: two gateways give twice as much.
//!
//! Who asked what, and what came of it, is written into `query_audit` ([`Audit`]).
//!
//! With an archive, `GET /v1/sessions/{id}/replay` plays a session's events at the pace they happened, or faster;
//! `events.ndjson` and `events.csv` give them as a file, and `archive` the archived object itself. `GET /v1/live` gives
//! events as they are stored ([`Live`]).

mod answers;
mod audit;
mod cache;
mod caller;
mod catalogue;
mod conditional;
mod config;
mod cursor;
mod digest;
mod door;
mod encoding;
mod entrance;
mod format;
mod freshness;
mod health_door;
mod limits;
mod line;
mod live;
mod mcp;
mod metrics;
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
mod write;

pub use audit::{Asked, Audit, AuditOptions, Entry, Kind, Outcome, Scrub};
pub use caller::{Account, AskError, Caller, Forbidden, identify, identify_clickhouse};
pub use catalogue::{
    AnswerColumn, Catalogue, CatalogueError, Column, Filter, IndexUse, InspectError, Inspection,
    LiveCatalogue, MinimumRole, NamedQuery, ParameterDescription, QueryDescription, QueryProblem, RowLimit,
    StarterError, explain, inspect, starter,
};
pub use config::{GatewayConfig, QueryLimits};
pub use cursor::CursorKey;
pub use format::{Format, FormatError};
pub use health_door::HealthDoor;
pub use limits::{Limit, Limits, Refusal, Scope};
pub use live::{
    Live, LiveClient, LiveError, LiveEvent, LiveFilter, LiveId, LiveItem, LiveLimits, Missed, MissedWhy,
};
pub use params::{Binding, ParamError, PreparedQuery, RawParams};
pub use router::{GatewayState, create_app};
pub use run::{Answer, Excess, RunError, Runner};
pub use server::{Gateway, GatewayError};

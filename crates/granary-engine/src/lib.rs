//! The embedded ClickHouse: find, fetch, start, watch, stop.
//!
//! The engine is ClickHouse itself as a shared library (`libchdb`, Apache-2.0), loaded by a child process that
//! opens ClickHouse's ordinary HTTP interface on the loopback. To everyone else it is an endpoint with three
//! users: an owner with all rights, a reader that can read the named databases and nothing else, a guest for other people's
//! statements, and an auditor that can add to the audit and nothing else. All have passwords made anew at each start. Several on
//! one machine can be the shards of a cluster ([`ClusterOptions`]), where what is written for one can be tried.
//!
//! - [`library`]: the library's file, fetched once per user and version.
//! - [`Engine`]: the child's life. It is started again when it dies, keeps its address and passwords while
//!   it does, and goes when its parent goes, however that happens.
//! - [`child::run`]: what the child process does. Whoever calls [`Engine::start`] says how to start one.

pub mod child;
mod configuration;
mod engine;
mod error;
mod guest;
mod http;
pub mod library;

pub use engine::{ChildCommand, ClusterOptions, Credentials, Engine, EngineOptions, EngineState};
pub use error::EngineError;

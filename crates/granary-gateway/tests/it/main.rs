//! The gateway on a real warehouse: what is answered, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounting;
mod bounds;
mod catalogue;
mod clients;
mod formats;
mod injection;
mod parameters;
mod queries;
mod replay;
mod rights;
mod routes;
mod server;
mod sessions;
mod sockets;
mod support;

granary_testkit::engine_child!();

//! The gateway on a real warehouse: what is answered, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod accounting;
mod audit;
mod bounds;
mod caching;
mod catalogue;
mod clients;
mod docs;
mod door;
mod encodings;
mod fairness;
mod formats;
mod injection;
mod inspection;
mod leaving;
mod limits;
mod live;
mod mcp;
mod metrics;
mod openapi;
mod pages;
mod parameters;
mod queries;
mod reload;
mod replay;
mod rights;
mod routes;
mod server;
mod sessions;
mod sockets;
mod support;

granary_testkit::engine_child!();

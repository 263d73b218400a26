//! Every role on the real engine, with real telemetry.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod archives;
mod backup;
mod capture;
mod clocks;
mod cluster;
mod collector;
mod connections;
mod dashboards;
mod delivery;
mod doors;
mod events;
mod hostile;
mod isolation;
mod keys;
mod put_aside;
mod receiver;
mod repeats;
mod restored;
mod rollout;
mod secrets;
mod seeds;
mod several;
mod tls;
mod totals;

granary_testkit::engine_child!();

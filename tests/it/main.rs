//! Every role on the real engine, with real telemetry.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod capture;
mod doors;
mod hostile;
mod outage;
mod receiver;
mod seeds;
mod totals;

granary_testkit::engine_child!();

//! Against the real engine: what is inserted is what is read, once.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cluster;
mod defaults;
mod exactness;
mod life;
mod migrations;
mod published;
mod records;
mod schema;
mod values;

granary_testkit::engine_child!();

//! The archive on the real engine, with folders and with S3.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod damage;
mod due;
mod foreign_rows;
mod hostile_names;
mod reading;
mod replay;
mod round_trip;
mod steps;
mod store;
mod store_errors;
mod support;

granary_testkit::engine_child!();

//! The archive on the real engine, with folders and with S3.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod audit;
mod damage;
mod due;
mod ends;
mod erase;
mod expire;
mod faults;
mod foreign_rows;
mod hostile_names;
mod hours;
mod leases;
mod memory;
mod metrics;
mod reading;
mod replay;
mod restore;
mod round_trip;
mod s3;
mod s3_requests;
mod steps;
mod store;
mod store_errors;
mod support;
mod tables;

granary_testkit::engine_child!();

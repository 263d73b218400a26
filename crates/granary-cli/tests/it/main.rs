//! The binary as its users run it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod archive;
mod cluster;
mod commands;
mod demo;
mod deploy;
mod doctor;
mod errors;
mod helm;
mod import;
mod keys;
mod kill;
mod logging;
mod operations;
mod oracle;
mod pages;
mod process;
mod queries;
mod readme;
mod restore;
mod roles;
mod up;

granary_testkit::engine_child!();

//! The engine's life, on the real engine.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod life;
mod users;

granary_testkit::engine_child!();

//! Each file is a claim about the log; each test name is a sentence of it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod checkpoint;
mod corruption;
mod failures;
mod locking;
mod model;
mod recovery;
mod rig;
mod roundtrip;
mod size_limits;

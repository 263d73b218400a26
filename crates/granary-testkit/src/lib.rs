//! How a test is written: arrangement in the words of the domain, on the real engine.
//!
//! A test binary starts one embedded engine and shares it; each test has a database of its own. The engine's
//! process is the test binary itself, started again: put [`engine_child!`] once at the root of every test binary
//! that calls [`warehouse`].

#![expect(clippy::missing_panics_doc, reason = "everything here panics where a test cannot go on")]

mod engine;
mod metrics;
mod replicas;
mod s3;
mod shards;

pub use engine::{GUEST_BOUNDS, TestWarehouse, engine_options, run_engine_child_if_asked, warehouse};
pub use metrics::{metrics_documented, metrics_in, metrics_told};
pub use replicas::{Replicas, Sent};
pub use s3::{Faults, S3_DOMAIN, TestS3, s3, s3_with_tls};
pub use shards::{ShardedWarehouse, Shards, replicated_warehouse, sharded_warehouse};

/// The test that is the engine's process when it is started as such, and passes otherwise.
#[macro_export]
macro_rules! engine_child {
    () => {
        #[test]
        fn engine_child() {
            $crate::run_engine_child_if_asked();
        }
    };
}

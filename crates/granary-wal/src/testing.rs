//! A machine whose disk fails on command and which loses power. For tests; with the feature `test-util`.

mod arbitrary;
mod dice;
mod disk;
mod faulty;

pub use arbitrary::survive;
pub use faulty::{Effect, FaultyFs, Operation};

//! Do the simulated sessions hold what the crate says of them?

mod load;
mod read_back;
mod shape;
mod truth;

//! Load and proof: what the sending side of a measurement or a torture needs.

pub mod oracle;
pub mod otlp;
mod proxy;

pub use proxy::FaultyProxy;

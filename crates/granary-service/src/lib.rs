//! What every role needs and none is about: logging, metrics, signals, doors, ordered shutdown, health.
//!
//! The life of a process: read the configuration, set up [`logging`], bind every listener, say so, serve until
//! [`signals::listen`]'s token asks to end, then shut down stage by stage ([`shutdown::Stages`]).

pub mod door;
pub mod health;
pub mod logging;
pub mod metrics;
pub mod shutdown;
pub mod signals;

pub use health::Health;

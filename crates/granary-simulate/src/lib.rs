//! What would a team's coding agents send?
//!
//! A seeded simulation of Claude Code's telemetry as OTLP requests: the same arguments always give the same requests,
//! with the scopes, attributes, value types, order and timing of the real client. There is no I/O and nothing is async;
//! the caller decides where the requests go and how fast.
//!
//! - [`Team`] makes people and their [sessions](Team::sessions); a [`SimulatedSession`] tells its
//!   [requests](SimulatedSession::requests), cut and timed as the client does, and its [`Truth`]: the totals a warehouse
//!   must name that took in all of them.
//! - [`load::LogBatches`] makes log requests without end and fast, each record unique.
//!
//! A session is played in three steps. The planner walks through prompts, requests and tools on a clock of its own
//! and notes what happens; `events`, `spans` and `metrics` say how each is written; `export` cuts it into requests.

mod attributes;
mod calendar;
mod calls;
mod commands;
mod dice;
mod events;
mod export;
mod failures;
mod identity;
mod json;
pub mod load;
mod metrics;
mod people;
mod plan;
mod planner;
mod prices;
mod project;
mod requests;
mod session;
mod spans;
mod team;
mod thread;
mod tools;
mod truth;

pub use people::User;
pub use prices::{Model, Price, Tokens};
pub use project::{Language, Project};
pub use session::{Request, SimulatedSession, TimedRequest};
pub use team::{Team, TeamConfig};
pub use truth::{ModelTruth, ToolTruth, Truth};

//! One file a command.

pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod keys;
pub(crate) mod migrate;
pub(crate) mod query;
pub(crate) mod sessions;
pub(crate) mod up;

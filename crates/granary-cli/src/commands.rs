//! One file a command.

pub(crate) mod archive;
pub(crate) mod cache;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod import;
pub(crate) mod keys;
pub(crate) mod live;
pub(crate) mod migrate;
pub(crate) mod quarantine;
pub(crate) mod queries;
pub(crate) mod query;
pub(crate) mod readable;
pub(crate) mod redact;
pub(crate) mod sessions;
pub(crate) mod up;
pub(crate) mod wal;

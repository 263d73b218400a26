//! The archiving and replaying role, and the only crate that touches objects.
//!
//! A session that has been quiet is read from the warehouse in order, written as gzipped JSON lines under
//! `sessions/YYYY/MM/DD/<session>.jsonl.gz` ([`ObjectKey`]), read back, compared, and only then marked in
//! `session_archives`. The steps are types, so that none can be left out: [`Archive::upload`] gives an
//! [`Uploaded`], [`Archive::verify_object`] turns it into a [`Verified`], and only that can be given to
//! [`Archive::mark`]. Each step may be repeated, by the same process or by another at the same time, and ends in
//! the same object and the same mark: running it twice is running it once. A process that is killed between two
//! steps leaves a session that is still due.
//!
//! Several archivers may run ([`Archive::run`]): a lease in ClickHouse keeps one from doing another's work (`lease.rs`
//! says how, and what it cannot promise), and what can be asked or said for several sessions at once is (`batch.rs`).
//! [`Archive::audit`] holds the whole store against the whole table; [`Archive::expire`] deletes objects whose time is
//! over.
//!
//! What is in an object, and what of a row cannot be put there, is said in [`format`](mod@format).
//! [`Archive::restore`] puts objects back into a warehouse, each row once; [`Archive::erase`] takes a session out of
//! everything, and nothing else here deletes from the warehouse.
//!
//! [`Archive::read`] gives a session's lines from its object where that is up to date, else the same lines
//! straight from the warehouse; [`Archive::replay`] gives its events at the pace they happened, or faster.
//! All of it takes the same memory for a session of any size.

mod archive;
mod audit;
mod batch;
mod config;
mod digest;
mod download;
mod erase;
mod error;
mod expire;
pub mod format;
mod hours;
mod job;
mod layout;
mod lease;
mod lines;
mod mark;
mod metrics;
mod names;
mod object;
mod otlp;
mod replay;
mod restore;
mod retention;
mod rows;
mod select;
mod service;
mod session_lines;
mod status;
mod store;
mod tables;
mod walk;

pub use archive::{Archive, LineStream, ReplayStream};
pub use audit::{AuditOptions, Audited, ObjectState};
pub use config::{ArchiveConfig, S3Checksum, S3Config, S3Encryption};
pub use download::{ArchivedObject, ObjectPart};
pub use erase::Erased;
pub use error::ArchiveError;
pub use format::{ArchiveLine, EventInfo, Header, LineKind, Trailer};
pub use job::{ArchivedSession, Uploaded, Verified};
pub use layout::{KeyName, ObjectKey, ObjectKeyError};
pub use replay::{CursorError, Replay, ReplayCursor, ReplayEvent, ReplayOptions, Speed, SpeedError};
pub use restore::{RestoreFailure, RestoreOptions, RestoreStream, RestoredSession};
pub use retention::bucket_lifecycle;
pub use rows::{Facets, InsertRows, StoredInsert, StoredLog, inserts_since};
pub use select::DueSession;
pub use service::Pass;
pub use status::ArchiveStatus;
pub use store::{ListedKey, ObjectReader, Over, ProbeError, Probed, Store, StoreError, Upload, Version};

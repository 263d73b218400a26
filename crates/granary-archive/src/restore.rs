//! Sessions back from their objects into the warehouse, each row exactly once.
//!
//! An object is taken chunk by chunk (`chunk.rs`). Of each chunk the rows that the warehouse does not have are found by
//! their `EventId` (`missing.rs`); what they are is written down (`plan.rs`), they are inserted, and that is written down.
//! The materialized views see the missing rows and no others, so the rollups of what was there already are not counted
//! again.
//!
//! | what happens | why every row is there once, in its table and in the rollups |
//! |---|---|
//! | a second run | every row is there: nothing is missing, nothing is inserted |
//! | killed before an insert was sent | its rows are missing for the next run, which sends them under the planned token |
//! | killed while one was under way, or the server was | the next run sends the same rows under the same token: the server takes what it does not have, and completes rollups |
//! | two at once | the same rows missing make the same token: the server takes one of the two. An insert is of one table and one month, so the other run sees all of it or nothing |
//! | rows were deleted between two restores | the second one is another epoch, and its tokens are others |
//! | an object is damaged | it is read to its end before the first insert: nothing of it is inserted |
//!
//! What remains: a token is trusted for some minutes, as long as the server's machine is up (`plan.rs`). A restore that was
//! killed, and run again only later, looks at the rows alone; where the server was started in between, whether the rollups
//! got the one insert that was under way is not known, and is logged. And a sender that delivers an archived event again
//! at the very moment when it is restored, after it had been deleted and forgotten, makes two of it.
//!
//! Rows are inserted as they were archived, without redaction: they were redacted before they were ever stored. Who may
//! write into the archive's bucket can write into the warehouse.

mod choose;
mod chunk;
mod missing;
mod plan;
mod record;
mod resume;
mod send;
mod session;
mod unit;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use granary_clickhouse::Warehouse;
use granary_model::TenantId;
use jiff::civil::Date;

use crate::{Archive, ArchiveError, ObjectKey};

/// Which sessions are restored, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RestoreOptions {
    /// Only this session.
    pub session: Option<String>,
    /// Only this tenant's; `None` is everybody's.
    pub tenant: Option<TenantId>,
    /// Only sessions that began on this day (UTC) or later.
    pub from: Option<Date>,
    /// Only sessions that began before this day (UTC).
    pub to: Option<Date>,
    /// Says what is missing and inserts nothing.
    pub dry_run: bool,
}

/// What became of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredSession {
    /// Whose it is.
    pub tenant: TenantId,
    /// The session.
    pub session: String,
    /// Its object.
    pub key: ObjectKey,
    /// Records that the object holds.
    pub records: u64,
    /// Those of them that were missing; in a dry run they still are.
    pub restored: u64,
    /// The session's mark in `session_archives` was missing, too.
    pub marked: bool,
}

/// One object was not restored, or not all of it.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {error}")]
pub struct RestoreFailure {
    /// The object, or what lies in the store under a name that is no object's.
    pub key: String,
    /// Why.
    #[source]
    pub error: ArchiveError,
}

/// What became of each object, as it comes about.
pub type RestoreStream = BoxStream<'static, Result<RestoredSession, RestoreFailure>>;

impl Archive {
    /// Puts sessions back into a warehouse, which may be another one than the archive's own and has all tables.
    /// `archive.concurrency` sessions are under way at once; each holds one chunk.
    ///
    /// An object that cannot be restored is an item that says why; the others go on. Dropped early, what was begun is
    /// completed by the next restore of the same sessions.
    pub fn restore(&self, into: &Warehouse, options: RestoreOptions) -> RestoreStream {
        let concurrency = self.config().concurrency.max(1);
        let (archive, into, dry_run) = (self.clone(), into.clone(), options.dry_run);
        choose::objects(self, options)
            .map(move |chosen| {
                let (archive, into) = (archive.clone(), into.clone());
                async move {
                    let key = chosen?;
                    let restored = session::restore(archive.store(), &into, &key, dry_run).await;
                    restored.map_err(|error| RestoreFailure { key: key.to_string(), error })
                }
            })
            .buffer_unordered(concurrency)
            .boxed()
    }
}

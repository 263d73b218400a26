//! The role that receives.
//!
//! # The path of one record
//!
//! 1. **Door** ([`http`] or [`grpc`]): media type and encoding are known, the body is within its limit, and its
//!    bytes fit into what may be in flight. If not: 415, 413, 503, before anything is read twice.
//! 2. **Lane** ([`lane`]): a thread of its own takes the body, off the async runtime. There
//!    [`accept::accept`] decompresses under a cap, decodes, redacts, and appends to the open column blocks.
//!    A body that is not OTLP ends here with 400; a record that cannot be taken is counted and the rest go on.
//! 3. **Seal**: when the commit interval is over, or a block is large enough, the lane turns its blocks into
//!    what an insert sends and begins new ones. Requests that came meanwhile share that commit.
//! 4. **Commit** ([`commit`]): the blocks are made durable, then everyone who waits is answered.
//!
//! Durable means today: ClickHouse has taken the rows. A write-ahead log takes that place without the doors
//! or the lanes noticing; [`commit`] is the seam.
//!
//! # What an answer promises
//!
//! | answer | HTTP | gRPC | the records |
//! |---|---|---|---|
//! | success | 200 | OK | are in their tables and rollups |
//! | partial success | 200 | OK | are, but for the counted ones, which never will be |
//! | refused, come back | 503 with `Retry-After` | `UNAVAILABLE` with `RetryInfo` | may or may not be; send again |
//! | refused | 400, 413, 415, 500 | `INVALID_ARGUMENT`, `RESOURCE_EXHAUSTED`, `INTERNAL` | are not; sending again will not help |

mod accept;
mod accounting;
mod commit;
mod config;
mod error;
mod grpc;
mod http;
mod lane;
mod server;

pub use accounting::{Accounting, Counts};
pub use config::IngestConfig;
pub use error::Refusal;
pub use server::{BindError, Ingest};

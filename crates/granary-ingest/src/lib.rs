//! The role that receives.
//!
//! # The path of one record
//!
//! 1. **Door** ([`http`] or [`grpc`], on [`connections`], over TLS where that is set): the sender is known by its
//!    key ([`sender`]) and has not sent too much, media type and encoding are known, the body is within its limit,
//!    and its bytes fit into what may be in flight. If not: 401, 403, 429, 415, 413, 503, before anything is read twice.
//! 2. **Lane** ([`lane`]): a thread of its own takes the body, off the async runtime. There
//!    [`accept::accept`] decompresses under a cap, decodes, redacts, leaves out what came before ([`window`]), and
//!    appends to the open column blocks of its partition ([`blocks`], [`partition`]).
//!    A body that is not OTLP ends here with 400; a record that cannot be taken is counted and the rest go on.
//! 3. **Seal**: when the commit interval is over, or there is enough, the lane turns its blocks into what an
//!    insert sends and begins new ones. Requests that came meanwhile share that commit.
//! 4. **Log** ([`durable`]): the sealed group is one record of the write-ahead log ([`entry`]); groups share a
//!    sync; then everyone who waits is answered.
//! 5. **Settle** ([`settle`]), where there are other receivers: they are asked for the events ([`peers`]), and one that another
//!    stores is left out here ([`claims`], [`left_out`]).
//! 6. **Deliver** ([`deliver`]): a stretch of the log becomes inserts ([`round`]) that are repeated, byte for byte
//!    and token for token, until ClickHouse has confirmed them ([`doubt`]), or refused them for good
//!    ([`mod@quarantine`]). The checkpoint moves behind the stretch.
//!
//! After a crash [`recover`] reads the log once, and delivery goes on where the checkpoint stands.
//!
//! # What an answer promises
//!
//! | answer | HTTP | gRPC | the records |
//! |---|---|---|---|
//! | success | 200 | OK | are on disk, and will be in their tables and rollups once, or were before |
//! | partial success | 200 | OK | are, but for the counted ones, which never will be |
//! | refused, come back | 503 with `Retry-After` | `UNAVAILABLE` with `RetryInfo` | may or may not be; send again |
//! | refused, come back later | 429 with `Retry-After` | `RESOURCE_EXHAUSTED` with `RetryInfo` | are not; send again |
//! | refused | 400, 413, 415 | `INVALID_ARGUMENT`, `RESOURCE_EXHAUSTED` | are not; sending again will not help |
//! | not known | 401 | `UNAUTHENTICATED` | are not; another key will help |
//! | not allowed | 403 | `PERMISSION_DENIED` | are not; the key is for asking, or for other networks |

mod accept;
mod accounting;
mod allowance;
mod blocks;
mod claims;
mod config;
mod connections;
mod deliver;
mod doors;
mod doubt;
mod durable;
mod entrance;
mod entry;
mod error;
mod flush;
mod group;
mod grpc;
mod http;
mod lane;
mod left_out;
mod metrics;
mod others;
mod pace;
mod partition;
mod peers;
mod put_aside;
mod quarantine;
mod recent;
mod recheck;
mod recover;
mod round;
mod sender;
mod server;
mod settle;
mod team;
mod tickets;
mod window;

pub use accounting::{Accounting, Counts};
pub use config::IngestConfig;
pub use error::Refusal;
pub use peers::reach_peers;
pub use quarantine::{Aftermath, Quarantine, Quarantined, QuarantinedPart};
pub use server::{BindError, Ingest, quarantine};

//! How is unredacted data kept from everything that stores, sends or prints?
//!
//! The law: nothing unredacted reaches disk, ClickHouse, an object, a log line or a metric label. It is held
//! by a type. A stage that writes takes [`Redacted`] records, and only this crate can make one, by
//! [`Redactor::redact`]; there is no other constructor, no `From`, no mutable access and no `Default`.
//! Taking a [`Redacted`] apart is free, putting one together again is not possible.
//!
//! What a [`Redactor`] does to a record, in this order:
//!
//! 1. **Identity fields** (`user.email`, `user.id`, …) are kept, hashed or dropped, as [`Identity`] says.
//! 2. **Names that announce a secret**: the value of an attribute or JSON member called `password`,
//!    `client_secret`, `x-api-key` and the like goes as a whole, whatever it looks like.
//! 3. **Every other text**, keys and metric names included, passes one prefilter; only the rules whose literal
//!    triggers stand in the text then look closer. Text that is JSON is read as JSON, so that escapes
//!    within its strings hide nothing and the result is JSON again.
//!
//! The rules and what each of them misses are data: [`BUILTIN_RULES`]. Numbers that are sent as numbers are not
//! touched, neither are trace and span ids. What was changed is recorded per record as rule and field and
//! counted per rule; the matched text is recorded nowhere.
//!
//! ```
//! use granary_redact::{RedactConfig, Redactor};
//!
//! let redactor = Redactor::new(&RedactConfig::default())?;
//! assert_eq!(redactor.redact_text("password=hunter2 ok"), "password=[REDACTED:password] ok");
//! # Ok::<(), granary_redact::RuleError>(())
//! ```

mod accept;
mod apply;
mod assignment;
mod builtin;
mod card;
mod compiled;
mod config;
mod engine;
mod identity;
mod json;
mod names;
mod prefilter;
mod private_key;
mod redacted;
mod redactor;
mod replacement;
mod report;
mod shapes;
mod sieve;
mod signals;
mod stand_in;

pub use builtin::{BUILTIN_RULES, BuiltinRule};
pub use config::{CustomRule, HashKey, Identity, RedactConfig, RuleError};
pub use redacted::{Redacted, RedactedRecords, Redaction};
pub use redactor::Redactor;
pub use report::{Report, RuleCount};
pub use signals::Redactable;

//! Ingest keys: which sender may send, as whose, and how much.
//!
//! A sender shows a bearer [`Token`] that begins with its key's id, so that the key is looked up and never
//! searched for. The key file ([`KeyFile`]) holds a hash of the secret, the tenant, the team and the limits;
//! `granary keys` writes it, a running receiver ([`keyring`]) reads it again whenever it changes.
//!
//! Where there is no key file, senders on this machine are taken without a key and no others are. Where there
//! is one, everybody needs a key: behind a proxy or in a sidecar every sender comes from the loopback, so that
//! being local says nothing there. `ingest.loopback_without_key` takes local senders without a key all the same.

pub(crate) mod allowance;
mod file;
mod key;
pub(crate) mod keyring;
mod problem;
mod token;

pub use file::{KeyFile, KeyFileError};
pub use key::{Key, KeyId, KeyLimits, KeyState, NewKey, Previous, SecretHash};
pub use problem::KeyProblem;
pub use token::{Token, TokenError};

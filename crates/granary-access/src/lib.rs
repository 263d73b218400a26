//! Who may come in, shared by the door that telemetry comes in through and the one that questions do.
//!
//! Somebody shows a [`Credential`]: the token of a key of the key file ([`KeyFile`], [`Keyring`]), or a JWT of an
//! identity provider ([`Jwt`]). What that allows is a [`Grant`]: whose data, in which [`Role`], which groups of
//! queries, and which parameters with which values. [`Gate`] is the whole of it for a door that is asked.
//!
//! A token of ours is `grn_<id>_<secret><checksum>`, so that its key is looked up and never searched for. The key file
//! holds a hash of the secret; `granary keys` writes it, and whatever runs reads it again when it changes
//! ([`Watch`]). Certificates ([`Tls`]) are read again in the same way.
//!
//! # Roles
//!
//! | role | may send | may ask | sees |
//! |---|---|---|---|
//! | `ingest` | yes | no | nothing |
//! | `viewer` | no | yes | the rows of its `user` |
//! | `team` | no | yes | the rows of its `team` |
//! | `analyst` | no | yes | all rows of its tenant |
//! | `admin` | no | yes | the same, and who asked what; it may flush what is cached |
//!
//! # Without keys
//!
//! Where there is no key file (and, at the gateway, no JWT is configured) those on this machine are taken without a
//! key and no others are. Where there is one, everybody needs a key: behind a proxy or in a sidecar everybody
//! comes from the loopback, so that being local says nothing there. The doors' `loopback_without_key` takes local
//! ones without a key all the same.

mod attempts;
mod cause;
mod credential;
mod file;
mod fixed;
mod gate;
mod grant;
mod host;
mod jwt;
mod key;
mod keyring;
mod network;
mod pass;
mod problem;
mod role;
mod stamp;
mod tls;
mod token;
mod watch;

pub use cause::with_cause;
pub use credential::{Credential, CredentialError};
pub use file::{KeyFile, KeyFileError};
pub use fixed::{ACCESS_FILTERS, Fixed};
pub use gate::{Admitted, Gate, GateConfig, GateError, Refused};
pub use grant::{Grant, Holder};
pub use host::host_of;
pub use jwt::{Jwt, JwtAlgorithm, JwtConfig, JwtError, JwtProblem};
pub use key::{Key, KeyId, KeyLimits, KeyState, NewKey, Previous, SecretHash};
pub use keyring::{KeyCounts, Keyring, Known, bearer};
pub use network::{Network, NetworkError};
pub use pass::{Pass, PassEnded};
pub use problem::KeyProblem;
pub use role::{Role, RoleError};
pub use stamp::Stamp;
pub use tls::{Tls, TlsError, TlsFiles};
pub use token::{Token, TokenError};
pub use watch::{Watch, Watched};

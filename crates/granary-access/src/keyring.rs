//! The keys in force: which key a token is of.
//!
//! A key file that cannot be used, or is gone, changes nothing: the keys that were in force stay so. Otherwise a
//! slip of an editor would lock everybody out, and a file that is lost would let everybody on this machine in.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::file::{KeyFile, KeyFileError};
use crate::grant::Holder;
use crate::key::{Key, KeyId, KeyState, SecretHash};
use crate::problem::KeyProblem;
use crate::token::{Presented, TokenError};

/// A key in force, with what a door keeps beside it.
#[derive(Debug)]
pub struct Known<T> {
    /// The key.
    pub key: Key,
    /// What the door made of it.
    pub beside: T,
}

/// How many keys are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyCounts {
    /// Taken.
    pub valid: u64,
    /// Past their time.
    pub expired: u64,
    /// Revoked.
    pub revoked: u64,
}

/// What a door makes of a key, given what it made of the same key before the file changed.
type Attach<T> = Box<dyn Fn(&Key, Option<&T>) -> T + Send + Sync>;

type Entries<T> = HashMap<KeyId, Arc<Known<T>>>;

/// The keys in force.
pub struct Keyring<T> {
    path: PathBuf,
    attach: Attach<T>,
    /// None while there is no key file.
    entries: RwLock<Option<Entries<T>>>,
    /// Told whenever they were read again.
    changed: watch::Sender<()>,
}

impl<T> fmt::Debug for Keyring<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("path", &self.path).finish_non_exhaustive()
    }
}

impl<T> Keyring<T> {
    /// Reads the key file, if there is one. Without a path there is none, which is how a door within another program
    /// begins.
    ///
    /// # Errors
    ///
    /// There is one and it cannot be used.
    pub fn open(
        path: &Path,
        attach: impl Fn(&Key, Option<&T>) -> T + Send + Sync + 'static,
    ) -> Result<Self, KeyFileError> {
        let ring = Self {
            path: path.to_owned(),
            attach: Box::new(attach),
            entries: RwLock::new(None),
            changed: watch::Sender::new(()),
        };
        ring.reload()?;
        Ok(ring)
    }

    /// Where the key file is looked for.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the key file again.
    ///
    /// # Errors
    ///
    /// It cannot be used, or is gone; the keys in force stay so.
    pub fn reload(&self) -> Result<(), KeyFileError> {
        let file = if self.path.as_os_str().is_empty() { None } else { KeyFile::load(&self.path)? };
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        match (file, &*entries) {
            (None, None) => {}
            (None, Some(_)) => {
                return Err(KeyFileError::Io {
                    path: self.path.clone(),
                    doing: "found any more",
                    source: std::io::ErrorKind::NotFound.into(),
                });
            }
            (Some(file), present) => {
                let known = |key: Key| {
                    let before = present.as_ref().and_then(|entries| entries.get(&key.id));
                    let beside = (self.attach)(&key, before.map(|known| &known.beside));
                    (key.id.clone(), Arc::new(Known { key, beside }))
                };
                *entries = Some(file.keys.into_iter().map(known).collect());
            }
        }
        drop(entries);
        self.changed.send_replace(());
        Ok(())
    }

    /// Tells of each time that they were read again.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// The key that somebody has, whatever its state.
    pub(crate) fn of_holder(&self, holder: &Holder) -> Option<Arc<Known<T>>> {
        let Holder::Key(id) = holder else { return None };
        self.with(|entries| entries?.get(id).cloned())
    }

    /// Whether there is a key file, or was one: then keys are asked for.
    #[must_use]
    pub fn has_file(&self) -> bool {
        self.with(|entries| entries.is_some())
    }

    /// Whether there is a key, of whatever state.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        self.with(|entries| entries.is_some_and(|entries| !entries.is_empty()))
    }

    /// The keys by state.
    #[must_use]
    pub fn counts(&self, now: Timestamp) -> KeyCounts {
        self.with(|entries| {
            let mut counts = KeyCounts::default();
            for known in entries.into_iter().flat_map(HashMap::values) {
                *match known.key.state(now) {
                    KeyState::Valid => &mut counts.valid,
                    KeyState::Expired => &mut counts.expired,
                    KeyState::Revoked => &mut counts.revoked,
                } += 1;
            }
            counts
        })
    }

    /// Whether a key is valid that something holds of.
    #[must_use]
    pub fn has_valid(&self, now: Timestamp, holds: impl Fn(&Key) -> bool) -> bool {
        self.with(|entries| {
            let mut keys = entries.into_iter().flat_map(HashMap::values).map(|known| &known.key);
            keys.any(|key| key.state(now) == KeyState::Valid && holds(key))
        })
    }

    /// The key that a token is of, if it is in force and may be used from there.
    ///
    /// # Errors
    ///
    /// It is not. Where the secret is right, the answer says what became of the key; that there is a key of that id
    /// is no secret.
    pub fn find(&self, token: &str, peer: IpAddr, now: Timestamp) -> Result<Arc<Known<T>>, KeyProblem> {
        self.find_by(token, peer, now).map(|(known, _)| known)
    }

    /// The same, with which of the key's secrets it was.
    pub(crate) fn find_by(
        &self,
        token: &str,
        peer: IpAddr,
        now: Timestamp,
    ) -> Result<(Arc<Known<T>>, SecretHash), KeyProblem> {
        let presented = Presented::parse(token).map_err(|error| match error {
            TokenError::NotAToken => KeyProblem::NotAToken,
            TokenError::Mistyped => KeyProblem::Mistyped,
        })?;
        let known = self.with(|entries| entries?.get(presented.id).cloned());
        let secret = presented.hash();
        let known = known.filter(|known| known.key.has_secret(secret, now));
        let known = known.ok_or(KeyProblem::Unknown)?;
        match known.key.state(now) {
            KeyState::Expired => Err(KeyProblem::Expired),
            KeyState::Revoked => Err(KeyProblem::Revoked),
            KeyState::Valid if !known.key.is_taken_from(peer) => Err(KeyProblem::Network),
            KeyState::Valid => Ok((known, secret)),
        }
    }

    fn with<R>(&self, look: impl FnOnce(Option<&Entries<T>>) -> R) -> R {
        look(self.entries.read().unwrap_or_else(PoisonError::into_inner).as_ref())
    }
}

/// The bearer token of a request: over HTTP a header, over gRPC metadata, which are the same.
///
/// # Errors
///
/// There is none, or the request is authorized in another way.
pub fn bearer(headers: &HeaderMap) -> Result<&str, KeyProblem> {
    let value = headers.get(AUTHORIZATION).ok_or(KeyProblem::Missing)?;
    let (scheme, token) =
        value.to_str().ok().and_then(|value| value.trim().split_once(' ')).ok_or(KeyProblem::NotAToken)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(KeyProblem::NotAToken) }
}

#[cfg(test)]
mod tests;

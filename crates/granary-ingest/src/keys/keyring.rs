//! The keys in force: who a request is from.
//!
//! A key file that cannot be used, or is gone, changes nothing: the keys that were in force stay so. Otherwise a
//! slip of an editor would lock everybody out, and a file that is lost would let everybody on this machine in.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use granary_model::TenantId;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use jiff::Timestamp;

use super::allowance::{Allowance, Limits};
use super::file::{KeyFile, KeyFileError};
use super::key::{Key, KeyId, KeyState};
use super::problem::KeyProblem;
use super::token::{Presented, TokenError};
use crate::config::IngestConfig;
use crate::error::Refusal;

/// A key in force.
#[derive(Debug)]
struct Entry {
    key: Key,
    tenant: TenantId,
    team: Option<Arc<str>>,
    /// Outlives a change of the file that does not change the limits: otherwise each would fill the buckets.
    allowance: Arc<Allowance>,
}

/// Who sent a request.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    pub(crate) tenant: TenantId,
    /// What the key says, which the records are counted under; none takes their own word.
    pub(crate) team: Option<Arc<str>>,
    key: Option<(KeyId, Arc<Allowance>)>,
}

impl Sender {
    /// Somebody on this machine, without a key.
    fn local() -> Self {
        Self { tenant: TenantId::default(), team: None, key: None }
    }

    /// The key that it is known by.
    pub(crate) fn key(&self) -> Option<&KeyId> {
        self.key.as_ref().map(|(id, _)| id)
    }

    /// Counts a request against what the key may send.
    ///
    /// # Errors
    ///
    /// It is one more than the key may send now.
    pub(crate) fn take_request(&self) -> Result<(), Refusal> {
        self.take("requests", Allowance::take_request)
    }

    /// Counts a body against what the key may send.
    ///
    /// # Errors
    ///
    /// It is more than the key may send now.
    pub(crate) fn take_bytes(&self, bytes: u64) -> Result<(), Refusal> {
        self.take("bytes", |allowance| allowance.take_bytes(bytes))
    }

    fn take(
        &self,
        of: &'static str,
        take: impl FnOnce(&Allowance) -> Result<(), std::time::Duration>,
    ) -> Result<(), Refusal> {
        let Some((_, allowance)) = &self.key else { return Ok(()) };
        take(allowance).map_err(|wait| Refusal::RateLimited { of, retry_after: wait })
    }
}

/// How many keys are in which state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct KeyCounts {
    pub(crate) valid: u64,
    pub(crate) expired: u64,
    pub(crate) revoked: u64,
}

/// The keys in force and what holds where a key does not say otherwise.
#[derive(Debug)]
pub(crate) struct Keyring {
    path: PathBuf,
    loopback_without_key: bool,
    defaults: Limits,
    /// None while there is no key file.
    entries: RwLock<Option<HashMap<KeyId, Entry>>>,
}

impl Keyring {
    /// Reads the key file, if there is one.
    ///
    /// # Errors
    ///
    /// There is one and it cannot be used.
    pub(crate) fn open(config: &IngestConfig) -> Result<Self, KeyFileError> {
        let ring = Self {
            path: config.keys_file.clone(),
            loopback_without_key: config.loopback_without_key,
            defaults: Limits {
                requests_per_second: config.key_requests_per_second,
                bytes_per_second: config.key_bytes_per_second.as_u64(),
                burst: config.key_burst,
                largest_body: config.max_body.as_u64(),
            },
            entries: RwLock::new(None),
        };
        ring.reload()?;
        Ok(ring)
    }

    /// Reads the key file again.
    ///
    /// # Errors
    ///
    /// It cannot be used, or is gone; the keys in force stay so.
    pub(crate) fn reload(&self) -> Result<(), KeyFileError> {
        // Without a place for it there is no file, which is how a receiver within another program begins.
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
                let entry = |key: Key| (key.id.clone(), self.entry(key, present.as_ref()));
                *entries = Some(file.keys.into_iter().map(entry).collect());
            }
        }
        Ok(())
    }

    fn entry(&self, key: Key, present: Option<&HashMap<KeyId, Entry>>) -> Entry {
        let limits = Limits {
            requests_per_second: key.limits.requests_per_second.unwrap_or(self.defaults.requests_per_second),
            bytes_per_second: key
                .limits
                .bytes_per_second
                .map_or(self.defaults.bytes_per_second, |bytes| bytes.as_u64()),
            burst: key.limits.burst.unwrap_or(self.defaults.burst),
            ..self.defaults
        };
        let kept = present.and_then(|entries| entries.get(&key.id)).map(|entry| &entry.allowance);
        let allowance = match kept {
            Some(allowance) if allowance.limits() == limits => Arc::clone(allowance),
            _ => Arc::new(Allowance::new(limits)),
        };
        let (tenant, team) = (TenantId::new(key.tenant.as_str()), key.team.as_deref().map(Arc::from));
        Entry { key, tenant, team, allowance }
    }

    /// Whether there is a key, of whatever state.
    pub(crate) fn has_keys(&self) -> bool {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.as_ref().is_some_and(|entries| !entries.is_empty())
    }

    /// The keys by state.
    pub(crate) fn counts(&self, now: Timestamp) -> KeyCounts {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let mut counts = KeyCounts::default();
        for entry in entries.iter().flat_map(HashMap::values) {
            *match entry.key.state(now) {
                KeyState::Valid => &mut counts.valid,
                KeyState::Expired => &mut counts.expired,
                KeyState::Revoked => &mut counts.revoked,
            } += 1;
        }
        counts
    }

    /// Says who a request is from, by its headers and the connection it came over.
    ///
    /// # Errors
    ///
    /// It is nobody's.
    pub(crate) fn identify(
        &self,
        peer: SocketAddr,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Sender, KeyProblem> {
        let is_local = peer.ip().to_canonical().is_loopback();
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let Some(entries) = &*entries else {
            return if is_local { Ok(Sender::local()) } else { Err(KeyProblem::Missing) };
        };
        let token = match bearer(headers) {
            Err(KeyProblem::Missing) if is_local && self.loopback_without_key => return Ok(Sender::local()),
            token => token?,
        };
        let presented = Presented::parse(token).map_err(|error| match error {
            TokenError::NotAToken => KeyProblem::NotAToken,
            TokenError::Mistyped => KeyProblem::Mistyped,
        })?;
        // That there is a key of that id is no secret: whoever has the secret learns what became of the key.
        let known = entries.get(presented.id).filter(|entry| entry.key.has_secret(presented.hash(), now));
        let Entry { key, tenant, team, allowance } = known.ok_or(KeyProblem::Unknown)?;
        match key.state(now) {
            KeyState::Expired => Err(KeyProblem::Expired),
            KeyState::Revoked => Err(KeyProblem::Revoked),
            KeyState::Valid => Ok(Sender {
                tenant: tenant.clone(),
                team: team.clone(),
                key: Some((key.id.clone(), Arc::clone(allowance))),
            }),
        }
    }
}

/// The bearer token of a request: over HTTP a header, over gRPC metadata, which are the same.
fn bearer(headers: &HeaderMap) -> Result<&str, KeyProblem> {
    let value = headers.get(AUTHORIZATION).ok_or(KeyProblem::Missing)?;
    let (scheme, token) =
        value.to_str().ok().and_then(|value| value.trim().split_once(' ')).ok_or(KeyProblem::NotAToken)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(KeyProblem::NotAToken) }
}

#[cfg(test)]
mod tests;

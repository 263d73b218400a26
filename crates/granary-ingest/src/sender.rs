//! Who sends, and how much of it: the keys of the key file, each with its allowance.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use granary_access::{Key, KeyCounts, KeyFileError, KeyId, KeyProblem, Keyring, bearer};
use granary_model::TenantId;
use http::HeaderMap;
use jiff::Timestamp;

use crate::allowance::{Allowance, Limits};
use crate::config::IngestConfig;
use crate::error::Refusal;

/// What a sender with a key is, ready to be handed out.
#[derive(Debug, Clone)]
struct Known {
    tenant: TenantId,
    team: Option<Arc<str>>,
    /// Outlives a change of the file that does not change the limits: otherwise each would fill the buckets.
    allowance: Arc<Allowance>,
}

/// The keys in force and what holds where a key does not say otherwise. Clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    ring: Arc<Keyring<Known>>,
    loopback_without_key: bool,
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

impl Keys {
    /// Reads the key file, if there is one.
    ///
    /// # Errors
    ///
    /// There is one and it cannot be used.
    pub(crate) fn open(config: &IngestConfig) -> Result<Self, KeyFileError> {
        let defaults = Limits {
            requests_per_second: config.key_requests_per_second,
            bytes_per_second: config.key_bytes_per_second.as_u64(),
            burst: config.key_burst,
            largest_body: config.max_body.as_u64(),
        };
        let ring = Keyring::open(&config.keys_file, move |key, before| known(key, before, defaults))?;
        Ok(Self { ring: Arc::new(ring), loopback_without_key: config.loopback_without_key })
    }

    /// Reads the key file again.
    ///
    /// # Errors
    ///
    /// It cannot be used, or is gone; the keys in force stay so.
    pub(crate) fn reload(&self) -> Result<(), KeyFileError> {
        self.ring.reload()
    }

    pub(crate) fn path(&self) -> &Path {
        self.ring.path()
    }

    /// Whether there is a key, of whatever state.
    pub(crate) fn are_there(&self) -> bool {
        self.ring.has_keys()
    }

    /// Whether a valid key may send.
    pub(crate) fn let_somebody_send(&self) -> bool {
        self.ring.has_valid(Timestamp::now(), |key| key.role.may_send())
    }

    /// The keys by state.
    pub(crate) fn counts(&self, now: Timestamp) -> KeyCounts {
        self.ring.counts(now)
    }

    /// Says who a request is from, by its headers and the connection it came over.
    ///
    /// # Errors
    ///
    /// It is nobody's who may send.
    pub(crate) fn identify(
        &self,
        peer: SocketAddr,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Sender, KeyProblem> {
        let is_local = peer.ip().to_canonical().is_loopback();
        if !self.ring.has_file() {
            return if is_local { Ok(Sender::local()) } else { Err(KeyProblem::Missing) };
        }
        let token = match bearer(headers) {
            Err(KeyProblem::Missing) if is_local && self.loopback_without_key => return Ok(Sender::local()),
            token => token?,
        };
        let found = self.ring.find(token, peer.ip(), now)?;
        let role = found.key.role;
        if !role.may_send() {
            return Err(KeyProblem::Role { role, act: "send telemetry" });
        }
        let Known { tenant, team, allowance } = found.beside.clone();
        Ok(Sender { tenant, team, key: Some((found.key.id.clone(), allowance)) })
    }
}

fn known(key: &Key, before: Option<&Known>, defaults: Limits) -> Known {
    let limits = Limits {
        requests_per_second: key.limits.requests_per_second.unwrap_or(defaults.requests_per_second),
        bytes_per_second: key
            .limits
            .bytes_per_second
            .map_or(defaults.bytes_per_second, |bytes| bytes.as_u64()),
        burst: key.limits.burst.unwrap_or(defaults.burst),
        ..defaults
    };
    let allowance = match before.map(|known| &known.allowance) {
        Some(allowance) if allowance.limits() == limits => Arc::clone(allowance),
        _ => Arc::new(Allowance::new(limits)),
    };
    Known { tenant: TenantId::new(key.tenant.as_str()), team: key.team.as_deref().map(Arc::from), allowance }
}

#[cfg(test)]
mod tests;

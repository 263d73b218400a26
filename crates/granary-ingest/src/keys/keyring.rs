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
use super::token::{Presented, TokenError};
use crate::config::IngestConfig;
use crate::error::Refusal;

/// Why a request is not taken for anybody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// It has no token.
    #[error(
        "an ingest key is needed: send \"Authorization: Bearer <token>\"; `granary keys create` makes one"
    )]
    Missing,
    /// It is authorized in another way.
    #[error("the authorization is no bearer token of this granary; its tokens begin with grn_")]
    NotAToken,
    /// The token's checksum is wrong.
    #[error("the ingest key's token is mistyped or not whole")]
    Mistyped,
    /// There is no such key, or its secret is another.
    #[error("the ingest key is not known here")]
    Unknown,
    /// The key's time is over.
    #[error("the ingest key has expired; ask for a new one")]
    Expired,
    /// The key was revoked.
    #[error("the ingest key was revoked; ask for a new one")]
    Revoked,
}

impl KeyProblem {
    /// As metrics have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "key_missing",
            Self::NotAToken => "key_not_a_token",
            Self::Mistyped => "key_mistyped",
            Self::Unknown => "key_unknown",
            Self::Expired => "key_expired",
            Self::Revoked => "key_revoked",
        }
    }
}

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
mod tests {
    use super::super::key::NewKey;
    use super::super::token::Token;
    use super::*;

    struct Ring {
        ring: Keyring,
        _dir: tempfile::TempDir,
    }

    fn config(dir: &tempfile::TempDir) -> IngestConfig {
        IngestConfig { keys_file: dir.path().join("keys.toml"), ..IngestConfig::default() }
    }

    fn add(config: &IngestConfig, new: NewKey) -> Token {
        let (key, token) = Key::generate(new, Timestamp::UNIX_EPOCH);
        let added: Result<(), KeyFileError> = KeyFile::change(&config.keys_file, |file| {
            file.keys.push(key);
            Ok(())
        });
        added.unwrap();
        token
    }

    fn acme() -> NewKey {
        NewKey { tenant: "acme".to_owned(), ..NewKey::default() }
    }

    impl Ring {
        fn with_a_key() -> (Self, Token, IngestConfig) {
            let dir = tempfile::tempdir().unwrap();
            let config = config(&dir);
            let token = add(&config, acme());
            (Self { ring: Keyring::open(&config).unwrap(), _dir: dir }, token, config)
        }

        fn who(&self, peer: &str, authorization: Option<&str>) -> Result<String, KeyProblem> {
            let mut headers = HeaderMap::new();
            headers.extend(authorization.map(|value| (AUTHORIZATION, value.parse().unwrap())));
            let now = Timestamp::from_second(100).unwrap();
            self.ring.identify(peer.parse().unwrap(), &headers, now).map(|sender| sender.tenant.to_string())
        }
    }

    const LOCAL: &str = "127.0.0.1:9";
    const MAPPED: &str = "[::ffff:127.0.0.1]:9";
    const REMOTE: &str = "192.0.2.1:9";

    #[test]
    fn without_a_key_file_senders_on_this_machine_are_taken_and_others_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let ring = Ring { ring: Keyring::open(&config(&dir)).unwrap(), _dir: dir };
        assert_eq!(ring.who(LOCAL, None), Ok("default".to_owned()));
        assert_eq!(ring.who("[::1]:9", Some("Basic eDp5")), Ok("default".to_owned()));
        assert_eq!(ring.who(MAPPED, None), Ok("default".to_owned()));
        assert_eq!(ring.who(REMOTE, None), Err(KeyProblem::Missing));
    }

    #[test]
    fn with_a_key_file_everybody_needs_a_key() {
        let (ring, token, _) = Ring::with_a_key();
        let bearer = format!("bearer  {}", token.reveal());
        for peer in [LOCAL, REMOTE] {
            assert_eq!(ring.who(peer, Some(&bearer)), Ok("acme".to_owned()));
            assert_eq!(ring.who(peer, None), Err(KeyProblem::Missing));
            assert_eq!(ring.who(peer, Some("Basic eDp5")), Err(KeyProblem::NotAToken));
            assert_eq!(ring.who(peer, Some(token.reveal())), Err(KeyProblem::NotAToken));
            assert_eq!(ring.who(peer, Some(&bearer[..bearer.len() - 1])), Err(KeyProblem::Mistyped));
            let other = Token::generate(&KeyId::generate());
            assert_eq!(ring.who(peer, Some(&format!("Bearer {}", other.reveal()))), Err(KeyProblem::Unknown));
        }
    }

    #[test]
    fn senders_on_this_machine_can_be_let_in_without_a_key_but_not_with_a_wrong_one() {
        let (_, token, config) = Ring::with_a_key();
        let dir = tempfile::tempdir().unwrap();
        let config =
            IngestConfig { keys_file: dir.path().join("keys.toml"), loopback_without_key: true, ..config };
        add(&config, acme());
        let ring = Ring { ring: Keyring::open(&config).unwrap(), _dir: dir };
        assert_eq!(ring.who(LOCAL, None), Ok("default".to_owned()));
        assert_eq!(ring.who(REMOTE, None), Err(KeyProblem::Missing));
        let wrong = format!("Bearer {}", token.reveal());
        assert_eq!(ring.who(LOCAL, Some(&wrong)), Err(KeyProblem::Unknown));
    }

    #[test]
    fn a_key_file_that_is_broken_or_gone_leaves_the_keys_in_force() {
        let (ring, token, config) = Ring::with_a_key();
        let bearer = format!("Bearer {}", token.reveal());
        std::fs::write(&config.keys_file, "[[key]]\nid = ").unwrap();
        assert!(ring.ring.reload().is_err());
        assert_eq!(ring.who(LOCAL, Some(&bearer)), Ok("acme".to_owned()));
        std::fs::remove_file(&config.keys_file).unwrap();
        assert!(ring.ring.reload().unwrap_err().to_string().contains("found any more"));
        assert_eq!(ring.who(LOCAL, Some(&bearer)), Ok("acme".to_owned()));
        std::fs::write(&config.keys_file, "").unwrap();
        ring.ring.reload().unwrap();
        assert_eq!(ring.who(LOCAL, Some(&bearer)), Err(KeyProblem::Unknown));
        assert_eq!(ring.who(LOCAL, None), Err(KeyProblem::Missing), "an empty file lets nobody in");
    }

    #[test]
    fn what_a_key_has_used_stays_used_when_the_file_changes() {
        let dir = tempfile::tempdir().unwrap();
        let config =
            IngestConfig { key_requests_per_second: 1, key_burst: std::time::Duration::ZERO, ..config(&dir) };
        let token = add(&config, acme());
        let ring = Keyring::open(&config).unwrap();
        let headers: HeaderMap =
            std::iter::once((AUTHORIZATION, format!("Bearer {}", token.reveal()).parse().unwrap())).collect();
        let admit =
            || ring.identify(LOCAL.parse().unwrap(), &headers, Timestamp::UNIX_EPOCH).unwrap().take_request();
        assert!(admit().is_ok());
        add(&config, acme());
        ring.reload().unwrap();
        assert!(matches!(admit(), Err(Refusal::RateLimited { of: "requests", .. })));
        assert_eq!(ring.counts(Timestamp::UNIX_EPOCH), KeyCounts { valid: 2, ..KeyCounts::default() });
    }
}

//! The identity provider's keys, by their ids.
//!
//! Of an address the keys are fetched when a token names a key that is not there, since providers change their keys
//! without a word, but no more often than [`MIN_INTERVAL`], so that made-up ids do not make requests; and again when
//! they are [`MAX_AGE`] old, so that a key which was withdrawn is not taken for ever. When that fails, the last good ones
//! stay in force: a provider that is away for an hour should not shut everybody out.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

use super::JwtProblem;
use super::config::{JwtAlgorithm, JwtError};
use super::fetch::Fetcher;

/// Between two attempts to fetch the keys.
const MIN_INTERVAL: Duration = Duration::from_secs(30);

/// After so long the keys are fetched again.
const MAX_AGE: Duration = Duration::from_hours(1);

/// Keys of one set; a provider has two or three.
const MAX_KEYS: usize = 64;

/// The keys in force and where they come from.
pub(super) struct Jwks {
    algorithm: JwtAlgorithm,
    source: Option<(Url, Fetcher)>,
    keys: RwLock<Option<Arc<KeySet>>>,
    times: Mutex<Times>,
}

/// When the address was asked last, and when it last answered.
#[derive(Default)]
struct Times {
    tried: Option<Instant>,
    fetched: Option<Instant>,
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwks").field("source", &self.source).finish_non_exhaustive()
    }
}

/// Keys by id; those without one have `None`.
pub(super) struct KeySet(HashMap<Option<String>, Arc<DecodingKey>>);

#[derive(Deserialize)]
struct Document {
    /// Each is read by itself: one of a kind that is not known here does not spoil the others.
    keys: Vec<Value>,
}

impl Jwks {
    pub(super) fn of_file(path: &Path, algorithm: JwtAlgorithm) -> Result<Self, JwtError> {
        let this = Self::new(algorithm, None);
        this.read_again(path)?;
        Ok(this)
    }

    pub(super) fn of_address(address: Url, algorithm: JwtAlgorithm) -> Result<Self, JwtError> {
        let fetcher = Fetcher::new()
            .map_err(|error| JwtError::Keys { of: address.to_string(), reason: error.to_string() })?;
        Ok(Self::new(algorithm, Some((address, fetcher))))
    }

    fn new(algorithm: JwtAlgorithm, source: Option<(Url, Fetcher)>) -> Self {
        Self { algorithm, source, keys: RwLock::default(), times: Mutex::default() }
    }

    /// Reads the file again; what it had before stays in force where it cannot be used.
    pub(super) fn read_again(&self, path: &Path) -> Result<(), JwtError> {
        let bytes = std::fs::read(path).map_err(|source| JwtError::Io { path: path.to_owned(), source })?;
        let keys = KeySet::read(&bytes, self.algorithm)
            .map_err(|reason| JwtError::Keys { of: path.display().to_string(), reason })?;
        self.put(keys);
        Ok(())
    }

    /// The key of an id. A token may leave the id out where there is one key.
    pub(super) async fn find(self: &Arc<Self>, kid: Option<&str>) -> Result<Arc<DecodingKey>, JwtProblem> {
        let known = self.current().and_then(|keys| keys.find(kid));
        let is_known = known.is_some();
        if let Some(key) = known {
            if self.is_old() {
                let this = Arc::clone(self);
                tokio::spawn(async move { this.refresh(is_known).await });
            }
            return Ok(key);
        }
        self.refresh(is_known).await;
        let keys = self.current().ok_or(JwtProblem::Unavailable)?;
        keys.find(kid).ok_or(JwtProblem::UnknownKey)
    }

    pub(super) fn current(&self) -> Option<Arc<KeySet>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, keys: KeySet) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(keys));
    }

    /// Whether the keys should be fetched again; not while they are being fetched.
    fn is_old(&self) -> bool {
        let Some(times) = self.source.as_ref().and_then(|_| self.times.try_lock().ok()) else { return false };
        times.fetched.is_none_or(|at| at.elapsed() >= MAX_AGE) && times.may_try()
    }

    /// Fetches the keys, if it is time. Whoever comes meanwhile waits for the result.
    async fn refresh(&self, only_if_old: bool) {
        let Some((address, fetcher)) = &self.source else { return };
        let mut times = self.times.lock().await;
        let is_old = times.fetched.is_none_or(|at| at.elapsed() >= MAX_AGE);
        if !times.may_try() || (only_if_old && !is_old) {
            return;
        }
        times.tried = Some(Instant::now());
        let fetched = fetcher.get(address).await.and_then(|bytes| KeySet::read(&bytes, self.algorithm));
        match fetched {
            Ok(keys) => {
                tracing::info!(%address, keys = keys.0.len(), "fetched the identity provider's keys");
                times.fetched = Some(Instant::now());
                self.put(keys);
            }
            Err(error) => {
                tracing::warn!(%address, error, "the identity provider's keys cannot be fetched; the last ones stay in force");
            }
        }
    }
}

impl Times {
    fn may_try(&self) -> bool {
        self.tried.is_none_or(|at| at.elapsed() >= MIN_INTERVAL)
    }
}

impl KeySet {
    fn read(bytes: &[u8], algorithm: JwtAlgorithm) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if document.keys.len() > MAX_KEYS {
            return Err(format!("there are more than {MAX_KEYS} keys"));
        }
        let keys = document.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
        let keys = keys
            .filter(|key| suits(key, algorithm))
            .filter_map(|key| Some((key.common.key_id.clone(), Arc::new(DecodingKey::from_jwk(&key).ok()?))));
        let keys: HashMap<_, _> = keys.collect();
        if keys.is_empty() { Err(format!("there is no key for {algorithm}")) } else { Ok(Self(keys)) }
    }

    pub(super) fn find(&self, kid: Option<&str>) -> Option<Arc<DecodingKey>> {
        match kid {
            Some(kid) => self.0.get(&Some(kid.to_owned())).cloned(),
            None if self.0.len() == 1 => self.0.values().next().cloned(),
            None => None,
        }
    }
}

/// Whether a key is for signatures of that algorithm. What a key leaves open is taken as fitting; its kind decides.
fn suits(key: &Jwk, algorithm: JwtAlgorithm) -> bool {
    let is_for_signing = matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature));
    let says = key.common.key_algorithm;
    let is_of_kind = match (&key.algorithm, algorithm) {
        (AlgorithmParameters::RSA(_), JwtAlgorithm::Rs256) => {
            matches!(says, None | Some(KeyAlgorithm::RS256))
        }
        (AlgorithmParameters::EllipticCurve(of), JwtAlgorithm::Es256) => {
            of.curve == EllipticCurve::P256 && matches!(says, None | Some(KeyAlgorithm::ES256))
        }
        _ => false,
    };
    is_for_signing && is_of_kind
}

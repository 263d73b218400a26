//! What becomes of the attributes that say who it was?

use hmac::{Hmac, Mac};
use sha2::Sha256;

use granary_model::Value;

use crate::config::{Identity, RedactConfig, RuleError};

/// The attributes that say who, wherever they stand: on resources, records, points, events and within maps.
const FIELDS: [&str; 4] = ["user.account_id", "user.account_uuid", "user.email", "user.id"];

/// What all of [`FIELDS`] begin with.
const PREFIX: &str = "user.";

/// What a hash begins with, so that it is not taken for an id, and is not hashed again.
const HASH_PREFIX: &str = "hmac:";

/// How many bytes of the hash are kept: two people of a billion share one with a probability of 10⁻²¹.
const HASH_BYTES: usize = 16;

/// Keys shorter than this can be found by trying.
const MIN_KEY_BYTES: usize = 16;

/// The setting, ready to run.
#[derive(Clone)]
pub(crate) enum IdentityPolicy {
    Keep,
    /// With the key worked in.
    Hash(Box<Hmac<Sha256>>),
    Drop,
}

/// What to do with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It says nothing of who; the rules look at it.
    Other,
    /// The rules look at it, except for the one for e-mail addresses.
    Keep,
    Hash,
    Drop,
}

impl IdentityPolicy {
    pub(crate) fn new(config: &RedactConfig) -> Result<Self, RuleError> {
        match (config.identity, &config.hash_key) {
            (Identity::Keep, _) => Ok(Self::Keep),
            (Identity::Drop, _) => Ok(Self::Drop),
            (Identity::Hash, None) => Err(RuleError::NoHashKey),
            (Identity::Hash, Some(key)) => {
                let key = key.as_bytes();
                let too_short = RuleError::HashKeyTooShort { actual: key.len(), least: MIN_KEY_BYTES };
                let mac = Hmac::new_from_slice(key).ok().filter(|_| key.len() >= MIN_KEY_BYTES);
                mac.map(|mac| Self::Hash(Box::new(mac))).ok_or(too_short)
            }
        }
    }

    /// What to do with the value of a key.
    pub(crate) fn verdict(&self, key: &str) -> Verdict {
        if !key.starts_with(PREFIX) || !FIELDS.contains(&key) {
            return Verdict::Other;
        }
        match self {
            Self::Keep => Verdict::Keep,
            Self::Hash(_) => Verdict::Hash,
            Self::Drop => Verdict::Drop,
        }
    }

    /// Replaces a value by its hash, where it is one and not hashed yet; numbers are hashed in their text form.
    ///
    /// Returns whether it was replaced.
    pub(crate) fn hash(&self, value: &mut Value) -> bool {
        let Self::Hash(mac) = self else { return false };
        let text = value.to_text();
        if text.is_empty() || is_hash(&text) {
            return false;
        }
        let mut mac = mac.clone();
        mac.update(text.as_bytes());
        let hash = mac.finalize().into_bytes();
        let mut hex = HASH_PREFIX.to_owned();
        for byte in &hash[..HASH_BYTES] {
            for digit in [byte >> 4, byte & 15] {
                hex.extend(char::from_digit(u32::from(digit), 16));
            }
        }
        *value = Value::String(hex);
        true
    }
}

fn is_hash(text: &str) -> bool {
    text.strip_prefix(HASH_PREFIX)
        .is_some_and(|hex| hex.len() == HASH_BYTES * 2 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

impl std::fmt::Debug for IdentityPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Keep => "Keep",
            Self::Hash(_) => "Hash",
            Self::Drop => "Drop",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HashKey;

    fn hashing(key: &str) -> Result<IdentityPolicy, RuleError> {
        IdentityPolicy::new(&RedactConfig {
            identity: Identity::Hash,
            hash_key: Some(HashKey::new(key)),
            ..RedactConfig::default()
        })
    }

    fn hash(policy: &IdentityPolicy, value: impl Into<Value>) -> Value {
        let mut value = value.into();
        policy.hash(&mut value);
        value
    }

    #[test]
    fn the_hash_is_hmac_sha_256_cut_to_its_first_half() {
        // Computed with another program for key "0123456789abcdef" and text "jane@example.org".
        let policy = hashing("0123456789abcdef").unwrap();
        assert_eq!(hash(&policy, "jane@example.org"), Value::from("hmac:1542ec2f22be1b6b0a8683afc8a7160b"));
    }

    #[test]
    fn equal_people_stay_equal_and_a_hash_stays_as_it_is() {
        let policy = hashing("a key of 16 bytes or more").unwrap();
        let once = hash(&policy, 4711_i64);
        assert_eq!(once, hash(&policy, "4711"));
        assert_ne!(once, hash(&policy, "4712"));
        assert_ne!(once, hash(&hashing("another key of 16 bytes").unwrap(), "4711"));
        assert_eq!(hash(&policy, once.as_str().unwrap()), once);
    }

    #[test]
    fn a_key_that_could_be_guessed_is_refused() {
        assert!(matches!(hashing("short"), Err(RuleError::HashKeyTooShort { actual: 5, .. })));
        let config = RedactConfig { identity: Identity::Hash, ..RedactConfig::default() };
        assert!(matches!(IdentityPolicy::new(&config), Err(RuleError::NoHashKey)));
    }
}

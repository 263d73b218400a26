//! One key: what it is for, whose data come with it or are seen with it, from where, until when, and how many.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use bytesize::ByteSize;
use jiff::Timestamp;
use rand::distr::{Alphanumeric, SampleString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::fixed::Fixed;
use crate::network::Network;
use crate::role::Role;
use crate::token::Token;

/// What a key is called in lists, log lines and metrics. It is part of the token and no secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct KeyId(String);

impl KeyId {
    /// How many letters and digits it has: chosen at random, a million keys share one with a probability of 0.002.
    pub(crate) const LENGTH: usize = 8;

    pub(crate) fn generate() -> Self {
        Self(Alphanumeric.sample_string(&mut rand::rng(), Self::LENGTH))
    }

    /// The id as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// So that a map of keys can be asked with what a token says.
impl std::borrow::Borrow<str> for KeyId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for KeyId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.len() == Self::LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            Ok(Self(text))
        } else {
            Err("a key's id is 8 letters and digits")
        }
    }
}

/// The SHA-256 of a secret.
///
/// A slow hash protects what people choose, which can be guessed. A secret here is 256 random bits, which
/// cannot, however fast the hash; and the hash is made for every request.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of a secret.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret).into())
    }
}

/// In constant time: how long it takes does not say how much of a guess was right.
impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretHash {}

/// A hash in a log line is of no use to anybody who may read it.
impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

impl Serialize for SecretHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&hex)
    }
}

impl<'de> Deserialize<'de> for SecretHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The text is not repeated in the error: somebody may have put the secret itself there.
        let wrong = || serde::de::Error::custom("a secret's hash is 64 hex digits");
        let text = String::deserialize(deserializer)?;
        let bytes = text.as_bytes();
        let mut hash = [0; 32];
        if bytes.len() != 64 || !bytes.iter().all(u8::is_ascii_hexdigit) {
            return Err(wrong());
        }
        for (byte, digits) in hash.iter_mut().zip(bytes.chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Self(hash))
    }
}

/// A key as the key file has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// What it is called.
    pub id: KeyId,
    /// What it is for; sending telemetry if nothing is said.
    #[serde(default, skip_serializing_if = "Role::is_default")]
    pub role: Role,
    /// Whose the data are that come with it or are seen with it.
    pub tenant: String,
    /// For sending, the team that the data are counted under, whatever the sender itself says; none takes the
    /// sender's word. For the role `team`, the team whose data are seen. No other role has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// For the role `viewer`, the user whose data are seen, as the tables have it: mostly an e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What it is for, in a person's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The SHA-256 of the token's secret, in hex.
    pub sha256: SecretHash,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it is refused; none is never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// When it was revoked; from the moment that is read, it is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<Timestamp>,
    /// The groups of queries that may be asked; none is all, an empty list no group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<BTreeSet<String>>,
    /// From where it is taken; none is from anywhere. It is the connection's address that counts, so behind a proxy
    /// that is the proxy's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub networks: Option<Vec<Network>>,
    /// Parameters that have these values in whatever is asked.
    #[serde(default, skip_serializing_if = "Fixed::is_empty")]
    pub parameters: Fixed,
    /// The secret before the latest rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
    /// How much may be sent with it.
    #[serde(default, skip_serializing_if = "KeyLimits::are_default")]
    pub limits: KeyLimits,
}

/// A secret that was replaced and is taken for a while longer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Previous {
    /// Its SHA-256, in hex.
    pub sha256: SecretHash,
    /// From when on it is refused.
    pub until: Timestamp,
}

/// How much may be sent with one key. What is not given is as the settings say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyLimits {
    /// Requests a second in the long run; 0 is any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<u32>,
    /// Bytes of bodies a second in the long run, as they come; 0 is any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<ByteSize>,
    /// How many seconds' worth of both may come at once.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "humantime_serde")]
    pub burst: Option<Duration>,
}

impl KeyLimits {
    fn are_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether a key is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// It is.
    Valid,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
}

impl KeyState {
    /// As lists and metrics have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

/// What a new key is to be.
#[derive(Debug, Clone, Default)]
pub struct NewKey {
    /// See [`Key::role`].
    pub role: Role,
    /// See [`Key::tenant`].
    pub tenant: String,
    /// See [`Key::user`].
    pub user: Option<String>,
    /// See [`Key::groups`].
    pub groups: Option<BTreeSet<String>>,
    /// See [`Key::networks`].
    pub networks: Option<Vec<Network>>,
    /// See [`Key::parameters`].
    pub parameters: Fixed,
    /// See [`Key::team`].
    pub team: Option<String>,
    /// See [`Key::name`].
    pub name: Option<String>,
    /// See [`Key::expires`].
    pub expires: Option<Timestamp>,
    /// See [`Key::limits`].
    pub limits: KeyLimits,
}

impl Key {
    /// Makes a key and the token that it takes.
    #[must_use]
    pub fn generate(new: NewKey, now: Timestamp) -> (Self, Token) {
        let id = KeyId::generate();
        let token = Token::generate(&id);
        let NewKey { role, tenant, user, groups, networks, parameters, team, name, expires, limits } = new;
        let sha256 = token.hash();
        let key = Self {
            id,
            role,
            tenant,
            team,
            user,
            name,
            sha256,
            created: now,
            expires,
            revoked: None,
            groups,
            networks,
            parameters,
            previous: None,
            limits,
        };
        (key, token)
    }

    /// Gives the key a new secret; the present one is taken until then.
    #[must_use]
    pub fn rotate(&mut self, present_until: Timestamp) -> Token {
        let token = Token::generate(&self.id);
        let present = std::mem::replace(&mut self.sha256, token.hash());
        self.previous = Some(Previous { sha256: present, until: present_until });
        token
    }

    /// Whether the key is taken at that time.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> KeyState {
        if self.revoked.is_some() {
            KeyState::Revoked
        } else if self.expires.is_some_and(|expires| expires <= now) {
            KeyState::Expired
        } else {
            KeyState::Valid
        }
    }

    /// Whether a secret is the key's, or was until not long ago.
    pub(crate) fn has_secret(&self, hash: SecretHash, now: Timestamp) -> bool {
        let was = |previous: &Previous| previous.sha256 == hash && now < previous.until;
        // Both are always compared.
        (self.sha256 == hash) | self.previous.as_ref().is_some_and(was)
    }

    /// Until when a secret is the key's; none is as long as the key is taken. An error is that it is not.
    pub(crate) fn secret_until(&self, hash: SecretHash, now: Timestamp) -> Result<Option<Timestamp>, ()> {
        if self.sha256 == hash {
            return Ok(None);
        }
        let until = self.previous.as_ref().filter(|previous| previous.sha256 == hash).map(|p| p.until);
        until.filter(|until| now < *until).map(Some).ok_or(())
    }

    /// Whether the key is taken from an address.
    #[must_use]
    pub fn is_taken_from(&self, address: IpAddr) -> bool {
        self.networks.as_ref().is_none_or(|networks| networks.iter().any(|network| network.contains(address)))
    }

    /// What is wrong with it, which would make it mean something else than whoever wrote it thinks.
    pub(crate) fn problem(&self) -> Option<String> {
        let of_key = |problem: String| format!("key {}: {problem}", self.id);
        self.problem_of_texts()
            .or_else(|| self.problem_of_role().map(of_key))
            .or_else(|| self.parameters.problem().map(of_key))
    }

    fn problem_of_role(&self) -> Option<String> {
        let Self { role, user, team, groups, parameters, .. } = self;
        let without = |what: &str| Some(format!("the role {role} needs a {what}"));
        let beside = |what: &str| Some(format!("the role {role} has no {what}"));
        match role {
            Role::Viewer if user.is_none() => without("user"),
            Role::Team if team.is_none() => without("team"),
            Role::Ingest | Role::Team | Role::Analyst | Role::Admin if user.is_some() => beside("user"),
            Role::Viewer | Role::Analyst | Role::Admin if team.is_some() => beside("team"),
            Role::Ingest if groups.is_some() || !parameters.is_empty() => {
                beside("groups and no parameters: it asks nothing")
            }
            Role::Viewer if parameters.values("user").is_some() => {
                Some("its role says the user; it cannot be a fixed parameter, too".to_owned())
            }
            Role::Team if parameters.values("team").is_some() => {
                Some("its role says the team; it cannot be a fixed parameter, too".to_owned())
            }
            _ => None,
        }
    }

    fn problem_of_texts(&self) -> Option<String> {
        let texts = [
            ("tenant", Some(&self.tenant)),
            ("team", self.team.as_ref()),
            ("user", self.user.as_ref()),
            ("name", self.name.as_ref()),
        ];
        texts.into_iter().filter_map(|(what, text)| Some((what, text?))).find_map(|(what, text)| {
            let fits = !text.trim().is_empty() && text.len() <= MAX_NAME_BYTES;
            (!fits || text.chars().any(char::is_control))
                .then(|| format!("the {what} of key {} must be 1 to {MAX_NAME_BYTES} bytes of text", self.id))
        })
    }
}

/// Tenants and teams stand in every row and in metric labels.
const MAX_NAME_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::Presented;

    fn key() -> (Key, Token) {
        Key::generate(NewKey { tenant: "acme".to_owned(), ..NewKey::default() }, at(0))
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn has(key: &Key, token: &Token, second: i64) -> bool {
        key.has_secret(Presented::parse(token.reveal()).unwrap().hash(), at(second))
    }

    #[test]
    fn a_rotated_key_takes_the_old_secret_for_the_time_of_grace_only() {
        let (mut key, old) = key();
        let new = key.rotate(at(100));
        assert!(has(&key, &new, 99) && has(&key, &new, 101));
        assert!(has(&key, &old, 99) && !has(&key, &old, 100));
    }

    #[test]
    fn a_key_is_expired_from_its_time_on_and_revoked_for_good() {
        let (mut key, _) = key();
        key.expires = Some(at(100));
        assert_eq!((key.state(at(99)), key.state(at(100))), (KeyState::Valid, KeyState::Expired));
        key.revoked = Some(at(50));
        assert_eq!(key.state(at(1)), KeyState::Revoked);
    }

    #[test]
    fn a_key_says_what_its_role_needs_and_nothing_that_has_no_meaning_for_it() {
        let new = |role, user: Option<&str>, team: Option<&str>| NewKey {
            tenant: "acme".to_owned(),
            role,
            user: user.map(str::to_owned),
            team: team.map(str::to_owned),
            ..NewKey::default()
        };
        let problem = |new| Key::generate(new, at(0)).0.problem();
        for (role, user, team, fits) in [
            (Role::Ingest, None, None, true),
            (Role::Ingest, None, Some("t"), true),
            (Role::Ingest, Some("u"), None, false),
            (Role::Viewer, Some("u"), None, true),
            (Role::Viewer, None, None, false),
            (Role::Viewer, Some("u"), Some("t"), false),
            (Role::Team, None, Some("t"), true),
            (Role::Team, None, None, false),
            (Role::Analyst, None, None, true),
            (Role::Analyst, None, Some("t"), false),
            (Role::Admin, Some("u"), None, false),
        ] {
            assert_eq!(problem(new(role, user, team)).is_none(), fits, "{role} {user:?} {team:?}");
        }
        let mut twice = new(Role::Viewer, Some("u"), None);
        twice.parameters.add("user", "v");
        assert!(problem(twice).is_some());
        let no_group = NewKey { groups: Some(BTreeSet::new()), ..new(Role::Ingest, None, None) };
        assert!(problem(no_group).is_some());
    }

    #[test]
    fn names_that_are_empty_long_or_not_printable_are_no_names() {
        let (key, _) = key();
        assert_eq!(key.problem(), None);
        for name in [String::new(), " ".to_owned(), "a\nb".to_owned(), "x".repeat(129)] {
            assert!(Key { tenant: name.clone(), ..key.clone() }.problem().is_some());
            assert!(Key { team: Some(name), ..key.clone() }.problem().is_some());
        }
    }
}

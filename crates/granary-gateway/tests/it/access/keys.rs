//! Keys of a test's own.

use std::path::PathBuf;

use granary_access::{Key, KeyFile, KeyFileError, NewKey, Role};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

pub(super) struct Keys(tempfile::TempDir);

impl Keys {
    pub(super) fn none() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn file(&self) -> PathBuf {
        self.path("keys.toml")
    }

    /// What a key of a role needs: the viewer is `user1`, the team `team1`.
    #[expect(clippy::unused_self, reason = "it reads as what it is beside the others")]
    pub(super) fn new_key(&self, role: Role) -> NewKey {
        NewKey {
            role,
            tenant: "default".to_owned(),
            user: (role == Role::Viewer).then(|| "user1@example.com".to_owned()),
            team: (role == Role::Team).then(|| "team1".to_owned()),
            ..NewKey::default()
        }
    }

    /// A key's token.
    pub(super) fn of(&self, role: Role) -> String {
        self.add(self.new_key(role))
    }

    pub(super) fn expired(&self, role: Role) -> String {
        let past = Timestamp::now() - SignedDuration::from_secs(1);
        self.add(NewKey { expires: Some(past), ..self.new_key(role) })
    }

    pub(super) fn add(&self, new: NewKey) -> String {
        let (key, token) = Key::generate(new, Timestamp::now());
        KeyFile::change(&self.file(), |file| {
            file.keys.push(key);
            Ok::<_, KeyFileError>(())
        })
        .unwrap();
        token.reveal().to_owned()
    }

    /// Changes the key that a token is of.
    pub(super) fn change(&self, token: &str, change: impl FnOnce(&mut Key)) {
        KeyFile::change(&self.file(), |file| {
            change(file.keys.iter_mut().find(|key| token.contains(key.id.as_str())).unwrap());
            Ok::<_, KeyFileError>(())
        })
        .unwrap();
    }
}

pub(super) fn basic(user: &str, password: &str) -> String {
    use base64::Engine;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}

/// A JWT, signed with HS256.
pub(super) fn signed(claims: &Value, secret: &[u8]) -> String {
    let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    jsonwebtoken::encode(&header, claims, &jsonwebtoken::EncodingKey::from_secret(secret)).unwrap()
}

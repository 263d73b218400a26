use granary_access::{KeyFile, NewKey, Role, Token};
use http::header::AUTHORIZATION;

use super::*;

struct Ring {
    keys: Keys,
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
        (Self { keys: Keys::open(&config).unwrap(), _dir: dir }, token, config)
    }

    fn who(&self, peer: &str, authorization: Option<&str>) -> Result<String, KeyProblem> {
        let mut headers = HeaderMap::new();
        headers.extend(authorization.map(|value| (AUTHORIZATION, value.parse().unwrap())));
        let now = Timestamp::from_second(100).unwrap();
        self.keys.identify(peer.parse().unwrap(), &headers, now).map(|sender| sender.tenant.to_string())
    }
}

const LOCAL: &str = "127.0.0.1:9";
const MAPPED: &str = "[::ffff:127.0.0.1]:9";
const REMOTE: &str = "192.0.2.1:9";

#[test]
fn without_a_key_file_senders_on_this_machine_are_taken_and_others_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let ring = Ring { keys: Keys::open(&config(&dir)).unwrap(), _dir: dir };
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
        let unknown = Ring::with_a_key().1;
        assert_eq!(ring.who(peer, Some(&format!("Bearer {}", unknown.reveal()))), Err(KeyProblem::Unknown));
    }
}

#[test]
fn a_key_for_asking_sends_nothing() {
    let (_, _, config) = Ring::with_a_key();
    let dir = tempfile::tempdir().unwrap();
    let config = IngestConfig { keys_file: dir.path().join("keys.toml"), ..config };
    let token = add(&config, NewKey { role: Role::Admin, ..acme() });
    let ring = Ring { keys: Keys::open(&config).unwrap(), _dir: dir };
    let problem = ring.who(LOCAL, Some(&format!("Bearer {}", token.reveal()))).unwrap_err();
    assert_eq!(problem, KeyProblem::Role { role: Role::Admin, act: "send telemetry" });
    let refusal = Refusal::Unauthenticated { problem };
    assert_eq!((refusal.status().as_u16(), refusal.code()), (403, tonic::Code::PermissionDenied));
    assert!(!ring.keys.let_somebody_send());
}

#[test]
fn senders_on_this_machine_can_be_let_in_without_a_key_but_not_with_a_wrong_one() {
    let (_, token, config) = Ring::with_a_key();
    let dir = tempfile::tempdir().unwrap();
    let config =
        IngestConfig { keys_file: dir.path().join("keys.toml"), loopback_without_key: true, ..config };
    add(&config, acme());
    let ring = Ring { keys: Keys::open(&config).unwrap(), _dir: dir };
    assert_eq!(ring.who(LOCAL, None), Ok("default".to_owned()));
    assert_eq!(ring.who(REMOTE, None), Err(KeyProblem::Missing));
    let wrong = format!("Bearer {}", token.reveal());
    assert_eq!(ring.who(LOCAL, Some(&wrong)), Err(KeyProblem::Unknown));
}

#[test]
fn what_a_key_has_used_stays_used_when_the_file_changes() {
    let dir = tempfile::tempdir().unwrap();
    let config =
        IngestConfig { key_requests_per_second: 1, key_burst: std::time::Duration::ZERO, ..config(&dir) };
    let token = add(&config, acme());
    let keys = Keys::open(&config).unwrap();
    let headers: HeaderMap =
        std::iter::once((AUTHORIZATION, format!("Bearer {}", token.reveal()).parse().unwrap())).collect();
    let admit =
        || keys.identify(LOCAL.parse().unwrap(), &headers, Timestamp::UNIX_EPOCH).unwrap().take_request();
    assert!(admit().is_ok());
    add(&config, acme());
    keys.reload().unwrap();
    assert!(matches!(admit(), Err(Refusal::RateLimited { of: "requests", .. })));
    assert_eq!(keys.counts(Timestamp::UNIX_EPOCH), KeyCounts { valid: 2, ..KeyCounts::default() });
}

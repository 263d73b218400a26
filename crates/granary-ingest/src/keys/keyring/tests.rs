use super::*;
use crate::keys::key::NewKey;
use crate::keys::token::Token;

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

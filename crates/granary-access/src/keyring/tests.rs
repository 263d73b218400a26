use super::*;
use crate::key::NewKey;
use crate::token::Token;

/// Counts how often a key was read, so that what was made of it before is seen to be handed on.
fn open(path: &Path) -> Keyring<u32> {
    Keyring::open(path, |_, before| before.map_or(1, |before| before + 1)).unwrap()
}

fn add(path: &Path, new: NewKey) -> Token {
    let (key, token) = Key::generate(new, Timestamp::UNIX_EPOCH);
    let added: Result<(), KeyFileError> = KeyFile::change(path, |file| {
        file.keys.push(key);
        Ok(())
    });
    added.unwrap();
    token
}

fn acme() -> NewKey {
    NewKey { tenant: "acme".to_owned(), ..NewKey::default() }
}

fn who(ring: &Keyring<u32>, token: &str, peer: &str) -> Result<String, KeyProblem> {
    let now = Timestamp::from_second(100).unwrap();
    ring.find(token, peer.parse().unwrap(), now).map(|known| known.key.tenant.clone())
}

const PEER: &str = "192.0.2.1";

#[test]
fn a_token_is_of_its_key_and_of_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.toml");
    let token = add(&path, acme());
    let ring = open(&path);
    assert_eq!(who(&ring, token.reveal(), PEER), Ok("acme".to_owned()));
    assert_eq!(who(&ring, "", PEER), Err(KeyProblem::NotAToken));
    assert_eq!(who(&ring, &token.reveal()[..60], PEER), Err(KeyProblem::Mistyped));
    let other = Token::generate(&KeyId::generate());
    assert_eq!(who(&ring, other.reveal(), PEER), Err(KeyProblem::Unknown));
    let id = Presented::parse(token.reveal()).unwrap().id.to_owned();
    let forged = Token::generate(&KeyId::try_from(id).unwrap());
    assert_eq!(who(&ring, forged.reveal(), PEER), Err(KeyProblem::Unknown));
}

#[test]
fn a_key_is_taken_from_its_networks_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.toml");
    let networks = ["10.0.0.0/8", "2001:db8::/32"].map(|network| network.parse().unwrap()).to_vec();
    let token = add(&path, NewKey { networks: Some(networks), ..acme() });
    let nowhere = add(&path, NewKey { networks: Some(Vec::new()), ..acme() });
    let ring = open(&path);
    for (peer, is_taken) in [
        ("10.1.2.3", true),
        ("::ffff:10.1.2.3", true),
        ("2001:db8::1", true),
        ("192.0.2.1", false),
        ("127.0.0.1", false),
    ] {
        let expected = if is_taken { Ok("acme".to_owned()) } else { Err(KeyProblem::Network) };
        assert_eq!(who(&ring, token.reveal(), peer), expected, "{peer}");
        assert_eq!(who(&ring, nowhere.reveal(), peer), Err(KeyProblem::Network), "an empty list is nowhere");
    }
}

#[test]
fn a_key_file_that_is_broken_or_gone_leaves_the_keys_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.toml");
    let token = add(&path, acme());
    let ring = open(&path);
    std::fs::write(&path, "[[key]]\nid = ").unwrap();
    assert!(ring.reload().is_err());
    assert_eq!(who(&ring, token.reveal(), PEER), Ok("acme".to_owned()));
    std::fs::remove_file(&path).unwrap();
    assert!(ring.reload().unwrap_err().to_string().contains("found any more"));
    assert_eq!(who(&ring, token.reveal(), PEER), Ok("acme".to_owned()));
    std::fs::write(&path, "").unwrap();
    ring.reload().unwrap();
    assert_eq!(who(&ring, token.reveal(), PEER), Err(KeyProblem::Unknown));
    assert!(ring.has_file() && !ring.has_keys(), "an empty file lets nobody in");
}

#[test]
fn what_a_door_keeps_beside_a_key_is_handed_on_when_the_file_changes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys.toml");
    let token = add(&path, acme());
    let ring = open(&path);
    add(&path, acme());
    ring.reload().unwrap();
    let known = ring.find(token.reveal(), PEER.parse().unwrap(), Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(known.beside, 2);
    assert_eq!(ring.counts(Timestamp::UNIX_EPOCH), KeyCounts { valid: 2, ..KeyCounts::default() });
}

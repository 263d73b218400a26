use std::pin::Pin;

use jiff::SignedDuration;

use super::*;
use crate::file::KeyFile;
use crate::key::{Key, NewKey};
use crate::role::Role;
use crate::token::Token;

struct Fixture {
    gate: Gate,
    dir: tempfile::TempDir,
}

fn keys_file(dir: &tempfile::TempDir) -> PathBuf {
    dir.path().join("keys.toml")
}

fn add(dir: &tempfile::TempDir, new: NewKey) -> Token {
    let (key, token) = Key::generate(NewKey { tenant: "acme".to_owned(), ..new }, Timestamp::UNIX_EPOCH);
    KeyFile::change(&keys_file(dir), |file| {
        file.keys.push(key);
        Ok::<_, KeyFileError>(())
    })
    .unwrap();
    token
}

fn new(role: Role) -> NewKey {
    let user = (role == Role::Viewer).then(|| "user@example.com".to_owned());
    let team = (role == Role::Team).then(|| "platform".to_owned());
    NewKey { role, user, team, ..NewKey::default() }
}

fn open(dir: tempfile::TempDir, configure: impl FnOnce(&mut GateConfig)) -> Fixture {
    let mut config = GateConfig { keys_file: keys_file(&dir), ..GateConfig::default() };
    configure(&mut config);
    Fixture { gate: Gate::open(&config, &mut Watch::default()).unwrap(), dir }
}

impl Fixture {
    async fn who(&self, peer: &str, host: Option<&str>, token: Option<&str>) -> Result<Admitted, Refused> {
        let now = Timestamp::now();
        self.gate.identify(peer.parse().ok(), host, Ok(token.map(Credential::new)), now).await
    }

    async fn pass(&self, token: &Token) -> Result<Pass, Refused> {
        match self.who(REMOTE, Some("granary.example"), Some(token.reveal())).await? {
            Admitted::Granted(pass) => Ok(pass),
            Admitted::Local => panic!("without a key"),
        }
    }

    async fn granted(&self, token: &Token) -> Result<Grant, Refused> {
        self.pass(token).await.map(|pass| pass.grant().clone())
    }

    /// Changes the one key that there is, and has it read again.
    fn change(&self, change: impl FnOnce(&mut Key)) {
        KeyFile::change(&keys_file(&self.dir), |file| {
            change(&mut file.keys[0]);
            Ok::<_, KeyFileError>(())
        })
        .unwrap();
        self.gate.keys.reload().unwrap();
    }
}

const LOCAL: &str = "127.0.0.1";
const MAPPED: &str = "::ffff:127.0.0.1";
const REMOTE: &str = "192.0.2.1";

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn without_a_key_file_those_on_this_machine_are_let_in_by_its_names_and_others_are_not() {
    let fixture = open(dir(), |config| config.hosts = vec!["granary.example".to_owned()]);
    for peer in [LOCAL, MAPPED, "::1"] {
        for host in [None, Some("localhost:8080"), Some("[::1]:1"), Some("granary.example")] {
            assert_eq!(fixture.who(peer, host, None).await, Ok(Admitted::Local), "{peer} {host:?}");
        }
        let rebound = fixture.who(peer, Some("attacker.example:8080"), None).await;
        assert_eq!(rebound, Err(Refused::ForeignHost));
        assert_eq!(fixture.who(peer, Some("localhost"), Some("grn_x")).await, Ok(Admitted::Local));
    }
    let missing = Err(Refused::Key(KeyProblem::Missing));
    assert_eq!(fixture.who(REMOTE, Some("localhost"), None).await, missing);
    assert!(!fixture.gate.asks() && !fixture.gate.knows_somebody());
}

#[tokio::test]
async fn with_a_key_file_everybody_needs_a_key_and_a_key_is_taken_by_any_name() {
    let dir = dir();
    let token = add(&dir, new(Role::Analyst));
    let fixture = open(dir, |_| {});
    for peer in [LOCAL, REMOTE, "in this process"] {
        let missing = Err(Refused::Key(KeyProblem::Missing));
        assert_eq!(fixture.who(peer, Some("localhost"), None).await, missing, "{peer}");
        let admitted = fixture.who(peer, Some("granary.example"), Some(token.reveal())).await.unwrap();
        assert!(matches!(admitted, Admitted::Granted(pass) if pass.grant().tenant.as_str() == "acme"));
        let other = Token::generate(&crate::key::KeyId::try_from("Ab3dEf7h".to_owned()).unwrap());
        let unknown = Err(Refused::Key(KeyProblem::Unknown));
        assert_eq!(fixture.who(peer, None, Some(other.reveal())).await, unknown);
        let no_token = Err(Refused::Key(KeyProblem::NotAToken));
        assert_eq!(fixture.who(peer, None, Some("eyJ.eyJ.x")).await, no_token, "no JWT is configured");
    }
    std::fs::write(keys_file(&fixture.dir), "").unwrap();
    fixture.gate.keys.reload().unwrap();
    let missing = Err(Refused::Key(KeyProblem::Missing));
    assert_eq!(fixture.who(LOCAL, Some("localhost"), None).await, missing, "an empty file lets nobody in");
}

#[tokio::test]
async fn those_on_this_machine_can_be_let_in_without_a_key_but_not_with_a_wrong_one_or_by_another_name() {
    let dir = dir();
    add(&dir, new(Role::Admin));
    let fixture = open(dir, |config| config.loopback_without_key = true);
    assert_eq!(fixture.who(LOCAL, Some("localhost"), None).await, Ok(Admitted::Local));
    assert_eq!(fixture.who(LOCAL, Some("attacker.example"), None).await, Err(Refused::ForeignHost));
    let wrong = Err(Refused::Key(KeyProblem::NotAToken));
    assert_eq!(fixture.who(LOCAL, Some("localhost"), Some("x")).await, wrong);
    let missing = Err(Refused::Key(KeyProblem::Missing));
    assert_eq!(fixture.who(REMOTE, Some("localhost"), None).await, missing);
}

#[tokio::test]
async fn a_key_grants_what_its_role_says() {
    let dir = dir();
    let tokens = Role::ALL.map(|role| (role, add(&dir, new(role))));
    let limited = NewKey { groups: Some(["cost".to_owned()].into()), ..new(Role::Analyst) };
    let limited = add(&dir, limited);
    let fixture = open(dir, |_| {});
    for (role, token) in tokens {
        let granted = fixture.granted(&token).await;
        if role == Role::Ingest {
            let refused = granted.unwrap_err();
            assert_eq!(refused, Refused::Key(KeyProblem::Role { role, act: "ask" }));
            assert!(!refused.wants_credential());
            continue;
        }
        let grant = granted.unwrap();
        let filters: Vec<_> = grant.fixed.iter().map(|(name, values)| (name, values.join(","))).collect();
        let expected = match role {
            Role::Viewer => vec![("user", "user@example.com".to_owned())],
            Role::Team => vec![("team", "platform".to_owned())],
            _ => Vec::new(),
        };
        assert_eq!((grant.role, filters), (role, expected));
        assert!(grant.may("cost") && grant.may("security"));
    }
    let grant = fixture.granted(&limited).await.unwrap();
    assert!(grant.may("cost") && !grant.may("security"));
}

#[tokio::test]
async fn a_key_that_is_expired_revoked_or_for_another_network_is_told_apart() {
    let dir = dir();
    let past = Timestamp::now() - SignedDuration::from_secs(1);
    let expired = add(&dir, NewKey { expires: Some(past), ..new(Role::Analyst) });
    let elsewhere = vec!["10.0.0.0/8".parse().unwrap()];
    let elsewhere = add(&dir, NewKey { networks: Some(elsewhere), ..new(Role::Analyst) });
    let fixture = open(dir, |_| {});
    let refused = fixture.granted(&expired).await.unwrap_err();
    assert_eq!((refused.wants_credential(), refused), (true, Refused::Key(KeyProblem::Expired)));
    let refused = fixture.granted(&elsewhere).await.unwrap_err();
    assert_eq!((refused.wants_credential(), refused), (false, Refused::Key(KeyProblem::Network)));
}

#[tokio::test]
async fn a_host_that_shows_too_much_that_is_wrong_is_told_to_wait_and_a_good_key_is_still_taken() {
    let dir = dir();
    let token = add(&dir, new(Role::Analyst));
    let fixture = open(dir, |_| {});
    let mut told = Vec::new();
    for _ in 0..40 {
        told.push(fixture.who(REMOTE, None, Some("grn_wrong")).await.unwrap_err());
    }
    assert_eq!(told[0], Refused::Key(KeyProblem::Mistyped));
    assert!(matches!(told[39], Refused::TooManyFailures { .. }), "{:?}", told[39]);
    assert!(fixture.granted(&token).await.is_ok());
    let another = fixture.who("192.0.2.2", None, Some("grn_wrong")).await;
    assert_eq!(another, Err(Refused::Key(KeyProblem::Mistyped)));
}

#[tokio::test]
async fn whoever_was_let_in_hears_when_the_key_is_not_taken_any_more_and_why() {
    type Change = fn(&mut Key);
    let cases: [(Change, &str); 6] = [
        (|key| key.revoked = Some(Timestamp::now()), "key_revoked"),
        (|key| key.expires = Some(Timestamp::UNIX_EPOCH), "key_expired"),
        (|key| drop(key.rotate(Timestamp::UNIX_EPOCH)), "key_unknown"),
        (|key| key.networks = Some(vec!["10.0.0.0/8".parse().unwrap()]), "key_network"),
        (|key| key.groups = Some(["cost".to_owned()].into()), "key_changed"),
        (|key| key.tenant = "other".to_owned(), "key_changed"),
    ];
    for (change, name) in cases {
        let dir = dir();
        let token = add(&dir, new(Role::Analyst));
        let fixture = open(dir, |_| {});
        let pass = fixture.pass(&token).await.unwrap();
        let mut ended = std::pin::pin!(fixture.gate.ended(&pass));
        assert!(goes_on(ended.as_mut()).await, "{name}");
        fixture.change(|key| key.name = Some("another name is the same key".to_owned()));
        assert!(goes_on(ended.as_mut()).await, "{name}");
        fixture.change(change);
        assert_eq!(ended.await.name(), name);
    }
    let dir = dir();
    let token = add(&dir, new(Role::Analyst));
    let fixture = open(dir, |_| {});
    let pass = fixture.pass(&token).await.unwrap();
    std::fs::write(keys_file(&fixture.dir), "").unwrap();
    fixture.gate.keys.reload().unwrap();
    assert_eq!(fixture.gate.ended(&pass).await, PassEnded::Key(KeyProblem::Unknown), "it is gone");
}

#[tokio::test]
async fn whoever_was_let_in_hears_when_the_time_of_a_key_or_token_is_over() {
    let soon = || Timestamp::now() + SignedDuration::from_millis(30);
    for (change, name) in [
        (Box::new(|key: &mut Key| key.expires = Some(soon())) as Box<dyn FnOnce(&mut Key)>, "key_expired"),
        (Box::new(|key: &mut Key| drop(key.rotate(soon()))), "key_unknown"),
    ] {
        let dir = dir();
        let token = add(&dir, new(Role::Analyst));
        let fixture = open(dir, |_| {});
        let pass = fixture.pass(&token).await.unwrap();
        fixture.change(change);
        assert_eq!(fixture.gate.ended(&pass).await.name(), name);
    }
    let fixture = open(dir(), |_| {});
    let pass = Pass::until(grant(), soon());
    assert_eq!(fixture.gate.ended(&pass).await, PassEnded::Expired);
}

/// Whether nothing is said yet.
async fn goes_on(ended: Pin<&mut impl Future<Output = PassEnded>>) -> bool {
    tokio::select! {
        biased;
        _ = ended => false,
        () = std::future::ready(()) => true,
    }
}

fn grant() -> Grant {
    let (key, _) =
        Key::generate(NewKey { tenant: "acme".to_owned(), ..new(Role::Analyst) }, Timestamp::UNIX_EPOCH);
    Grant::of_key(&key)
}

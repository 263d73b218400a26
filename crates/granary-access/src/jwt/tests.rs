use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{EncodingKey, Header};
use rcgen::KeyPair;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn seconds(from_now: i64) -> i64 {
    Timestamp::now().as_second() + from_now
}

fn claims() -> Map<String, Value> {
    let claims = json!({
        "sub": "someone", "iss": "https://issuer.example", "aud": ["other", "granary"], "exp": seconds(600),
        "tenant": "acme", "role": "viewer", "email": "user@example.com",
    });
    claims.as_object().unwrap().clone()
}

fn with(name: &str, value: Value) -> Map<String, Value> {
    let mut claims = claims();
    claims.insert(name.to_owned(), value);
    claims
}

fn without(name: &str) -> Map<String, Value> {
    let mut claims = claims();
    claims.remove(name);
    claims
}

fn sign(algorithm: Algorithm, kid: Option<&str>, claims: &Map<String, Value>, key: &EncodingKey) -> String {
    let header = Header { kid: kid.map(str::to_owned), ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, claims, key).unwrap()
}

fn hs256(claims: &Map<String, Value>) -> String {
    sign(Algorithm::HS256, None, claims, &EncodingKey::from_secret(SECRET.as_bytes()))
}

fn config() -> JwtConfig {
    JwtConfig {
        issuer: "https://issuer.example".to_owned(),
        audience: "granary".to_owned(),
        ..JwtConfig::default()
    }
}

fn open(config: &JwtConfig) -> Arc<Jwt> {
    Jwt::open(config, &mut Watch::default()).unwrap().unwrap()
}

fn with_secret(dir: &tempfile::TempDir) -> Arc<Jwt> {
    let secret_file = dir.path().join("secret");
    std::fs::write(&secret_file, format!("{SECRET}\n")).unwrap();
    open(&JwtConfig { algorithm: JwtAlgorithm::Hs256, secret_file: Some(secret_file), ..config() })
}

/// A provider's key: its private half, and its public one as a member of a set.
struct ProviderKey {
    encoding: EncodingKey,
    public: Value,
    algorithm: Algorithm,
    kid: &'static str,
}

impl ProviderKey {
    fn new(algorithm: Algorithm, kid: &'static str) -> Self {
        let encoding = match algorithm {
            Algorithm::ES256 => EncodingKey::from_ec_der(KeyPair::generate().unwrap().serialized_der()),
            _ => {
                let pair = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
                EncodingKey::from_rsa_der(&pkcs1(pair.serialized_der()))
            }
        };
        let mut jwk = Jwk::from_encoding_key(&encoding, algorithm).unwrap();
        jwk.common.key_id = Some(kid.to_owned());
        Self { encoding, public: serde_json::to_value(jwk).unwrap(), algorithm, kid }
    }

    fn sign(&self, claims: &Map<String, Value>) -> String {
        sign(self.algorithm, Some(self.kid), claims, &self.encoding)
    }
}

/// The RSA key within its envelope (PKCS #8): the last octet string, which goes on to the end.
fn pkcs1(pkcs8: &[u8]) -> Vec<u8> {
    let at = pkcs8.windows(2).position(|two| two == [0x04, 0x82]).unwrap();
    pkcs8[at + 4..].to_vec()
}

fn set_of(keys: &[&ProviderKey]) -> String {
    let keys: Vec<_> = keys.iter().map(|key| &key.public).collect();
    json!({ "keys": keys }).to_string()
}

#[tokio::test]
async fn a_good_token_grants_what_its_claims_say() {
    let dir = tempfile::tempdir().unwrap();
    let jwt = with_secret(&dir);
    let mut claims = with("query_groups", json!(["cost", "usage"]));
    claims.insert("parameters".to_owned(), json!({ "project": ["a", "b"], "model": "m" }));
    let (grant, until) = jwt.check(&hs256(&claims)).await.unwrap();
    assert_eq!(Value::from(until.as_second()), claims["exp"]);
    assert_eq!(grant.holder.to_string(), "subject someone");
    assert_eq!((grant.tenant.as_str(), grant.role), ("acme", Role::Viewer));
    assert!(grant.may("cost") && !grant.may("security"));
    let fixed: Vec<_> =
        grant.fixed.iter().map(|(name, values)| format!("{name}={}", values.join("+"))).collect();
    assert_eq!(fixed, ["model=m", "project=a+b", "user=user@example.com"]);
    let mut analyst = with("role", json!("analyst"));
    analyst.remove("email");
    assert!(jwt.check(&hs256(&analyst)).await.unwrap().0.fixed.is_empty());
}

#[tokio::test]
async fn each_claim_that_is_missing_or_wrong_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let jwt = with_secret(&dir);
    for (claims, says) in [
        (without("exp"), "no claim exp"),
        (with("exp", json!(seconds(-31))), "has expired"),
        (with("nbf", json!(seconds(40))), "does not hold yet"),
        (without("iss"), "no claim iss"),
        (with("iss", json!("https://other.example")), "another issuer"),
        (without("aud"), "no claim aud"),
        (with("aud", json!("other")), "another audience"),
        (with("aud", json!([])), "another audience"),
        (without("sub"), "no claim sub"),
        (with("sub", json!(7)), "claim sub"),
        (with("sub", json!("")), "claim sub is not a text"),
        (without("tenant"), "no claim tenant"),
        (with("tenant", json!("")), "claim tenant is not a text"),
        (with("tenant", json!(["acme"])), "claim tenant is not a text"),
        (without("role"), "no claim role"),
        (with("role", json!("root")), "claim role is not one of viewer"),
        (with("role", json!("ingest")), "role ingest, which may not ask"),
        (without("email"), "no claim email"),
        (with("email", json!("a\nb")), "claim email is not a text"),
        (with("role", json!("team")), "no claim team"),
        (with("query_groups", json!("cost")), "claim query_groups is not a list"),
        (with("query_groups", Value::Null), "claim query_groups is not a list"),
        (with("parameters", json!({ "user": "other" })), "claim parameters is not without user"),
        (with("parameters", json!({ "project": [] })), "claim parameters is not an object"),
        (with("parameters", json!({ "tenant": "other" })), "claim parameters is not an object"),
        (with("parameters", json!([])), "claim parameters is not an object"),
    ] {
        let problem = jwt.check(&hs256(&claims)).await.unwrap_err().to_string();
        assert!(problem.contains(says), "{says:?} is not in {problem:?}");
    }
    let (_, until) =
        jwt.check(&hs256(&with("nbf", json!(seconds(25))))).await.expect("clocks may differ a little");
    assert!(until > Timestamp::now());
    let expired = with("exp", json!(seconds(-25)));
    let (_, until) = jwt.check(&hs256(&expired)).await.expect("and so for the end");
    assert_eq!(Value::from(until.as_second() - 30), expired["exp"], "until it would not be taken any more");
}

#[tokio::test]
async fn only_the_configured_algorithm_is_taken_whatever_a_token_says() {
    let dir = tempfile::tempdir().unwrap();
    let jwt = with_secret(&dir);
    let expected = JwtProblem::Algorithm { expected: JwtAlgorithm::Hs256 };
    let secret = EncodingKey::from_secret(SECRET.as_bytes());
    let hs512 = sign(Algorithm::HS512, None, &claims(), &secret);
    assert_eq!(jwt.check(&hs512).await, Err(expected.clone()));
    let [_, payload, signature] =
        hs256(&claims()).split('.').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap();
    let encoded = |text: &str| {
        use base64::Engine;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
    };
    for none in [r#"{"alg":"none"}"#, r#"{"alg":"None","typ":"JWT"}"#, r#"{"typ":"JWT"}"#] {
        for signature in ["", &signature] {
            let token = format!("{}.{payload}.{signature}", encoded(none));
            assert_eq!(jwt.check(&token).await, Err(expected.clone()), "{none}");
        }
    }
    assert_eq!(jwt.check("a.b").await, Err(JwtProblem::Malformed));
    assert_eq!(jwt.check(&"a.".repeat(MAX_TOKEN_BYTES)).await, Err(JwtProblem::Malformed));
    let forged = sign(Algorithm::HS256, None, &claims(), &EncodingKey::from_secret(&[b'x'; 32]));
    assert_eq!(jwt.check(&forged).await, Err(JwtProblem::Signature));
}

#[tokio::test]
async fn a_public_key_is_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let key = ProviderKey::new(Algorithm::RS256, "one");
    let path = dir.path().join("jwks.json");
    std::fs::write(&path, set_of(&[&key])).unwrap();
    let jwt = open(&JwtConfig { jwks: Some(path.display().to_string()), ..config() });
    // Whoever knows the public key signs with it as if it were a secret.
    let modulus = key.public["n"].as_str().unwrap();
    for secret in [set_of(&[&key]), modulus.to_owned()] {
        let confused =
            sign(Algorithm::HS256, Some("one"), &claims(), &EncodingKey::from_secret(secret.as_bytes()));
        let expected = JwtProblem::Algorithm { expected: JwtAlgorithm::Rs256 };
        assert_eq!(jwt.check(&confused).await, Err(expected));
    }
    assert!(jwt.check(&key.sign(&claims())).await.is_ok());
}

#[tokio::test]
async fn tokens_are_checked_with_the_key_of_their_id() {
    let dir = tempfile::tempdir().unwrap();
    for (algorithm, configured) in
        [(Algorithm::RS256, JwtAlgorithm::Rs256), (Algorithm::ES256, JwtAlgorithm::Es256)]
    {
        let (one, two) = (ProviderKey::new(algorithm, "one"), ProviderKey::new(algorithm, "two"));
        let path = dir.path().join("jwks.json");
        std::fs::write(&path, set_of(&[&one, &two])).unwrap();
        let jwt =
            open(&JwtConfig { algorithm: configured, jwks: Some(path.display().to_string()), ..config() });
        for key in [&one, &two] {
            assert_eq!(jwt.check(&key.sign(&claims())).await.unwrap().0.tenant.as_str(), "acme");
        }
        let swapped = ProviderKey { kid: "two", ..one };
        assert_eq!(jwt.check(&swapped.sign(&claims())).await, Err(JwtProblem::Signature));
        let nameless = sign(algorithm, None, &claims(), &two.encoding);
        assert_eq!(jwt.check(&nameless).await, Err(JwtProblem::UnknownKey), "which of two?");
        std::fs::write(&path, set_of(&[&two])).unwrap();
        jwt.reload().unwrap();
        assert!(jwt.check(&nameless).await.is_ok(), "there is only one");
        std::fs::write(&path, "{").unwrap();
        assert!(jwt.reload().is_err());
        assert!(jwt.check(&two.sign(&claims())).await.is_ok(), "the last good set stays in force");
    }
}

/// An identity provider: answers as told and counts who asks.
struct Provider {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    answer: Arc<RwLock<(u16, String)>>,
}

impl Provider {
    async fn start(set: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, answer) = (Arc::new(AtomicUsize::new(0)), Arc::new(RwLock::new((200, set))));
        let (count, says) = (Arc::clone(&asked), Arc::clone(&answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 1024];
                drop(stream.read(&mut request).await);
                count.fetch_add(1, Ordering::Relaxed);
                let (status, body) = says.read().unwrap().clone();
                let head = format!(
                    "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                    body.len()
                );
                drop(stream.write_all((head + &body).as_bytes()).await);
            }
        });
        Self { address, asked, answer }
    }

    fn jwt(&self) -> Arc<Jwt> {
        let jwks = Some(format!("http://{}/jwks", self.address));
        open(&JwtConfig { algorithm: JwtAlgorithm::Es256, jwks, ..config() })
    }

    fn answer(&self, status: u16, body: String) {
        *self.answer.write().unwrap() = (status, body);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

/// Goes on in time without waiting.
async fn later(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn an_address_is_asked_for_a_key_that_is_not_known_but_not_for_every_made_up_one() {
    let [one, two] = ["one", "two"].map(|kid| ProviderKey::new(Algorithm::ES256, kid));
    let provider = Provider::start(set_of(&[&one])).await;
    let jwt = provider.jwt();
    assert_eq!(provider.asked(), 0);
    for _ in 0..3 {
        assert!(jwt.check(&one.sign(&claims())).await.is_ok());
        assert_eq!(jwt.check(&two.sign(&claims())).await, Err(JwtProblem::UnknownKey));
    }
    assert_eq!(provider.asked(), 1);
    provider.answer(200, set_of(&[&one, &two]));
    later(31).await;
    assert!(jwt.check(&two.sign(&claims())).await.is_ok(), "the provider has a new key");
    assert!(jwt.check(&one.sign(&claims())).await.is_ok());
    assert_eq!(provider.asked(), 2);
}

#[tokio::test]
async fn the_last_good_keys_stay_in_force_when_the_address_fails() {
    let [one, two] = ["one", "two"].map(|kid| ProviderKey::new(Algorithm::ES256, kid));
    let provider = Provider::start("no keys".to_owned()).await;
    let jwt = provider.jwt();
    assert_eq!(jwt.check(&one.sign(&claims())).await, Err(JwtProblem::Unavailable));
    provider.answer(200, set_of(&[&one]));
    later(31).await;
    assert!(jwt.check(&one.sign(&claims())).await.is_ok());
    let too_large = format!("{}{}", " ".repeat(300 * 1024), set_of(&[&two]));
    let redirected = String::new();
    for (status, body) in [(500, set_of(&[&two])), (200, "{".to_owned()), (200, too_large), (302, redirected)]
    {
        provider.answer(status, body);
        later(31).await;
        let before = provider.asked();
        assert_eq!(jwt.check(&two.sign(&claims())).await, Err(JwtProblem::UnknownKey));
        assert_eq!(provider.asked(), before + 1);
        assert!(jwt.check(&one.sign(&claims())).await.is_ok(), "{status}");
    }
}

#[tokio::test]
async fn a_key_that_the_provider_has_withdrawn_is_not_taken_for_ever() {
    let [one, two] = ["one", "two"].map(|kid| ProviderKey::new(Algorithm::ES256, kid));
    let provider = Provider::start(set_of(&[&one])).await;
    let jwt = provider.jwt();
    let token = one.sign(&with("exp", json!(seconds(10_000_000))));
    assert!(jwt.check(&token).await.is_ok());
    provider.answer(200, set_of(&[&two]));
    later(3601).await;
    // This one is still taken, and has the keys fetched beside it.
    assert!(jwt.check(&token).await.is_ok());
    let KeySource::Set(set) = &jwt.keys else { panic!("there is a set") };
    while set.current().unwrap().find(Some("one")).is_some() {
        tokio::task::yield_now().await;
    }
    assert_eq!(jwt.check(&token).await, Err(JwtProblem::UnknownKey));
}

#[test]
fn settings_that_would_take_too_much_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let short = dir.path().join("short");
    std::fs::write(&short, "short\n").unwrap();
    let secret = |path: &std::path::Path| JwtConfig {
        algorithm: JwtAlgorithm::Hs256,
        secret_file: Some(path.to_owned()),
        ..config()
    };
    let set = |place: &str| JwtConfig { jwks: Some(place.to_owned()), ..config() };
    for (config, says) in [
        (secret(&short), "shorter than 32 bytes"),
        (secret(&dir.path().join("none")), "cannot be read"),
        (JwtConfig { algorithm: JwtAlgorithm::Rs256, ..secret(&short) }, "HS256"),
        (JwtConfig { algorithm: JwtAlgorithm::Hs256, ..set("keys.json") }, "goes with secret_file"),
        (JwtConfig { jwks: Some("x".to_owned()), ..secret(&short) }, "both set"),
        (config(), "need secret_file or jwks"),
        (JwtConfig { issuer: String::new(), ..set("x") }, "issuer and audience are needed"),
        (JwtConfig { audience: String::new(), ..set("x") }, "issuer and audience are needed"),
        (set("http://issuer.example/jwks"), "use https"),
        (set("ftp://127.0.0.1/jwks"), "use https"),
        (set(&short.display().to_string()), "cannot be used"),
    ] {
        let error = Jwt::open(&config, &mut Watch::default()).unwrap_err().to_string();
        assert!(error.contains(says), "{says:?} is not in {error:?}");
    }
    assert!(Jwt::open(&JwtConfig::default(), &mut Watch::default()).unwrap().is_none());
}

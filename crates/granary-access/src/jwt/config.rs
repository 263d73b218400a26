//! Which tokens are taken, and where in them stands what.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::JwtProblem;

/// A shorter secret can be guessed by whoever has one token, without asking here.
const MIN_SECRET_BYTES: usize = 32;

/// The settings of JWTs. Without `secret_file` and `jwks` none is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JwtConfig {
    /// The one algorithm that is taken, whatever a token says: `HS256`, `RS256` (the default) or `ES256`.
    pub algorithm: JwtAlgorithm,
    /// The file with the secret of `HS256`: at least 32 bytes; a line's end behind them does not belong to it. Read
    /// again within a second of a change.
    pub secret_file: Option<PathBuf>,
    /// The identity provider's keys (a JWK set) for `RS256` and `ES256`: an `https://` address, `http://` on the loopback
    /// only, or a file. An address is asked when a token comes whose key is not known, at most every 30 seconds, and
    /// once an hour; when it fails, the last keys stay in force. A file is read again within a second of a change.
    pub jwks: Option<String>,
    /// What `iss` must be. Needed.
    pub issuer: String,
    /// What `aud` must be, or hold. Needed.
    pub audience: String,
    /// By how much the clocks may differ for `exp` and `nbf`. Default `30s`.
    #[serde(with = "humantime_serde")]
    pub leeway: Duration,
    /// The claim with the tenant; every token needs it. Default `tenant`.
    pub tenant_claim: String,
    /// The claim with the role; every token needs it. Default `role`.
    pub role_claim: String,
    /// The claim with the user, for the role `viewer`. Default `email`.
    pub user_claim: String,
    /// The claim with the team, for the role `team`. Default `team`.
    pub team_claim: String,
    /// The claim with a list of the groups of queries that may be asked; a token without it may ask all. Default
    /// `query_groups`.
    pub groups_claim: String,
    /// The claim with an object of parameters that have these values in whatever is asked. Default `parameters`.
    pub parameters_claim: String,
}

impl Default for JwtConfig {
    fn default() -> Self {
        Self {
            algorithm: JwtAlgorithm::default(),
            secret_file: None,
            jwks: None,
            issuer: String::new(),
            audience: String::new(),
            leeway: Duration::from_secs(30),
            tenant_claim: "tenant".to_owned(),
            role_claim: "role".to_owned(),
            user_claim: "email".to_owned(),
            team_claim: "team".to_owned(),
            groups_claim: "query_groups".to_owned(),
            parameters_claim: "parameters".to_owned(),
        }
    }
}

/// How tokens are signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum JwtAlgorithm {
    /// HMAC with a shared secret.
    #[serde(rename = "HS256")]
    Hs256,
    /// RSA, PKCS #1 v1.5.
    #[default]
    #[serde(rename = "RS256")]
    Rs256,
    /// ECDSA on P-256.
    #[serde(rename = "ES256")]
    Es256,
}

impl fmt::Display for JwtAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hs256 => "HS256",
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
        })
    }
}

impl From<JwtAlgorithm> for Algorithm {
    fn from(algorithm: JwtAlgorithm) -> Self {
        match algorithm {
            JwtAlgorithm::Hs256 => Self::HS256,
            JwtAlgorithm::Rs256 => Self::RS256,
            JwtAlgorithm::Es256 => Self::ES256,
        }
    }
}

/// JWTs cannot be checked with what is configured.
#[derive(Debug, thiserror::Error)]
pub enum JwtError {
    /// Settings are missing, or do not go together.
    #[error("gateway.jwt: {0}")]
    Settings(String),
    /// A file cannot be read.
    #[error("gateway.jwt: {} cannot be read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// What the keys' place holds are no keys.
    #[error("gateway.jwt: the keys of {of} cannot be used: {reason}")]
    Keys {
        /// The file or address.
        of: String,
        /// What is wrong.
        reason: String,
    },
}

/// The settings, in order.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) algorithm: JwtAlgorithm,
    pub(super) keys: Keys,
    pub(super) issuer: String,
    pub(super) audience: String,
    pub(super) leeway: Duration,
    pub(super) claims: ClaimNames,
}

/// Where keys come from.
#[derive(Debug)]
pub(super) enum Keys {
    Secret(PathBuf),
    SetFile(PathBuf),
    SetAddress(Url),
}

/// What the claims are called.
#[derive(Debug)]
pub(super) struct ClaimNames {
    pub(super) tenant: String,
    pub(super) role: String,
    pub(super) user: String,
    pub(super) team: String,
    pub(super) groups: String,
    pub(super) parameters: String,
}

impl JwtConfig {
    /// Whether the settings go together; nothing where no token is to be taken.
    pub(super) fn check(&self) -> Result<Option<Settings>, JwtError> {
        let wrong = |problem: &str| JwtError::Settings(problem.to_owned());
        let keys = match (&self.secret_file, &self.jwks, self.algorithm) {
            (None, None, _) if self.issuer.is_empty() && self.audience.is_empty() => return Ok(None),
            (None, None, _) => return Err(wrong("issuer and audience need secret_file or jwks beside them")),
            (Some(_), Some(_), _) => return Err(wrong("secret_file and jwks are both set; one is needed")),
            (Some(path), None, JwtAlgorithm::Hs256) => Keys::Secret(path.clone()),
            (Some(_), None, _) => return Err(wrong("secret_file goes with algorithm = \"HS256\"")),
            (None, Some(_), JwtAlgorithm::Hs256) => {
                return Err(wrong("algorithm = \"HS256\" goes with secret_file and not with jwks"));
            }
            (None, Some(place), _) => place_of_set(place)?,
        };
        if self.issuer.is_empty() || self.audience.is_empty() {
            return Err(wrong(
                "issuer and audience are needed: tokens for others would be taken without them",
            ));
        }
        let claims = ClaimNames {
            tenant: self.tenant_claim.clone(),
            role: self.role_claim.clone(),
            user: self.user_claim.clone(),
            team: self.team_claim.clone(),
            groups: self.groups_claim.clone(),
            parameters: self.parameters_claim.clone(),
        };
        Ok(Some(Settings {
            algorithm: self.algorithm,
            keys,
            issuer: self.issuer.clone(),
            audience: self.audience.clone(),
            leeway: self.leeway,
            claims,
        }))
    }
}

fn place_of_set(place: &str) -> Result<Keys, JwtError> {
    let Some((scheme, _)) = place.split_once("://") else { return Ok(Keys::SetFile(place.into())) };
    let wrong = |problem: &str| JwtError::Settings(format!("jwks = {place:?}: {problem}"));
    let address = Url::parse(place).map_err(|error| wrong(&error.to_string()))?;
    let is_loopback = match address.host() {
        Some(Host::Ipv4(host)) => host.is_loopback(),
        Some(Host::Ipv6(host)) => host.is_loopback(),
        Some(Host::Domain(host)) => host == "localhost",
        None => false,
    };
    match scheme {
        "https" => Ok(Keys::SetAddress(address)),
        "http" if is_loopback => Ok(Keys::SetAddress(address)),
        _ => Err(wrong("use https: whoever is on the way could put other keys there")),
    }
}

/// Reads the secret of `HS256`.
pub(super) fn read_secret(path: &Path) -> Result<DecodingKey, JwtError> {
    let bytes = std::fs::read(path).map_err(|source| JwtError::Io { path: path.to_owned(), source })?;
    let secret = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let secret = secret.strip_suffix(b"\r").unwrap_or(secret);
    if secret.len() < MIN_SECRET_BYTES {
        let reason = format!("the secret is shorter than {MIN_SECRET_BYTES} bytes");
        return Err(JwtError::Keys { of: path.display().to_string(), reason });
    }
    Ok(DecodingKey::from_secret(secret))
}

impl From<JwtError> for JwtProblem {
    fn from(_: JwtError) -> Self {
        Self::Unavailable
    }
}

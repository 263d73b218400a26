//! JSON Web Tokens of an identity provider.
//!
//! A token is taken if it is signed by the configured algorithm and no other, with the shared secret or a key of the
//! provider's set; says the configured issuer and audience; has not expired and holds already; and has the
//! claims that its role needs. What is not as it should be refuses it: there is no value that a missing claim stands for,
//! but groups (all) and parameters (none).

mod claims;
mod config;
mod fetch;
mod jwks;

use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

use crate::grant::Grant;
use crate::role::Role;
use crate::watch::{Watch, Watched};

pub use config::{JwtAlgorithm, JwtConfig, JwtError};

use config::{Keys, Settings};
use jwks::Jwks;

/// The longest token that is looked at.
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Why a token is not taken. None repeats anything of the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JwtProblem {
    /// It is neither a token of ours nor a JWT.
    #[error("the authorization is neither a token of this granary, which begins with grn_, nor a JWT")]
    Malformed,
    /// It says another algorithm than the one that is configured, `none` for instance.
    #[error("the JWT is not signed with {expected}, which is what is taken here")]
    Algorithm {
        /// The one that is taken.
        expected: JwtAlgorithm,
    },
    /// No key of the provider's set has its id.
    #[error("the JWT is signed with a key that the identity provider does not have (its kid)")]
    UnknownKey,
    /// The signature is not that of its key.
    #[error("the JWT's signature is wrong")]
    Signature,
    /// Its time is over.
    #[error("the JWT has expired (exp); get a new one")]
    Expired,
    /// Its time has not begun.
    #[error("the JWT does not hold yet (nbf); are the clocks right?")]
    NotYet,
    /// Somebody else issued it.
    #[error("the JWT is of another issuer (iss) than the one that is taken here")]
    Issuer,
    /// It is for somebody else.
    #[error("the JWT is for another audience (aud) than this granary")]
    Audience,
    /// It lacks a claim that it needs.
    #[error("the JWT has no claim {claim}, which it needs")]
    Missing {
        /// The claim's name.
        claim: String,
    },
    /// A claim is not what it should be.
    #[error("the JWT's claim {claim} is not {expected}")]
    Claim {
        /// The claim's name.
        claim: String,
        /// What it should be.
        expected: String,
    },
    /// Its role asks nothing.
    #[error("the JWT has the role {role}, which may not ask")]
    Role {
        /// Its role.
        role: Role,
    },
    /// The provider's keys were never there to check it with.
    #[error("the identity provider's keys cannot be had now; come again in a while")]
    Unavailable,
}

/// Checks tokens.
#[derive(Debug)]
pub struct Jwt {
    settings: Settings,
    validation: Validation,
    keys: KeySource,
}

enum KeySource {
    Secret(RwLock<Arc<DecodingKey>>),
    Set(Arc<Jwks>),
}

impl std::fmt::Debug for KeySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Secret(_) => f.write_str("Secret(…)"),
            Self::Set(set) => set.fmt(f),
        }
    }
}

impl Jwt {
    /// Reads what the settings name; nothing where they name nothing. An address is asked for its keys when the first
    /// token comes.
    ///
    /// # Errors
    ///
    /// The settings do not go together, or a file cannot be used.
    pub fn open(config: &JwtConfig, watch: &mut Watch) -> Result<Option<Arc<Self>>, JwtError> {
        let Some(settings) = config.check()? else { return Ok(None) };
        let file = match &settings.keys {
            Keys::Secret(path) | Keys::SetFile(path) => Some(path.clone()),
            Keys::SetAddress(_) => None,
        };
        let watched = Watched::look(file);
        let keys = match &settings.keys {
            Keys::Secret(path) => KeySource::Secret(RwLock::new(Arc::new(config::read_secret(path)?))),
            Keys::SetFile(path) => KeySource::Set(Arc::new(Jwks::of_file(path, settings.algorithm)?)),
            Keys::SetAddress(address) => {
                KeySource::Set(Arc::new(Jwks::of_address(address.clone(), settings.algorithm)?))
            }
        };
        let jwt = Arc::new(Self { validation: validation(&settings), settings, keys });
        let again = Arc::clone(&jwt);
        watch.on_change(watched, move || match again.reload() {
            Ok(()) => tracing::info!("the keys of JWTs were read again"),
            Err(error) => tracing::error!(%error, "the keys of JWTs that were in force stay so"),
        });
        Ok(Some(jwt))
    }

    fn reload(&self) -> Result<(), JwtError> {
        match (&self.keys, &self.settings.keys) {
            (KeySource::Secret(key), Keys::Secret(path)) => {
                let read = Arc::new(config::read_secret(path)?);
                *key.write().unwrap_or_else(PoisonError::into_inner) = read;
            }
            (KeySource::Set(set), Keys::SetFile(path)) => set.read_again(path)?,
            _ => {}
        }
        Ok(())
    }

    /// Checks a token and says what it allows, and until when: its `exp`, or as long as clocks may differ where that is over.
    ///
    /// # Errors
    ///
    /// It is not taken.
    pub async fn check(&self, token: &str) -> Result<(Grant, Timestamp), JwtProblem> {
        if token.len() > MAX_TOKEN_BYTES || token.bytes().filter(|byte| *byte == b'.').count() != 2 {
            return Err(JwtProblem::Malformed);
        }
        let wrong_algorithm = JwtProblem::Algorithm { expected: self.settings.algorithm };
        // An algorithm of an unknown name, such as none, does not get past here.
        let header = jsonwebtoken::decode_header(token).map_err(|error| match error.kind() {
            ErrorKind::Json(_) | ErrorKind::InvalidAlgorithmName | ErrorKind::UnsupportedAlgorithm => {
                wrong_algorithm.clone()
            }
            _ => JwtProblem::Malformed,
        })?;
        if header.alg != Algorithm::from(self.settings.algorithm) {
            return Err(wrong_algorithm);
        }
        let key = match &self.keys {
            KeySource::Secret(key) => Arc::clone(&key.read().unwrap_or_else(PoisonError::into_inner)),
            KeySource::Set(set) => set.find(header.kid.as_deref()).await?,
        };
        let claims = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &self.validation)
            .map_err(|error| self.problem(error.kind()))?
            .claims;
        let expires = claims::expires(&claims);
        let until = if expires > Timestamp::now() {
            expires
        } else {
            expires.checked_add(self.settings.leeway).unwrap_or(Timestamp::MAX)
        };
        Ok((claims::grant(&claims, &self.settings.claims)?, until))
    }

    fn problem(&self, kind: &ErrorKind) -> JwtProblem {
        match kind {
            ErrorKind::InvalidSignature => JwtProblem::Signature,
            ErrorKind::ExpiredSignature => JwtProblem::Expired,
            ErrorKind::ImmatureSignature => JwtProblem::NotYet,
            ErrorKind::InvalidIssuer => JwtProblem::Issuer,
            ErrorKind::InvalidAudience => JwtProblem::Audience,
            ErrorKind::MissingRequiredClaim(claim) => JwtProblem::Missing { claim: claim.clone() },
            ErrorKind::InvalidClaimFormat(claim) => {
                JwtProblem::Claim { claim: claim.clone(), expected: "in the form of such a claim".to_owned() }
            }
            ErrorKind::InvalidAlgorithm | ErrorKind::MissingAlgorithm => {
                JwtProblem::Algorithm { expected: self.settings.algorithm }
            }
            _ => JwtProblem::Malformed,
        }
    }
}

fn validation(settings: &Settings) -> Validation {
    let mut validation = Validation::new(settings.algorithm.into());
    validation.set_issuer(&[&settings.issuer]);
    validation.set_audience(&[&settings.audience]);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.leeway = settings.leeway.as_secs();
    validation.validate_nbf = true;
    validation
}

#[cfg(test)]
mod tests;

//! Who asks: the whole of it, for a door that answers questions.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::attempts::Attempts;
use crate::credential::{Credential, CredentialError};
use crate::file::KeyFileError;
use crate::grant::Grant;
use crate::host::is_own;
use crate::jwt::{Jwt, JwtConfig, JwtError, JwtProblem};
use crate::keyring::Keyring;
use crate::pass::{Pass, PassEnded};
use crate::problem::KeyProblem;
use crate::token::PREFIX;
use crate::watch::{Watch, Watched};

/// Where keys are, and who is let in without one.
#[derive(Debug, Clone, Default)]
pub struct GateConfig {
    /// The key file; empty is none.
    pub keys_file: PathBuf,
    /// Whether those on this machine need no key where keys are asked for.
    pub loopback_without_key: bool,
    /// Names beside this machine's own that a request without a key may come by.
    pub hosts: Vec<String>,
    /// Tokens of an identity provider.
    pub jwt: JwtConfig,
}

/// A door cannot know who comes.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The keys cannot be read.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// JWTs cannot be checked.
    #[error(transparent)]
    Jwt(#[from] JwtError),
}

/// Somebody who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admitted {
    /// With a key or a JWT.
    Granted(Pass),
    /// On this machine, without one.
    Local,
}

/// Why somebody was not let in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The key is not taken.
    #[error("{0}")]
    Key(KeyProblem),
    /// The JWT is not taken.
    #[error("{0}")]
    Jwt(#[from] JwtProblem),
    /// What is shown cannot be read.
    #[error("{0}")]
    Credential(#[from] CredentialError),
    /// The request came by a name that is not this machine's.
    #[error(
        "without a key this is answered by the names of this machine alone, such as localhost; gateway.hosts may have \
         others"
    )]
    ForeignHost,
    /// The host has shown too much that was not taken.
    #[error("too many keys that are not taken came from this address; come again in {} s", retry_after.as_secs() + 1)]
    TooManyFailures {
        /// When to come again.
        retry_after: Duration,
    },
}

impl Refused {
    /// Whether showing a credential, or another one, is what helps: 401 and not 403.
    #[must_use]
    pub fn wants_credential(&self) -> bool {
        match self {
            Self::Key(problem) => !problem.is_forbidden(),
            Self::Jwt(problem) => !matches!(problem, JwtProblem::Role { .. } | JwtProblem::Unavailable),
            Self::Credential(_) => true,
            Self::ForeignHost | Self::TooManyFailures { .. } => false,
        }
    }
}

/// Knows who comes.
#[derive(Debug)]
pub struct Gate {
    keys: Arc<Keyring<Arc<Grant>>>,
    jwt: Option<Arc<Jwt>>,
    loopback_without_key: bool,
    hosts: Vec<String>,
    attempts: Attempts,
}

impl Gate {
    /// Reads keys and secrets, and has `watch` read them again when they change.
    ///
    /// # Errors
    ///
    /// A file cannot be used, or settings do not go together.
    pub fn open(config: &GateConfig, watch: &mut Watch) -> Result<Self, GateError> {
        let watched = Watched::look([config.keys_file.clone()]);
        let keys = Arc::new(Keyring::open(&config.keys_file, |key, _| Arc::new(Grant::of_key(key)))?);
        let again = Arc::clone(&keys);
        watch.on_change(watched, move || match again.reload() {
            Ok(()) => {
                let counts = again.counts(Timestamp::now());
                tracing::info!(path = %again.path().display(), valid = counts.valid, revoked = counts.revoked, "the key file was read again");
            }
            Err(error) => tracing::error!(%error, "the keys that were in force stay so"),
        });
        Ok(Self {
            keys,
            jwt: Jwt::open(&config.jwt, watch)?,
            loopback_without_key: config.loopback_without_key,
            hosts: config.hosts.clone(),
            attempts: Attempts::new(),
        })
    }

    /// A gate that lets in who is on this machine and nobody else.
    #[must_use]
    pub fn local_only() -> Self {
        let keys = Keyring::open(&PathBuf::new(), |key, _| Arc::new(Grant::of_key(key)));
        Self {
            keys: Arc::new(keys.unwrap_or_else(|_| unreachable!("there is no file to be read"))),
            jwt: None,
            loopback_without_key: false,
            hosts: Vec::new(),
            attempts: Attempts::new(),
        }
    }

    /// Whether keys or JWTs are asked for.
    #[must_use]
    pub fn asks(&self) -> bool {
        self.keys.has_file() || self.jwt.is_some()
    }

    /// Whether there is anybody who could be let in from elsewhere: a key of whatever state, or an identity provider.
    #[must_use]
    pub fn knows_somebody(&self) -> bool {
        self.keys.has_keys() || self.jwt.is_some()
    }

    /// Whether a valid key may ask, or an identity provider says who may.
    #[must_use]
    pub fn lets_somebody_ask(&self) -> bool {
        self.jwt.is_some() || self.keys.has_valid(Timestamp::now(), |key| key.role.may_ask())
    }

    /// Says who somebody is, by what they show, where they come from (`None` is this very process) and by which
    /// name they came.
    ///
    /// # Errors
    ///
    /// Nobody who may ask.
    pub async fn identify(
        &self,
        peer: Option<IpAddr>,
        host: Option<&str>,
        shown: Result<Option<Credential>, CredentialError>,
        now: Timestamp,
    ) -> Result<Admitted, Refused> {
        let is_local = peer.is_none_or(|peer| peer.to_canonical().is_loopback());
        let asks = self.asks();
        let without_key = is_local && (!asks || (self.loopback_without_key && shown == Ok(None)));
        if without_key {
            let is_own = peer.is_none() || host.is_none_or(|host| is_own(host, &self.hosts));
            return if is_own { Ok(Admitted::Local) } else { Err(Refused::ForeignHost) };
        }
        let peer = peer.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        match self.check(peer, shown, now).await {
            Ok(pass) => Ok(Admitted::Granted(pass)),
            // Whoever shows nothing is told what to show, however often.
            Err(missing @ Refused::Key(KeyProblem::Missing)) => Err(missing),
            Err(refused) => match self.attempts.count_failure(peer) {
                Ok(()) => Err(refused),
                Err(retry_after) => Err(Refused::TooManyFailures { retry_after }),
            },
        }
    }

    /// Returns when what somebody was let in by is not taken any more, and says why: for what goes on after a request was
    /// let in. It is noticed within the second in which key files are looked at.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub async fn ended(&self, pass: &Pass) -> PassEnded {
        pass.ended(&self.keys).await
    }

    async fn check(
        &self,
        peer: IpAddr,
        shown: Result<Option<Credential>, CredentialError>,
        now: Timestamp,
    ) -> Result<Pass, Refused> {
        let credential = shown?.ok_or(Refused::Key(KeyProblem::Missing))?;
        let token = credential.expose();
        if let Some(jwt) = self.jwt.as_ref().filter(|_| !token.starts_with(PREFIX)) {
            let (grant, until) = jwt.check(token).await?;
            return Ok(Pass::until(grant, until));
        }
        let (known, secret) = self.keys.find_by(token, peer, now).map_err(Refused::Key)?;
        let role = known.key.role;
        if role.may_ask() {
            Ok(Pass::of_key(Arc::clone(&known.beside), secret, peer))
        } else {
            Err(Refused::Key(KeyProblem::Role { role, act: "ask" }))
        }
    }
}

#[cfg(test)]
mod tests;

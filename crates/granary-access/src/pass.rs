//! What somebody was let in by, and until when that holds.
//!
//! A request is over soon after it was let in. What goes on for hours (a replay, a live feed) asks again: whenever the
//! keys are read again, and when the time comes that the key or token itself says.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::grant::Grant;
use crate::key::{KeyState, SecretHash};
use crate::keyring::Keyring;
use crate::problem::KeyProblem;

/// A wait is cut into pieces of this, so that a clock that is set, or stood still while a machine slept, is noticed.
const AT_LEAST_EVERY: Duration = Duration::from_secs(30);

/// What somebody was let in by. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    grant: Arc<Grant>,
    shown: Shown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// A key: by which of its secrets, and from where.
    Key { secret: SecretHash, peer: IpAddr },
    /// A JWT, which holds until then whatever becomes of who issued it.
    Jwt { until: Timestamp },
}

/// Why somebody who was let in is not any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PassEnded {
    /// The key is not taken any more.
    #[error("{0}")]
    Key(KeyProblem),
    /// The key allows something else than it did: another role, user or tenant, other groups or parameters.
    #[error("what the key may do was changed; come again with it")]
    Changed,
    /// The JWT's time is over.
    #[error("the JWT has expired (exp); get a new one")]
    Expired,
}

impl PassEnded {
    /// As the audit and clients have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Key(problem) => problem.name(),
            Self::Changed => "key_changed",
            Self::Expired => "jwt_expired",
        }
    }
}

impl Pass {
    pub(crate) fn of_key(grant: Arc<Grant>, secret: SecretHash, peer: IpAddr) -> Self {
        Self { grant, shown: Shown::Key { secret, peer } }
    }

    /// Of somebody for whom another vouches until then.
    #[must_use]
    pub fn until(grant: Grant, until: Timestamp) -> Self {
        Self { grant: Arc::new(grant), shown: Shown::Jwt { until } }
    }

    /// What it allows.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// Until when it holds, as things are now; none is for ever.
    fn look(&self, keys: &Keyring<Arc<Grant>>, now: Timestamp) -> Result<Option<Timestamp>, PassEnded> {
        let (secret, peer) = match self.shown {
            Shown::Jwt { until } if until <= now => return Err(PassEnded::Expired),
            Shown::Jwt { until } => return Ok(Some(until)),
            Shown::Key { secret, peer } => (secret, peer),
        };
        let known = keys.of_holder(&self.grant.holder).ok_or(PassEnded::Key(KeyProblem::Unknown))?;
        let key = &known.key;
        match key.state(now) {
            KeyState::Revoked => return Err(PassEnded::Key(KeyProblem::Revoked)),
            KeyState::Expired => return Err(PassEnded::Key(KeyProblem::Expired)),
            KeyState::Valid => {}
        }
        let secret_until = key.secret_until(secret, now).map_err(|()| PassEnded::Key(KeyProblem::Unknown))?;
        if !key.is_taken_from(peer) {
            return Err(PassEnded::Key(KeyProblem::Network));
        }
        if known.beside != self.grant {
            return Err(PassEnded::Changed);
        }
        Ok([key.expires, secret_until].into_iter().flatten().min())
    }

    /// Returns when it does not hold any more, within a moment of the keys being read again.
    pub(crate) async fn ended(&self, keys: &Keyring<Arc<Grant>>) -> PassEnded {
        let mut changes = keys.changes();
        loop {
            // Before they are looked at: a change meanwhile is looked at again.
            changes.mark_unchanged();
            let now = Timestamp::now();
            let until = match self.look(keys, now) {
                Ok(until) => until,
                Err(ended) => return ended,
            };
            let left = until.map_or(SignedDuration::MAX, |until| until.duration_since(now));
            let left = Duration::try_from(left).unwrap_or_default().min(AT_LEAST_EVERY);
            tokio::select! {
                Ok(()) = changes.changed() => {}
                () = tokio::time::sleep(left) => {}
            }
        }
    }
}

//! What somebody may do here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a key or token is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Role {
    /// Sends telemetry and asks nothing. What a key is that does not say.
    #[default]
    Ingest,
    /// Sees what one user did.
    Viewer,
    /// Sees what one team did.
    Team,
    /// Sees all of the tenant.
    Analyst,
    /// Sees all of the tenant and who asked what, and may flush what is cached.
    Admin,
}

/// The text is no role's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no such role; there are ingest, viewer, team, analyst and admin")]
pub struct RoleError;

impl Role {
    /// All roles, from the least to the most.
    pub const ALL: [Self; 5] = [Self::Ingest, Self::Viewer, Self::Team, Self::Analyst, Self::Admin];

    /// As files, claims and lists have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Viewer => "viewer",
            Self::Team => "team",
            Self::Analyst => "analyst",
            Self::Admin => "admin",
        }
    }

    /// Whether telemetry is taken from it.
    #[must_use]
    pub fn may_send(self) -> bool {
        self == Self::Ingest
    }

    /// Whether its questions are answered.
    #[must_use]
    pub fn may_ask(self) -> bool {
        self != Self::Ingest
    }

    /// For leaving out of the key file what goes without saying.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    pub(crate) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(name: &str) -> Result<Self, RoleError> {
        Self::ALL.into_iter().find(|role| role.name() == name).ok_or(RoleError)
    }
}

impl TryFrom<String> for Role {
    type Error = RoleError;

    fn try_from(name: String) -> Result<Self, RoleError> {
        name.parse()
    }
}

impl From<Role> for String {
    fn from(role: Role) -> Self {
        role.name().to_owned()
    }
}

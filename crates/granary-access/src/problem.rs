//! Why a key is not taken, as it is told and as it is counted.

use crate::role::Role;

/// Why a request is not taken for anybody's, or not from there, or not for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// It has no token.
    #[error("a key is needed: send \"Authorization: Bearer <token>\"; `granary keys create` makes one")]
    Missing,
    /// It is authorized in another way.
    #[error("the authorization is no bearer token of this granary; its tokens begin with grn_")]
    NotAToken,
    /// The token's checksum is wrong.
    #[error("the key's token is mistyped or not whole")]
    Mistyped,
    /// There is no such key, or its secret is another.
    #[error("the key is not known here")]
    Unknown,
    /// The key's time is over.
    #[error("the key has expired; ask for a new one")]
    Expired,
    /// The key was revoked.
    #[error("the key was revoked; ask for a new one")]
    Revoked,
    /// The key is for something else.
    #[error("the key has the role {role}, which may not {act}; `granary keys create --role` makes others")]
    Role {
        /// Its role.
        role: Role,
        /// What was wanted.
        act: &'static str,
    },
    /// The key is for other networks than the request came from.
    #[error("the key is not taken from this address; it is for the networks that it was made for")]
    Network,
}

impl KeyProblem {
    /// As metrics have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "key_missing",
            Self::NotAToken => "key_not_a_token",
            Self::Mistyped => "key_mistyped",
            Self::Unknown => "key_unknown",
            Self::Expired => "key_expired",
            Self::Revoked => "key_revoked",
            Self::Role { .. } => "key_role",
            Self::Network => "key_network",
        }
    }

    /// Whether it is known whose the key is, and showing it again will not help.
    #[must_use]
    pub fn is_forbidden(self) -> bool {
        matches!(self, Self::Role { .. } | Self::Network)
    }
}

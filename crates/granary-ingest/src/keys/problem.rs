//! Why a sender is not let in, as it is told and as it is counted.

/// Why a request is not taken for anybody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// It has no token.
    #[error(
        "an ingest key is needed: send \"Authorization: Bearer <token>\"; `granary keys create` makes one"
    )]
    Missing,
    /// It is authorized in another way.
    #[error("the authorization is no bearer token of this granary; its tokens begin with grn_")]
    NotAToken,
    /// The token's checksum is wrong.
    #[error("the ingest key's token is mistyped or not whole")]
    Mistyped,
    /// There is no such key, or its secret is another.
    #[error("the ingest key is not known here")]
    Unknown,
    /// The key's time is over.
    #[error("the ingest key has expired; ask for a new one")]
    Expired,
    /// The key was revoked.
    #[error("the ingest key was revoked; ask for a new one")]
    Revoked,
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
        }
    }
}

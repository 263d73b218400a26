//! Whose allowance a request takes from.

use std::fmt;
use std::net::IpAddr;

use granary_access::KeyId;

/// What a caller's allowance is kept under, and what the audit says of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Account {
    /// A key.
    Key(KeyId),
    /// Whoever an identity provider says it is.
    Subject(String),
    /// A host: an IPv4 address, or the network of an IPv6 one, since a host has a whole network of those.
    Host(IpAddr),
    /// The process itself.
    Local,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(id) => write!(f, "key {id}"),
            Self::Subject(subject) => write!(f, "subject {subject}"),
            Self::Host(address) => address.fmt(f),
            Self::Local => f.write_str("local"),
        }
    }
}

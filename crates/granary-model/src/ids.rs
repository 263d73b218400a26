//! Identifiers as types of their own, so that one cannot stand where another is meant.

use std::fmt;

/// Whose data a record is. Every row carries it and every query is bound to one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct TenantId(String);

impl TenantId {
    /// The tenant of a warehouse that has no ingest keys.
    pub const DEFAULT: &'static str = "default";

    /// Takes any text as a tenant's name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TenantId {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
        pub struct $name(pub [u8; $bytes]);

        impl $name {
            /// Reads an id from its bytes: none or all-zero bytes are the absent id.
            ///
            /// Returns `None` where the length is wrong.
            #[must_use]
            pub fn from_slice(bytes: &[u8]) -> Option<Self> {
                if bytes.is_empty() {
                    return Some(Self::default());
                }
                <[u8; $bytes]>::try_from(bytes).ok().map(Self)
            }

            /// Whether the id is absent; OTLP writes that as no bytes or as zeros.
            #[must_use]
            pub fn is_absent(self) -> bool {
                self.0 == [0; $bytes]
            }

            /// Appends the id in lowercase hex, and nothing for the absent id.
            pub fn push_hex(self, out: &mut Vec<u8>) {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                if self.is_absent() {
                    return;
                }
                let digits = self.0.map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
                out.extend_from_slice(digits.as_flattened());
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut hex = Vec::with_capacity($bytes * 2);
                self.push_hex(&mut hex);
                f.write_str(&String::from_utf8_lossy(&hex))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

hex_id!(
    /// The 16 bytes that tie the spans and records of one trace together.
    TraceId,
    16
);
hex_id!(
    /// The 8 bytes that name a span within its trace.
    SpanId,
    8
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_id_prints_as_nothing_and_a_present_one_as_lowercase_hex() {
        assert_eq!(SpanId::default().to_string(), "");
        assert_eq!(SpanId([0xAB, 0, 0, 0, 0, 0, 0, 1]).to_string(), "ab00000000000001");
        assert_eq!(TraceId::from_slice(&[]), Some(TraceId::default()));
        assert_eq!(TraceId::from_slice(&[1, 2, 3]), None);
    }
}

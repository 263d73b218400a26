//! The key that cursors are signed with, where several gateways share one.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// Any text; it is neither printed nor written.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct CursorKey(String);

impl CursorKey {
    /// Takes any text. Whoever guesses it can write cursors, which begin a page anywhere in an answer that they may have.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CursorKey(***)")
    }
}

impl Serialize for CursorKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

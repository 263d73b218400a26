//! Hashes of what was asked and answered, in which no two different things can look the same.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::Binding;

/// SHA-256 of a list of texts.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digest([u8; 32]);

/// Takes the texts of a [`Digest`].
pub(crate) struct Hasher(Sha256);

impl Digest {
    pub(crate) fn hasher() -> Hasher {
        Hasher(Sha256::new())
    }

    /// The hash of one piece of data.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Half of it, as text: enough to tell answers apart.
    pub(crate) fn short(&self) -> String {
        self.0.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.short())
    }
}

impl Hasher {
    /// Adds a text, its length first, so that no two lists are one text.
    pub(crate) fn add(&mut self, text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text);
    }

    /// Adds a bound value with its type.
    pub(crate) fn add_value(&mut self, value: &Binding) {
        match value {
            Binding::Text(text) => self.add(text),
            Binding::Texts(texts) => {
                self.add(texts.len().to_le_bytes());
                for text in texts {
                    self.add(text);
                }
            }
            Binding::Unsigned(number) => self.add(number.to_le_bytes()),
            Binding::Float(number) => self.add(number.to_bits().to_le_bytes()),
            Binding::Bool(value) => self.add([u8::from(*value)]),
        }
    }

    pub(crate) fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

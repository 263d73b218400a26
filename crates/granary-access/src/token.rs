//! What a sender shows: `grn_<id>_<secret><checksum>`.
//!
//! All of it is ASCII letters and digits but for the two underscores, so that a double click selects it whole
//! and no shell, header or URL changes it. The checksum tells a mistyped or cut off token from one whose key is
//! gone, and lets a scanner for secrets be sure of what it has found.

use rand::distr::{Alphanumeric, SampleString};

use crate::key::{KeyId, SecretHash};

/// What every token begins with.
pub(crate) const PREFIX: &str = "grn_";

/// Letters and digits of the secret: 43 of 62 different ones are 256 bits.
const SECRET_LENGTH: usize = 43;

/// Digits of the checksum: what 32 bits take in base 62.
const CHECKSUM_LENGTH: usize = 6;

/// What a text must be to be a token, without the prefix.
const REST_LENGTH: usize = KeyId::LENGTH + 1 + SECRET_LENGTH + CHECKSUM_LENGTH;

/// A new token. It is shown once and kept nowhere; printing it for debugging shows the key's id only.
pub struct Token {
    text: String,
}

impl Token {
    /// Makes a token for a key, with a secret of 256 random bits.
    #[must_use]
    pub fn generate(id: &KeyId) -> Self {
        let mut text = format!("{PREFIX}{id}_");
        Alphanumeric.append_string(&mut rand::rng(), &mut text, SECRET_LENGTH);
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Self { text }
    }

    /// The token itself, for the one who is to have it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// What is kept of it.
    pub(crate) fn hash(&self) -> SecretHash {
        let end = self.text.len() - CHECKSUM_LENGTH;
        SecretHash::of(&self.text[end - SECRET_LENGTH..end])
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token({}…)", &self.text[..PREFIX.len() + KeyId::LENGTH])
    }
}

/// Why a text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It does not begin as one.
    #[error("it does not begin with {PREFIX}")]
    NotAToken,
    /// It begins as one, and its length, letters or checksum are wrong.
    #[error("it is mistyped or not whole")]
    Mistyped,
}

/// A token that a sender has shown, taken apart; nothing says yet that there is such a key.
#[derive(Clone, Copy)]
pub(crate) struct Presented<'a> {
    pub(crate) id: &'a str,
    secret: &'a str,
}

impl<'a> Presented<'a> {
    pub(crate) fn parse(text: &'a str) -> Result<Self, TokenError> {
        let rest = text.strip_prefix(PREFIX).ok_or(TokenError::NotAToken)?;
        let is_plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if rest.len() != REST_LENGTH || !rest.is_ascii() {
            return Err(TokenError::Mistyped);
        }
        let (id, rest) = rest.split_at(KeyId::LENGTH);
        let (secret, sum) = rest[1..].split_at(SECRET_LENGTH);
        let summed = &text[..text.len() - CHECKSUM_LENGTH];
        if !rest.starts_with('_') || !is_plain(id) || !is_plain(secret) || sum != checksum(summed) {
            return Err(TokenError::Mistyped);
        }
        Ok(Self { id, secret })
    }

    pub(crate) fn hash(&self) -> SecretHash {
        SecretHash::of(self.secret)
    }
}

/// The CRC-32C of a text in base 62, most significant digit first.
fn checksum(text: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut left = crc32c::crc32c(text.as_bytes()) as usize;
    let mut digits = [0; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[left % 62];
        left /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn token() -> Token {
        Token::generate(&KeyId::generate())
    }

    #[test]
    fn a_generated_token_is_read_back_and_no_two_are_alike() {
        let (one, other) = (token(), token());
        assert_ne!(one.reveal(), other.reveal());
        assert_eq!(one.reveal().len(), PREFIX.len() + REST_LENGTH);
        let presented = Presented::parse(one.reveal()).unwrap();
        assert_eq!(presented.hash(), one.hash());
        assert_ne!(presented.hash(), other.hash());
    }

    #[test]
    fn printing_a_token_for_debugging_shows_its_key_s_id_only() {
        let token = token();
        let shown = format!("{token:?}");
        assert!(shown.contains(Presented::parse(token.reveal()).unwrap().id));
        assert!(shown.len() < 24, "{shown}");
    }

    #[test]
    fn the_form_of_a_token_does_not_change_between_versions() {
        let text = format!("grn_Ab3dEf7h_{}", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg");
        assert_eq!(checksum(&text), "1NOebT");
        assert_eq!(Presented::parse(&format!("{text}1NOebT")).map(|presented| presented.id), Ok("Ab3dEf7h"));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_fail_otherwise_than_by_its_errors(text in ".{0,80}", tail in ".{0,80}") {
            prop_assert!(Presented::parse(&text).is_err());
            let expected = Some(TokenError::Mistyped);
            prop_assert_eq!(Presented::parse(&format!("{PREFIX}{tail}")).err(), expected);
        }

        #[test]
        fn a_token_with_one_character_changed_is_told_as_mistyped(at in PREFIX.len()..62_usize, to in "[0-9A-Za-z_é]") {
            let token = token();
            let mut changed: Vec<_> = token.reveal().chars().map(String::from).collect();
            prop_assume!(changed[at] != to);
            changed[at] = to;
            prop_assert_eq!(Presented::parse(&changed.concat()).err(), Some(TokenError::Mistyped));
        }

        #[test]
        fn a_token_that_was_cut_off_is_told_as_mistyped(length in PREFIX.len()..62_usize) {
            prop_assert_eq!(Presented::parse(&token().reveal()[..length]).err(), Some(TokenError::Mistyped));
        }
    }
}

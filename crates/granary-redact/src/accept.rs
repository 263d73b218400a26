//! Is a part of a text that a pattern found meant? What no pattern can say.

use std::ops::Range;

use crate::stand_in::is_stand_in;

/// Whether a part of a text that a pattern found is what its rule is about.
pub(crate) type Accept = fn(&str, &Range<usize>) -> bool;

/// The pattern says it all.
pub(crate) fn always(_: &str, _: &Range<usize>) -> bool {
    true
}

/// Not what a redaction before this one or a variable stands for.
pub(crate) fn is_given(text: &str, range: &Range<usize>) -> bool {
    !is_stand_in(&text[range.clone()])
}

pub(crate) fn has_digit(text: &str, range: &Range<usize>) -> bool {
    text[range.clone()].bytes().any(|byte| byte.is_ascii_digit())
}

/// Like base64, rather than a word: padded, or with digits and letters of both cases.
pub(crate) fn looks_encoded(text: &str, range: &Range<usize>) -> bool {
    let text = &text[range.clone()];
    let has = |is: fn(&u8) -> bool| text.bytes().any(|byte| is(&byte));
    let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    text.ends_with('=') || is_mixed
}

/// Longer than words are, or with a digit.
pub(crate) fn looks_generated(text: &str, range: &Range<usize>) -> bool {
    /// The longest words that follow "bearer" in prose are shorter.
    const LONG: usize = 20;
    range.len() >= LONG || has_digit(text, range)
}

/// Not just a word, as in "the password is required".
pub(crate) fn looks_chosen(text: &str, range: &Range<usize>) -> bool {
    !text[range.clone()].chars().all(char::is_alphabetic) && is_given(text, range)
}

/// Not `host:8080/path@2x`.
pub(crate) fn is_no_port(text: &str, range: &Range<usize>) -> bool {
    let password = &text[range.clone()];
    let digits = password.bytes().take_while(u8::is_ascii_digit).count();
    let is_port = digits > 0 && password[digits..].starts_with(['/', '?', '#']);
    !is_port && is_given(text, range)
}

/// An address of a person rather than the remote of a repository, a version or a file.
pub(crate) fn is_address(text: &str, range: &Range<usize>) -> bool {
    /// What comes behind the last dot of files and units, and is no top-level domain.
    const EXTENSIONS: [&str; 14] = [
        "png", "jpg", "jpeg", "gif", "svg", "webp", "tgz", "js", "ts", "tsx", "json", "css", "html",
        "service",
    ];
    let address = &text[range.clone()];
    let Some((local, domain)) = address.split_once('@').or_else(|| address.split_once("%40")) else {
        return false;
    };
    let is_version =
        domain.split('.').take(2).all(|label| label.starts_with(|first: char| first.is_ascii_digit()));
    let is_file = domain.rsplit('.').next().is_some_and(|last| EXTENSIONS.contains(&last));
    let before = &text[..range.start];
    let is_user = is_userinfo(before) || (before.ends_with("://") && is_long_user(local));
    local != "git" && !is_version && !is_file && !is_user
}

/// Whether what stands before leads from `scheme://user:` into a password, which is another rule's.
pub(crate) fn is_userinfo(before: &str) -> bool {
    /// Users and schemes are shorter, and looking back without end would let a sender waste time.
    const MAX_BYTES: usize = 256;
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"\"'`".contains(byte);
    let before = before.as_bytes();
    let word = before.iter().rev().take(MAX_BYTES).take_while(|byte| !is_end(byte)).count();
    let word = &before[before.len() - word..];
    let Some(scheme) = word.windows(3).rposition(|window| window == b"://") else { return false };
    let user = &word[scheme + 3..];
    user.contains(&b':') && !user.iter().any(|byte| b"/?#=".contains(byte))
}

/// As in the pattern of `url_password`.
fn is_long_user(user: &str) -> bool {
    user.len() >= 20 && user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// Not a part of a longer row of numbers, and not a version.
pub(crate) fn is_whole_address(text: &str, range: &Range<usize>) -> bool {
    let (before, after) = (&text.as_bytes()[..range.start], &text.as_bytes()[range.end..]);
    let goes_on = match after {
        [b'0'..=b'9', ..] => true,
        [b'.', next, ..] => next.is_ascii_digit(),
        _ => false,
    };
    let is_version = match before {
        [.., b'0'..=b'9' | b'.'] => true,
        [.., b'v' | b'V'] => before.len() == 1 || !before[before.len() - 2].is_ascii_alphanumeric(),
        _ => false,
    };
    !goes_on && !is_version
}

//! Where does the value end that a name announces, and is it one?
//!
//! `password=…`, `"api_key": "…"`, `--token …`, `let secret: &str = "…"`: a regular expression finds the name and
//! what stands between it and the value. Where the value ends depends on the quotes it is in, and on how
//! often the whole has been escaped on its way here, which is for a loop to follow.

use std::ops::Range;

use regex::Regex;

use crate::accept::is_userinfo;
use crate::stand_in::{is_stand_in, is_type};

/// Between a name and its value in an assignment: `=`, `:`, `=>`, `:=`, with the name's closing quote before.
const ASSIGNED: &str = r#"[0-9]?(?:\\*["'`])?\]?[ \t]*(?:=>|:=|={1,3}|:)"#;

/// Before the name of a command line option, and between it and its value. A list of arguments has quotes and a
/// comma there.
const OPTION: (&str, &str) = (r#"(?:^|[\s"'`=,\[(])--?[A-Za-z0-9_-]*"#, r#"(?:\\*["'][ \t]*,|[ \t])"#);

/// A value in quotes that are opened on one line and closed on another is followed this far.
const MAX_MULTILINE_BYTES: usize = 2048;

/// More punctuation than this behind a value is taken as part of it.
const MAX_PUNCTUATION: usize = 8;

/// How a rule for named values tells a value from other text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named {
    /// The names, as alternatives of a regular expression; more may stand before them.
    pub(crate) names: &'static str,
    /// The least length of a value in running text, where a name may be no more than a word.
    pub(crate) least: usize,
    /// What the values are like.
    pub(crate) kind: ValueKind,
}

/// What the values of a name are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueKind {
    /// Any characters, as people and generators choose them.
    Password,
    /// Never with parentheses; a call is code and no value: `token = next_token()`.
    Key,
    /// A header, which may have a scheme before the secret.
    Header,
}

/// Finds the values that names announce.
#[derive(Debug)]
pub(crate) struct Assignment {
    pattern: Regex,
    named: Named,
}

impl Assignment {
    pub(crate) fn new(named: Named) -> Result<Self, regex::Error> {
        let Named { names, .. } = named;
        let (option, after_option) = OPTION;
        let pattern = format!(r"(?i)(?:({names}){ASSIGNED}|{option}({names}){after_option})[ \t]*");
        Ok(Self { pattern: Regex::new(&pattern)?, named })
    }

    /// Reports where the values are.
    pub(crate) fn find(&self, text: &str, mut found: impl FnMut(Range<usize>)) {
        let mut from = 0;
        while let Some(groups) = self.pattern.captures_at(text, from) {
            let (announcement, is_option) = (groups.get_match(), groups.get(2).is_some());
            let name = groups.get(1).or(groups.get(2)).map_or("", |name| name.as_str());
            from = announcement.end();
            let Some(mut value) = self.value(text, announcement.end()) else { continue };
            if is_userinfo(&text[..announcement.end()]) {
                value.end = value.start + before_host(&text[value.clone()]);
            }
            let content = &text[value.clone()];
            if !(is_option && content.starts_with('-')) && self.named.is_value(name, content) {
                from = value.end;
                found(value);
            }
        }
    }

    /// The value at a position; where the type of a variable stands there, the value behind it.
    fn value(&self, text: &str, at: usize) -> Option<Range<usize>> {
        let parentheses = self.named.kind == ValueKind::Password;
        let value = value_at(text, at, parentheses)?;
        let is_call = !parentheses && text[value.end..].starts_with('(');
        if is_call || !is_type(text[value.clone()].trim_start_matches('&')) {
            return (!is_call).then_some(value);
        }
        let rest = text[value.end..].trim_start_matches([' ', '\t']);
        let assigned = rest.strip_prefix('=')?.trim_start_matches([' ', '\t']);
        value_at(text, text.len() - assigned.len(), parentheses)
    }
}

impl Named {
    /// Whether the value of the name is to be kept from others, rather than a stand-in for one.
    fn is_value(&self, name: &str, value: &str) -> bool {
        value.len() >= self.least && !(is_pwd(name) && is_directory(value)) && !is_stand_in(value)
    }
}

/// How much of a value stands before the host in `scheme://user:value@host`; all of it where no host follows.
fn before_host(value: &str) -> usize {
    let authority = value.find(['/', '?', '#']).unwrap_or(value.len());
    value[..authority].rfind('@').or_else(|| value.find('@')).unwrap_or(value.len())
}

/// Whether the name is the one that a password shares with the shell's working directory.
pub(crate) fn is_pwd(name: &str) -> bool {
    name.eq_ignore_ascii_case("pwd")
}

/// Whether the value could be a path.
pub(crate) fn is_directory(value: &str) -> bool {
    value.starts_with(['/', '~', '.', '$']) || value.get(1..3) == Some(":\\")
}

/// The value that begins at a position, without its quotes; `None` where there is none.
fn value_at(text: &str, at: usize, parentheses: bool) -> Option<Range<usize>> {
    let value = match opening_quote(text.as_bytes(), at) {
        Some(quote) => quoted(text, &quote),
        None => unquoted(text, at, parentheses),
    };
    (!value.is_empty()).then_some(value)
}

/// A quote that opens a value.
struct Quote {
    mark: u8,
    /// How many backslashes stand before it: one where the text was escaped once, three where twice.
    backslashes: usize,
    /// Where the value begins.
    end: usize,
}

/// The quote at a position; a prefix of strings as in `b"…"`, `f'…'`, `$'…'` and `@"…"` may stand before it.
fn opening_quote(text: &[u8], at: usize) -> Option<Quote> {
    let prefix = text[at..].iter().take(2).take_while(|byte| b"bBfFrRuU$@".contains(byte)).count();
    (0..=prefix).find_map(|prefix| {
        let backslashes = count_backslashes(&text[at + prefix..]);
        let mark = *text.get(at + prefix + backslashes)?;
        let is_quote = matches!(mark, b'"' | b'\'' | b'`');
        let mut end = at + prefix + backslashes + 1;
        if is_quote && backslashes == 0 && text[end..].starts_with(&[mark, mark]) {
            end += 2;
        }
        is_quote.then_some(Quote { mark, backslashes, end })
    })
}

fn count_backslashes(text: &[u8]) -> usize {
    text.iter().take_while(|byte| **byte == b'\\').count()
}

/// What stands in quotes: up to the quote that closes them, or where none does, up to the end of the line.
fn quoted(text: &str, quote: &Quote) -> Range<usize> {
    let bytes = text.as_bytes();
    let mut line_end = None;
    for at in quote.end..bytes.len() {
        if bytes[at] == b'\n' {
            line_end.get_or_insert(at);
        } else if bytes[at] == quote.mark {
            let backslashes = bytes[quote.end..at].iter().rev().take_while(|byte| **byte == b'\\').count();
            if closes(backslashes, quote.backslashes) {
                return quote.end..at - backslashes.min(quote.backslashes);
            }
        }
        if line_end.is_some() && at - quote.end > MAX_MULTILINE_BYTES {
            break;
        }
    }
    quote.end..line_end.unwrap_or(bytes.len())
}

/// Whether a quote with so many backslashes before it closes one that was opened with `opening` of them.
///
/// One round of escaping makes of n backslashes and a quote 2n + 1 of them and a quote. An even number is a
/// quote that no escaping on this level has touched; it ends whatever it is in.
fn closes(mut backslashes: usize, mut opening: usize) -> bool {
    while opening > 0 && backslashes % 2 == 1 {
        backslashes /= 2;
        opening /= 2;
    }
    backslashes.is_multiple_of(2)
}

/// What stands without quotes: a word, with some care for what may follow it directly.
fn unquoted(text: &str, at: usize, parentheses: bool) -> Range<usize> {
    let bytes = text.as_bytes();
    let mut end = at;
    while let Some(&byte) = bytes.get(end) {
        let ends = match byte {
            b'"' | b'\'' | b'`' | b'<' | b'>' => true,
            b'(' => !parentheses,
            b':' => end == at,
            // An escape of text that was escaped once more than it is read.
            b'\\' => {
                matches!(bytes.get(end + 1), None | Some(b'n' | b'r' | b't' | b'u' | b'"' | b'\'' | b'`'))
            }
            b',' | b';' | b'&' | b'|' => begins_something_else(&bytes[end + 1..]),
            byte => byte.is_ascii_whitespace(),
        };
        if ends {
            break;
        }
        end += 1;
    }
    at..at + without_trailing_punctuation(&text[at..end]).len()
}

/// Whether what follows a separator is not part of the value: nothing, space, another separator, or another
/// name with a value.
fn begins_something_else(rest: &[u8]) -> bool {
    let name = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte)).count();
    match rest.get(name) {
        None => name == 0,
        Some(byte) if name == 0 => byte.is_ascii_whitespace() || b",;&|\"'`\\".contains(byte),
        Some(byte) => b"=:".contains(byte),
    }
}

/// Cuts the full stop of a sentence and the bracket around an assignment off its value.
fn without_trailing_punctuation(mut value: &str) -> &str {
    let closes_nothing = |value: &str, opening: char, closing: char| {
        value.matches(closing).count() > value.matches(opening).count()
    };
    for _ in 0..MAX_PUNCTUATION {
        let Some(last) = value.chars().next_back() else { break };
        let is_loose = match last {
            '.' | ',' | ';' | ':' => true,
            ')' => closes_nothing(value, '(', ')'),
            ']' => closes_nothing(value, '[', ']'),
            '}' => closes_nothing(value, '{', '}'),
            _ => false,
        };
        if !is_loose {
            break;
        }
        value = &value[..value.len() - last.len_utf8()];
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<&str> {
        let named = Named { names: "password|pwd", least: 1, kind: ValueKind::Password };
        let mut found = Vec::new();
        Assignment::new(named).unwrap().find(text, |range| found.push(&text[range]));
        found
    }

    #[test]
    fn a_value_ends_where_its_quotes_close_however_often_they_were_escaped() {
        assert_eq!(values(r#"password: "a b", next"#), ["a b"]);
        assert_eq!(values(r#"password: "a\"b", next"#), [r#"a\"b"#]);
        assert_eq!(values(r#"password: "a\\", "b""#), [r"a\\"]);
        assert_eq!(values(r#"{\"password\": \"a b\", \"c\": 1}"#), ["a b"]);
        assert_eq!(values(r#"\"password\": \"a\\\"b\", \"c\""#), [r#"a\\\"b"#]);
        assert_eq!(values(r#"\\\"password\\\": \\\"a b\\\", x"#), ["a b"]);
        assert_eq!(values(r#"-d "password=\"a b" c"#), ["a b"]);
        assert_eq!(values("password = \"\"\"a\nb\"\"\""), ["a\nb"]);
        assert_eq!(values("password = b'a b'"), ["a b"]);
        assert_eq!(values("password: \"never closed\nnext line"), ["never closed"]);
    }

    #[test]
    fn a_value_without_quotes_is_a_word_and_what_is_joined_to_it() {
        assert_eq!(values("password=a,b c"), ["a,b"]);
        assert_eq!(values("password=a,user=b"), ["a"]);
        assert_eq!(values("?password=a&user=b&pwd=c"), ["a", "c"]);
        assert_eq!(values("(password: a(b)c)."), ["a(b)c"]);
        assert_eq!(values("password=s3cret!; ls"), ["s3cret!"]);
        assert_eq!(values(r"password=a\nuser=b"), ["a"]);
        assert_eq!(values("let password: &str = \"a\";"), ["a"]);
        assert_eq!(values("run --db-password a -v"), ["a"]);
        assert_eq!(values(r#"["--password", "a"]"#), ["a"]);
    }

    #[test]
    fn stand_ins_and_directories_are_no_values_and_what_only_begins_like_one_is() {
        for text in [
            "password=$PASSWORD",
            "password: [REDACTED:password]",
            "PWD=/home/jane",
            "password: string;",
            "password: {{ db.password }}",
            "Password::new",
            "--password -v",
            "password=",
        ] {
            assert_eq!(values(text), [""; 0], "{text}");
        }
        for value in ["{{a&b", "$ecret", "[REDACTED]x", "$(a&b", "{hunter2"] {
            assert_eq!(values(&format!("password={value}")), [value]);
        }
    }
}

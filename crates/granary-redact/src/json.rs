//! How is text redacted that is JSON, so that it is JSON afterwards?
//!
//! Tool input and tool parameters are JSON in a string, shell commands in them have JSON in their arguments,
//! and each round of escaping would hide something from a rule that reads the text as it stands. So the strings
//! of a document are decoded, redacted one by one (as JSON, where they are JSON again) and encoded again.
//! Whatever was not changed stays byte for byte. Telemetry is cut at size limits: a document that ends too early
//! is read like a whole one.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use crate::compiled::Rules;
use crate::engine::Context;
use crate::names::{Announced, List};
use crate::prefilter::BitSet;

/// Whether a text is one or more JSON documents, or the beginning of such.
///
/// A bare number or word is not taken as JSON: its replacement needs no quotes.
pub(crate) fn is_json(text: &str) -> bool {
    let is_candidate = text.trim_start().starts_with(['{', '[', '"']);
    is_candidate
        && serde_json::Deserializer::from_str(text)
            .into_iter::<IgnoredAny>()
            .find_map(Result::err)
            .is_none_or(|error| error.is_eof())
}

/// Redacts the strings, numbers and member names of a document; `None` where nothing was found.
pub(crate) fn redact(rules: &Rules, text: &str, context: Context, fired: &mut BitSet) -> Option<String> {
    let mut walk = Walk {
        rules,
        context: context.within(),
        fired,
        text,
        out: String::new(),
        copied: 0,
        open: Vec::new(),
    };
    walk.run();
    (walk.copied > 0).then(|| walk.out + &text[walk.copied..])
}

struct Walk<'a> {
    rules: &'a Rules,
    context: Context,
    fired: &'a mut BitSet,
    text: &'a str,
    out: String,
    /// How much of the text is in `out`; 0 as long as nothing was changed.
    copied: usize,
    /// The objects and arrays around the current place.
    open: Vec<Open>,
}

enum Open {
    Object(Members),
    Array(List),
}

/// The members of an object so far, as far as they matter for the next one.
#[derive(Default)]
struct Members {
    /// Whether a value comes next, rather than its name.
    is_named: bool,
    /// What the name of that value announces.
    announced: Option<Announced>,
    /// Whether that value is itself a name, as in `{"name":"DB_PASSWORD","value":"…"}`.
    is_name: bool,
    /// What such a name announces for the value beside it.
    beside: Option<Announced>,
}

impl Members {
    fn begin(&mut self, rules: &Rules, name: &str) {
        self.is_named = true;
        self.is_name = ["name", "key"].iter().any(|other| name.eq_ignore_ascii_case(other));
        let is_beside = name.eq_ignore_ascii_case("value");
        self.announced = rules.announced_by(name).or(self.beside.filter(|_| is_beside));
    }

    fn pass(&mut self, rules: &Rules, value: &str) {
        if self.is_name {
            self.beside = rules.announced_by(value);
        }
    }

    fn end(&mut self) {
        (self.is_named, self.announced, self.is_name) = (false, None, false);
    }
}

impl Walk<'_> {
    fn run(&mut self) {
        let bytes = self.text.as_bytes();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            at = match byte {
                b'"' => self.string(at),
                b'-' | b'0'..=b'9' => self.number(at),
                _ => {
                    self.structure(byte);
                    at + 1
                }
            };
        }
    }

    fn structure(&mut self, byte: u8) {
        match byte {
            b'{' => self.open.push(Open::Object(Members::default())),
            b'[' => self.open.push(Open::Array(List::new(self.announced()))),
            b'}' | b']' => drop(self.open.pop()),
            b',' => {
                if let Some(Open::Object(members)) = self.open.last_mut() {
                    members.end();
                }
            }
            _ => {}
        }
    }

    /// What the names around the current place announce for a value here.
    fn announced(&self) -> Option<Announced> {
        match self.open.last()? {
            Open::Object(members) => members.announced,
            Open::Array(list) => list.announced(),
        }
    }

    /// Redacts the string that begins at a position and returns where it ends.
    fn string(&mut self, at: usize) -> usize {
        let begin = at + 1;
        let end = begin + string_length(&self.text.as_bytes()[begin..]);
        let raw = &self.text[begin..end];
        let content = if raw.contains('\\') { Cow::Owned(unescape(raw)) } else { Cow::Borrowed(raw) };
        let redacted = match self.open.last_mut() {
            Some(Open::Object(members)) if !members.is_named => {
                members.begin(self.rules, &content);
                self.rules.redact(&content, None, self.context, self.fired)
            }
            _ => self.value(&content),
        };
        if let Some(redacted) = redacted {
            self.replace(begin, end, &escape(&redacted));
        }
        (end + 1).min(self.text.len())
    }

    /// Redacts the number that begins at a position and returns where it ends. What replaces it is a string.
    fn number(&mut self, at: usize) -> usize {
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let end = at + self.text.as_bytes()[at..].iter().take_while(|byte| is_part(byte)).count();
        if let Some(redacted) = self.value(&self.text[at..end]) {
            self.replace(at, end, &format!("\"{}\"", escape(&redacted)));
        }
        end
    }

    fn value(&mut self, content: &str) -> Option<String> {
        let announced = self.announced();
        let redacted = self.rules.redact(content, announced, self.context, self.fired);
        match self.open.last_mut() {
            Some(Open::Object(members)) => members.pass(self.rules, content),
            Some(Open::Array(list)) => list.pass(self.rules, content),
            None => {}
        }
        redacted
    }

    fn replace(&mut self, begin: usize, end: usize, text: &str) {
        self.out.push_str(&self.text[self.copied..begin]);
        self.out.push_str(text);
        self.copied = end;
    }
}

/// How long a string is, up to the quote that closes it or the end of the text.
fn string_length(text: &[u8]) -> usize {
    let mut at = 0;
    while at < text.len() && text[at] != b'"' {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    at.min(text.len())
}

/// Reads the escapes of a string. What is no escape, or is cut off by the end, stays as it is.
fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let (character, length) = match escape.as_bytes() {
            [byte @ (b'"' | b'\\' | b'/'), ..] => (char::from(*byte), 1),
            [b'b', ..] => ('\u{8}', 1),
            [b'f', ..] => ('\u{c}', 1),
            [b'n', ..] => ('\n', 1),
            [b'r', ..] => ('\r', 1),
            [b't', ..] => ('\t', 1),
            [b'u', ..] => unicode_escape(escape),
            _ => ('\\', 0),
        };
        text.push(character);
        rest = &escape[length..];
    }
    text.push_str(rest);
    text
}

/// The character of `uXXXX` or of a pair of such with a backslash between, and how many bytes it took.
fn unicode_escape(escape: &str) -> (char, usize) {
    let unit = |at: usize| escape.get(at..at + 4).and_then(|digits| u16::from_str_radix(digits, 16).ok());
    let Some(first) = unit(1) else { return ('\\', 0) };
    let second = if escape[5..].starts_with("\\u") { unit(7) } else { None };
    match (
        char::decode_utf16([first]).next(),
        second.map(|second| char::decode_utf16([first, second]).next()),
    ) {
        (Some(Ok(character)), _) => (character, 5),
        (_, Some(Some(Ok(character)))) => (character, 11),
        _ => (char::REPLACEMENT_CHARACTER, 5),
    }
}

/// The text as it stands between the quotes of a JSON string.
fn escape(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn documents_streams_of_them_and_their_beginnings_are_json() {
        for text in [r#"{"a":1}"#, "[1]\n[2]", r#"  "a""#, r#"{"a": "b"#, r#"{"a": "b\"#, "{}"] {
            assert!(is_json(text), "{text}");
        }
        for text in ["[INFO] ready", "{a: 1}", "1", "", r#"{"a":1} and more"#, "{'a': 1}"] {
            assert!(!is_json(text), "{text}");
        }
    }

    #[test]
    fn an_escape_that_is_cut_off_stays() {
        assert_eq!(unescape(r"a\nb\"), "a\nb\\");
        assert_eq!(unescape(r"\u00e"), r"\u00e");
        assert_eq!(unescape(r"\ud83d\ude00 \ud83d x"), "\u{1f600} \u{fffd} x");
        assert_eq!(unescape(r"\u0040\/"), "@/");
    }

    proptest! {
        #[test]
        fn a_string_that_is_escaped_and_read_again_is_the_same(text in any::<String>()) {
            prop_assert_eq!(unescape(&escape(&text)), text);
        }
    }
}

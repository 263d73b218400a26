//! Where in a text is a private key in armour?
//!
//! From `-----BEGIN … PRIVATE KEY-----` to the end that goes with it, with whatever stands between: line numbers,
//! quotes, escapes for the line breaks. Telemetry cuts texts, so either end may be missing; what looks like
//! the body of a key then goes with the end that is there.

use std::ops::Range;

use regex::Regex;

/// A key is shorter; an end that is further away belongs to another one.
const MAX_KEY_BYTES: usize = 32 * 1024;

/// Lines of a key's body are longer, but for the last one.
const MIN_LINE_BYTES: usize = 16;

/// Finds private keys.
#[derive(Debug)]
pub(crate) struct PrivateKeys {
    begin: Regex,
    end: Regex,
}

impl PrivateKeys {
    pub(crate) fn new() -> Result<Self, regex::Error> {
        Ok(Self {
            begin: Regex::new(r"-{4,5} ?BEGIN [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-{4,5}")?,
            end: Regex::new(r"-{4,5} ?END [A-Z0-9 ]*PRIVATE KEY[A-Z ]*-{4,5}")?,
        })
    }

    /// Reports where the keys are.
    pub(crate) fn find(&self, text: &str, mut found: impl FnMut(Range<usize>)) {
        let mut ends = self.end.find_iter(text).map(|end| end.range()).peekable();
        let mut covered = 0;
        for begin in self.begin.find_iter(text).map(|begin| begin.range()) {
            if begin.start < covered {
                continue;
            }
            while let Some(end) = ends.next_if(|end| end.end <= begin.start) {
                found(without_beginning(text, &end));
            }
            let whole = ends.next_if(|end| end.end - begin.start <= MAX_KEY_BYTES);
            covered =
                whole.map_or_else(|| begin.end + body_length(&text.as_bytes()[begin.end..]), |end| end.end);
            found(begin.start..covered);
        }
        ends.for_each(|end| found(without_beginning(text, &end)));
    }
}

/// An end with the lines before it that could be the body of a key. Line breaks may be escaped.
fn without_beginning(text: &str, end: &Range<usize>) -> Range<usize> {
    let is_body =
        |line: &str| line.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=\r".contains(&byte));
    let mut start = end.start;
    let mut at = end.start;
    let mut is_last = true;
    for line in text[..end.start].rsplit(['\n', '\\']) {
        let is_long = line.len() >= MIN_LINE_BYTES || line.is_empty() || is_last;
        if !is_body(line) || !is_long || end.start - at > MAX_KEY_BYTES {
            break;
        }
        at -= line.len();
        if !line.is_empty() {
            (start, is_last) = (at, false);
        }
        at = at.saturating_sub(1);
    }
    start..end.end
}

/// How much of the text could be the headers and base64 of a key.
fn body_length(text: &[u8]) -> usize {
    let is_body =
        |byte: &u8| byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b"+/=\\:,.-".contains(byte);
    text.iter().take(MAX_KEY_BYTES).take_while(|byte| is_body(byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        PrivateKeys::new().unwrap().find(text, |range| found.push(&text[range]));
        found
    }

    #[test]
    fn two_keys_are_two_and_what_is_between_them_stays() {
        let key = "-----BEGIN PRIVATE KEY-----\n1\u{2192}MIIE\n-----END PRIVATE KEY-----";
        assert_eq!(keys(&format!("a {key} b {key} c")), [key, key]);
    }

    #[test]
    fn a_beginning_without_an_end_takes_what_could_be_its_body() {
        assert_eq!(
            keys("grep \"-----BEGIN RSA PRIVATE KEY-----\" -r ."),
            ["-----BEGIN RSA PRIVATE KEY-----"]
        );
        assert_eq!(keys("-----BEGIN PRIVATE KEY-----\nMII\nabc").len(), 1);
    }

    #[test]
    fn an_end_without_a_beginning_takes_the_lines_before_it() {
        let tail = "abcdefghijklmnop0123\nabcdefghijklmnop==\n-----END PRIVATE KEY-----";
        assert_eq!(keys(&format!("tail: \n{tail} after")), [tail]);
    }
}

//! Requests that depend on what the client has already: `If-None-Match`, `If-Match`, `If-Range` and `Range` of RFC 9110.

use std::ops::Range;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

/// The name of one version of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntityTag {
    text: String,
    /// Whether two answers of this tag are the same to the byte.
    is_strong: bool,
}

impl EntityTag {
    /// Of bytes that never change under it. `text` is letters and digits of ours.
    pub(crate) fn strong(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_strong: true }
    }

    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let weak = if self.is_strong { "" } else { "W/" };
        HeaderValue::try_from(format!("{weak}\"{}\"", self.text)).ok()
    }

    /// What the client is to be told instead of the answer, if its conditions say so.
    pub(crate) fn instead(&self, headers: &HeaderMap) -> Option<StatusCode> {
        if headers.contains_key(header::IF_MATCH)
            && !self.is_among(headers, &header::IF_MATCH, self.is_strong)
        {
            return Some(StatusCode::PRECONDITION_FAILED);
        }
        self.is_among(headers, &header::IF_NONE_MATCH, true).then_some(StatusCode::NOT_MODIFIED)
    }

    /// Whether a part is wanted of this version, or of whichever there is.
    pub(crate) fn suits_range(&self, headers: &HeaderMap) -> bool {
        !headers.contains_key(header::IF_RANGE)
            || (self.is_strong
                && headers.get(header::IF_RANGE).and_then(|value| value.to_str().ok())
                    == Some(&format!("\"{}\"", self.text)))
    }

    fn is_among(&self, headers: &HeaderMap, name: &HeaderName, if_equal: bool) -> bool {
        let given = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        let mut tags = given.flat_map(|value| value.split(',')).map(str::trim);
        tags.any(|tag| {
            let opaque = tag.strip_prefix("W/").unwrap_or(tag);
            tag == "*" || (if_equal && opaque.trim_matches('"') == self.text)
        })
    }
}

/// Which bytes are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// All of them.
    Whole,
    /// These, of which there is at least one.
    Part(Range<u64>),
    /// Some that are not there.
    Beyond,
}

impl Wanted {
    /// Reads `Range` for something of that size. What it does not understand, and several ranges at once, it passes
    /// over, as a server may.
    pub(crate) fn read(headers: &HeaderMap, size: u64) -> Self {
        let range = headers.get(header::RANGE).and_then(|value| value.to_str().ok()?.strip_prefix("bytes="));
        let Some((first, last)) = range.and_then(|range| range.trim().split_once('-')) else {
            return Self::Whole;
        };
        let number =
            |text: &str| text.parse::<u64>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()));
        match (number(first), number(last)) {
            (Some(first), _) if last.is_empty() && first < size => Self::Part(first..size),
            (Some(first), Some(last)) if first <= last && first < size => {
                Self::Part(first..last.saturating_add(1).min(size))
            }
            (Some(first), last_given) if first >= size && (last.is_empty() || last_given >= Some(first)) => {
                Self::Beyond
            }
            (None, Some(count)) if first.is_empty() && count > 0 && size > 0 => {
                Self::Part(size.saturating_sub(count)..size)
            }
            (None, Some(_)) if first.is_empty() => Self::Beyond,
            _ => Self::Whole,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_client_that_has_this_version_is_told_so_and_one_that_wants_another_too() {
        let tag = EntityTag::strong("abc");
        for (name, value, instead) in [
            (header::IF_NONE_MATCH, "\"abc\"", Some(StatusCode::NOT_MODIFIED)),
            (header::IF_NONE_MATCH, "\"x\", W/\"abc\"", Some(StatusCode::NOT_MODIFIED)),
            (header::IF_NONE_MATCH, "*", Some(StatusCode::NOT_MODIFIED)),
            (header::IF_NONE_MATCH, "\"x\"", None),
            (header::IF_MATCH, "\"abc\"", None),
            (header::IF_MATCH, "*", None),
            (header::IF_MATCH, "\"x\"", Some(StatusCode::PRECONDITION_FAILED)),
        ] {
            assert_eq!(tag.instead(&headers(&[(name.clone(), value)])), instead, "{name}: {value}");
        }
        assert!(tag.suits_range(&HeaderMap::new()));
        assert!(tag.suits_range(&headers(&[(header::IF_RANGE, "\"abc\"")])));
        assert!(!tag.suits_range(&headers(&[(header::IF_RANGE, "\"x\"")])));
        assert!(!tag.suits_range(&headers(&[(header::IF_RANGE, "Fri, 20 Nov 2026 09:00:00 GMT")])));
    }

    #[test]
    fn a_range_is_of_what_is_there() {
        for (range, size, wanted) in [
            ("bytes=0-3", 10, Wanted::Part(0..4)),
            ("bytes=3-", 10, Wanted::Part(3..10)),
            ("bytes=3-99", 10, Wanted::Part(3..10)),
            ("bytes=-4", 10, Wanted::Part(6..10)),
            ("bytes=-40", 10, Wanted::Part(0..10)),
            ("bytes=9-9", 10, Wanted::Part(9..10)),
            ("bytes=10-", 10, Wanted::Beyond),
            ("bytes=10-12", 10, Wanted::Beyond),
            ("bytes=-0", 10, Wanted::Beyond),
            ("bytes=0-", 0, Wanted::Beyond),
            ("bytes=4-3", 10, Wanted::Whole),
            ("bytes=0-1,4-5", 10, Wanted::Whole),
            ("bytes=a-b", 10, Wanted::Whole),
            ("bytes=+1-3", 10, Wanted::Whole),
            ("lines=0-3", 10, Wanted::Whole),
        ] {
            assert_eq!(Wanted::read(&headers(&[(header::RANGE, range)]), size), wanted, "{range} of {size}");
        }
    }
}

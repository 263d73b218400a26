//! How fresh a client wants its answer: `Cache-Control` of a request, RFC 9111.

use std::time::Duration;

use http::{HeaderMap, header};

/// What of `Cache-Control` bears on a cache of our kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Freshness {
    /// An answer that was kept may be so old; zero has it made anew.
    pub(crate) max_age: Duration,
    /// Whether the answer may be kept for others.
    pub(crate) may_keep: bool,
}

impl Freshness {
    /// What it does not understand it passes over.
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let mut wanted = Self { max_age: Duration::MAX, may_keep: true };
        let given = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
        for directive in given.flat_map(|value| value.split(',')) {
            let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "no-cache" => wanted.max_age = Duration::ZERO,
                "no-store" => wanted.may_keep = false,
                "max-age" => {
                    let seconds = value.trim().trim_matches('"').parse().ok();
                    let age = seconds.map_or(wanted.max_age, Duration::from_secs);
                    wanted.max_age = wanted.max_age.min(age);
                }
                _ => {}
            }
        }
        wanted
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn the_strictest_directive_counts_and_others_are_passed_over() {
        for (text, max_age, may_keep) in [
            ("", Duration::MAX, true),
            ("No-Cache", Duration::ZERO, true),
            ("no-cache, max-age=10", Duration::ZERO, true),
            ("max-age=0", Duration::ZERO, true),
            ("max-age=10, max-age=5", Duration::from_secs(5), true),
            ("max-age=x, max-stale=7, only-if-cached", Duration::MAX, true),
            ("no-store", Duration::MAX, false),
        ] {
            let headers = HeaderMap::from_iter([(header::CACHE_CONTROL, HeaderValue::from_static(text))]);
            assert_eq!(Freshness::read(&headers), Freshness { max_age, may_keep }, "{text}");
        }
    }
}

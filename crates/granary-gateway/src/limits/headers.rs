//! How a caller learns what is left.
//!
//! The headers are those of the IETF's draft on rate limits, one item a policy: `RateLimit-Policy` says how much (`q`) a
//! window of seconds (`w`) holds, `RateLimit` how much is left (`r`) and in how many seconds all is back (`t`).

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::whole_seconds;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// One policy and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) policy: String,
    pub(super) quota: u64,
    pub(super) window: Duration,
    pub(super) left: u64,
    pub(super) back_in: Duration,
}

/// Writes the headers; none where nothing is bounded.
pub(super) fn write(items: &[Item], headers: &mut HeaderMap) {
    let list = |item: &dyn Fn(&Item) -> String| items.iter().map(item).collect::<Vec<_>>().join(", ");
    let policies =
        list(&|item| format!("\"{}\";q={};w={}", item.policy, item.quota, whole_seconds(item.window)));
    let standings = list(&|item| {
        // What is whole is so at once; everything else is rounded up.
        let back = if item.back_in.is_zero() { 0 } else { whole_seconds(item.back_in) };
        format!("\"{}\";r={};t={back}", item.policy, item.left)
    });
    for (name, value) in [(RATE_LIMIT_POLICY, policies), (RATE_LIMIT, standings)] {
        if !items.is_empty() {
            headers.extend(HeaderValue::try_from(value).ok().map(|value| (name, value)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_policy_says_what_it_holds_and_what_is_left() {
        let item = |policy: &str, quota, window, left, back_in| Item {
            policy: policy.to_owned(),
            quota,
            window: Duration::from_secs(window),
            left,
            back_in: Duration::from_millis(back_in),
        };
        let mut headers = HeaderMap::new();
        write(&[item("caller", 10, 4, 9, 333), item("rows", 1_000, 3_600, 1_000, 0)], &mut headers);
        assert_eq!(headers["ratelimit-policy"], "\"caller\";q=10;w=4, \"rows\";q=1000;w=3600");
        assert_eq!(headers["ratelimit"], "\"caller\";r=9;t=1, \"rows\";r=1000;t=0");
        let mut none = HeaderMap::new();
        write(&[], &mut none);
        assert!(none.is_empty());
    }
}

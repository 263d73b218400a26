//! Which revision of the protocol a request speaks, and whether its headers say the same as its body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde_json::Value;

use super::message::{Fault, Request};

/// The revisions that are spoken, newest first.
pub(super) const ALL: [&str; 4] = [STATELESS, "2025-11-25", "2025-06-18", "2025-03-26"];

/// The revision since which every request says by itself what it speaks.
const STATELESS: &str = "2026-07-28";

/// The two kinds of revisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Era {
    /// A client says `initialize` first. No session is kept here all the same.
    Sessions,
    /// Each request has its version and the client's capabilities in `_meta`.
    Stateless,
}

/// Which era a request is of.
pub(super) fn era(headers: &HeaderMap, request: &Request) -> Result<Era, Fault> {
    let header = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let in_header = header("mcp-protocol-version");
    let in_body = request.meta("protocolVersion").map(|version| version.as_str().unwrap_or_default());
    if let Some(version) = in_body.or(in_header)
        && !ALL.contains(&version)
    {
        return Err(Fault::unsupported_version(version, &ALL));
    }
    if in_body.is_none() && in_header != Some(STATELESS) && request.method != "server/discover" {
        return Ok(Era::Sessions);
    }
    let in_body = in_body.ok_or_else(|| Fault::missing_meta("protocolVersion"))?;
    if in_body != STATELESS {
        // The older ones do not have it in the body; whoever writes it there means the new way.
        return Err(Fault::unsupported_version(in_body, &[STATELESS]));
    }
    same("MCP-Protocol-Version", in_header, in_body)?;
    same("Mcp-Method", header("mcp-method"), &request.method)?;
    if request.method == "tools/call" {
        let name = request.text("name").unwrap_or_default();
        let given = header("mcp-name").map(|text| plain(text).ok_or(text).unwrap_or_else(str::to_owned));
        same("Mcp-Name", given.as_deref(), name)?;
    }
    if request.meta("clientCapabilities").is_none_or(|value| !value.is_object()) {
        return Err(Fault::missing_meta("clientCapabilities"));
    }
    Ok(Era::Stateless)
}

/// What `initialize` is answered with: what the client asked for, or else the newest that begins with `initialize`.
pub(super) fn negotiated(request: &Request) -> &'static str {
    let asked = request.params.get("protocolVersion").and_then(Value::as_str);
    let with_sessions = ALL.into_iter().filter(|version| *version != STATELESS);
    with_sessions
        .clone()
        .find(|version| Some(*version) == asked)
        .or_else(|| with_sessions.clone().next())
        .unwrap_or("")
}

fn same(name: &str, header: Option<&str>, body: &str) -> Result<(), Fault> {
    match header {
        Some(header) if header == body => Ok(()),
        Some(header) => {
            Err(Fault::header_mismatch(format!("the header {name} is {header:?}; the body has {body:?}")))
        }
        None => Err(Fault::header_mismatch(format!("the header {name} is missing"))),
    }
}

/// A header's value that may be wrapped, as `=?base64?…?=`, since not every text can stand in a header.
fn plain(text: &str) -> Option<String> {
    let wrapped = text.strip_prefix("=?base64?")?.strip_suffix("?=")?;
    String::from_utf8(STANDARD.decode(wrapped).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use serde_json::json;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[expect(clippy::needless_pass_by_value, reason = "params are written where they are used")]
    fn call(meta: Value) -> Request {
        let params = json!({ "name": "sessions", "_meta": meta });
        Request { id: json!(1), method: "tools/call".to_owned(), params: params.as_object().unwrap().clone() }
    }

    const NEW: [(&str, &str); 3] =
        [("mcp-protocol-version", STATELESS), ("mcp-method", "tools/call"), ("mcp-name", "sessions")];

    fn new_meta() -> Value {
        json!({
            "io.modelcontextprotocol/protocolVersion": STATELESS,
            "io.modelcontextprotocol/clientCapabilities": {},
        })
    }

    #[test]
    fn the_body_says_which_era_a_request_is_of() {
        assert_eq!(era(&headers(&NEW), &call(new_meta())), Ok(Era::Stateless));
        assert_eq!(era(&headers(&[]), &call(json!({}))), Ok(Era::Sessions));
        let older = headers(&[("mcp-protocol-version", "2025-06-18")]);
        assert_eq!(era(&older, &call(json!({ "progressToken": 1 }))), Ok(Era::Sessions));
        let wrapped = [NEW[0], NEW[1], ("mcp-name", "=?base64?c2Vzc2lvbnM=?=")];
        assert_eq!(era(&headers(&wrapped), &call(new_meta())), Ok(Era::Stateless));
    }

    #[test]
    fn headers_that_say_something_else_and_versions_nobody_speaks_are_refused() {
        let with = |at: usize, value: &'static str| {
            let mut pairs = NEW;
            pairs[at].1 = value;
            headers(&pairs)
        };
        for (headers, meta, code) in [
            (with(0, "2025-11-25"), new_meta(), -32020),
            (with(1, "tools/list"), new_meta(), -32020),
            (with(2, "freshness"), new_meta(), -32020),
            (headers(&NEW[..2]), new_meta(), -32020),
            (headers(&NEW), json!({}), -32602),
            (headers(&NEW), json!({ "io.modelcontextprotocol/protocolVersion": STATELESS }), -32602),
            (with(0, "1999-01-01"), json!({}), -32022),
            (headers(&NEW), json!({ "io.modelcontextprotocol/protocolVersion": "2031-01-01" }), -32022),
        ] {
            let said = format!("{:?}", era(&headers, &call(meta)).unwrap_err());
            assert!(said.contains(&format!("code: {code}")), "{said}");
        }
    }

    #[test]
    fn initialize_gets_what_it_asks_for_or_the_newest_that_has_it() {
        for (asked, given) in
            [("2025-06-18", "2025-06-18"), ("2026-07-28", "2025-11-25"), ("x", "2025-11-25")]
        {
            let mut request = call(json!({}));
            request.params.insert("protocolVersion".to_owned(), json!(asked));
            assert_eq!(negotiated(&request), given);
        }
    }
}

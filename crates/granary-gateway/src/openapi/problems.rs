//! Every kind of problem, with its status and when it comes, and the responses that a route names them by.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::reference;

/// Kind, status, when it comes, and what its detail is like.
const KINDS: &[(&str, u16, &str, &str)] = &[
    (
        "bad-parameter",
        400,
        "a parameter has a value that it cannot have, is missing or repeated",
        "the parameter limit is \"0\"; expected a whole number between 1 and 10000",
    ),
    (
        "unknown-parameter",
        400,
        "there is no parameter of that name",
        "there is no parameter \"form\"; there are from, to, user, limit",
    ),
    (
        "bad-upgrade",
        400,
        "a WebSocket is asked for in the wrong way",
        "a WebSocket begins with a GET over HTTP/1.1 with Connection: upgrade",
    ),
    (
        "unauthenticated",
        401,
        "no key or token is shown, or none that is taken",
        "a key is needed: Authorization: Bearer, X-Api-Key, or the password of HTTP Basic",
    ),
    (
        "wrong-role",
        403,
        "it is for a higher role, or for keys that ask",
        "this is for the role admin; this key has the role viewer",
    ),
    (
        "wrong-network",
        403,
        "the key is used from elsewhere than it may be",
        "this key may not be used from here",
    ),
    (
        "foreign-host",
        403,
        "without a key, by a name that is not this machine's",
        "without a key this is answered by the names of this machine alone, such as localhost",
    ),
    (
        "forbidden-group",
        403,
        "the key is for other groups of queries",
        "queries of the group cost are not among those that this key may ask",
    ),
    (
        "forbidden-query",
        403,
        "the query cannot be narrowed to what the key may see",
        "the query freshness does not honour the filter user, which this key has",
    ),
    (
        "fixed-parameter",
        403,
        "the key gives the parameter another value",
        "the parameter project is fixed for this key and cannot be given another value",
    ),
    (
        "foreign-origin",
        403,
        "a page of another site asks for what pages of other sites may not have",
        "pages of other sites may not open a WebSocket here",
    ),
    ("not-found", 404, "nothing is at that address", "there is nothing here; GET / lists what there is"),
    (
        "unknown-query",
        404,
        "there is no query of that name",
        "there is no query named \"cots\"; GET /v1/queries lists them",
    ),
    ("unknown-session", 404, "there is no such session", "there is no session \"s1\""),
    (
        "not-archived",
        404,
        "the session has no object yet",
        "session \"s1\" is not archived; one is once it has been quiet for a while, and its events can be had meanwhile",
    ),
    (
        "method-not-allowed",
        405,
        "the address is asked with another method; Allow has those it takes",
        "everything here is asked with GET",
    ),
    (
        "not-acceptable",
        406,
        "Accept takes nothing of what there is",
        "answers here are application/json, which Accept does not take",
    ),
    (
        "message-too-large",
        413,
        "the body is too long",
        "the message is longer than 65536 bytes, or did not come to its end",
    ),
    (
        "uri-too-long",
        414,
        "the parameters are too long",
        "the part behind the question mark is longer than 32768 bytes",
    ),
    (
        "unsupported-media-type",
        415,
        "the body is of another type",
        "a message is one JSON document, with Content-Type: application/json",
    ),
    (
        "range-not-satisfiable",
        416,
        "Range begins behind the end",
        "the range begins behind the end; there are 1024 bytes",
    ),
    (
        "too-large",
        422,
        "the query would read, hold or answer more than it may",
        "the query needs more rows to read than it may have; ask for a shorter range or fewer rows",
    ),
    (
        "too-many-requests",
        429,
        "the caller's allowance is used up; Retry-After says until when",
        "more requests than the allowance that RateLimit-Policy tells of",
    ),
    (
        "too-many-queries",
        429,
        "as many queries of the caller or its tenant run and wait as may",
        "as many queries of this caller wait as may",
    ),
    (
        "budget-used-up",
        429,
        "the hour's rows or bytes of the caller or its tenant are read",
        "the rows that this caller may read in an hour are read",
    ),
    (
        "too-many-failures",
        429,
        "too many keys that are not taken came from this address",
        "too many keys that are not taken came from this address; come again in 30 s",
    ),
    (
        "internal",
        500,
        "something is broken; the log has more under the request's id",
        "something here is broken; the log has the cause under this request's id",
    ),
    (
        "busy",
        503,
        "as many run and wait as may; Retry-After says for how long to stay away",
        "as many queries run and wait as may",
    ),
    (
        "unavailable",
        503,
        "the warehouse cannot answer now; Retry-After says for how long to stay away",
        "the warehouse cannot answer now; ask again in a while",
    ),
    (
        "timeout",
        504,
        "the query takes longer than it may",
        "the query ran longer than 30s; ask for a shorter range or fewer rows",
    ),
];

/// What any route that counts against an allowance may answer with.
pub(super) const ALWAYS: [&str; 8] = [
    "unauthenticated",
    "wrong-role",
    "wrong-network",
    "foreign-host",
    "too-many-requests",
    "too-many-failures",
    "internal",
    "unavailable",
];

/// What a query may answer with, beside [`ALWAYS`].
pub(super) const OF_A_QUERY: [&str; 15] = [
    "not-acceptable",
    "forbidden-group",
    "forbidden-query",
    "fixed-parameter",
    "too-many-queries",
    "budget-used-up",
    "bad-parameter",
    "unknown-parameter",
    "not-found",
    // An ending with a dot in it is part of a name.
    "unknown-query",
    "uri-too-long",
    "too-large",
    "busy",
    "unavailable",
    "timeout",
];

/// The responses of a route by status, for the kinds of problems that it has. Two kinds of one status are one response.
pub(super) fn responses_of(kinds: &[&str]) -> Map<String, Value> {
    let mut by_status = BTreeMap::<u16, Vec<&str>>::new();
    for (kind, status, ..) in KINDS.iter().filter(|(kind, ..)| kinds.contains(kind)) {
        by_status.entry(*status).or_default().push(kind);
    }
    by_status
        .into_iter()
        .map(|(status, kinds)| (status.to_string(), reference("responses", &kinds.join("_or_"))))
        .collect()
}

/// The responses that paths refer to.
pub(super) fn responses(paths: &Map<String, Value>) -> Map<String, Value> {
    let mut names = BTreeSet::new();
    let mut open: Vec<&Value> = paths.values().collect();
    while let Some(value) = open.pop() {
        match value {
            Value::Object(inner) => open.extend(inner.values()),
            Value::Array(inner) => open.extend(inner),
            Value::String(text) => names.extend(text.strip_prefix("#/components/responses/")),
            _ => {}
        }
    }
    let of = |name: &str| {
        let kinds: Vec<_> =
            name.split("_or_").filter_map(|one| KINDS.iter().find(|(kind, ..)| *kind == one)).collect();
        response(&kinds)
    };
    names.into_iter().map(|name| (name.to_owned(), of(name))).collect()
}

fn response(kinds: &[&(&str, u16, &str, &str)]) -> Value {
    let when: Vec<_> = kinds.iter().map(|(kind, _, when, _)| format!("`{kind}`: {when}")).collect();
    let types: Vec<_> = kinds.iter().map(|(kind, ..)| json!(format!("urn:granary:problem:{kind}"))).collect();
    let examples: Map<_, _> = kinds
        .iter()
        .map(|(kind, status, _, detail)| {
            let example = json!({
                "type": format!("urn:granary:problem:{kind}"),
                "title": title(*status),
                "status": status,
                "detail": detail,
                "request_id": "01934b6e-5f3a-7c31-9d55-5a1d3f0c9a10",
            });
            ((*kind).to_owned(), json!({ "value": example }))
        })
        .collect();
    let mut headers = super::object([("x-request-id", reference("headers", "request_id"))]);
    if kinds.iter().any(|(kind, ..)| {
        matches!(
            *kind,
            "too-many-requests"
                | "too-many-queries"
                | "budget-used-up"
                | "too-many-failures"
                | "busy"
                | "unavailable"
        )
    }) {
        headers.insert("retry-after".to_owned(), reference("headers", "retry_after"));
    }
    json!({
        "description": when.join("; "),
        "headers": headers,
        "content": { "application/problem+json": {
            "schema": { "allOf": [reference("schemas", "Problem"), { "properties": { "type": { "enum": types } } }] },
            "examples": examples,
        } },
    })
}

fn title(status: u16) -> &'static str {
    http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_problem_that_is_made_is_told_of_and_no_other() {
        let source = include_str!("../problem.rs").split_once("impl Problem {").unwrap().1;
        let constants = ["kind = match error", "\"unknown-parameter\""];
        assert!(constants.iter().all(|text| source.contains(text)), "kinds are made in another way now");
        for (kind, ..) in KINDS {
            assert!(source.contains(&format!("\"{kind}\"")), "{kind} is told of, and nothing makes it");
        }
        // Every text between quotes behind a status is a kind.
        for piece in source.split("StatusCode::").skip(1) {
            let Some((constant, rest)) = piece.split_once(", \"") else { continue };
            if constant.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
                let kind = rest.split('"').next().unwrap();
                assert!(KINDS.iter().any(|(known, ..)| *known == kind), "{kind} is made, and not told of");
            }
        }
    }

    #[test]
    fn what_a_route_names_is_there() {
        let named = responses_of(&OF_A_QUERY);
        let there = responses(&named);
        assert_eq!(named.len(), there.len());
        for response in there.values() {
            assert_ne!(response["description"], "");
        }
    }
}

//! Everything in the document that is no named query: a function a route, in the router's order.

#![expect(clippy::needless_pass_by_value, reason = "what is written once is given away")]

use serde_json::{Map, Value, json};

use super::problems::{ALWAYS, OF_A_QUERY, responses_of};
use super::{object, reference};
use crate::Format;

/// What routes are grouped by, beside the queries' groups.
pub(super) const TAGS: [(&str, &str); 4] = [
    ("catalogue", "which questions can be asked"),
    ("sessions read", "a session's events, as they went or as a file"),
    ("agents", "agents and BI tools: the Model Context Protocol, ClickHouse's HTTP interface"),
    ("service", "this process"),
];

pub(super) fn paths(groups: &[&str]) -> Map<String, Value> {
    object([
        ("/", index()),
        ("/docs", page()),
        ("/docs/{file}", page_file()),
        ("/openapi.json", openapi()),
        ("/v1/queries", list()),
        ("/v1/queries/{name}", describe()),
        ("/v1/queries/{name}/rows", rows()),
        ("/v1/cache", cache()),
        ("/v1/sessions/{id}/replay", replay()),
        ("/v1/sessions/{id}/events.ndjson", events("application/x-ndjson", "events_as_ndjson")),
        ("/v1/sessions/{id}/events.csv", events("text/csv; charset=utf-8; header=present", "events_as_csv")),
        ("/v1/sessions/{id}/archive", archive()),
        ("/v1/live", live()),
        ("/clickhouse", clickhouse("clickhouse")),
        ("/clickhouse/", clickhouse("clickhouse_slash")),
        ("/clickhouse/ping", ping("clickhouse_ping")),
        ("/ping", ping("ping")),
        ("/mcp", mcp(groups)),
        ("/livez", alive()),
        ("/readyz", ready()),
        ("/metrics", metrics()),
    ])
}

/// An operation with the answers that it gives, and the kinds of problems that it has.
fn operation(id: &str, tag: &str, summary: &str, parameters: Value, answers: Value, kinds: &[&str]) -> Value {
    let mut responses = responses_of(kinds);
    responses.extend(answers.as_object().cloned().unwrap_or_default());
    json!({ "operationId": id, "tags": [tag], "summary": summary, "parameters": parameters, "responses": responses })
}

fn with(kinds: &[&'static str]) -> Vec<&'static str> {
    [kinds, &ALWAYS].concat()
}

fn ok(description: &str, media_type: &str, schema: Value) -> Value {
    let content = object([(media_type, json!({ "schema": schema }))]);
    json!({ "200": { "description": description, "headers": usual_headers(), "content": content } })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn index() -> Value {
    let route = json!({ "type": "object", "required": ["path", "what"], "properties": { "path": text(), "what": text() } });
    let schema = json!({
        "type": "object", "required": ["name", "version", "routes"],
        "properties": { "name": text(), "version": text(), "routes": { "type": "array", "items": route } },
    });
    // With a query it is ClickHouse's interface, and its errors are so in any case.
    let mut paths = clickhouse("clickhouse_at_root");
    let answers = &mut paths["get"]["responses"];
    answers["200"] =
        ok("what there is; with a statement, its answer", "application/json", schema)["200"].take();
    answers["200"]["content"]["*/*"] = json!({});
    paths["get"]["operationId"] = json!("index");
    paths["get"]["summary"] = json!("What is there? With query=, ClickHouse's HTTP interface");
    paths
}

/// A query's answer in the format that `Accept` asks for; what it takes and answers is said at each query's own path.
fn rows() -> Value {
    let name = json!([{ "name": "name", "in": "path", "required": true, "schema": { "type": "string" } }]);
    let content: Map<_, _> =
        Format::ALL.iter().map(|format| (format.content_type().to_owned(), json!({}))).collect();
    let answers = json!({
        "200": { "description": "the answer", "headers": usual_headers(), "content": content },
        "304": { "description": "the client has this answer", "headers": usual_headers() },
    });
    let kinds = with(&[&OF_A_QUERY[..], &["unknown-session"]].concat());
    json!({ "get": operation("query_rows", "catalogue", "A query's answer in the format that Accept asks for", name, answers, &kinds) })
}

fn cache() -> Value {
    let number = json!({ "type": "integer" });
    let schema = json!({ "type": "object", "required": ["entries", "bytes"], "properties": { "entries": number, "bytes": number } });
    let show = ok("what is kept", "application/json", schema);
    let schema = json!({ "type": "object", "required": ["flushed"], "properties": { "flushed": number } });
    let flush = ok("they are asked anew from now on", "application/json", schema);
    json!({
        "get": operation("cache", "service", "How many answers are kept?", json!([]), show, &with(&[])),
        "delete": operation("flush_cache", "service", "Forget the tenant's answers; for admins", json!([]), flush, &with(&[])),
    })
}

fn live() -> Value {
    let names = ["session", "user", "team", "tool", "severity", "event"];
    let parameters: Vec<_> = names
        .iter()
        .map(|name| {
            json!({ "name": name, "in": "query", "required": false, "description": format!("only events of this {name}; may be given several times"),
                "schema": { "type": "array", "items": text() }, "style": "form", "explode": true })
        })
        .collect();
    let mut answers = ok(
        "the events as they are stored, without an end",
        "text/event-stream",
        json!({ "type": "string", "description": "server-sent events: state, logs, and missed where the client was too slow" }),
    );
    answers["101"] =
        json!({ "description": "a WebSocket: events as messages, commands that pause and filter" });
    let kinds = with(&[
        "bad-parameter",
        "unknown-parameter",
        "bad-upgrade",
        "foreign-origin",
        "forbidden-group",
        "forbidden-query",
        "fixed-parameter",
        "busy",
    ]);
    json!({ "get": operation("live", "sessions read", "Watch events as they are stored", json!(parameters), answers, &kinds) })
}

/// Errors here have `ClickHouse`'s own form, since its clients read no other.
fn clickhouse(id: &str) -> Value {
    let error = |description: &str| json!({ "description": description, "content": { "text/plain; charset=utf-8": { "schema": text() } } });
    let answers = json!({
        "200": { "description": "the answer, in the format that the statement or default_format names", "content": { "*/*": {} } },
        "400": error("the statement or a parameter is wrong"),
        "401": error("a key is needed, as X-ClickHouse-Key, password or HTTP Basic"),
        "403": error("not allowed"),
        "404": error("there is no such table, or no such door"),
        "413": error("the statement is too long"),
        "415": error("something that is not taken here, such as an upload"),
        "429": error("a limit of the caller's or its tenant's is reached"),
        "500": error("the statement failed"),
        "503": error("the warehouse cannot answer now, or a limit of everybody's is reached"),
        "504": error("the statement took longer than it may"),
    });
    let statement = json!([{ "name": "query", "in": "query", "required": false, "description": "the statement, if it is not the body", "schema": text() }]);
    let of = |method: &str, required: bool| {
        let mut parameters = statement.clone();
        parameters[0]["required"] = json!(required);
        operation(
            &format!("{id}_{method}"),
            "agents",
            "ClickHouse's HTTP interface to the published views",
            parameters,
            answers.clone(),
            &[],
        )
    };
    let mut post = of("post", false);
    post["requestBody"] = json!({ "required": false, "content": { "text/plain": { "schema": text() } } });
    json!({ "get": of("get", false), "post": post })
}

fn ping(id: &str) -> Value {
    let answers = ok("it is there", "text/plain; charset=utf-8", text());
    json!({ "get": operation(id, "service", "Is ClickHouse's HTTP interface there?", json!([]), answers, &["internal"]) })
}

fn page() -> Value {
    let answers = ok("a page", "text/html; charset=utf-8", text());
    json!({ "get": operation("docs", "service", "A page to try the queries on", json!([]), answers, &["internal"]) })
}

fn page_file() -> Value {
    let file = json!([{ "name": "file", "in": "path", "required": true, "schema": { "enum": ["app.js", "style.css"] } }]);
    let answers = json!({ "200": { "description": "a part of the page", "content": {
        "text/javascript; charset=utf-8": { "schema": text() },
        "text/css; charset=utf-8": { "schema": text() },
    } } });
    json!({ "get": operation("docs_file", "service", "A part of the page", file, answers, &["internal", "not-found"]) })
}

fn openapi() -> Value {
    let answers = ok("this document", "application/json", json!({ "type": "object" }));
    json!({ "get": operation("openapi", "catalogue", "This document", json!([]), answers, &with(&[])) })
}

fn list() -> Value {
    let query = json!({
        "type": "object", "required": ["name", "group", "question", "href"],
        "properties": { "name": text(), "group": text(), "question": text(), "href": text() },
    });
    let problem = json!({
        "type": "object", "required": ["file", "line", "reason", "is_earlier_in_force"],
        "properties": {
            "file": text(), "line": { "type": ["integer", "null"] }, "reason": text(),
            "is_earlier_in_force": { "type": "boolean", "description": "whether an earlier version of the file answers meanwhile" },
        },
    });
    let schema = json!({
        "type": "object", "required": ["queries", "problems"],
        "properties": {
            "queries": { "type": "array", "items": query },
            "problems": { "type": "array", "items": problem, "description": "files of the operator's that cannot be used" },
        },
    });
    let answers = ok("the named queries", "application/json", schema);
    json!({ "get": operation("list_queries", "catalogue", "Which queries are there?", json!([]), answers, &with(&[])) })
}

fn describe() -> Value {
    let name = json!([{ "name": "name", "in": "path", "required": true, "schema": { "type": "string" } }]);
    let answers =
        ok("what it answers and takes", "application/json", reference("schemas", "QueryDescription"));
    let kinds = with(&["unknown-query", "not-found", "forbidden-group", "forbidden-query"]);
    json!({ "get": operation("describe_query", "catalogue", "What does a query answer and take?", name, answers, &kinds) })
}

const OF_A_SESSION: [&str; 6] =
    ["bad-parameter", "unknown-parameter", "forbidden-group", "not-found", "unknown-session", "busy"];

fn of_a_session(more: &[&str]) -> Value {
    let names = ["session_id", "part_from", "part_to", "part_signals"].iter().chain(more);
    Value::Array(names.map(|name| reference("parameters", name)).collect())
}

fn replay() -> Value {
    let mut answers = ok(
        "the events as they are due, each with its id",
        "text/event-stream",
        json!({ "type": "string", "description": "server-sent events; the data of each is an event as JSON" }),
    );
    answers["204"] = json!({ "description": "there is nothing (more) to play", "headers": usual_headers() });
    answers["101"] = json!({ "description": "a WebSocket: events as messages, commands that pause, move and change the speed" });
    let parameters = of_a_session(&["speed", "max_gap", "last_event_id"]);
    let kinds = with(&[&OF_A_SESSION[..], &["bad-upgrade", "foreign-origin"]].concat());
    json!({ "get": operation("replay_session", "sessions read", "Play a session again, at its pace or faster", parameters, answers, &kinds) })
}

fn events(media_type: &str, id: &str) -> Value {
    let answers = ok("the events in order", media_type, text());
    json!({ "get": operation(id, "sessions read", "A session's events as a file", of_a_session(&[]), answers, &with(&OF_A_SESSION)) })
}

fn archive() -> Value {
    let bytes = json!({ "application/gzip": {} });
    let answers = json!({
        "200": { "description": "the object: gzipped JSON lines", "headers": usual_headers(), "content": bytes },
        "206": { "description": "a part of it", "headers": usual_headers(), "content": bytes },
        "304": { "description": "the client has this version", "headers": usual_headers() },
        "412": { "description": "If-Match names another version", "headers": usual_headers() },
    });
    let kinds =
        with(&["forbidden-group", "not-found", "unknown-session", "not-archived", "range-not-satisfiable"]);
    let parameters = json!([reference("parameters", "session_id")]);
    json!({ "get": operation("archived_session", "sessions read", "A session's archived object", parameters, answers, &kinds) })
}

fn mcp(groups: &[&str]) -> Value {
    let group = groups.join("|");
    let groups = json!([{
        "name": "groups", "in": "query", "required": false,
        "description": "only the queries of these groups as tools, with commas between them",
        "schema": { "type": "string", "pattern": format!("^({group})(,({group}))*$") },
    }]);
    let message = json!({
        "type": "object", "required": ["jsonrpc"],
        "properties": { "jsonrpc": { "const": "2.0" }, "id": { "type": ["string", "integer", "null"] }, "result": { "type": "object" },
            "error": { "type": "object", "required": ["code", "message"], "properties": { "code": { "type": "integer" }, "message": text() } } },
    });
    let mut answers = ok("the answer to a request", "application/json", message.clone());
    let json_message = json!({ "application/json": { "schema": message } });
    let refused = |kinds: &[&str], description: &str| {
        let names: Vec<_> = kinds.iter().map(|kind| json!(format!("urn:granary:problem:{kind}"))).collect();
        let mut content = json_message.clone();
        if !names.is_empty() {
            content["application/problem+json"] = json!({ "schema": { "allOf": [reference("schemas", "Problem"), { "properties": { "type": { "enum": names } } }] } });
        }
        json!({ "description": description, "headers": usual_headers(), "content": content })
    };
    answers["202"] = json!({ "description": "a notification was taken", "headers": usual_headers() });
    answers["400"] = refused(
        &["bad-parameter", "unknown-parameter"],
        "no message of the protocol, or a parameter that cannot be",
    );
    answers["404"] = refused(&[], "there is no such method");
    let kinds = with(&["foreign-origin", "not-acceptable", "message-too-large", "unsupported-media-type"]);
    let mut post =
        operation("mcp", "agents", "The named queries as tools for agents", groups, answers, &kinds);
    post["description"] = json!(
        "The Model Context Protocol over streamable HTTP, revisions 2025-03-26 to 2026-07-28; one message a request."
    );
    post["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": {
        "type": "object", "required": ["jsonrpc", "method"],
        "properties": { "jsonrpc": { "const": "2.0" }, "id": { "type": ["string", "integer"] }, "method": text(), "params": { "type": "object" } },
    } } } });
    json!({ "post": post })
}

fn alive() -> Value {
    let schema = json!({ "type": "object", "properties": { "alive": { "const": true } } });
    let answers = ok("it is", "application/json", schema);
    json!({ "get": operation("alive", "service", "Is the process alive?", json!([]), answers, &["internal"]) })
}

fn ready() -> Value {
    let schema = json!({
        "type": "object", "required": ["ready", "conditions"],
        "properties": { "ready": { "type": "boolean" },
            "conditions": { "type": "object", "additionalProperties": { "type": ["string", "null"] },
                "description": "null where it holds, or the reason why not" } },
    });
    let mut answers = ok("every condition holds", "application/json", schema.clone());
    answers["503"] =
        json!({ "description": "one does not", "content": { "application/json": { "schema": schema } } });
    json!({ "get": operation("ready", "service", "Can it do its work?", json!([]), answers, &["internal"]) })
}

fn metrics() -> Value {
    let answers = ok("OpenMetrics text", granary_service::metrics::CONTENT_TYPE, text());
    json!({ "get": operation("metrics", "service", "What does this process count?", json!([]), answers, &["internal"]) })
}

pub(super) fn schemas() -> Map<String, Value> {
    let parameter = json!({
        "type": "object", "required": ["name", "type", "required", "repeatable", "help"],
        "properties": {
            "name": text(), "type": { "enum": ["time", "enum", "string", "session", "strings", "uint", "float", "bool"] },
            "required": { "type": "boolean" }, "repeatable": { "type": "boolean" }, "help": text(),
            "default": {}, "values": { "type": "array", "items": text() }, "min": { "type": "number" }, "max": { "type": "number" },
        },
    });
    let column = json!({ "type": "object", "required": ["name", "meaning"], "properties": { "name": text(), "meaning": text() } });
    object([
        (
            "Problem",
            json!({
                "type": "object", "required": ["type", "title", "status", "detail", "request_id"],
                "properties": {
                    "type": { "type": "string", "format": "uri", "description": "the kind, for programs" },
                    "title": text(), "status": { "type": "integer" }, "detail": { "type": "string", "description": "what to do, for people" },
                    "request_id": { "type": "string", "format": "uuid", "description": "what the log has it under" },
                    "parameter": { "type": "string", "description": "which parameter it is about" }, "expected": { "type": "string", "description": "what would do" },
                },
            }),
        ),
        (
            "Moment",
            json!({
                "type": "string", "description": crate::time::EXPECTED,
                "pattern": "^(now|-[0-9]{1,9}[smhdw]|(19[789][0-9]|20[0-9][0-9])-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9]))$",
                "examples": ["-7d", "2026-11-20T09:00:00Z"],
            }),
        ),
        (
            "AnswerColumn",
            json!({ "type": "object", "required": ["name", "type"],
            "properties": { "name": text(), "type": { "type": "string", "description": "ClickHouse's type" } } }),
        ),
        (
            "AnswerStatistics",
            json!({ "type": "object", "properties": {
            "elapsed": { "type": "number", "description": "seconds" },
            "rows_read": { "type": "integer" }, "bytes_read": { "type": "integer" } } }),
        ),
        (
            "QueryDescription",
            json!({
                "type": "object", "required": ["name", "group", "question", "parameters", "columns", "tables", "cache_seconds"],
                "properties": { "name": text(), "group": text(), "question": text(),
                    "parameters": { "type": "array", "items": parameter }, "columns": { "type": "array", "items": column },
                    "tables": { "type": "array", "items": text() }, "cache_seconds": { "type": "integer" } },
            }),
        ),
    ])
}

pub(super) fn parameters() -> Map<String, Value> {
    let query = |name: &str, description: &str, schema: Value| json!({ "name": name, "in": "query", "required": false, "description": description, "schema": schema });
    object([
        (
            "session_id",
            json!({ "name": "id", "in": "path", "required": true, "description": "the session's id", "schema": text() }),
        ),
        ("part_from", query("from", "only events of this moment and later", reference("schemas", "Moment"))),
        ("part_to", query("to", "only events before this moment", reference("schemas", "Moment"))),
        (
            "part_signals",
            query(
                "signals",
                "only these kinds of events",
                json!({ "type": "string", "pattern": "^(logs|traces|metrics)(,(logs|traces|metrics))*$" }),
            ),
        ),
        (
            "speed",
            query(
                "speed",
                "how much faster than it happened: 0.1 to 1000, or max",
                json!({ "type": "string", "pattern": "^(max|[1-9][0-9]{0,2}(\\.[0-9]{1,3})?)$", "default": "1" }),
            ),
        ),
        (
            "max_gap",
            query(
                "max_gap",
                "the longest pause between two events, such as 10s",
                json!({ "type": "string", "pattern": "^[1-9][0-9]{0,3}ms$|^[1-9]s$", "examples": ["5s"] }),
            ),
        ),
        (
            "last_event_id",
            json!({ "name": "Last-Event-ID", "in": "header", "required": false, "description": "the id of the last event that the client has seen",
            "schema": { "type": "string", "pattern": "^[0-9]{1,18}-[0-9]{1,6}$" } }),
        ),
    ])
}

pub(super) fn headers() -> Map<String, Value> {
    object([
        (
            "request_id",
            json!({ "description": "the request's id: in the log, and of its query at the engine", "schema": { "type": "string", "format": "uuid" } }),
        ),
        (
            "rate_limit",
            json!({ "description": "what is left of the caller's allowance, and in how many seconds it is whole", "schema": text() }),
        ),
        (
            "rate_limit_policy",
            json!({ "description": "the allowance: so many requests in a window of so many seconds", "schema": text() }),
        ),
        (
            "retry_after",
            json!({ "description": "seconds to stay away", "schema": { "type": "integer", "minimum": 1 } }),
        ),
    ])
}

pub(super) fn usual_headers() -> Map<String, Value> {
    object([("x-request-id", reference("headers", "request_id"))])
}

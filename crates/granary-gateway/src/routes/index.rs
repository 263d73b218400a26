//! What there is.

use axum::Json;
use serde_json::{Value, json};

/// Every route, with what it is for.
const ROUTES: &[(&str, &str)] = &[
    ("/", "this list"),
    ("/livez", "whether the process is alive"),
    ("/readyz", "whether it can do its work, and if not, why not"),
    ("/metrics", "what this process counts, as OpenMetrics text"),
    ("/openapi.json", "all of this as an OpenAPI 3.1 document"),
    ("/docs", "a page to try the queries on"),
    ("/v1/queries", "the named queries"),
    ("/v1/queries/{name}", "what a query answers and takes"),
    (
        "/v1/queries/{name}.{format}",
        "a query's answer: json, ndjson, csv, tsv, parquet, arrow, prometheus, markdown or table",
    ),
    ("/v1/queries/{name}/rows", "the same, in the format that Accept asks for"),
    ("/v1/cache", "how many answers are kept; DELETE has them forgotten"),
    (
        "/v1/sessions/{id}/replay",
        "a session's events as server-sent events or over a WebSocket, at speed 0.1 to 1000 or max",
    ),
    ("/v1/sessions/{id}/events.{ndjson,csv}", "a session's events as a file"),
    ("/clickhouse", "ClickHouse's HTTP interface to the published views, for BI tools; at / too"),
    ("/v1/sessions/{id}/archive", "a session's archived object, gzipped JSON lines"),
    ("/v1/live", "events as they are stored, as server-sent events or over a WebSocket"),
    ("/mcp", "the named queries as tools for agents; POST, as the Model Context Protocol has it"),
];

/// `GET /`
pub(crate) fn show() -> Json<Value> {
    let routes: Vec<_> = ROUTES.iter().map(|(path, what)| json!({ "path": path, "what": what })).collect();
    Json(json!({ "name": "granary", "version": env!("CARGO_PKG_VERSION"), "routes": routes }))
}

//! A day told in lines, and its rows.
//!
//! ```text
//! 09:00:00 s1 ann api_request  model=claude-haiku-4-5  cost_usd=0.25
//! 09:00:01 s1 ann +claude_code.commit.count  value=1
//! 09:00:02 s1 ann ~claude_code.tool  span=a1  parent=a0  ms=2000  tool_name=Bash
//! ```
//!
//! Time (of [`DAY`](super::answer::DAY), or with its day of November in front: `18T23:59:59`), session, user, and an event, a counter's point
//! (`+`) or a span (`~`); then attributes, each after two spaces. `-` is none. `@key=value` is the resource's. Rows are written as the
//! OpenTelemetry Collector would write them, so Granary's columns are computed by the tables.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What a resource has where a line says nothing else: ann and bob are of the team core, others of web.
fn resource(user: &str) -> BTreeMap<String, String> {
    let team = if matches!(user, "ann" | "bob") { "core" } else { "web" };
    [("service.version", "2.1.0"), ("team.id", team), ("project", "granary")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

/// Table and row of a line, for a tenant.
pub(super) fn row(line: &str, tenant: &str) -> (&'static str, Value) {
    let mut parts = line.split("  ").map(str::trim).filter(|part| !part.is_empty());
    let head: Vec<_> = parts.next().unwrap().split(' ').collect();
    let [time, session, user, what] = head[..] else { panic!("{line}: no time, session, user and event") };
    let time = if let Some((day, time)) = time.split_once('T') {
        format!("2026-11-{day} {time}")
    } else {
        format!("2026-11-19 {time}")
    };
    let mut of_resource = resource(user);
    let mut attributes = BTreeMap::from([("terminal.type".to_owned(), "vscode".to_owned())]);
    for (key, value) in [("session.id", session), ("user.email", user)] {
        if value != "-" {
            attributes.insert(key.to_owned(), value.to_owned());
        }
    }
    for part in parts {
        let (key, value) = part.split_once('=').unwrap_or_else(|| panic!("{line}: {part:?} is no key=value"));
        match key.strip_prefix('@') {
            Some(key) => of_resource.insert(key.to_owned(), value.to_owned()),
            None => attributes.insert(key.to_owned(), value.to_owned()),
        };
    }
    let mut take = |key: &str| attributes.remove(key).unwrap_or_default();
    if let Some(metric) = what.strip_prefix('+') {
        let value: f64 = take("value").parse().unwrap();
        let cumulative = take("since");
        let (start, temporality) =
            if cumulative.is_empty() { (time.clone(), 1) } else { (format!("2026-11-19 {cumulative}"), 2) };
        let row = json!({
            "TenantId": tenant, "ServiceName": "claude-code", "MetricName": metric, "ResourceAttributes": of_resource,
            "Attributes": attributes, "StartTimeUnix": start, "TimeUnix": time, "Value": value,
            "AggregationTemporality": temporality, "IsMonotonic": true,
        });
        return ("otel_metrics_sum", row);
    }
    if let Some(span) = what.strip_prefix('~') {
        let (id, parent, trace) = (take("span"), take("parent"), take("trace"));
        let ms: u64 = take("ms").parse().unwrap();
        let row = json!({
            "TenantId": tenant, "ServiceName": "claude-code", "SpanName": span, "ResourceAttributes": of_resource,
            "SpanAttributes": attributes, "Timestamp": time, "SpanId": id, "ParentSpanId": parent,
            "TraceId": if trace.is_empty() { "t".to_owned() } else { trace }, "Duration": ms * 1_000_000,
        });
        return ("otel_traces", row);
    }
    let (span, trace) = (take("span"), take("trace"));
    attributes.insert("event.name".to_owned(), what.to_owned());
    let row = json!({
        "TenantId": tenant, "ServiceName": "claude-code", "Body": format!("claude_code.{what}"), "Timestamp": time,
        "ResourceAttributes": of_resource, "LogAttributes": attributes, "SpanId": span, "TraceId": trace,
    });
    ("otel_logs", row)
}

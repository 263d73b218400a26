//! What an operator can see of the answering role, in Prometheus' words.
//!
//! | metric | labels | what |
//! |---|---|---|
//! | `granary_gateway_requests_total` | `route`, `code` | requests by the route that took them, `none` where there is none, and the status of their answer |
//! | `granary_gateway_answer_seconds` | `route` | from a request's headers to the beginning of its answer |
//! | `granary_gateway_refused_requests_total` | `limit`, `of` | requests turned away: which limit, and whether the caller's, its tenant's or everybody's |
//! | `granary_gateway_read_rows_total`, `granary_gateway_read_bytes_total` | | what ClickHouse read for queries |
//! | `granary_gateway_running_queries`, `granary_gateway_waiting_queries` | | queries that run and wait now |
//! | `granary_gateway_audit_entries_total` | `fate` | entries of the audit that were `stored`, and that were `lost` |

use std::time::Duration;

use granary_model::TenantId;
use granary_service::metrics::Registry;
use http::StatusCode;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Unit;

use crate::Refusal;
use crate::caller::Account;
use crate::line::QueryLine;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfAnswer {
    route: String,
    code: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRoute {
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfLimit {
    limit: &'static str,
    of: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfFate {
    fate: &'static str,
}

/// The counters. Clones are the same ones.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    requests: Family<OfAnswer, Counter>,
    answer: Family<OfRoute, Histogram>,
    refused: Family<OfLimit, Counter>,
    read_rows: Counter,
    read_bytes: Counter,
    audit: Family<OfFate, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            // From a millisecond to half a minute.
            answer: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.001, 2.0, 16))),
            refused: Family::default(),
            read_rows: Counter::default(),
            read_bytes: Counter::default(),
            audit: Family::default(),
        }
    }
}

impl Metrics {
    /// Registers them.
    pub(crate) fn register(&self, registry: &Registry, line: QueryLine<TenantId, Account>) {
        for fate in ["stored", "lost"] {
            drop(self.audit.get_or_create(&OfFate { fate }));
        }
        registry.with(|registry| {
            let registry = registry.sub_registry_with_prefix("granary_gateway");
            let requests = "Requests by route and by the status of their answer";
            registry.register("requests", requests, self.requests.clone());
            let answer = "From a request's headers to the beginning of its answer";
            registry.register_with_unit("answer", answer, Unit::Seconds, self.answer.clone());
            let refused = "Requests turned away, by limit and by whose it is";
            registry.register("refused_requests", refused, self.refused.clone());
            registry.register("read_rows", "Rows that ClickHouse read for queries", self.read_rows.clone());
            registry.register(
                "read_bytes",
                "Bytes that ClickHouse read for queries",
                self.read_bytes.clone(),
            );
            let audit = "Entries of the audit by what became of them";
            registry.register("audit_entries", audit, self.audit.clone());
            registry.register_collector(Box::new(Line(line)));
        });
    }

    /// Counts an answer. The route is one of the router's, never what a caller wrote.
    pub(crate) fn answered(&self, route: String, status: StatusCode, after: Duration) {
        let of_route = OfRoute { route };
        self.answer.get_or_create(&of_route).observe(after.as_secs_f64());
        let of_answer = OfAnswer { route: of_route.route, code: status.as_u16().into() };
        self.requests.get_or_create(&of_answer).inc();
    }

    pub(crate) fn refused(&self, refusal: &Refusal) {
        let label = OfLimit { limit: refusal.limit.name(), of: refusal.of.name() };
        self.refused.get_or_create(&label).inc();
    }

    pub(crate) fn read(&self, rows: u64, bytes: u64) {
        self.read_rows.inc_by(rows);
        self.read_bytes.inc_by(bytes);
    }

    pub(crate) fn audit_stored(&self, entries: u64) {
        self.audit.get_or_create(&OfFate { fate: "stored" }).inc_by(entries);
    }

    pub(crate) fn audit_lost(&self, entries: u64) {
        self.audit.get_or_create(&OfFate { fate: "lost" }).inc_by(entries);
    }
}

/// How long the line is, asked when somebody wants to know.
#[derive(Debug)]
struct Line(QueryLine<TenantId, Account>);

impl Collector for Line {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let (running, waiting) = self.0.length();
        for (name, help, number) in [
            ("running_queries", "Queries that run now", running),
            ("waiting_queries", "Queries that wait for a place now", waiting),
        ] {
            let gauge = ConstGauge::new(i64::from(number));
            let encoder = encoder.encode_descriptor(name, help, None, gauge.metric_type())?;
            gauge.encode(encoder)?;
        }
        Ok(())
    }
}

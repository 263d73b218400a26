//! What an operator can see of the receiving role, in Prometheus' words.
//!
//! | metric | labels | what |
//! |---|---|---|
//! | `granary_ingest_records_total` | `tenant`, `signal`, `outcome` | records by what became of them: `received` and `recovered` came; `stored`, `rejected_<reason>`, `duplicate`, `refused` and `quarantined` ended; `released` were quarantined once and are stored after all |
//! | `granary_ingest_waiting_records` | `tenant`, `signal` | records on their way into the log or in it, not in their tables yet |
//! | `granary_ingest_requests_total` | `signal`, `door`, `code` | requests by the gRPC code of their answer |
//! | `granary_ingest_refused_requests_total` | `signal`, `door`, `reason`, `key` | requests not taken, by reason: `key_missing`, `key_unknown`, `rate_limited_bytes` and the like; `key` is the id of the sender's key, never its token, and empty where there is none |
//! | `granary_ingest_key_requests_total`, `granary_ingest_key_bytes_total` | `key`, `tenant` | requests, and bytes of bodies, that came with each key |
//! | `granary_ingest_keys` | `state` | ingest keys that are `valid`, `expired`, `revoked` |
//! | `granary_ingest_reload_failures_total` | `what` | changed files that could not be used: `keys`, `tls`; what was in force stays so |
//! | `granary_ingest_connections` | `door` | open connections |
//! | `granary_ingest_handshake_failures_total` | `door` | connections without a TLS handshake |
//! | `granary_ingest_answer_seconds` | `signal` | from a request's last byte to its answer |
//! | `granary_ingest_received_bytes_total` | `signal` | bytes of bodies as they came |
//! | `granary_wal_sync_seconds` | | from the first write of a group of commits to the end of their sync |
//! | `granary_wal_used_bytes`, `granary_wal_limit_bytes`, `granary_wal_segments` | | what the log takes, and may take |
//! | `granary_wal_waiting_bytes` | | what is in the log and not confirmed by ClickHouse yet: the queue |
//! | `granary_insert_rows_total` | `table` | rows that ClickHouse has confirmed |
//! | `granary_insert_seconds` | `table` | from an insert's first byte to its confirmation |
//! | `granary_insert_failures_total` | `table` | attempts without a confirmation |
//! | `granary_insert_sent_again_rows_total` | `table` | rows the server had confirmed and lost |
//! | `granary_quarantine_files`, `granary_quarantine_bytes` | | inserts that ClickHouse refused |
//! | `granary_ingest_peers` | `state` | other receivers that are `here` or `away` |
//! | `granary_ingest_claims_total` | `result` | events that others were asked for, as they were `granted` or `denied` |
//! | `granary_ingest_known_claims` | | events whose receiver is remembered |
//! | `granary_redactions_total` | `rule` | replacements by rule; never a text |
//! | `granary_duplicate_window_events` | | event ids that are remembered |

use std::sync::Arc;
use std::time::Duration;

use granary_access::{KeyId, KeyState};
use granary_model::{Signal, TenantId};
use granary_redact::Redactor;
use granary_service::metrics::Registry;
use granary_wal::Log;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Unit;

use crate::accounting::Accounting;
use crate::claims::Claims;
use crate::error::Refusal;
use crate::quarantine::Quarantine;
use crate::sender::Keys;
use crate::window::Window;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfTable {
    table: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfSignal {
    signal: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRequest {
    signal: &'static str,
    door: &'static str,
    code: i32,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRefusal {
    signal: &'static str,
    door: &'static str,
    reason: &'static str,
    key: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfKey {
    key: String,
    tenant: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfDoor {
    door: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPeers {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfClaim {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfFile {
    what: &'static str,
}

/// What is counted where it happens. Clones share the counts.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    requests: Family<OfRequest, Counter>,
    refused: Family<OfRefusal, Counter>,
    key_requests: Family<OfKey, Counter>,
    key_bytes: Family<OfKey, Counter>,
    reload_failures: Family<OfFile, Counter>,
    connections: Family<OfDoor, Gauge>,
    handshake_failures: Family<OfDoor, Counter>,
    received_bytes: Family<OfSignal, Counter>,
    answer: Family<OfSignal, Histogram>,
    sync: Histogram,
    insert_rows: Family<OfTable, Counter>,
    insert_seconds: Family<OfTable, Histogram>,
    insert_failures: Family<OfTable, Counter>,
    sent_again: Family<OfTable, Counter>,
    peers: Family<OfPeers, Gauge>,
    claims: Family<OfClaim, Counter>,
}

/// From half a millisecond to 16 s.
fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.0005, 2.0, 16))
}

impl Metrics {
    /// Makes the metrics and registers them.
    pub(crate) fn register(registry: &Registry) -> Self {
        let metrics = Self {
            requests: Family::default(),
            refused: Family::default(),
            key_requests: Family::default(),
            key_bytes: Family::default(),
            reload_failures: Family::default(),
            connections: Family::default(),
            handshake_failures: Family::default(),
            received_bytes: Family::default(),
            answer: Family::new_with_constructor(seconds),
            sync: seconds(),
            insert_rows: Family::default(),
            insert_seconds: Family::new_with_constructor(seconds),
            insert_failures: Family::default(),
            sent_again: Family::default(),
            peers: Family::default(),
            claims: Family::default(),
        };
        registry.with(|registry| {
            registry.register(
                "granary_ingest_requests",
                "Requests by the gRPC code of their answer",
                metrics.requests.clone(),
            );
            registry.register(
                "granary_ingest_refused_requests",
                "Requests not taken, by reason",
                metrics.refused.clone(),
            );
            registry.register(
                "granary_ingest_key_requests",
                "Requests that came with each key",
                metrics.key_requests.clone(),
            );
            registry.register(
                "granary_ingest_key_bytes",
                "Bytes of bodies that came with each key",
                metrics.key_bytes.clone(),
            );
            registry.register(
                "granary_ingest_reload_failures",
                "Changed files that could not be used",
                metrics.reload_failures.clone(),
            );
            registry.register("granary_ingest_connections", "Open connections", metrics.connections.clone());
            registry.register(
                "granary_ingest_handshake_failures",
                "Connections without a TLS handshake",
                metrics.handshake_failures.clone(),
            );
            registry.register(
                "granary_ingest_received_bytes",
                "Bytes of bodies as they came",
                metrics.received_bytes.clone(),
            );
            registry.register_with_unit(
                "granary_ingest_answer",
                "From a request's last byte to its answer",
                Unit::Seconds,
                metrics.answer.clone(),
            );
            registry.register_with_unit(
                "granary_wal_sync",
                "From the first write of a group of commits to the end of their sync",
                Unit::Seconds,
                metrics.sync.clone(),
            );
            registry.register(
                "granary_insert_rows",
                "Rows that ClickHouse has confirmed",
                metrics.insert_rows.clone(),
            );
            registry.register_with_unit(
                "granary_insert",
                "From an insert's first byte to its confirmation",
                Unit::Seconds,
                metrics.insert_seconds.clone(),
            );
            registry.register(
                "granary_insert_failures",
                "Attempts without a confirmation",
                metrics.insert_failures.clone(),
            );
            registry.register(
                "granary_insert_sent_again_rows",
                "Rows the server had confirmed and lost",
                metrics.sent_again.clone(),
            );
            registry.register("granary_ingest_peers", "Other receivers by state", metrics.peers.clone());
            registry.register(
                "granary_ingest_claims",
                "Events that other receivers were asked for",
                metrics.claims.clone(),
            );
        });
        metrics
    }

    pub(crate) fn received(&self, signal: Signal, bytes: u64) {
        self.received_bytes.get_or_create(&OfSignal { signal: signal.name() }).inc_by(bytes);
    }

    /// Counts a request by its answer's code.
    pub(crate) fn answered(&self, signal: Signal, door: &'static str, code: i32) {
        self.requests.get_or_create(&OfRequest { signal: signal.name(), door, code }).inc();
    }

    /// Counts a refused request.
    pub(crate) fn refused(&self, signal: Signal, door: &'static str, refusal: &Refusal, key: Option<&KeyId>) {
        self.answered(signal, door, refusal.code() as i32);
        let key = key.map(KeyId::to_string).unwrap_or_default();
        let of = OfRefusal { signal: signal.name(), door, reason: refusal.reason(), key };
        self.refused.get_or_create(&of).inc();
    }

    /// Counts a body that came with a key.
    pub(crate) fn received_with(&self, key: &KeyId, tenant: &TenantId, bytes: u64) {
        let of = OfKey { key: key.to_string(), tenant: tenant.to_string() };
        self.key_requests.get_or_create(&of).inc();
        self.key_bytes.get_or_create(&of).inc_by(bytes);
    }

    pub(crate) fn reload_failed(&self, what: &'static str) {
        self.reload_failures.get_or_create(&OfFile { what }).inc();
    }

    pub(crate) fn handshake_failed(&self, door: &'static str) {
        self.handshake_failures.get_or_create(&OfDoor { door }).inc();
    }

    /// Counts a connection as open until the result is dropped.
    pub(crate) fn connection(&self, door: &'static str) -> OpenConnection {
        let gauge = self.connections.get_or_create_owned(&OfDoor { door });
        gauge.inc();
        OpenConnection(gauge)
    }

    pub(crate) fn waited(&self, signal: Signal, after: Duration) {
        self.answer.get_or_create(&OfSignal { signal: signal.name() }).observe(after.as_secs_f64());
    }

    pub(crate) fn synced(&self, after: Duration) {
        self.sync.observe(after.as_secs_f64());
    }

    /// Says how many other receivers are there.
    pub(crate) fn peers(&self, here: usize, away: usize) {
        for (state, count) in [("here", here), ("away", away)] {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.peers.get_or_create(&OfPeers { state }).set(count);
        }
    }

    /// Counts events that others were asked for, and those of them that they denied.
    pub(crate) fn claimed(&self, asked: usize, denied: usize) {
        for (result, count) in [("granted", asked.saturating_sub(denied)), ("denied", denied)] {
            self.claims.get_or_create(&OfClaim { result }).inc_by(count as u64);
        }
    }

    pub(crate) fn inserted(&self, table: &'static str, rows: u64, after: Duration) {
        self.insert_rows.get_or_create(&OfTable { table }).inc_by(rows);
        self.insert_seconds.get_or_create(&OfTable { table }).observe(after.as_secs_f64());
    }

    pub(crate) fn insert_failed(&self, table: &'static str) {
        self.insert_failures.get_or_create(&OfTable { table }).inc();
    }

    pub(crate) fn sent_again(&self, table: &'static str, rows: u64) {
        self.sent_again.get_or_create(&OfTable { table }).inc_by(rows);
    }
}

/// A connection that is counted as open.
pub(crate) struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What is known elsewhere and read when somebody looks.
#[derive(Debug)]
pub(crate) struct Observed {
    pub(crate) accounting: Accounting,
    pub(crate) keys: Keys,
    pub(crate) log: Log,
    pub(crate) quarantine: Quarantine,
    pub(crate) redactor: Arc<Redactor>,
    pub(crate) window: Arc<Window>,
    pub(crate) claims: Option<Arc<Claims>>,
}

impl Collector for Observed {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let all = self.accounting.all();
        let counter = ConstCounter::new(0_u64);
        let mut records = encoder.encode_descriptor(
            "granary_ingest_records",
            "Records by what became of them",
            None,
            counter.metric_type(),
        )?;
        for (tenant, signal, counts) in &all {
            let ends = [
                ("received", counts.received),
                ("recovered", counts.recovered),
                ("stored", counts.stored),
                ("duplicate", counts.duplicates),
                ("refused", counts.refused),
                ("quarantined", counts.quarantined),
                ("released", counts.released),
            ];
            let ends = ends.map(|(outcome, count)| (outcome.to_owned(), count)).into_iter();
            let rejected =
                counts.rejected.iter().map(|(reason, count)| (format!("rejected_{reason}"), *count));
            for (outcome, count) in ends.chain(rejected) {
                let labels =
                    [("tenant", tenant.clone()), ("signal", signal.name().to_owned()), ("outcome", outcome)];
                ConstCounter::new(count).encode(records.encode_family(&labels)?)?;
            }
        }
        let gauge = ConstGauge::new(0_i64);
        let mut waiting = encoder.encode_descriptor(
            "granary_ingest_waiting_records",
            "Records on their way into the log or in it, not in their tables yet",
            None,
            gauge.metric_type(),
        )?;
        for (tenant, signal, counts) in &all {
            let labels = [("tenant", tenant.clone()), ("signal", signal.name().to_owned())];
            ConstGauge::new(whole(counts.waiting)).encode(waiting.encode_family(&labels)?)?;
        }
        let mut redactions = encoder.encode_descriptor(
            "granary_redactions",
            "Replacements by rule",
            None,
            counter.metric_type(),
        )?;
        for rule in self.redactor.counts().rules {
            let labels = [("rule", rule.rule.to_string())];
            ConstCounter::new(rule.count).encode(redactions.encode_family(&labels)?)?;
        }
        let counts = self.keys.counts(jiff::Timestamp::now());
        let mut keys = encoder.encode_descriptor(
            "granary_ingest_keys",
            "Ingest keys by state",
            None,
            gauge.metric_type(),
        )?;
        for (state, count) in [
            (KeyState::Valid, counts.valid),
            (KeyState::Expired, counts.expired),
            (KeyState::Revoked, counts.revoked),
        ] {
            ConstGauge::new(whole(count)).encode(keys.encode_family(&[("state", state.name())])?)?;
        }
        let usage = self.log.usage();
        let claims = self.claims.as_ref().map_or(0, |claims| claims.len());
        let (files, bytes) = self.quarantine.usage().unwrap_or_default();
        for (name, help, value) in [
            ("granary_wal_used_bytes", "What the log takes on disk", usage.used_bytes),
            (
                "granary_wal_waiting_bytes",
                "What is in the log and not confirmed by ClickHouse yet",
                usage.waiting_bytes,
            ),
            ("granary_wal_limit_bytes", "What the log may take on disk", usage.limit_bytes),
            ("granary_wal_segments", "Files of the log", usage.segments as u64),
            ("granary_quarantine_files", "Inserts that ClickHouse refused", files),
            ("granary_quarantine_bytes", "What they take on disk", bytes),
            ("granary_duplicate_window_events", "Event ids that are remembered", self.window.len() as u64),
            ("granary_ingest_known_claims", "Events whose receiver is remembered", claims as u64),
        ] {
            let gauge = ConstGauge::new(whole(value));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        Ok(())
    }
}

fn whole(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

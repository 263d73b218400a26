//! What an operator can see of the cache, in Prometheus' words.
//!
//! | metric | labels | what |
//! |---|---|---|
//! | `granary_gateway_cache_answers_total` | `found` | answers by where they came from: `hit` was kept, `miss` was made, `wait` was being made for another, `bypass` has no part in the cache |
//! | `granary_gateway_cache_entries`, `granary_gateway_cache_bytes` | | what is kept |
//! | `granary_gateway_cache_evictions_total` | | answers that went because others needed their room |

use granary_service::metrics::Registry;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Unit;

/// Where an answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// It was kept.
    Hit,
    /// It was made for this request.
    Miss,
    /// It was being made for another request.
    Wait,
    /// It is none that is kept.
    Bypass,
}

impl Found {
    /// As `X-Cache` and the metric have it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Wait => "wait",
            Self::Bypass => "bypass",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfFound {
    found: &'static str,
}

/// The cache's metrics. Clones are the same ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct CacheMetrics {
    answers: Family<OfFound, Counter>,
    entries: Gauge,
    bytes: Gauge,
    evictions: Counter,
}

impl CacheMetrics {
    pub(super) fn register(registry: &Registry) -> Self {
        let metrics = Self::default();
        registry.with(|registry| {
            registry.register(
                "granary_gateway_cache_answers",
                "Answers by where they came from",
                metrics.answers.clone(),
            );
            registry.register("granary_gateway_cache_entries", "Answers kept", metrics.entries.clone());
            registry.register_with_unit(
                "granary_gateway_cache",
                "What the answers kept take",
                Unit::Bytes,
                metrics.bytes.clone(),
            );
            registry.register(
                "granary_gateway_cache_evictions",
                "Answers that went because others needed their room",
                metrics.evictions.clone(),
            );
        });
        metrics
    }

    pub(super) fn count(&self, found: Found) {
        self.answers.get_or_create(&OfFound { found: found.name() }).inc();
    }

    pub(super) fn holds(&self, entries: usize, bytes: u64) {
        self.entries.set(i64::try_from(entries).unwrap_or(i64::MAX));
        self.bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    pub(super) fn evicted(&self) {
        self.evictions.inc();
    }
}

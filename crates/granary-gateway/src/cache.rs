//! Answers that are kept for a while, and given to whoever asks the same.
//!
//! **What is the same.** The key is [`scope`](crate::PreparedQuery::scope): the tenant, the SQL after templating and every bound value,
//! with the format. Who asks has no other part in an answer than through these. A range such as `-24h` until now moves
//! with every request, so two of them are never of the same moments; they are the same all the same where they were
//! *asked* in the same words. An answer that is given again is therefore one as of when it was made, `Age` seconds ago
//! and never longer than the query's `cache`, and its ends are exact for that moment. (The alternative, rounding now
//! down to the cache time, has everybody see the past by up to that time, the first one who asks as well.)
//!
//! **One execution.** Requests for the same that come while it is made wait for it. It is made by whoever waits: when the
//! first goes away the others carry on, and with the last one the query ends. An error is told to all who wait and not
//! kept. A request that wants it anew never takes what was begun before it came.
//!
//! **Bounds.** An answer with more than [`GatewayConfig::cache_max_answer`](crate::GatewayConfig) bytes is not kept: one of
//! those who wait gets it as it comes, the others ask for themselves. All that is kept is within
//! [`GatewayConfig::cache_size`](crate::GatewayConfig), in bytes; beyond, what is used least goes.

mod metrics;
mod whole;

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use granary_model::TenantId;
use granary_service::metrics::Registry;
use quick_cache::sync::Cache as Kept;
use quick_cache::{Lifecycle, OptionsBuilder, Weighter};

use crate::digest::Digest;
use crate::problem::Problem;

pub(crate) use metrics::{CacheMetrics, Found};
pub(crate) use whole::{Collected, Rest, Whole, collect};

/// What making an answer came to.
#[derive(Debug, Clone)]
pub(crate) enum Made {
    /// All of it.
    Whole(Arc<Whole>),
    /// It is larger than what is kept; for the first who takes it.
    Larger(Arc<Mutex<Option<Rest>>>),
    /// There is none.
    Failed(Problem),
}

type Making = Shared<BoxFuture<'static, Made>>;

/// What is kept, and what is being made.
#[derive(Debug)]
pub(crate) struct Cache {
    kept: Kept<Digest, Numbered, Bytes, RandomState, Evictions>,
    under_way: Mutex<UnderWay>,
    metrics: CacheMetrics,
}

/// An answer, with the number it was begun with.
#[derive(Debug, Clone)]
struct Numbered {
    number: u64,
    whole: Arc<Whole>,
}

#[derive(Debug, Default)]
struct UnderWay {
    making: HashMap<Digest, (u64, WeakShared<BoxFuture<'static, Made>>)>,
    /// Numbers what is made.
    last: u64,
    /// What was begun with a number up to this one is not kept: the cache was emptied since.
    not_kept: u64,
}

/// How an answer came to be there.
#[derive(Debug)]
pub(crate) enum Lookup {
    /// It was kept.
    Kept(Arc<Whole>),
    /// It is being made; the flag says whether for somebody else.
    Making(Making, bool),
}

impl Cache {
    /// Keeps up to `max_bytes`.
    pub(crate) fn new(max_bytes: u64, registry: &Registry) -> Arc<Self> {
        let metrics = CacheMetrics::register(registry);
        // One shard: an answer may be as large as what a shard of many would hold, and a lock is held for no longer than a
        // look-up takes.
        let options = OptionsBuilder::new()
            .shards(1)
            .estimated_items_capacity(1_000)
            .weight_capacity(max_bytes)
            .build();
        let evictions = Evictions(metrics.clone());
        let kept = match options {
            Ok(options) => Kept::with_options(options, Bytes, RandomState::new(), evictions),
            Err(_) => Kept::with(1_000, max_bytes, Bytes, RandomState::new(), evictions),
        };
        Arc::new(Self { kept, under_way: Mutex::default(), metrics })
    }

    /// Looks an answer up that is no older than `max_age`, or has it made.
    ///
    /// `make` is polled by those who hold what is returned, and dropped with the last of them.
    pub(crate) fn look_up(
        self: &Arc<Self>,
        key: Digest,
        max_age: Duration,
        make: impl FnOnce() -> BoxFuture<'static, Made>,
    ) -> Lookup {
        if let Some(whole) = self.fresh(key, max_age) {
            return Lookup::Kept(whole);
        }
        // Dropped after the lock: with the last one who waits goes what is being made, which takes the lock.
        let _not_wanted;
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        // What was made in between was kept before it stopped being under way.
        if let Some(whole) = self.fresh(key, max_age) {
            return Lookup::Kept(whole);
        }
        let is_anew = max_age.is_zero();
        let making = under_way.making.get(&key).and_then(|(_, making)| making.upgrade());
        match making {
            Some(making) if !is_anew => return Lookup::Making(making, true),
            other => _not_wanted = other,
        }
        under_way.last += 1;
        let number = under_way.last;
        let (entry, made) = (Entry { cache: Arc::clone(self), key, number }, make());
        let making = async move {
            let made = made.await;
            if let Made::Whole(whole) = &made {
                entry.keep(Arc::clone(whole));
            }
            made
        };
        let making = making.boxed().shared();
        if let Some(weak) = making.downgrade() {
            under_way.making.insert(key, (number, weak));
        }
        Lookup::Making(making, false)
    }

    fn fresh(&self, key: Digest, max_age: Duration) -> Option<Arc<Whole>> {
        let Numbered { whole, .. } = self.kept.get(&key)?;
        (whole.is_fresh() && whole.age() <= max_age && !max_age.is_zero()).then_some(whole)
    }

    /// Forgets what is kept of a tenant, and does not keep what is being made. Returns how many answers that were.
    pub(crate) fn flush(&self, tenant: &TenantId) -> usize {
        {
            let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
            under_way.not_kept = under_way.last;
        }
        let before = self.kept.len();
        self.kept.retain(|_, kept| kept.whole.tenant() != tenant);
        self.told();
        before.saturating_sub(self.kept.len())
    }

    /// Counts how a request was answered.
    pub(crate) fn count(&self, found: Found) {
        self.metrics.count(found);
    }

    /// How many answers there are, and what they take.
    pub(crate) fn holds(&self) -> (usize, u64) {
        (self.kept.len(), self.kept.weight())
    }

    fn told(&self) {
        let (entries, bytes) = self.holds();
        self.metrics.holds(entries, bytes);
    }
}

/// A place among what is being made, given up when that ends or is dropped.
struct Entry {
    cache: Arc<Cache>,
    key: Digest,
    number: u64,
}

impl Entry {
    fn keep(&self, whole: Arc<Whole>) {
        if !whole.is_fresh() {
            return;
        }
        let under_way = self.cache.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        // Of two that were begun one after the other, the later stays.
        let is_latest = self.cache.kept.peek(&self.key).is_none_or(|kept| kept.number <= self.number);
        if self.number > under_way.not_kept && is_latest {
            self.cache.kept.insert(self.key, Numbered { number: self.number, whole });
            self.cache.told();
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut under_way = self.cache.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way.making.get(&self.key).is_some_and(|(number, _)| *number == self.number) {
            under_way.making.remove(&self.key);
        }
    }
}

/// What an answer takes.
#[derive(Debug, Clone)]
struct Bytes;

impl Weighter<Digest, Numbered> for Bytes {
    fn weight(&self, _: &Digest, kept: &Numbered) -> u64 {
        kept.whole.kept_bytes()
    }
}

#[derive(Debug, Clone)]
struct Evictions(CacheMetrics);

impl Lifecycle<Digest, Numbered> for Evictions {
    type RequestState = ();

    fn on_evict(&self, (): &mut (), _: Digest, _: Numbered) {
        self.0.evicted();
    }
}

#[cfg(test)]
mod tests;

//! What both doors do with a request: who sends it, is there room, and what became of it.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Instant;

use granary_access::KeyId;
use granary_model::Signal;
use granary_otlp::Answer;
use http::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::config::IngestConfig;
use crate::connections::Peer;
use crate::error::{RETRY_AFTER, Refusal};
use crate::lane::{Body, Job, Lanes};
use crate::metrics::Metrics;
use crate::sender::{Keys, Sender};

/// What both doors do with a body. Clones share the lanes.
#[derive(Clone)]
pub(crate) struct Doors {
    shared: Arc<Shared>,
}

/// What all clones share.
pub(crate) struct Shared {
    pub(crate) config: IngestConfig,
    pub(crate) keys: Keys,
    pub(crate) lanes: Lanes,
    /// In KiB: what may be in flight exceeds what a semaphore counts in bytes.
    pub(crate) in_flight: Arc<Semaphore>,
    pub(crate) metrics: Metrics,
}

impl std::fmt::Debug for Doors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doors").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

impl Doors {
    pub(crate) fn new(shared: Shared) -> Self {
        Self { shared: Arc::new(shared) }
    }

    pub(crate) fn config(&self) -> &IngestConfig {
        &self.shared.config
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Reserves room for a body of that many bytes.
    ///
    /// # Errors
    ///
    /// There is none now.
    pub(crate) fn reserve(&self, bytes: u64) -> Result<OwnedSemaphorePermit, Refusal> {
        let kibibytes = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        Arc::clone(&self.shared.in_flight)
            .try_acquire_many_owned(kibibytes)
            .map_err(|_| Refusal::Overloaded { retry_after: RETRY_AFTER })
    }

    /// Says who sends a request, before its body is read; a request that is nobody's is counted.
    ///
    /// # Errors
    ///
    /// It is nobody's, or more than its sender may send now.
    pub(crate) fn admit(
        &self,
        door: &'static str,
        signal: Signal,
        peer: Option<Peer>,
        headers: &HeaderMap,
    ) -> Result<Sender, Refusal> {
        // Every connection says where it comes from; one that did not would be from anywhere.
        let peer = peer.map_or_else(|| (Ipv4Addr::UNSPECIFIED, 0).into(), |Peer(address)| address);
        let sender = self.shared.keys.identify(peer, headers, jiff::Timestamp::now());
        let sender = sender.map_err(|problem| Refusal::Unauthenticated { problem });
        let admitted = sender.as_ref().map_or(Ok(()), Sender::take_request);
        let key = sender.as_ref().ok().and_then(Sender::key).cloned();
        sender.and_then(|sender| admitted.map(|()| sender)).inspect_err(|refusal| {
            let key = key.as_ref();
            tracing::debug!(door, %peer, reason = refusal.reason(), key = key.map(KeyId::as_str), "a request was refused");
            self.shared.metrics.refused(signal, door, refusal, key);
        })
    }

    /// Counts an answer to somebody who was admitted.
    pub(crate) fn answered(
        &self,
        door: &'static str,
        signal: Signal,
        sender: &Sender,
        refusal: Option<&Refusal>,
    ) {
        match refusal {
            Some(refusal) => self.shared.metrics.refused(signal, door, refusal, sender.key()),
            None => self.shared.metrics.answered(signal, door, 0),
        }
    }

    /// Hands a body to a lane and waits until it is durable.
    pub(crate) async fn submit(
        &self,
        sender: &Sender,
        signal: Signal,
        body: Body,
        in_flight: OwnedSemaphorePermit,
    ) -> Result<Answer, Refusal> {
        let began = Instant::now();
        let metrics = &self.shared.metrics;
        let bytes = body.bytes.len() as u64;
        metrics.received(signal, bytes);
        if let Some(key) = sender.key() {
            metrics.received_with(key, &sender.tenant, bytes);
        }
        let (answer, answered) = oneshot::channel();
        let (tenant, team) = (sender.tenant.clone(), sender.team.clone());
        let job = Job { signal, tenant, team, body, answer, in_flight };
        let result = match self.shared.lanes.submit(job) {
            // The lane drops the sender without a word only when the process is ending.
            Ok(()) => answered.await.unwrap_or(Err(Refusal::Stopping { retry_after: RETRY_AFTER })),
            Err(refusal) => Err(refusal),
        };
        metrics.waited(signal, began.elapsed());
        result
    }
}

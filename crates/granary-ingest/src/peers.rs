//! The other receivers: where they are, and what they say when they are asked for events ([`crate::claims`]).
//!
//! Names are looked up again and again, and each may have many addresses, this receiver's own among them. A receiver that does not
//! answer is asked again until the patience is over; then it is away, is not waited for, and is tried again every second.
//!
//! While one is away the others go on without it, and events that are in its log and not delivered are safe: it asks for them
//! when it is back, before it delivers them. What it had delivered or was about to, it had asked for; those that it asked know.
//! So an event is stored twice only if
//!
//! - its sender reached two receivers that did not reach each other, or did not find each other's names, for longer than
//!   the patience;
//! - a receiver that was asked for it was started again, and the one that asked is away when the repetition comes;
//! - more came between the two than [is remembered](crate::IngestConfig::duplicate_window);
//!
//! and one is lost only with the disk of the receiver that acknowledged it.

mod asker;
mod door;
mod message;

pub(crate) use door::{DOOR, router};

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use asker::{Asker, NoAnswer};
use granary_model::EventId;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::claims::Instance;
use crate::config::IngestConfig;
use crate::metrics::Metrics;
use crate::pace::Backoff;
use crate::server::BindError;

/// How often a receiver that is away is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// How often names are looked up, in times of [`RETRY`].
const LOOK_UP: u32 = 5;

/// Events of one request.
const AT_ONCE: usize = 1 << 15;

/// The other receivers. Clones share what is known of them.
#[derive(Clone)]
pub(crate) struct Peers(Arc<Shared>);

struct Shared {
    names: Vec<String>,
    patience: Duration,
    asker: Asker,
    known: Mutex<BTreeMap<SocketAddr, Standing>>,
    metrics: Metrics,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It was not heard of yet, and may be this receiver. It is asked and waited for.
    New,
    /// The same, and it answers.
    Here,
    Away,
    /// It is this receiver.
    Me,
}

/// Looks whether the settings are of use together.
pub(crate) fn check(config: &IngestConfig) -> Result<(), BindError> {
    let IngestConfig { peers, peer_address, peer_secret, .. } = config;
    let wrong = |reason: String| Err(BindError::Peers { reason });
    for name in peers {
        let port =
            name.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
        if !matches!(port, Some(Ok(_))) {
            return wrong(format!("{name:?} in ingest.peers is not host:port"));
        }
    }
    let fits_a_header = peer_secret.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if !fits_a_header || peer_secret.trim() != peer_secret {
        return wrong(
            "ingest.peer_secret begins or ends with a space, or has characters that no header takes: letters and digits are best"
                .to_owned(),
        );
    }
    if !peers.is_empty() && (config.duplicate_window.is_zero() || config.duplicate_window_events == 0) {
        return wrong(
            "ingest.peers is set and ingest.duplicate_window remembers nothing: give it a time".to_owned(),
        );
    }
    match peer_address {
        None if !peers.is_empty() => wrong(
            "ingest.peers is set and ingest.peer_address is not: the others must be able to ask this receiver, too"
                .to_owned(),
        ),
        Some(address) if peers.is_empty() => wrong(format!(
            "ingest.peer_address is {address} and ingest.peers is empty: nobody would be asked; set both or neither"
        )),
        Some(address) if !address.ip().to_canonical().is_loopback() && peer_secret.is_empty() => wrong(format!(
            "others can reach ingest.peer_address {address}: set ingest.peer_secret, the same for all receivers, or \
             serve this machine only with 127.0.0.1:{}",
            address.port()
        )),
        _ => Ok(()),
    }
}

/// Looks whether each of the other receivers answers, as [`IngestConfig::peers`] names them: for each address what is wrong
/// with it, if anything is.
pub async fn reach_peers(config: &IngestConfig) -> Vec<(String, Result<(), String>)> {
    let asker = Asker::new(config, Instance::new());
    let mut reached = Vec::new();
    for name in &config.peers {
        let addresses = match tokio::net::lookup_host(name).await {
            Ok(addresses) => addresses,
            Err(error) => {
                reached.push((name.clone(), Err(error.to_string())));
                continue;
            }
        };
        for address in addresses {
            let answer = asker.ask(address, &[], config.peer_patience).await;
            reached
                .push((format!("{name} at {address}"), answer.map(drop).map_err(|error| error.to_string())));
        }
    }
    reached
}

impl Peers {
    pub(crate) fn new(config: &IngestConfig, me: Instance, metrics: Metrics) -> Self {
        Self(Arc::new(Shared {
            names: config.peers.clone(),
            patience: config.peer_patience,
            asker: Asker::new(config, me),
            known: Mutex::default(),
            metrics,
        }))
    }

    /// Looks names up and tries receivers that are away, without an end.
    pub(crate) async fn watch(self) {
        let mut ticks = interval(RETRY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for number in 1_u32.. {
            ticks.tick().await;
            if number.is_multiple_of(LOOK_UP) {
                self.look_up().await;
            }
            for (address, standing) in
                self.those(|standing| matches!(standing, Standing::New | Standing::Away))
            {
                match self.exchange(address, &[], RETRY).await {
                    Ok(_) if standing == Standing::Away => {
                        tracing::info!(%address, "a receiver that was away is back");
                    }
                    Ok(_) => {}
                    Err(error) => tracing::debug!(%address, %error, "a receiver does not answer"),
                }
            }
        }
    }

    /// Looks the names up before anybody is asked. They may not be known yet where this receiver was started with its network.
    pub(crate) async fn find(&self) {
        let began = Instant::now();
        let mut backoff = Backoff::new();
        while !self.look_up().await && began.elapsed() < self.0.patience {
            sleep(backoff.next()).await;
        }
    }

    /// Looks the names up, and says whether that went well. A name that cannot be looked up keeps the addresses it had.
    async fn look_up(&self) -> bool {
        let mut found = BTreeMap::new();
        let mut is_whole = true;
        for name in &self.0.names {
            match tokio::net::lookup_host(name).await {
                Ok(addresses) => found.extend(addresses.map(|address| (address, Standing::New))),
                Err(error) => {
                    is_whole = false;
                    tracing::warn!(%name, %error, "the name of a receiver cannot be looked up; trying again");
                }
            }
        }
        let mut known = self.lock();
        if is_whole {
            known.retain(|address, _| found.contains_key(address));
        }
        for (address, standing) in found {
            known.entry(address).or_insert(standing);
        }
        self.count(&known);
        is_whole
    }

    /// Asks all others for events, and returns those that another has.
    pub(crate) async fn ask(&self, ids: &[EventId]) -> HashSet<EventId> {
        let mut denied = HashSet::new();
        for ids in ids.chunks(AT_ONCE) {
            let those = self.those(|standing| matches!(standing, Standing::New | Standing::Here));
            let asking = those.into_iter().map(|(address, _)| self.ask_one(address, ids));
            denied.extend(futures::future::join_all(asking).await.into_iter().flatten());
        }
        denied
    }

    async fn ask_one(&self, address: SocketAddr, ids: &[EventId]) -> Vec<EventId> {
        let began = Instant::now();
        let mut backoff = Backoff::new();
        loop {
            let left = self.0.patience.saturating_sub(began.elapsed());
            let error = match self.exchange(address, ids, left).await {
                Ok(denied) => return denied,
                Err(error) => error,
            };
            let wait = backoff.next();
            if began.elapsed() + wait >= self.0.patience {
                tracing::warn!(
                    %address, %error,
                    "another receiver does not answer: events that reached both may be stored twice until it does"
                );
                self.set(address, Standing::Away);
                return Vec::new();
            }
            tracing::debug!(%address, %error, "another receiver does not answer; asking again");
            sleep(wait).await;
        }
    }

    /// One question and its answer; a receiver that is this one has nothing to say.
    async fn exchange(
        &self,
        address: SocketAddr,
        ids: &[EventId],
        limit: Duration,
    ) -> Result<Vec<EventId>, NoAnswer> {
        let (other, denied) = self.0.asker.ask(address, ids, limit).await?;
        if other == self.0.asker.me {
            self.set(address, Standing::Me);
            return Ok(Vec::new());
        }
        self.set(address, Standing::Here);
        Ok(denied)
    }

    fn those(&self, are: impl Fn(Standing) -> bool) -> Vec<(SocketAddr, Standing)> {
        let known = self.lock();
        known.iter().map(|(address, of)| (*address, *of)).filter(|(_, of)| are(*of)).collect()
    }

    fn set(&self, address: SocketAddr, standing: Standing) {
        let mut known = self.lock();
        // It may have vanished from the names meanwhile.
        if let Some(of) = known.get_mut(&address)
            && *of != standing
        {
            *of = standing;
            self.count(&known);
        }
    }

    fn count(&self, known: &BTreeMap<SocketAddr, Standing>) {
        let of = |standing| known.values().filter(|of| **of == standing).count();
        self.0.metrics.peers(of(Standing::Here), of(Standing::Away));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, Standing>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(peers: &[&str], address: Option<&str>, secret: &str) -> Option<String> {
        let config = IngestConfig {
            peers: peers.iter().map(|name| (*name).to_owned()).collect(),
            peer_address: address.map(|address| address.parse().unwrap()),
            peer_secret: secret.to_owned(),
            ..IngestConfig::default()
        };
        check(&config).err().map(|error| error.to_string())
    }

    #[test]
    fn settings_that_cannot_work_together_are_refused_with_what_to_do() {
        assert_eq!(refusal(&[], None, ""), None);
        assert_eq!(refusal(&["other:4319"], Some("127.0.0.1:4319"), ""), None);
        assert_eq!(refusal(&["[::1]:4319"], Some("0.0.0.0:4319"), "secret"), None);
        for (peers, address, said) in [
            (&["other"][..], Some("127.0.0.1:4319"), "\"other\" in ingest.peers is not host:port"),
            (&[":4319"], Some("127.0.0.1:4319"), "is not host:port"),
            (&["other:4319"], None, "ingest.peer_address is not"),
            (&[], Some("127.0.0.1:4319"), "ingest.peers is empty"),
            (&["other:4319"], Some("0.0.0.0:4319"), "set ingest.peer_secret"),
        ] {
            let told = refusal(peers, address, "").unwrap();
            assert!(told.contains(said), "{told}");
        }
        for secret in [" around", "ключ", "line\n"] {
            let told = refusal(&["other:4319"], Some("127.0.0.1:4319"), secret).unwrap();
            assert!(told.contains("ingest.peer_secret begins or ends") && !told.contains(secret), "{told}");
        }
    }
}

//! Key file and certificates are read again when they change, without a restart.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::config::IngestConfig;
use crate::keys::keyring::Keyring;
use crate::metrics::Metrics;
use crate::stamp::Stamp;
use crate::tls::Tls;

/// How often the files are looked at, which is what a revoked key has left at most. Looking is a few system
/// calls; being told of changes instead does not work over every file system that secrets are mounted from.
const INTERVAL: Duration = Duration::from_secs(1);

/// The files.
#[derive(Debug, Clone)]
pub(crate) struct Watched {
    keys: PathBuf,
    tls: Vec<PathBuf>,
}

/// The versions that were read last, whether or not they could be used.
#[derive(Debug)]
pub(crate) struct Seen {
    keys: Stamp,
    tls: Stamp,
}

impl Watched {
    pub(crate) fn of(config: &IngestConfig) -> Self {
        let tls = [&config.tls_cert, &config.tls_key, &config.tls_client_ca];
        Self { keys: config.keys_file.clone(), tls: tls.into_iter().flatten().cloned().collect() }
    }

    /// What there is now.
    pub(crate) fn look(&self) -> Seen {
        Seen { keys: Stamp::of([self.keys.as_path()]), tls: Stamp::of(self.tls.iter().map(PathBuf::as_path)) }
    }
}

/// Reads them again.
#[derive(Debug, Clone)]
pub(crate) struct Reloader {
    pub(crate) watched: Watched,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) metrics: Metrics,
}

impl Reloader {
    /// Goes on until `stop`. `seen` was looked at before the files were first read.
    pub(crate) async fn run(self, mut seen: Seen, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let this = self.clone();
            let Ok(now) = tokio::task::spawn_blocking(move || this.look(&seen)).await else { return };
            seen = now;
        }
    }

    /// Looks once; a file that changes while it is read has changed again by the next look.
    fn look(&self, seen: &Seen) -> Seen {
        let now = self.watched.look();
        if now.keys != seen.keys {
            let path = self.watched.keys.display();
            match self.keyring.reload() {
                Ok(()) => {
                    let counts = self.keyring.counts(jiff::Timestamp::now());
                    tracing::info!(%path, valid = counts.valid, revoked = counts.revoked, "the key file was read again");
                }
                Err(error) => {
                    self.metrics.reload_failed("keys");
                    tracing::error!(%error, "the keys that were in force stay so");
                }
            }
        }
        if let Some(tls) = self.tls.as_ref().filter(|_| now.tls != seen.tls) {
            match tls.reload() {
                Ok(()) => tracing::info!("the certificates were read again"),
                Err(error) => {
                    self.metrics.reload_failed("tls");
                    tracing::error!(%error, "the certificates that were in force stay so");
                }
            }
        }
        now
    }
}

//! Who is let in: keys and certificates, and whether they suit the addresses that are listened on.

use std::sync::Arc;

use granary_access::{Tls, TlsFiles, Watch, Watched};

use crate::config::IngestConfig;
use crate::metrics::Metrics;
use crate::peers;
use crate::sender::Keys;
use crate::server::BindError;

/// A door in messages: what it is and the flag that moves it.
pub(crate) const HTTP: (&str, &str) = ("OTLP over HTTP", "--otlp-http");
pub(crate) const GRPC: (&str, &str) = ("OTLP over gRPC", "--otlp-grpc");
pub(crate) const PEERS: (&str, &str) = ("other receivers", "--ingest-peer-address");

/// What both doors ask of who comes in.
pub(crate) struct Entrance {
    pub(crate) keys: Keys,
    pub(crate) tls: Option<Arc<Tls>>,
    /// Looked at before they were read: what changed meanwhile is read again.
    watched: [Watched; 2],
}

impl Entrance {
    /// Reads keys and certificates, and looks whether they suit the addresses.
    pub(crate) fn open(config: &IngestConfig) -> Result<Self, BindError> {
        let files = TlsFiles {
            section: "ingest",
            cert: config.tls_cert.clone(),
            key: config.tls_key.clone(),
            client_ca: config.tls_client_ca.clone(),
        };
        let watched = [Watched::look([config.keys_file.clone()]), Watched::look(files.paths())];
        peers::check(config)?;
        let keys = Keys::open(config)?;
        let tls = Tls::open(files)?.map(Arc::new);
        for ((door, flag), address) in [(HTTP, config.http), (GRPC, config.grpc)] {
            if address.ip().to_canonical().is_loopback() {
                continue;
            }
            if !keys.are_there() {
                let keys_file = config.keys_file.clone();
                return Err(BindError::NoKeys { door, flag, address, keys_file });
            }
        }
        Ok(Self { keys, tls, watched })
    }

    /// Has the files read again when they change.
    pub(crate) fn watch(&self, metrics: &Metrics) -> Watch {
        let [of_keys, of_tls] = self.watched.clone();
        let mut watch = Watch::default();
        let (keys, failures) = (self.keys.clone(), metrics.clone());
        watch.on_change(of_keys, move || match keys.reload() {
            Ok(()) => {
                let counts = keys.counts(jiff::Timestamp::now());
                let path = keys.path().display();
                tracing::info!(%path, valid = counts.valid, revoked = counts.revoked, "the key file was read again");
            }
            Err(error) => {
                failures.reload_failed("keys");
                tracing::error!(%error, "the keys that were in force stay so");
            }
        });
        if let Some(tls) = self.tls.clone() {
            let failures = metrics.clone();
            watch.on_change(of_tls, move || match tls.reload() {
                Ok(()) => tracing::info!("the certificates were read again"),
                Err(error) => {
                    failures.reload_failed("tls");
                    tracing::error!(%error, "the certificates that were in force stay so");
                }
            });
        }
        watch
    }

    /// Tells of what is allowed and is hardly meant.
    pub(crate) fn warn(&self, config: &IngestConfig) {
        for ((door, _), address) in [(HTTP, config.http), (GRPC, config.grpc)] {
            if self.tls.is_none() && !address.ip().to_canonical().is_loopback() {
                tracing::warn!(%address, "{door} is served without TLS: keys and telemetry can be read on the way");
            }
        }
        if self.keys.are_there() && !self.keys.let_somebody_send() {
            tracing::warn!(path = %config.keys_file.display(), "no valid key may send: senders are refused");
        }
    }
}

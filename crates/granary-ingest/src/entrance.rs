//! What is asked of who comes in, and whether that suits the addresses it is asked on.

use std::sync::Arc;

use crate::config::IngestConfig;
use crate::keys::keyring::Keyring;
use crate::reload::{Seen, Watched};
use crate::server::BindError;
use crate::tls::Tls;

/// A door in messages: what it is and the flag that moves it.
pub(crate) const HTTP: (&str, &str) = ("OTLP over HTTP", "--otlp-http");
pub(crate) const GRPC: (&str, &str) = ("OTLP over gRPC", "--otlp-grpc");

/// What both doors ask of who comes in.
pub(crate) struct Entrance {
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) watched: Watched,
    pub(crate) seen: Seen,
}

impl Entrance {
    /// Reads keys and certificates, and looks whether they suit the addresses.
    pub(crate) fn open(config: &IngestConfig) -> Result<Self, BindError> {
        // Looked at before they are read: what changes meanwhile is read again.
        let watched = Watched::of(config);
        let seen = watched.look();
        let keyring = Keyring::open(config)?;
        let tls = Tls::open(config)?.map(Arc::new);
        for ((door, flag), address) in [(HTTP, config.http), (GRPC, config.grpc)] {
            if address.ip().to_canonical().is_loopback() {
                continue;
            }
            if !keyring.has_keys() {
                let keys_file = config.keys_file.clone();
                return Err(BindError::NoKeys { door, flag, address, keys_file });
            }
        }
        Ok(Self { keyring: Arc::new(keyring), tls, watched, seen })
    }

    /// Tells of what is allowed and is hardly meant.
    pub(crate) fn warn(&self, config: &IngestConfig) {
        for ((door, _), address) in [(HTTP, config.http), (GRPC, config.grpc)] {
            if self.tls.is_none() && !address.ip().to_canonical().is_loopback() {
                tracing::warn!(%address, "{door} is served without TLS: keys and telemetry can be read on the way");
            }
        }
        if self.keyring.has_keys() && self.keyring.counts(jiff::Timestamp::now()).valid == 0 {
            tracing::warn!(path = %config.keys_file.display(), "no ingest key is valid: senders are refused");
        }
    }
}

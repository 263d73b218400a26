//! Every setting of every role, from defaults, file, environment and flags.
//!
//! A flag wins over the environment, that over the file, that over the default. The table in [`keys`] makes the
//! flags and the variables, so that each setting has all three by construction.

pub(crate) mod keys;
mod load;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use granary_archive::ArchiveConfig;
use granary_clickhouse::{ClickHouseConfig, ClusterConfig};
use granary_gateway::GatewayConfig;
use granary_ingest::IngestConfig;
use granary_redact::RedactConfig;
use granary_service::logging::LogConfig;
use serde::{Deserialize, Serialize};

pub(crate) use load::{Loaded, arguments, load};

/// All settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    #[serde(with = "humantime_serde")]
    pub(crate) shutdown_timeout: Duration,
    pub(crate) log: LogConfig,
    pub(crate) engine: EngineSettings,
    pub(crate) clickhouse: ClickHouseSettings,
    pub(crate) ingest: IngestConfig,
    pub(crate) redact: RedactConfig,
    pub(crate) archive: ArchiveConfig,
    pub(crate) gateway: GatewayConfig,
    /// Where a role that runs by itself, and is no gateway, answers `/livez`, `/readyz` and `/metrics`.
    pub(crate) health: SocketAddr,
}

/// The embedded engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EngineSettings {
    pub(crate) library: Option<PathBuf>,
    pub(crate) cache_dir: PathBuf,
    pub(crate) http: SocketAddr,
    pub(crate) max_memory: Option<ByteSize>,
}

/// A ClickHouse server in place of the embedded engine.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClickHouseSettings {
    pub(crate) url: Option<String>,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) reader_user: Option<String>,
    pub(crate) reader_password: String,
    pub(crate) guest_user: Option<String>,
    pub(crate) guest_password: String,
    pub(crate) auditor_user: Option<String>,
    pub(crate) auditor_password: String,
    pub(crate) database: String,
    pub(crate) published_database: String,
    #[serde(with = "humantime_serde")]
    pub(crate) timeout: Duration,
    pub(crate) cluster: Option<String>,
    pub(crate) cluster_hosts: Vec<String>,
    pub(crate) replica_path: String,
    pub(crate) replica_name: String,
    pub(crate) shared_merge_tree: bool,
}

impl ClickHouseSettings {
    /// The cluster that the server is one of.
    pub(crate) fn cluster(&self) -> Option<ClusterConfig> {
        Some(ClusterConfig {
            name: self.cluster.clone().filter(|name| !name.is_empty())?,
            hosts: self.cluster_hosts.clone(),
            replica_path: self.replica_path.clone(),
            replica_name: self.replica_name.clone(),
        })
    }
}

impl std::fmt::Debug for ClickHouseSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClickHouseSettings")
            .field("url", &self.url)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl Default for Settings {
    fn default() -> Self {
        let ClickHouseConfig { user, password, database, timeout, .. } = ClickHouseConfig::default();
        let home = || PathBuf::from(".granary");
        Self {
            data_dir: dirs::data_dir().map_or_else(home, |dir| dir.join("granary")),
            shutdown_timeout: Duration::from_secs(30),
            log: LogConfig::default(),
            engine: EngineSettings {
                library: None,
                cache_dir: dirs::cache_dir().map_or_else(home, |dir| dir.join("granary")),
                http: ([127, 0, 0, 1], 8123).into(),
                max_memory: None,
            },
            clickhouse: ClickHouseSettings {
                url: None,
                user,
                password,
                reader_user: None,
                reader_password: String::new(),
                guest_user: None,
                guest_password: String::new(),
                auditor_user: None,
                auditor_password: String::new(),
                database,
                published_database: "telemetry".to_owned(),
                timeout,
                cluster: None,
                cluster_hosts: Vec::new(),
                replica_path: ClusterConfig::REPLICA_PATH.to_owned(),
                replica_name: ClusterConfig::REPLICA_NAME.to_owned(),
                shared_merge_tree: false,
            },
            ingest: IngestConfig::default(),
            redact: RedactConfig::default(),
            archive: ArchiveConfig::default(),
            gateway: GatewayConfig::default(),
            health: ([127, 0, 0, 1], 8081).into(),
        }
    }
}

impl Settings {
    /// The receiving role's settings: its log and keys in the data folder unless a place is set.
    pub(crate) fn ingest(&self) -> IngestConfig {
        let mut ingest = self.ingest.clone();
        if ingest.wal_dir.as_os_str().is_empty() {
            ingest.wal_dir = self.data_dir.join("wal");
        }
        if ingest.keys_file.as_os_str().is_empty() {
            ingest.keys_file = self.data_dir.join("ingest-keys.toml");
        }
        ingest
    }

    /// The answering role's settings: its keys are those of the receiver unless a place is set.
    pub(crate) fn gateway(&self) -> GatewayConfig {
        let mut gateway = self.gateway.clone();
        if gateway.keys_file.as_os_str().is_empty() {
            gateway.keys_file = self.ingest().keys_file;
        }
        gateway
    }

    /// Where sessions are archived: in the data folder unless a place is set.
    pub(crate) fn archive(&self) -> ArchiveConfig {
        let mut archive = self.archive.clone();
        if archive.url.is_empty() {
            archive.url = self.data_dir.join("archive").display().to_string();
        }
        archive
    }
}

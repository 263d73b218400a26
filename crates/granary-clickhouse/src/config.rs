//! Where ClickHouse is and how long it may take.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ClusterConfig;

/// One ClickHouse, as one of its users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClickHouseConfig {
    /// The HTTP interface, as in `http://127.0.0.1:8123`; `https` works too.
    pub url: String,
    /// The user.
    pub user: String,
    /// The user's password; empty is none.
    pub password: String,
    /// The database that holds Granary's tables.
    pub database: String,
    /// How long one statement may take, from its first byte to the end of the answer, before it is given
    /// up. An insert that was given up may still have been stored; its token makes the repetition harmless.
    pub timeout: Duration,
    /// The cluster that the tables are shared out over; the server alone where `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<Box<ClusterConfig>>,
    /// Whether the service keeps the tables in `SharedMergeTree`, as ClickHouse Cloud does: several servers behind one address,
    /// each of which may be behind the others. Such a service is no [`cluster`](Self::cluster).
    #[serde(default)]
    pub shared_merge_tree: bool,
}

impl Default for ClickHouseConfig {
    fn default() -> Self {
        Self {
            url: "http://127.0.0.1:8123".to_owned(),
            user: "default".to_owned(),
            password: String::new(),
            database: "otel".to_owned(),
            timeout: Duration::from_mins(1),
            cluster: None,
            shared_merge_tree: false,
        }
    }
}

//! Where the gateway listens, and every bound on what it answers.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

/// The gateway's section of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayConfig {
    /// Address and port of the HTTP interface. Whoever reaches it may read the default tenant's data, so beyond
    /// the loopback it belongs behind something that asks who is there. Default `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// A folder with queries of the operator's own, `<group>/<name>.sql` as in `queries/README.md`, looked
    /// at every second. A file that breaks the rules, or has the name of a query that comes along, is reported and not
    /// used; where an earlier version of it was in force, that one stays. A folder that is not there keeps the
    /// gateway from starting. Default none.
    pub query_dir: Option<PathBuf>,
    /// How long ClickHouse may work on one query; past it the answer is 504. Default `30s`.
    #[serde(with = "humantime_serde")]
    pub max_query_time: Duration,
    /// How long an answer may take from the query's start to its last byte at the client. It ends the answers
    /// of clients that read too slowly, by cutting them off. Default `5m`.
    #[serde(with = "humantime_serde")]
    pub max_answer_time: Duration,
    /// Rows of one answer; a query with more is refused with 422 and not cut short. Default 1,000,000.
    pub max_result_rows: u64,
    /// Bytes of one answer as ClickHouse holds it; a query with more is refused with 422. Default `1GiB`.
    pub max_result_bytes: ByteSize,
    /// Rows that one query may read; a query that would read more is refused with 422, where the table's
    /// index tells so before anything is read. Default 2,000,000,000.
    pub max_rows_to_read: u64,
    /// Memory that ClickHouse may use for one query; past it the answer is 422. With `max_concurrent_queries`
    /// this bounds what all of them take. Default `2GiB`.
    pub max_memory_bytes: ByteSize,
    /// Queries that ClickHouse works on at the same time. A query counts until its answer is with the client.
    /// Default 8.
    pub max_concurrent_queries: NonZeroU32,
    /// Queries that wait for their turn; one more is refused with 503. 0 lets none wait. Default 64.
    pub max_waiting_queries: u32,
    /// How long a query waits for its turn before it is refused with 503. Default `10s`.
    #[serde(with = "humantime_serde")]
    pub max_wait: Duration,
    /// Requests a second that one caller may send in the long run; past that and `burst`, the answer is 429.
    /// Default 50.
    pub requests_per_second: NonZeroU32,
    /// Requests that one caller may send at once after a pause. Default 100.
    pub burst: NonZeroU32,
    /// Replays and exports of sessions under way at the same time; one more is refused with 503. Default 32.
    pub max_replays: NonZeroU32,
    /// Longest pause between two events of a replay, whatever its speed; longer ones are shortened to it.
    /// Default `1m`.
    #[serde(with = "humantime_serde")]
    pub max_replay_gap: Duration,
    /// How long the client of a replay or an export may take nothing, or keep one paused, before it is cut off and
    /// its place given to another. Default `5m`.
    #[serde(with = "humantime_serde")]
    pub max_replay_idle: Duration,
    /// Open connections; more wait to be accepted. Default 1024.
    pub max_connections: NonZeroU32,
    /// How long answers under way may take to end after the gateway was told to stop; then they are cut.
    /// Default `10s`.
    #[serde(with = "humantime_serde")]
    pub shutdown_grace: Duration,
}

/// The bounds of one query, and of all queries at once. Each is described at [`GatewayConfig`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryLimits {
    /// How long ClickHouse may work on one query.
    pub max_query_time: Duration,
    /// How long an answer may take to its last byte.
    pub max_answer_time: Duration,
    /// Rows of one answer.
    pub max_result_rows: u64,
    /// Bytes of one answer.
    pub max_result_bytes: ByteSize,
    /// Rows that one query may read.
    pub max_rows_to_read: u64,
    /// Memory of one query.
    pub max_memory_bytes: ByteSize,
    /// Queries at the same time.
    pub max_concurrent_queries: NonZeroU32,
    /// Queries that wait.
    pub max_waiting_queries: u32,
    /// How long a query waits.
    pub max_wait: Duration,
}

const fn at_least_one(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(number) => number,
        None => NonZeroU32::MIN,
    }
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            listen: ([127, 0, 0, 1], 8080).into(),
            query_dir: None,
            max_query_time: Duration::from_secs(30),
            max_answer_time: Duration::from_mins(5),
            max_result_rows: 1_000_000,
            max_result_bytes: ByteSize::gib(1),
            max_rows_to_read: 2_000_000_000,
            max_memory_bytes: ByteSize::gib(2),
            max_concurrent_queries: at_least_one(8),
            max_waiting_queries: 64,
            max_wait: Duration::from_secs(10),
            requests_per_second: at_least_one(50),
            burst: at_least_one(100),
            max_replays: at_least_one(32),
            max_replay_gap: Duration::from_mins(1),
            max_replay_idle: Duration::from_mins(5),
            max_connections: at_least_one(1024),
            shutdown_grace: Duration::from_secs(10),
        }
    }
}

impl GatewayConfig {
    /// The part that a [`crate::Runner`] needs.
    #[must_use]
    pub fn query_limits(&self) -> QueryLimits {
        QueryLimits {
            max_query_time: self.max_query_time,
            max_answer_time: self.max_answer_time,
            max_result_rows: self.max_result_rows,
            max_result_bytes: self.max_result_bytes,
            max_rows_to_read: self.max_rows_to_read,
            max_memory_bytes: self.max_memory_bytes,
            max_concurrent_queries: self.max_concurrent_queries,
            max_waiting_queries: self.max_waiting_queries,
            max_wait: self.max_wait,
        }
    }
}

impl Default for QueryLimits {
    fn default() -> Self {
        GatewayConfig::default().query_limits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_says_only_what_differs_and_a_misspelt_key_is_refused() {
        let config: GatewayConfig =
            toml::from_str("max_query_time = '5s'\nmax_memory_bytes = '512MiB'").unwrap();
        let expected = GatewayConfig {
            max_query_time: Duration::from_secs(5),
            max_memory_bytes: ByteSize::mib(512),
            ..GatewayConfig::default()
        };
        assert_eq!(config, expected);
        assert!(toml::from_str::<GatewayConfig>("max_query_tiem = '5s'").is_err());
        assert!(toml::from_str::<GatewayConfig>("burst = 0").is_err());
    }

    #[test]
    fn the_defaults_survive_being_written_and_read() {
        let text = toml::to_string(&GatewayConfig::default()).unwrap();
        assert_eq!(toml::from_str::<GatewayConfig>(&text).unwrap(), GatewayConfig::default());
    }
}

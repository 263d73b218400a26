//! Where the gateway listens, and every bound on what it answers.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use granary_access::JwtConfig;
use serde::{Deserialize, Serialize};

use crate::CursorKey;

/// The gateway's section of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayConfig {
    /// Address and port of the HTTP interface. One that other machines reach is refused at the start where there is
    /// neither a key nor a JWT setting. Default `127.0.0.1:8080`.
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
    /// What answers may take that are kept to be given again, with room for their compressed forms. Past it those go that
    /// are asked for least. 0 keeps none; equal requests at the same time are one query all the same. Default `64MiB`.
    pub cache_size: ByteSize,
    /// The largest answer that is kept, and the largest page of an answer that is read page by page (422 past it). A larger
    /// answer is handed on as it comes, and each who asks has it made anew. So much is read before the first byte is sent,
    /// by as many as `max_concurrent_queries` at once. Default `1MiB`.
    pub cache_max_answer: ByteSize,
    /// What the cursors of pages are signed with; the same for all gateways that answer at one address, as any of them may
    /// be asked for the next page. Without one each process takes a random key at its start, and cursors end with it.
    /// Default none.
    pub cursor_key: Option<CursorKey>,
    /// Clients of `/v1/live` at the same time; one more is refused with 503. Default 64.
    pub max_live: NonZeroU32,
    /// Events that wait for one such client. Beyond it they are left out, and the client is told how many. Default 1,000.
    pub max_live_queue_events: NonZeroU32,
    /// Bytes of events that wait for one such client, with the same consequence; one event may always wait. Clients that
    /// wait for the same events share them. Default `4MiB`.
    pub max_live_queue_bytes: ByteSize,
    /// Events a second that are read from the warehouse for all such clients, in the long run and as far as they are of
    /// these clients' tenants. Inserts beyond it wait for some seconds and then are left out; so is one with more events than
    /// two seconds' worth. The clients are told how many. Default 20,000.
    pub max_live_rate: NonZeroU32,
    /// Where the keys are; see [`granary_access::KeyFile`]. Empty: those of the receiver, `ingest.keys_file`. Where there
    /// is no such file and no JWT setting, this machine is served without a key, and no other is. It is read
    /// again within a second of a change.
    pub keys_file: PathBuf,
    /// Whether those on this machine need no key where there are keys; they are admins of the tenant `default`. Behind a proxy or in a sidecar everybody seems
    /// to be on this machine, so the default is that they do.
    pub loopback_without_key: bool,
    /// Names beside those of the loopback that requests without a key may come by (their `Host`). Other names are refused
    /// with 403: a page in a browser can have a name of its own point to this machine. Default none.
    pub hosts: Vec<String>,
    /// The certificate, with its chain, that the gateway shows; PEM. With `tls_key` set it speaks TLS and nothing
    /// else. It is read again within a second of a change, like the two below.
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key; PEM.
    pub tls_key: Option<PathBuf>,
    /// The authority, or several, whose certificate a client must have; PEM. Its key it needs all the same.
    pub tls_client_ca: Option<PathBuf>,
    /// Sites whose pages may ask, each as `https://host` or with a port; `*` is none. Their pages need a key like
    /// everybody else. Default none: browsers let no other site's page read an answer.
    pub cors_origins: Vec<String>,
    /// Tokens of an identity provider, which are taken beside keys.
    pub jwt: JwtConfig,
    /// Queries of one caller at the same time; more of it wait, while others pass them. 0 is as many as there are
    /// places. Default 4, which leaves half of the eight to others.
    pub max_concurrent_per_caller: u32,
    /// The same for all callers of a tenant together. Default 0.
    pub max_concurrent_per_tenant: u32,
    /// Queries of one caller that wait; one more is refused with 429. Where the line is full, others push the last
    /// of the longest out of it before that. 0 is as many as may wait at all. Default 48.
    pub max_waiting_per_caller: u32,
    /// Rows that one caller's queries may read in an hour; past it the answer is 429 until enough of the hour is
    /// over. A query that began before is not ended, and what it reads beyond is owed. 0 is any number. Default
    /// 100,000,000,000.
    pub rows_per_hour: u64,
    /// The same in bytes as ClickHouse counts them, which is after decompression. Default `10TiB`.
    pub bytes_per_hour: ByteSize,
    /// Requests a second that all callers of a tenant may send in the long run; past that and `tenant_burst`, the
    /// answer is 429. 0 is any number. Default 500.
    pub tenant_requests_per_second: u32,
    /// Requests that a tenant's callers may send at once. Default 1,000.
    pub tenant_burst: u32,
    /// Rows that a tenant's queries may read in an hour. 0 is any number, and the default.
    pub tenant_rows_per_hour: u64,
    /// The same in bytes. 0 is any number, and the default.
    pub tenant_bytes_per_hour: ByteSize,
    /// Requests a second that everybody together may send in the long run; past that and `total_burst`, the answer
    /// is 429. 0 is any number, and the default.
    pub total_requests_per_second: u32,
    /// Requests that everybody together may send at once, where there is such a rate. Default 1,000.
    pub total_burst: u32,
    /// Rows that all queries may read in an hour; past it the answer is 503. 0 is any number, and the default.
    pub total_rows_per_hour: u64,
    /// The same in bytes. 0 is any number, and the default.
    pub total_bytes_per_hour: ByteSize,
    /// How long an entry of the audit is kept; entries keep what was in force when they were written. `0s` is for
    /// ever. Default `400d`.
    #[serde(with = "humantime_serde")]
    pub audit_keep: Duration,
    /// Entries of the audit that wait to be inserted, while ClickHouse is away for instance. One more is lost: counted,
    /// logged, and told in the audit itself once it can be. Each takes a kilobyte or so. Default 20,000.
    pub audit_queue: NonZeroU32,
    /// Whether the audit keeps the values of parameters, redacted as telemetry is, or their names alone. Default
    /// `true`.
    pub audit_parameters: bool,
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
    /// Queries of one tenant at the same time.
    pub max_concurrent_per_tenant: u32,
    /// Queries of one caller that wait.
    pub max_waiting_per_caller: u32,
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
            cache_size: ByteSize::mib(64),
            cache_max_answer: ByteSize::mib(1),
            cursor_key: None,
            max_live: at_least_one(64),
            max_live_queue_events: at_least_one(1_000),
            max_live_queue_bytes: ByteSize::mib(4),
            max_live_rate: at_least_one(20_000),
            keys_file: PathBuf::new(),
            loopback_without_key: false,
            hosts: Vec::new(),
            tls_cert: None,
            tls_key: None,
            tls_client_ca: None,
            cors_origins: Vec::new(),
            jwt: JwtConfig::default(),
            max_concurrent_per_caller: 4,
            max_concurrent_per_tenant: 0,
            max_waiting_per_caller: 48,
            rows_per_hour: 100_000_000_000,
            bytes_per_hour: ByteSize::tib(10),
            tenant_requests_per_second: 500,
            tenant_burst: 1_000,
            tenant_rows_per_hour: 0,
            tenant_bytes_per_hour: ByteSize(0),
            total_requests_per_second: 0,
            total_burst: 1_000,
            total_rows_per_hour: 0,
            total_bytes_per_hour: ByteSize(0),
            audit_keep: Duration::from_secs(400 * 24 * 3600),
            audit_queue: at_least_one(20_000),
            audit_parameters: true,
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
            max_concurrent_per_tenant: self.max_concurrent_per_tenant,
            max_waiting_per_caller: self.max_waiting_per_caller,
        }
    }
}

impl QueryLimits {
    /// What a statement of a BI tool may take, by the names of ClickHouse's settings. The profile of the guest who runs
    /// it must hold it to that.
    #[must_use]
    pub fn guest_bounds(&self) -> [(&'static str, u64); 5] {
        [
            ("max_execution_time", self.max_query_time.as_secs().max(1)),
            ("max_result_rows", self.max_result_rows.max(1)),
            ("max_result_bytes", self.max_result_bytes.as_u64().max(1)),
            ("max_rows_to_read", self.max_rows_to_read.max(1)),
            ("max_memory_usage", self.max_memory_bytes.as_u64().max(1)),
        ]
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

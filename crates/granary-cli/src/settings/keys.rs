//! The table of settings: key, flag and what it is.

/// One setting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    /// Where it stands in the file: `section.name`.
    pub(crate) path: &'static str,
    /// The flag's name where it is not the path with dashes.
    flag: Option<&'static str>,
    /// Whether the value is text whatever it looks like; other values are read as TOML where they are.
    pub(crate) is_text: bool,
    /// Whether the value is not to be shown.
    pub(crate) is_secret: bool,
    /// What it is, in a sentence.
    pub(crate) help: &'static str,
}

impl Key {
    /// The flag's name, without dashes in front.
    pub(crate) fn flag(&self) -> String {
        self.flag.map_or_else(|| self.path.replace(['.', '_'], "-"), str::to_owned)
    }

    /// The environment variable's name.
    pub(crate) fn variable(&self) -> String {
        format!("GRANARY_{}", self.path.replace('.', "_").to_uppercase())
    }

    /// The environment variable with the file that a secret is read from, and the argument's id.
    pub(crate) fn file_variable(&self) -> Option<String> {
        self.is_secret.then(|| format!("{}_FILE", self.variable()))
    }

    /// The section, which is the heading in the help.
    pub(crate) fn section(&self) -> &'static str {
        match self.path.split('.').next().unwrap_or_default() {
            "log" => "Logging",
            "engine" => "Embedded engine",
            "clickhouse" => "ClickHouse server",
            "ingest" => "Receiving",
            "redact" => "Redaction",
            "archive" => "Archive",
            "gateway" => "Gateway",
            _ => "General",
        }
    }
}

const fn value(path: &'static str, help: &'static str) -> Key {
    Key { path, flag: None, is_text: false, is_secret: false, help }
}

const fn text(path: &'static str, help: &'static str) -> Key {
    Key { path, flag: None, is_text: true, is_secret: false, help }
}

const fn secret(path: &'static str, help: &'static str) -> Key {
    Key { path, flag: None, is_text: true, is_secret: true, help }
}

const fn named(flag: &'static str, key: Key) -> Key {
    Key { flag: Some(flag), ..key }
}

/// All settings, in the order of the file.
pub(crate) const KEYS: &[Key] = &[
    text("data_dir", "Folder for the engine's data, the archive and the state of this instance"),
    value("shutdown_timeout", "How long an ordered stop may take"),
    value(
        "health",
        "Where a role by itself, not the gateway, answers /livez, /readyz and /metrics; port 0 takes a free one",
    ),
    text("log.level", "error, warn, info, debug or trace, or directives such as info,granary_ingest=debug"),
    value("log.format", "text or json; log lines go to standard error"),
    text("engine.library", "A libchdb of your own; without it one is fetched into the cache"),
    text("engine.cache_dir", "Folder for what is fetched once per user"),
    named(
        "clickhouse-http",
        value(
            "engine.http",
            "Where the embedded engine serves HTTP; the loopback only, port 0 takes a free one",
        ),
    ),
    value("engine.max_memory", "The most memory the embedded engine takes; half of the machine's by default"),
    text("clickhouse.url", "Use this ClickHouse server (http://host:8123) and not the embedded engine"),
    text("clickhouse.user", "The server's user for tables and inserts"),
    secret("clickhouse.password", "That user's password"),
    text(
        "clickhouse.reader_user",
        "The server's user for queries, who should have SELECT on the database and no more; the user above by default",
    ),
    secret("clickhouse.reader_password", "That user's password"),
    text(
        "clickhouse.guest_user",
        "The server's user for SQL of BI tools, who may read the published views and nothing else; without one there is no /clickhouse",
    ),
    secret("clickhouse.guest_password", "That user's password"),
    text(
        "clickhouse.auditor_user",
        "The server's user for the audit, who should have INSERT on query_audit and SELECT(query_id, read_rows, read_bytes) on system.processes; the first by default",
    ),
    secret("clickhouse.auditor_password", "That user's password"),
    text("clickhouse.database", "The database"),
    text("clickhouse.published_database", "The database of the views that are published to BI tools"),
    value("clickhouse.timeout", "How long one statement may take"),
    text(
        "clickhouse.cluster",
        "The cluster of remote_servers that the server is one of: tables are shared out over its shards; the server alone by default",
    ),
    value(
        "clickhouse.cluster_hosts",
        "Each shard's HTTP interface, [\"http://a:8123\", \"http://b:8123\"], where shards have no replicas; empty where tables are replicated and statements go ON CLUSTER",
    ),
    text("clickhouse.replica_path", "A replicated table's path in Keeper, with the servers' macros"),
    text("clickhouse.replica_name", "A replica's name in Keeper, with the servers' macros"),
    value(
        "clickhouse.shared_merge_tree",
        "true: the service keeps the tables in SharedMergeTree, as ClickHouse Cloud does; without clickhouse.cluster",
    ),
    named("otlp-grpc", value("ingest.grpc", "Where OTLP over gRPC is served; port 0 takes a free one")),
    named("otlp-http", value("ingest.http", "Where OTLP over HTTP is served; port 0 takes a free one")),
    text(
        "ingest.keys_file",
        "Who may send and ask, as `granary keys` writes it; in the data folder by default",
    ),
    value(
        "ingest.loopback_without_key",
        "true: senders on this machine need no key, also where there are keys",
    ),
    value("ingest.key_requests_per_second", "Requests a second of one key in the long run; 0 is any number"),
    value("ingest.key_bytes_per_second", "Bytes a second of one key in the long run; 0 is any number"),
    value("ingest.key_burst", "How many seconds' worth of both may come at once"),
    text(
        "ingest.tls_cert",
        "Speak TLS with this certificate and its chain (PEM); read again when it changes",
    ),
    text("ingest.tls_key", "The certificate's private key (PEM)"),
    text("ingest.tls_client_ca", "Ask senders for a certificate of this authority (PEM), besides their key"),
    value("ingest.max_connections", "Open connections of each door; more wait"),
    value("ingest.header_timeout", "How long a connection may take until its first request is there"),
    value("ingest.idle_timeout", "How long a connection may be without a request"),
    value("ingest.max_body", "The largest body as it comes; a larger one is answered 413"),
    value("ingest.max_decompressed", "The largest body once decompressed"),
    value("ingest.max_expanded", "What a body may take in memory, each record with a copy of its resource"),
    value("ingest.max_attributes", "A record with more attributes is left out and counted"),
    value("ingest.max_in_flight", "Bodies in memory, all together; beyond it the answer is 503"),
    value("ingest.read_timeout", "How long a body may take to arrive"),
    value("ingest.commit_interval", "How long requests gather for one sync of the write-ahead log"),
    value("ingest.max_block", "Bodies of this size together are committed at once"),
    text("ingest.wal_dir", "Folder of the write-ahead log; in the data folder by default"),
    value("ingest.wal_max_bytes", "Disk that the log may take; beyond it senders are told to come back"),
    value("ingest.wal_segment_bytes", "Size of one file of the log"),
    value("ingest.wal_keep", "How long confirmed data stay in the log, in case ClickHouse loses them"),
    value("ingest.insert_interval", "How long durable rows gather for one insert"),
    value("ingest.max_insert_rows", "Rows of one insert"),
    value("ingest.max_insert_bytes", "Compressed bytes of the inserts under way"),
    value("ingest.insert_timeout", "How long one insert may take before it is looked up and repeated"),
    value(
        "ingest.insert_stuck_after",
        "How long a table may refuse what others take before its rows are put aside",
    ),
    value(
        "ingest.housekeeping_interval",
        "How often old segments are deleted and rows put aside are tried again",
    ),
    value("ingest.quarantine_max_bytes", "What rows put aside may take on disk; beyond it delivery waits"),
    value("ingest.drain_timeout", "How long an ordered stop may go on inserting what is in the log"),
    value("ingest.duplicate_window", "An event that comes again within this time is not stored again"),
    value("ingest.duplicate_window_events", "How many events that window remembers at most"),
    value(
        "ingest.peers",
        "The other receivers, [\"host:port\"]: with them an event sent to several is stored once; a name may have many addresses",
    ),
    value("ingest.peer_address", "Where the other receivers ask this one"),
    secret("ingest.peer_secret", "What receivers show one another; the same for all"),
    value("ingest.peer_patience", "How long inserting waits for another receiver that does not answer"),
    value("ingest.max_event_age", "An event older than this is marked as having a wrong clock"),
    value("ingest.max_event_ahead", "The same for one this far in the future"),
    value("ingest.lanes", "Threads that decode and fill blocks"),
    value("redact.disabled_rules", "Names of built-in rules that are off"),
    value("redact.rules", "Rules of your own; easier in the file"),
    value("redact.identity", "What becomes of user.email, user.id and the like: keep, hash or drop"),
    secret("redact.hash_key", "The key for identity = hash"),
    named(
        "archive",
        text(
            "archive.url",
            "Where sessions are archived: a folder or s3://bucket/prefix; in the data folder by default",
        ),
    ),
    value("archive.quiet", "A session is archived when nothing of it has come for this long"),
    value("archive.settle", "The same for a session whose last event said that it had ended"),
    value("archive.interval", "How often due sessions are looked for"),
    value("archive.concurrency", "Sessions archived at once; a quarter of them may be large"),
    value(
        "archive.lease",
        "How long an archiver has the sessions it works on to itself, unless it renews that",
    ),
    value("archive.keep", "How long a session's object is kept after its newest event came; 0s is for ever"),
    value("archive.keep_tenants", "The same for single tenants: [\"acme=90d\"]"),
    value(
        "archive.transitions",
        "Ages and storage classes for `granary archive lifecycle`: [\"90d=GLACIER_IR\"]",
    ),
    text("archive.s3.endpoint", "Address of an S3 that is not AWS"),
    text("archive.s3.region", "The bucket's region"),
    value("archive.s3.path_style", "Put the bucket into the path; most stores that are not AWS want it"),
    text("archive.s3.access_key_id", "The access key's id; found as AWS's own tools find it by default"),
    secret("archive.s3.secret_access_key", "The access key's secret"),
    secret("archive.s3.session_token", "The token that goes with temporary keys"),
    text("archive.s3.ca_file", "Certificates (PEM) that are trusted besides the system's"),
    value("archive.s3.connect_timeout", "How long a connection may take before it is tried again"),
    value("archive.s3.request_timeout", "How long one attempt at a request, of 8 MiB at most, may take"),
    value("archive.s3.max_attempts", "How often a request is tried where the store is busy or away"),
    text("archive.s3.checksum", "What the store holds uploads against: crc32c, sha256 or none"),
    value(
        "archive.s3.conditional_writes",
        "false: the store refuses If-Match and If-None-Match, so of two writers the last one wins",
    ),
    text("archive.s3.encryption", "Who encrypts at rest: bucket (as it says), s3 (SSE-S3) or kms (SSE-KMS)"),
    text("archive.s3.kms_key_id", "The key of encryption = kms; the account's own for S3 by default"),
    text("archive.s3.storage_class", "The storage class of new objects, such as STANDARD_IA"),
    value("archive.s3.tags", "Tags of new objects: [\"team=platform\"]"),
    named("gateway", value("gateway.listen", "Where queries are answered; port 0 takes a free one")),
    text("gateway.query_dir", "Folder with queries of your own"),
    value("gateway.max_query_time", "How long ClickHouse may work on one query"),
    value("gateway.max_answer_time", "How long an answer may take to its last byte"),
    value("gateway.max_result_rows", "Rows of one answer"),
    value("gateway.max_result_bytes", "Bytes of one answer as ClickHouse holds it"),
    value("gateway.max_rows_to_read", "Rows that one query may read"),
    value("gateway.max_memory_bytes", "Memory that ClickHouse may use for one query"),
    value("gateway.max_concurrent_queries", "Queries worked on at once"),
    value("gateway.max_waiting_queries", "Queries that wait for their turn"),
    value("gateway.max_wait", "How long a query waits for its turn"),
    value("gateway.requests_per_second", "Requests a second of one caller in the long run"),
    value("gateway.burst", "Requests at once of one caller"),
    value("gateway.max_replays", "Replays and exports of sessions under way at once"),
    value("gateway.max_replay_gap", "The longest pause within a replay"),
    value("gateway.max_replay_idle", "How long the client of a replay or export may take nothing"),
    value("gateway.max_connections", "Open connections"),
    value("gateway.shutdown_grace", "How long answers under way may take after the gateway was told to stop"),
    value("gateway.cache_size", "What answers may take that are kept to be given again; 0 keeps none"),
    value("gateway.cache_max_answer", "The largest answer that is kept, and the largest page"),
    secret("gateway.cursor_key", "What cursors of pages are signed with, where several gateways answer"),
    value("gateway.max_live", "Clients of the live feed at once"),
    value("gateway.max_live_queue_events", "Events that wait for one of them; it is told of the others"),
    value("gateway.max_live_queue_bytes", "Bytes of events that wait for one of them; likewise"),
    value("gateway.max_live_rate", "Events a second that are read for all of them; likewise"),
    text("gateway.keys_file", "Who may ask, as `granary keys` writes it; ingest.keys_file by default"),
    value(
        "gateway.loopback_without_key",
        "true: who asks on this machine needs no key, also where there are keys",
    ),
    value(
        "gateway.hosts",
        "Names that requests without a key may come by, besides localhost: [\"granary.example\"]",
    ),
    text(
        "gateway.tls_cert",
        "Speak TLS with this certificate and its chain (PEM); read again when it changes",
    ),
    text("gateway.tls_key", "The certificate's private key (PEM)"),
    text("gateway.tls_client_ca", "Ask clients for a certificate of this authority (PEM), besides their key"),
    value("gateway.cors_origins", "Sites whose pages may ask, with a key: [\"https://grafana.example\"]"),
    text("gateway.jwt.algorithm", "How JWTs are signed: HS256, RS256 or ES256; no other is taken"),
    text("gateway.jwt.secret_file", "The file with the secret of HS256, at least 32 bytes"),
    text(
        "gateway.jwt.jwks",
        "The identity provider's keys for RS256 and ES256: an https:// address or a file",
    ),
    text("gateway.jwt.issuer", "What a JWT's iss must be"),
    text("gateway.jwt.audience", "What a JWT's aud must be or hold"),
    value("gateway.jwt.leeway", "By how much clocks may differ for exp and nbf"),
    text("gateway.jwt.tenant_claim", "The claim with the tenant"),
    text("gateway.jwt.role_claim", "The claim with the role: viewer, team, analyst or admin"),
    text("gateway.jwt.user_claim", "The claim with the user, for viewers"),
    text("gateway.jwt.team_claim", "The claim with the team, for the role team"),
    text(
        "gateway.jwt.groups_claim",
        "The claim with the groups of queries that may be asked; all without it",
    ),
    text(
        "gateway.jwt.parameters_claim",
        "The claim with parameters that have these values in whatever is asked",
    ),
    value("gateway.max_concurrent_per_caller", "Queries of one caller worked on at once; 0 is any number"),
    value("gateway.max_concurrent_per_tenant", "The same for all callers of a tenant; 0 is any number"),
    value("gateway.max_waiting_per_caller", "Queries of one caller that wait; 0 is any number"),
    value("gateway.rows_per_hour", "Rows that one caller's queries may read in an hour; 0 is any number"),
    value("gateway.bytes_per_hour", "The same in bytes; 0 is any number"),
    value(
        "gateway.tenant_requests_per_second",
        "Requests a second of all callers of a tenant in the long run; 0 is any number",
    ),
    value("gateway.tenant_burst", "Requests at once of all callers of a tenant"),
    value(
        "gateway.tenant_rows_per_hour",
        "Rows that a tenant's queries may read in an hour; 0 is any number",
    ),
    value("gateway.tenant_bytes_per_hour", "The same in bytes; 0 is any number"),
    value(
        "gateway.total_requests_per_second",
        "Requests a second of everybody together in the long run; 0 is any number",
    ),
    value("gateway.total_burst", "Requests at once of everybody together"),
    value("gateway.total_rows_per_hour", "Rows that all queries may read in an hour; 0 is any number"),
    value("gateway.total_bytes_per_hour", "The same in bytes; 0 is any number"),
    value("gateway.audit_keep", "How long it is kept who asked what; 0s is for ever"),
    value(
        "gateway.audit_queue",
        "Entries of the audit that wait to be inserted; one more is lost and counted",
    ),
    value("gateway.audit_parameters", "false: the audit keeps the names of parameters and not their values"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::settings::Settings;

    fn leaves(prefix: &str, value: &serde_json::Value, out: &mut BTreeSet<String>) {
        match value {
            serde_json::Value::Object(fields) => fields.iter().for_each(|(name, value)| {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                leaves(&path, value, out);
            }),
            _ => drop(out.insert(prefix.to_owned())),
        }
    }

    #[test]
    fn every_setting_is_in_the_table_once_and_the_table_has_nothing_else() {
        let mut settings = BTreeSet::new();
        leaves("", &serde_json::to_value(Settings::default()).unwrap(), &mut settings);
        // Left out when settings are written.
        settings.extend(["archive.s3.secret_access_key".to_owned(), "archive.s3.session_token".to_owned()]);
        let table: BTreeSet<_> = KEYS.iter().map(|key| key.path.to_owned()).collect();
        assert_eq!(table.len(), KEYS.len());
        assert_eq!(settings, table);
    }

    #[test]
    fn no_two_settings_share_a_flag_or_a_variable() {
        let flags: BTreeSet<_> = KEYS.iter().map(Key::flag).collect();
        let variables: BTreeSet<_> = KEYS.iter().map(Key::variable).collect();
        assert_eq!((flags.len(), variables.len()), (KEYS.len(), KEYS.len()));
    }
}

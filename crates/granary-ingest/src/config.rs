//! Listeners, who may send, limits and how long a commit gathers.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

/// The receiving role's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IngestConfig {
    /// Where OTLP over gRPC is served. Port 0 takes a free one.
    pub grpc: SocketAddr,
    /// Where OTLP over HTTP is served. Port 0 takes a free one.
    pub http: SocketAddr,
    /// Where the ingest keys are; see [`granary_access::KeyFile`]. Empty: in the data folder. Where there is no such
    /// file, senders on this machine need no key, no others are taken, and an address that others can reach is
    /// refused at the start. It is read again within a second of a change.
    pub keys_file: PathBuf,
    /// Whether senders on this machine need no key where there is a key file. Behind a proxy or in a sidecar
    /// everybody seems to be on this machine, so the default is that they do.
    pub loopback_without_key: bool,
    /// Requests a second that one key may send in the long run, where the key itself does not say; beyond it the
    /// answer is 429. 0 is any number.
    pub key_requests_per_second: u32,
    /// Bytes of bodies a second, as they come, in the same way. At least one body of `max_body` may always come
    /// at once.
    pub key_bytes_per_second: ByteSize,
    /// How many seconds' worth of both a key may send at once after a pause.
    #[serde(with = "humantime_serde")]
    pub key_burst: Duration,
    /// The certificate, with its chain, that both doors show; PEM. With `tls_key` set they speak TLS and nothing
    /// else. It is read again within a second of a change, like the two below.
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key; PEM.
    pub tls_key: Option<PathBuf>,
    /// The authority, or several, whose certificate a sender must have; PEM. Its key it needs all the same.
    pub tls_client_ca: Option<PathBuf>,
    /// Open connections of each door; more wait to be accepted.
    pub max_connections: usize,
    /// How long a connection may take until its first request is there, handshake and headers; then it is cut.
    #[serde(with = "humantime_serde")]
    pub header_timeout: Duration,
    /// How long a connection may be without a request; then it is closed. Senders that export once a minute keep
    /// theirs.
    #[serde(with = "humantime_serde")]
    pub idle_timeout: Duration,
    /// The largest body as it comes over the wire; a larger one is answered 413.
    pub max_body: ByteSize,
    /// The largest body once decompressed; a larger one is answered 413 as soon as the limit is passed.
    pub max_decompressed: ByteSize,
    /// What a body may take in memory once read, each of its records with a copy of what the resource says; one
    /// that would take more is answered 413. Commits of more are not gathered either. At most 1 GiB.
    pub max_expanded: ByteSize,
    /// A record with more attributes is left out and counted; the rest of its request is taken.
    pub max_attributes: usize,
    /// Bodies being read or waiting for a lane, all together. Beyond it the answer is 503.
    pub max_in_flight: ByteSize,
    /// How long a body may take to arrive; a slower one is answered 408.
    #[serde(with = "humantime_serde")]
    pub read_timeout: Duration,
    /// How long requests gather for one commit, which is one write and one sync of the log. It is what an answer
    /// waits at least; a longer one makes larger blocks, which cost less per row.
    #[serde(with = "humantime_serde")]
    pub commit_interval: Duration,
    /// Bodies of this many bytes, decompressed and together, are committed at once.
    pub max_block: ByteSize,
    /// Where the write-ahead log is. Empty: in the data folder.
    pub wal_dir: PathBuf,
    /// How much disk the log may take. Beyond it senders are told to come back. It must hold at least two of the
    /// largest commits, each about twice `max_expanded` and `max_block`.
    pub wal_max_bytes: ByteSize,
    /// How large one file of the log gets. Confirmed data are deleted by whole files.
    pub wal_segment_bytes: ByteSize,
    /// How long durable rows gather for one insert. It is most of the time between an answer and the row being
    /// visible; each insert costs the engine some CPU however few rows it has.
    #[serde(with = "humantime_serde")]
    pub insert_interval: Duration,
    /// Rows of one insert; so many are inserted at once.
    pub max_insert_rows: u64,
    /// Compressed bytes of the inserts under way, which are in memory.
    pub max_insert_bytes: ByteSize,
    /// How long one insert may take before it is in doubt, looked up and repeated.
    #[serde(with = "humantime_serde")]
    pub insert_timeout: Duration,
    /// How long one table may refuse what others take, for a reason that may pass, before its rows are put aside
    /// into the quarantine, where they are tried again every few seconds.
    #[serde(with = "humantime_serde")]
    pub insert_stuck_after: Duration,
    /// How often segments that are old enough are deleted, rows that were put aside are tried again, and a server
    /// that was restarted is noticed though nothing failed.
    #[serde(with = "humantime_serde")]
    pub housekeeping_interval: Duration,
    /// What the quarantine may take on disk. Beyond it nothing is put aside and delivery waits, so that the log
    /// fills up and senders are told to come back.
    pub quarantine_max_bytes: ByteSize,
    /// How long, at an ordered stop, what is in the log may still be inserted. The rest is inserted at the next
    /// start.
    #[serde(with = "humantime_serde")]
    pub drain_timeout: Duration,
    /// An event that comes again within this time is acknowledged and not stored again. Zero: every event is
    /// taken as new.
    #[serde(with = "humantime_serde")]
    pub duplicate_window: Duration,
    /// How many events that window remembers at most, at 40 to 80 bytes of memory each; the latest half for sure.
    pub duplicate_window_events: usize,
    /// The other receivers, as `host:port` of their `peer_address`. A name may have many addresses, this receiver's own
    /// among them, and is looked up every few seconds. With any set, an event that was sent to several receivers is stored
    /// once: they ask one another before they insert. For that, `duplicate_window` and `duplicate_window_events` hold a
    /// second time, for the events of all receivers together.
    pub peers: Vec<String>,
    /// Where the other receivers ask.
    pub peer_address: Option<SocketAddr>,
    /// What receivers show one another; the same for all. Needed where others can reach `peer_address`.
    pub peer_secret: String,
    /// How long inserting waits for another receiver that does not answer; then it is away, and not waited for until it
    /// is back. It covers a restart, or what reaches both meanwhile may be stored twice.
    #[serde(with = "humantime_serde")]
    pub peer_patience: Duration,
    /// Confirmed data stay in the log for this long, so that what ClickHouse loses with its machine's power can
    /// be sent again. When the log is half full they are deleted earlier.
    #[serde(with = "humantime_serde")]
    pub wal_keep: Duration,
    /// An event older than this when it comes has a clock that cannot be right: it is stored and marked.
    #[serde(with = "humantime_serde")]
    pub max_event_age: Duration,
    /// The same for an event this far in the future.
    #[serde(with = "humantime_serde")]
    pub max_event_ahead: Duration,
    /// Threads that decode and fill blocks, each with blocks of its own.
    pub lanes: usize,
}

impl Default for IngestConfig {
    fn default() -> Self {
        Self {
            grpc: ([127, 0, 0, 1], 4317).into(),
            http: ([127, 0, 0, 1], 4318).into(),
            keys_file: PathBuf::new(),
            loopback_without_key: false,
            key_requests_per_second: 0,
            key_bytes_per_second: ByteSize::b(0),
            key_burst: Duration::from_secs(10),
            tls_cert: None,
            tls_key: None,
            tls_client_ca: None,
            max_connections: 4096,
            header_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_mins(3),
            max_body: ByteSize::mib(16),
            max_decompressed: ByteSize::mib(64),
            max_expanded: ByteSize::mib(128),
            max_attributes: 1024,
            max_in_flight: ByteSize::mib(256),
            read_timeout: Duration::from_secs(30),
            commit_interval: Duration::from_millis(10),
            max_block: ByteSize::mib(8),
            wal_dir: PathBuf::new(),
            wal_max_bytes: ByteSize::gib(4),
            wal_segment_bytes: ByteSize::mib(64),
            insert_interval: Duration::from_millis(400),
            max_insert_rows: 250_000,
            max_insert_bytes: ByteSize::mib(64),
            insert_timeout: Duration::from_secs(60),
            insert_stuck_after: Duration::from_mins(2),
            housekeeping_interval: Duration::from_secs(10),
            quarantine_max_bytes: ByteSize::gib(1),
            drain_timeout: Duration::from_secs(10),
            duplicate_window: Duration::from_mins(10),
            duplicate_window_events: 2_000_000,
            peers: Vec::new(),
            peer_address: None,
            peer_secret: String::new(),
            peer_patience: Duration::from_secs(5),
            wal_keep: Duration::from_mins(10),
            max_event_age: Duration::from_hours(24 * 366),
            max_event_ahead: Duration::from_hours(24),
            lanes: 1,
        }
    }
}

impl IngestConfig {
    /// In bytes.
    pub(crate) fn max_expanded(&self) -> u64 {
        self.max_expanded.as_u64().min(ByteSize::gib(1).as_u64())
    }

    /// How many lanes there are: one at least.
    pub(crate) fn lanes(&self) -> u32 {
        u32::try_from(self.lanes).unwrap_or(u32::MAX).max(1)
    }

    /// How long confirmed data stay in the log: repeated deliveries are known from there after a restart, too.
    pub(crate) fn retention(&self) -> Duration {
        self.wal_keep.max(self.duplicate_window)
    }

    /// The log's own settings.
    pub(crate) fn wal(&self) -> granary_wal::Config {
        let mut wal = granary_wal::Config::new(&self.wal_dir);
        wal.segment_bytes = self.wal_segment_bytes;
        wal.max_total_bytes = self.wal_max_bytes;
        // A commit is sealed when its rows take so much, and one body may come on top of it. Rows that do not compress
        // grow a little.
        let commit = self.max_expanded().saturating_add(self.max_block.as_u64()).saturating_mul(2);
        wal.max_record_bytes = ByteSize((commit + commit / 64).min(u64::from(u32::MAX)));
        wal
    }
}

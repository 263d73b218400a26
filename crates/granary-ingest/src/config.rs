//! Listeners, limits and how long a commit gathers.

use std::net::SocketAddr;
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
    /// The largest body as it comes over the wire; a larger one is answered 413.
    pub max_body: ByteSize,
    /// The largest body once decompressed; a larger one is answered 413 as soon as the limit is passed.
    pub max_decompressed: ByteSize,
    /// A record with more attributes is left out and counted; the rest of its request is taken.
    pub max_attributes: usize,
    /// Bodies being read or waiting for a lane, all together. Beyond it the answer is 503.
    pub max_in_flight: ByteSize,
    /// How long a body may take to arrive; a slower one is answered 408.
    #[serde(with = "humantime_serde")]
    pub read_timeout: Duration,
    /// How long requests gather for one commit. Idle, it is what an answer waits; under load commits follow
    /// one another and it matters little. Each commit costs the engine some CPU however few rows it has.
    #[serde(with = "humantime_serde")]
    pub commit_interval: Duration,
    /// A block with this many bytes before compression is sealed at once.
    pub max_block: ByteSize,
    /// How long a commit is tried while the warehouse does not take it. Then the senders are told to come back.
    #[serde(with = "humantime_serde")]
    pub commit_timeout: Duration,
    /// Threads that decode and fill blocks, each with blocks of its own.
    pub lanes: usize,
}

impl Default for IngestConfig {
    fn default() -> Self {
        Self {
            grpc: ([127, 0, 0, 1], 4317).into(),
            http: ([127, 0, 0, 1], 4318).into(),
            max_body: ByteSize::mib(16),
            max_decompressed: ByteSize::mib(64),
            max_attributes: 1024,
            max_in_flight: ByteSize::mib(256),
            read_timeout: Duration::from_secs(30),
            commit_interval: Duration::from_millis(200),
            max_block: ByteSize::mib(32),
            commit_timeout: Duration::from_secs(8),
            lanes: 1,
        }
    }
}

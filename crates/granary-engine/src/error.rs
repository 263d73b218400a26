//! Why there is no engine.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The engine cannot be had or cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is no build of the library for this platform that Granary knows the hash of.
    #[error(
        "no embedded engine is published for {platform}; set engine.library to the path of a libchdb {version}, \
         or clickhouse.url to a ClickHouse server"
    )]
    UnknownPlatform {
        /// Operating system and architecture.
        platform: String,
        /// The version Granary is built for.
        version: &'static str,
    },
    /// The configured library is not there.
    #[error("the engine's library {path} cannot be read: {source}")]
    Library {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// `npm`, which fetches the library, cannot be started.
    #[error(
        "npm, which fetches the embedded engine, cannot be started: {source}; install Node.js, or set engine.library \
         to the path of a libchdb, or clickhouse.url to a ClickHouse server"
    )]
    Npm {
        /// Why.
        source: io::Error,
    },
    /// `npm` could not fetch the package.
    #[error("npm could not fetch {package}: {output}")]
    Fetch {
        /// Package and version.
        package: String,
        /// The end of what npm printed.
        output: String,
    },
    /// What was fetched is not what was published.
    #[error("{package} was fetched but its SHA-512 is {actual}, expected {expected}; nothing was installed")]
    Hash {
        /// Package and version.
        package: String,
        /// What came.
        actual: String,
        /// What should have come.
        expected: &'static str,
    },
    /// A file of the engine cannot be written or read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The address is taken.
    #[error(
        "{address} for the engine's HTTP interface cannot be had: {source}; choose another with --clickhouse-http"
    )]
    Address {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The embedded engine is for this machine only.
    #[error(
        "the embedded engine listens on the loopback only, not on {address}; to serve others use a ClickHouse server"
    )]
    NotLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// The child process cannot be started.
    #[error("the engine's process cannot be started: {source}")]
    Spawn {
        /// Why.
        source: io::Error,
    },
    /// The engine ended while it was starting, or did not answer in time.
    #[error("the engine did not start: {reason}; its output is in {log}: {tail}")]
    Start {
        /// What happened.
        reason: String,
        /// The file with its output.
        log: PathBuf,
        /// The end of that file.
        tail: String,
    },
}

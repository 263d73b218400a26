//! Where sessions are archived, and when.

mod s3;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use s3::{S3Checksum, S3Config, S3Encryption};

/// What the archiving role is told. Durations are written as in `"30m"` or `"1h 30m"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArchiveConfig {
    /// The place of the objects: a folder, as in `/var/lib/granary/archive`, which is made where it is missing,
    /// or a bucket with an optional prefix, as in `s3://telemetry/granary`. There is no place that suits
    /// everyone, so the default is none, which [`Archive::open`](crate::Archive::open) refuses.
    pub url: String,
    /// For how long nothing of a session may have arrived before it is archived; counted from the arrival of
    /// its newest event, not from when that happened. Default 30 minutes. An event that comes later
    /// makes the session due again, so a short time costs repeated work and loses nothing.
    #[serde(with = "humantime_serde")]
    pub quiet: Duration,
    /// The same for a session whose last record said that it had ended. Default 30 seconds: what was under way
    /// on the agent's side comes within that. A session that goes on after its end waits for `quiet` again.
    #[serde(with = "humantime_serde")]
    pub settle: Duration,
    /// How often due sessions are looked for. Default 1 minute.
    #[serde(with = "humantime_serde")]
    pub interval: Duration,
    /// How many sessions are archived at the same time. Default 16; a quarter of them, and at least one, may be of
    /// more than 500 records, and each of those takes up to about 64 MiB of memory, for what is read and for what is sent to S3.
    /// Smaller ones, which are read several at a time, take up to about 100 MiB all together.
    pub concurrency: usize,
    /// For how long an archiver has the sessions that it works on to itself; it renews that while it works.
    /// Default 5 minutes, at least 10 seconds and at most a day. After an archiver was killed, its sessions wait for this long
    /// for another; the clocks of ClickHouse servers must be less than a third of it apart.
    #[serde(with = "humantime_serde")]
    pub lease: Duration,
    /// How long a session's object is kept, counted from when its newest record was received. Default `0s`, which is
    /// for ever. After it the object is deleted, for good; the warehouse's own rows are not touched.
    #[serde(with = "humantime_serde")]
    pub keep: Duration,
    /// The same for single tenants, each as in `acme=90d`; `0s` is for ever. Default none.
    pub keep_tenants: Vec<String>,
    /// From which age on objects belong into which storage class of the bucket, each as in `90d=GLACIER_IR`. Default
    /// none. The bucket does it: `granary archive lifecycle` prints the rules for it. Objects in `GLACIER` and
    /// `DEEP_ARCHIVE` cannot be read until they are restored.
    pub transitions: Vec<String>,
    /// How S3 is spoken to; unused where `url` is a folder.
    pub s3: S3Config,
}

impl Default for ArchiveConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            quiet: Duration::from_mins(30),
            settle: Duration::from_secs(30),
            interval: Duration::from_mins(1),
            concurrency: 16,
            lease: Duration::from_mins(5),
            keep: Duration::ZERO,
            keep_tenants: Vec::new(),
            transitions: Vec::new(),
            s3: S3Config::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them_and_the_rest_has_defaults() {
        let config: ArchiveConfig =
            toml::from_str("url = \"s3://b/p\"\nquiet = \"45m\"\n[s3]\npath_style = true").unwrap();
        assert_eq!(config.quiet, Duration::from_mins(45));
        assert_eq!((config.interval, config.concurrency), (Duration::from_mins(1), 16));
        assert!(config.s3.path_style);
        assert!(toml::from_str::<ArchiveConfig>("bucket = \"b\"").is_err());
    }
}

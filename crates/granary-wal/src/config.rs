//! Where the log is and how large it may get.

use std::path::PathBuf;

use bytesize::ByteSize;
use serde::{Deserialize, Serialize};

use crate::header::HEADER_BYTES;
use crate::record::FRAME_BYTES;

/// The log's settings. Sizes are written as `"64MiB"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The log's directory; made if it is not there. It should hold nothing else, and be on a local disk: the
    /// lock and the sync of a network file system promise less than they say.
    pub dir: PathBuf,
    /// How large a segment gets before the next one begins; default 64 MiB. Deleting goes by whole segments,
    /// so this is also how much confirmed data can linger. A record that is larger gets a segment of its own.
    #[serde(default = "default_segment_bytes")]
    pub segment_bytes: ByteSize,
    /// How much disk all segments together may take, confirmed ones that are kept for a while included;
    /// default 4 GiB. When it is reached, appends are refused until segments are deleted. The quarantine is
    /// not counted. It has to leave room for one segment and one largest record.
    #[serde(default = "default_max_total_bytes")]
    pub max_total_bytes: ByteSize,
    /// The largest payload; default 64 MiB, at most 4 GiB. A larger one is refused.
    #[serde(default = "default_max_record_bytes")]
    pub max_record_bytes: ByteSize,
}

const fn default_segment_bytes() -> ByteSize {
    ByteSize::mib(64)
}

const fn default_max_total_bytes() -> ByteSize {
    ByteSize::gib(4)
}

const fn default_max_record_bytes() -> ByteSize {
    ByteSize::mib(64)
}

impl Config {
    /// The defaults, in this directory.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            segment_bytes: default_segment_bytes(),
            max_total_bytes: default_max_total_bytes(),
            max_record_bytes: default_max_record_bytes(),
        }
    }

    /// Whether a log with these settings can always go on once everything in it is confirmed.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let limit = u64::from(u32::MAX);
        if self.max_record_bytes.as_u64() > limit {
            return Err(ConfigError::RecordLimit { max_record_bytes: self.max_record_bytes.as_u64(), limit });
        }
        // The newest segment is never deleted, so it and one more record must fit.
        let largest = HEADER_BYTES + FRAME_BYTES + self.max_record_bytes.as_u64();
        let least = self.segment_bytes.as_u64().max(largest).saturating_add(largest);
        if self.max_total_bytes.as_u64() < least {
            return Err(ConfigError::TotalTooSmall { max_total_bytes: self.max_total_bytes.as_u64(), least });
        }
        Ok(())
    }
}

/// Settings that contradict one another.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A record's length would not fit its field.
    #[error("max_record_bytes is {max_record_bytes}, more than the {limit} a record can have")]
    RecordLimit {
        /// What is set.
        max_record_bytes: u64,
        /// What is possible.
        limit: u64,
    },
    /// The log could fill up for good.
    #[error(
        "max_total_bytes is {max_total_bytes}, less than the {least} that a segment and a largest record take"
    )]
    TotalTooSmall {
        /// What is set.
        max_total_bytes: u64,
        /// What it must be at least.
        least: u64,
    },
}

//! Why a folder or a bucket refuses, in words that say what to change.

use std::path::PathBuf;

/// A store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refuses.
    #[error("{}: {source}", path.display())]
    Folder {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is no such bucket at the endpoint.
    #[error("the bucket {bucket} does not exist{}", at(.endpoint.as_deref()))]
    MissingBucket {
        /// The bucket.
        bucket: String,
        /// The endpoint, where it is not AWS.
        endpoint: Option<String>,
    },
    /// The keys are wrong, or lack a right.
    #[error(
        "access to the bucket {bucket} is denied ({action}: {code}); the key needs s3:ListBucket, s3:GetObject, \
         s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload"
    )]
    Denied {
        /// The bucket.
        bucket: String,
        /// What was tried.
        action: &'static str,
        /// The store's code for the refusal.
        code: String,
    },
    /// The bucket is in another region than the configuration says.
    #[error("the bucket {bucket} is {}, not in {configured}; set s3.region", in_region(.actual.as_deref()))]
    WrongRegion {
        /// The bucket.
        bucket: String,
        /// The region that was used.
        configured: String,
        /// The bucket's region, where the store says it.
        actual: Option<String>,
    },
    /// This machine's clock and the store's are too far apart for a signed request.
    #[error(
        "the bucket {bucket} refuses requests because this machine's clock is wrong by more than it allows \
         (15 minutes on AWS); set the clock, best by NTP"
    )]
    ClockSkew {
        /// The bucket.
        bucket: String,
    },
    /// Temporary keys are over.
    #[error(
        "the temporary keys for the bucket {bucket} have expired; give new ones in s3.access_key_id, \
         s3.secret_access_key and s3.session_token, or leave them out to have them found and renewed"
    )]
    ExpiredToken {
        /// The bucket.
        bucket: String,
    },
    /// The store does not know something that S3 does.
    #[error(
        "the store of bucket {bucket} does not know what {action} asks for ({message}); s3.conditional_writes = false, \
         s3.checksum = \"none\", and s3.encryption, s3.storage_class and s3.tags left out ask for less"
    )]
    NotImplemented {
        /// The bucket.
        bucket: String,
        /// What was tried.
        action: &'static str,
        /// The store's words.
        message: String,
    },
    /// The store did not answer, after several attempts.
    #[error("the bucket {bucket}{} cannot be reached ({action}): {problem}", at(.endpoint.as_deref()))]
    Unreachable {
        /// The bucket.
        bucket: String,
        /// The endpoint, where it is not AWS.
        endpoint: Option<String>,
        /// What was tried.
        action: &'static str,
        /// The last attempt's error.
        problem: String,
    },
    /// The store answered with an error of its own.
    #[error("the bucket {bucket} answered {action} with {status} {code}: {message}")]
    Service {
        /// The bucket.
        bucket: String,
        /// What was tried.
        action: &'static str,
        /// The HTTP status.
        status: u16,
        /// The store's code.
        code: String,
        /// The store's words.
        message: String,
    },
    /// Somebody else wrote the object in the meantime; theirs was kept. Begin again, from what is there now.
    #[error("the object {key} was written by somebody else in the meantime, and is kept as it is")]
    Replaced {
        /// The object.
        key: String,
    },
    /// The object was replaced while it was read; read it again from the start.
    #[error("the object {key} was replaced while it was read")]
    Changed {
        /// The object.
        key: String,
    },
}

impl StoreError {
    /// Whether the same may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Changed { .. } | Self::Replaced { .. } => true,
            Self::Service { status, .. } => *status >= 500 || *status == 429,
            // A full disk is made room on, a mount comes back.
            Self::Folder { source, .. } => source.kind() != std::io::ErrorKind::PermissionDenied,
            Self::MissingBucket { .. }
            | Self::Denied { .. }
            | Self::WrongRegion { .. }
            | Self::ClockSkew { .. }
            | Self::ExpiredToken { .. }
            | Self::NotImplemented { .. } => false,
        }
    }
}

fn at(endpoint: Option<&str>) -> String {
    endpoint.map(|endpoint| format!(" at {endpoint}")).unwrap_or_default()
}

fn in_region(region: Option<&str>) -> String {
    region.map_or_else(|| "in another region".to_owned(), |region| format!("in {region}"))
}

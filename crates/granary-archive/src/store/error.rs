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
            Self::Unreachable { .. } | Self::Changed { .. } => true,
            Self::Service { status, .. } => *status >= 500 || *status == 429,
            // A full disk is made room on, a mount comes back.
            Self::Folder { source, .. } => source.kind() != std::io::ErrorKind::PermissionDenied,
            Self::MissingBucket { .. } | Self::Denied { .. } | Self::WrongRegion { .. } => false,
        }
    }
}

fn at(endpoint: Option<&str>) -> String {
    endpoint.map(|endpoint| format!(" at {endpoint}")).unwrap_or_default()
}

fn in_region(region: Option<&str>) -> String {
    region.map_or_else(|| "in another region".to_owned(), |region| format!("in {region}"))
}

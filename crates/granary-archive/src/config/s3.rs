//! How S3, or a store that speaks its protocol, is reached and written to.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How S3, or a store that speaks its protocol, is reached.
///
/// What is left out comes from where AWS's own tools find it: the environment, the shared configuration files,
/// single sign-on, or the instance's role. The keys never print: neither with `Debug` nor when serialized.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3Config {
    /// The address of a store that is not AWS, as in `http://127.0.0.1:9000`. Default: AWS.
    pub endpoint: Option<String>,
    /// The bucket's region, as in `eu-central-1`. Default: what AWS's own tools would use, and where those name none
    /// the region that AWS says the bucket is in; `us-east-1` where `endpoint` is set.
    pub region: Option<String>,
    /// Puts the bucket into the path and not into the host name. Most stores that are not AWS want it.
    /// Default false.
    pub path_style: bool,
    /// The id of the access key. It and `secret_access_key` go together.
    pub access_key_id: Option<String>,
    /// The secret of the access key.
    #[serde(skip_serializing)]
    pub secret_access_key: Option<String>,
    /// The token that goes with temporary keys.
    #[serde(skip_serializing)]
    pub session_token: Option<String>,
    /// A file with certificates (PEM) that are trusted besides the system's, for a store with an authority of its own.
    pub ca_file: Option<PathBuf>,
    /// How long a connection may take. Default 5 seconds; after it the request is tried again.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// How long one attempt at one request may take, which carries 8 MiB at most. Default 1 minute; after it the
    /// request is tried again. A line slower than that needs more.
    #[serde(with = "humantime_serde")]
    pub request_timeout: Duration,
    /// How often a request is tried where the store is busy or does not answer, with growing pauses, before its
    /// session is given up until a later pass. Default 5.
    pub max_attempts: u32,
    /// The checksum that the store holds what arrives against. Default `crc32c`. Stores that do not know one
    /// pass over it; for those that refuse it there is `none`. What is stored is read back and compared in any case.
    pub checksum: S3Checksum,
    /// Whether the store is told which version of an object a new one may replace, so that of two writers one
    /// writes. Default true. Set false for a store that refuses `If-Match` and `If-None-Match` when it is written to.
    pub conditional_writes: bool,
    /// Who encrypts objects at rest. Default: what the bucket says, which on AWS is S3 with its own keys.
    pub encryption: S3Encryption,
    /// The key of `encryption = "kms"`, as an id, an ARN or an alias. Default: the account's own key for S3.
    pub kms_key_id: Option<String>,
    /// The storage class of new objects, as in `STANDARD_IA` or `INTELLIGENT_TIERING`. Default: the bucket's.
    /// Objects are read back at once, so a class that must be restored first is for the bucket's lifecycle rules.
    pub storage_class: Option<String>,
    /// Tags of new objects, each as in `team=platform`; S3 allows ten. Default none. The key needs
    /// `s3:PutObjectTagging` for them.
    pub tags: Vec<String>,
}

/// A checksum that goes with what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum S3Checksum {
    /// CRC-32C: finds what goes wrong on the way, at no cost that could be measured.
    #[default]
    Crc32c,
    /// SHA-256, for who must have a cryptographic one beside the object.
    Sha256,
    /// None.
    None,
}

/// Who encrypts objects at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum S3Encryption {
    /// As the bucket says.
    #[default]
    Bucket,
    /// S3 with keys of its own (SSE-S3).
    S3,
    /// S3 with a key of the key management service (SSE-KMS).
    Kms,
}

impl Default for S3Config {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: None,
            path_style: false,
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
            ca_file: None,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_mins(1),
            max_attempts: 5,
            checksum: S3Checksum::default(),
            conditional_writes: true,
            encryption: S3Encryption::default(),
            kms_key_id: None,
            storage_class: None,
            tags: Vec::new(),
        }
    }
}

impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = |secret: &Option<String>| secret.as_ref().map(|_| "***");
        f.debug_struct("S3Config")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("path_style", &self.path_style)
            .field("access_key_id", &self.access_key_id)
            .field("secret_access_key", &hidden(&self.secret_access_key))
            .field("session_token", &hidden(&self.session_token))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_print() {
        let config = S3Config {
            access_key_id: Some("AKIA1".to_owned()),
            secret_access_key: Some("hush".to_owned()),
            session_token: Some("hush".to_owned()),
            ..S3Config::default()
        };
        assert!(!format!("{config:?}").contains("hush"));
        assert!(!toml::to_string(&config).unwrap().contains("hush"));
    }
}

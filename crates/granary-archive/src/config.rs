//! Where sessions are archived, and when.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

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
    /// How often due sessions are looked for. Default 1 minute.
    #[serde(with = "humantime_serde")]
    pub interval: Duration,
    /// How many sessions are archived at the same time. Default 4; each takes up to about 32 MiB of memory,
    /// most of it for an upload to S3.
    pub concurrency: usize,
    /// How S3 is spoken to; unused where `url` is a folder.
    pub s3: S3Config,
}

impl Default for ArchiveConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            quiet: Duration::from_mins(30),
            interval: Duration::from_mins(1),
            concurrency: 4,
            s3: S3Config::default(),
        }
    }
}

/// How S3, or a store that speaks its protocol, is reached.
///
/// What is left out comes from where AWS's own tools find it: the environment, the shared configuration files,
/// single sign-on, or the instance's role. The keys never print: neither with `Debug` nor when serialized.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3Config {
    /// The address of a store that is not AWS, as in `http://127.0.0.1:9000`. Default: AWS.
    pub endpoint: Option<String>,
    /// The bucket's region, as in `eu-central-1`. Default: what AWS's own tools would use; `us-east-1` where
    /// those name none and `endpoint` is set.
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
}

impl fmt::Debug for S3Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { endpoint, region, path_style, access_key_id, secret_access_key, session_token } = self;
        let hidden = |secret: &Option<String>| secret.as_ref().map(|_| "***");
        f.debug_struct("S3Config")
            .field("endpoint", endpoint)
            .field("region", region)
            .field("path_style", path_style)
            .field("access_key_id", access_key_id)
            .field("secret_access_key", &hidden(secret_access_key))
            .field("session_token", &hidden(session_token))
            .finish()
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
        assert_eq!((config.interval, config.concurrency), (Duration::from_mins(1), 4));
        assert!(config.s3.path_style);
        assert!(toml::from_str::<ArchiveConfig>("bucket = \"b\"").is_err());
    }

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

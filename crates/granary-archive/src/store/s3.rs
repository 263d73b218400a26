//! Objects in a bucket of S3, or of a store that speaks its protocol.
//!
//! Each request is tried several times, with pauses, where the store is busy or does not answer. `write.rs` and
//! `read.rs` have what is worth knowing about objects of any size.

mod connect;
mod fault;
mod page;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::sync::Arc;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::SharedHttpClient;
use bytes::BytesMut;

use super::{Over, StoreError, Version};
use crate::{ObjectKey, S3Config};
use connect::{Connected, connect};
use fault::Fault;
pub(super) use read::S3Reader;
pub(super) use write::S3Upload;
use write::Writing;

/// A bucket and a prefix in it.
#[derive(Debug, Clone)]
pub(super) struct S3Store {
    client: Client,
    place: Arc<Place>,
    writing: Arc<Writing>,
}

/// What an error names.
#[derive(Debug, Clone)]
struct Place {
    bucket: String,
    prefix: String,
    region: String,
    endpoint: Option<String>,
}

/// What becomes of opening a store that does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Away {
    Refused,
    /// It is opened all the same, for whoever has other things to do until it is back.
    Taken,
}

/// A store cannot be opened: its settings make no sense, or it refuses.
pub(super) enum OpenError {
    Config(String),
    Store(StoreError),
}

impl S3Store {
    /// Makes sure that the bucket is there and these keys may use it. Where nobody named a region, the bucket's is taken.
    pub(super) async fn open(
        config: &S3Config,
        bucket: &str,
        prefix: &str,
        away: Away,
    ) -> Result<Self, OpenError> {
        Self::open_through(config, bucket, prefix, away, None).await
    }

    async fn open_through(
        config: &S3Config,
        bucket: &str,
        prefix: &str,
        away: Away,
        http: Option<SharedHttpClient>,
    ) -> Result<Self, OpenError> {
        let Connected { client, region, region_is_guessed } =
            connect(config, None, http.clone()).await.map_err(OpenError::Config)?;
        let writing = Arc::new(Writing::new(config).map_err(OpenError::Config)?);
        let at = |client, region| Self {
            client,
            place: Arc::new(Place {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
                region,
                endpoint: config.endpoint.clone(),
            }),
            writing: Arc::clone(&writing),
        };
        let mut store = at(client, region);
        match store.check().await {
            Err(StoreError::WrongRegion { actual: Some(actual), .. }) if region_is_guessed => {
                let there = connect(config, Some(&actual), http).await.map_err(OpenError::Config)?;
                store = at(there.client, there.region);
                store.check().await.map_err(OpenError::Store)?;
            }
            // Without an answer nobody knows the bucket's region.
            Err(error) if away == Away::Taken && error.is_transient() && !region_is_guessed => {
                tracing::warn!(%error, "the store is away; what needs it fails until it is back");
            }
            other => other.map_err(OpenError::Store)?,
        }
        Ok(store)
    }

    async fn check(&self) -> Result<(), StoreError> {
        let asked = self.client.head_bucket().bucket(&self.place.bucket).send().await;
        let Err(error) = asked else { return Ok(()) };
        let refused = self.place.fault("HeadBucket", &error);
        if !matches!(refused, StoreError::Denied { .. } | StoreError::Service { status: 400, .. }) {
            return Err(refused);
        }
        // An answer to HEAD has no body, and so no reason: a request with one tells a wrong key from a wrong clock.
        let list = self.client.list_objects_v2().bucket(&self.place.bucket).max_keys(1).send().await;
        match list {
            // Keys may be allowed to write and not to ask; what they may not do shows when it is done.
            Ok(_) => Ok(()),
            Err(error) => Err(match self.place.fault("ListObjectsV2", &error) {
                StoreError::Denied { bucket, code, .. } => {
                    StoreError::Denied { bucket, action: "HeadBucket", code }
                }
                StoreError::Unreachable { .. } => refused,
                told => told,
            }),
        }
    }

    pub(super) fn create(&self, key: &ObjectKey, over: Over) -> S3Upload {
        let key = self.place.key(key);
        S3Upload { store: self.clone(), key, over, buffer: BytesMut::new(), multipart: None }
    }

    pub(super) async fn version(&self, key: &ObjectKey) -> Result<Option<Version>, StoreError> {
        if !self.writing.conditional {
            return Ok(None);
        }
        let key = self.place.key(key);
        let head = self.client.head_object().bucket(&self.place.bucket).key(&key).send().await;
        match head {
            Ok(head) => Ok(head.e_tag.map(Version)),
            Err(error) => match Fault::new(&error) {
                fault if fault.status() == Some(404) => Ok(None),
                fault => Err(self.place.error("HeadObject", fault)),
            },
        }
    }

    pub(super) async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let key = self.place.key(key);
        let deleted = self.client.delete_object().bucket(&self.place.bucket).key(&key).send().await;
        match deleted.map(drop).map_err(|error| Fault::new(&error)) {
            Err(fault) if fault.is("NoSuchKey") => Ok(()),
            other => other.map_err(|fault| self.place.error("DeleteObject", fault)),
        }
    }
}

impl Place {
    fn key(&self, key: &ObjectKey) -> String {
        format!("{}{key}", self.beginning())
    }

    /// What all keys begin with.
    fn beginning(&self) -> String {
        if self.prefix.is_empty() { String::new() } else { format!("{}/", self.prefix) }
    }
}

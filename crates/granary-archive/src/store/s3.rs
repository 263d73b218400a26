//! Objects in a bucket of S3, or of a store that speaks its protocol.
//!
//! What fits into one part goes up as one object, everything else part by part, so the memory an upload takes is
//! two parts whatever its size. Each request is tried several times, with pauses, where the store is
//! busy or does not answer. Reading goes range by range, each bound to the version that the first one saw, so that
//! a replay of an hour holds no connection for an hour.

mod fault;

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{Credentials, RequestChecksumCalculation, ResponseChecksumValidation};
use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::{Bytes, BytesMut};

use super::StoreError;
use crate::{ObjectKey, S3Config};
use fault::Fault;

/// S3 wants 5 MiB at least, and 10,000 parts at most.
const PART_BYTES: usize = 8 << 20;

/// What one read fetches: most sessions whole.
const RANGE_BYTES: u64 = 1 << 20;

const ATTEMPTS: u32 = 5;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For one attempt at one request, which carries a part at most.
const ATTEMPT_TIMEOUT: Duration = Duration::from_mins(2);

/// The region of stores that have none.
const NO_REGION: &str = "us-east-1";

/// A bucket and a prefix in it.
#[derive(Debug, Clone)]
pub(super) struct S3Store {
    client: Client,
    place: Place,
}

/// What an error names.
#[derive(Debug, Clone)]
struct Place {
    bucket: String,
    prefix: String,
    region: String,
    endpoint: Option<String>,
}

impl S3Store {
    /// Makes the client; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// What is wrong with the configuration.
    pub(super) async fn connect(config: &S3Config, bucket: &str, prefix: &str) -> Result<Self, String> {
        let S3Config { endpoint, region, path_style, access_key_id, secret_access_key, session_token } =
            config;
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .build(),
            );
        match (access_key_id, secret_access_key) {
            (Some(id), Some(secret)) => {
                let keys = Credentials::new(id, secret, session_token.clone(), None, "granary");
                loader = loader.credentials_provider(keys);
            }
            (None, None) => {}
            _ => {
                return Err(
                    "s3.access_key_id and s3.secret_access_key go together; one is missing".to_owned()
                );
            }
        }
        if let Some(region) = region.clone().or_else(|| endpoint.is_some().then(|| NO_REGION.to_owned())) {
            loader = loader.region(Region::new(region));
        }
        if let Some(endpoint) = endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        let shared = loader.load().await;
        let Some(region) = shared.region().map(ToString::to_string) else {
            return Err("s3.region is not set, and AWS's own configuration names none".to_owned());
        };
        let mut builder = aws_sdk_s3::config::Builder::from(&shared).force_path_style(*path_style);
        if endpoint.is_some() {
            // Not every store knows the newer checksums; what is stored is read back and compared anyway.
            builder = builder
                .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
                .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
        }
        Ok(Self {
            client: Client::from_conf(builder.build()),
            place: Place {
                bucket: bucket.to_owned(),
                prefix: prefix.to_owned(),
                region,
                endpoint: endpoint.clone(),
            },
        })
    }

    /// Asks whether the bucket is there and these keys may use it.
    pub(super) async fn check(&self) -> Result<(), StoreError> {
        let asked = self.client.head_bucket().bucket(&self.place.bucket).send().await;
        asked.map(drop).map_err(|error| self.place.fault("HeadBucket", &error))
    }

    pub(super) fn create(&self, key: &ObjectKey) -> S3Upload {
        S3Upload { store: self.clone(), key: self.place.key(key), buffer: BytesMut::new(), multipart: None }
    }

    pub(super) async fn read(&self, key: &ObjectKey) -> Result<Option<S3Reader>, StoreError> {
        let key = self.place.key(key);
        let first = match self.get(&key, 0, None).await {
            Ok(first) => first,
            Err(error) => match Fault::new(&error) {
                fault if fault.is("NoSuchKey") => return Ok(None),
                // No range lies within an object without a byte.
                fault if fault.is("InvalidRange") => {
                    return Ok(Some(S3Reader {
                        store: self.clone(),
                        key,
                        etag: None,
                        size_bytes: 0,
                        at: 0,
                        first: None,
                    }));
                }
                fault => return Err(self.place.error("GetObject", fault)),
            },
        };
        let size_bytes = whole_size(&first);
        let etag = first.e_tag().map(ToOwned::to_owned);
        let first = self.body("GetObject", first).await?;
        Ok(Some(S3Reader { store: self.clone(), key, etag, size_bytes, at: 0, first: Some(first) }))
    }

    pub(super) async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let key = self.place.key(key);
        let deleted = self.client.delete_object().bucket(&self.place.bucket).key(&key).send().await;
        match deleted.map(drop).map_err(|error| Fault::new(&error)) {
            Err(fault) if fault.is("NoSuchKey") => Ok(()),
            other => other.map_err(|fault| self.place.error("DeleteObject", fault)),
        }
    }

    async fn get(
        &self,
        key: &str,
        from: u64,
        etag: Option<&str>,
    ) -> Result<GetObjectOutput, SdkError<GetObjectError>> {
        let range = format!("bytes={from}-{}", from + RANGE_BYTES - 1);
        let get = self.client.get_object().bucket(&self.place.bucket).key(key).range(range);
        get.set_if_match(etag.map(ToOwned::to_owned)).send().await
    }

    async fn body(&self, action: &'static str, output: GetObjectOutput) -> Result<Bytes, StoreError> {
        let body = output.body.collect().await;
        body.map(aws_sdk_s3::primitives::AggregatedBytes::into_bytes)
            .map_err(|error| self.place.error(action, Fault::Unreachable(error.to_string())))
    }
}

/// The size of the object that a range was taken from.
fn whole_size(output: &GetObjectOutput) -> u64 {
    let of_range = output.content_range().and_then(|range| range.rsplit('/').next()?.parse().ok());
    of_range.or_else(|| u64::try_from(output.content_length()?).ok()).unwrap_or_default()
}

impl Place {
    fn key(&self, key: &ObjectKey) -> String {
        if self.prefix.is_empty() { key.to_string() } else { format!("{}/{key}", self.prefix) }
    }
}

/// An object being written.
#[derive(Debug)]
pub(super) struct S3Upload {
    store: S3Store,
    key: String,
    buffer: BytesMut,
    multipart: Option<Multipart>,
}

#[derive(Debug)]
struct Multipart {
    id: String,
    parts: Vec<CompletedPart>,
}

impl S3Upload {
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.buffer.extend_from_slice(bytes);
        while self.buffer.len() > PART_BYTES {
            let part = self.buffer.split_to(PART_BYTES).freeze();
            self.send_part(part).await?;
        }
        Ok(())
    }

    async fn send_part(&mut self, part: Bytes) -> Result<(), StoreError> {
        let Self { store: S3Store { client, place }, key, multipart, .. } = self;
        let multipart = match multipart {
            Some(multipart) => multipart,
            None => {
                let created = client
                    .create_multipart_upload()
                    .bucket(&place.bucket)
                    .key(&*key)
                    .content_type(CONTENT_TYPE);
                let created = created.send().await.map_err(|e| place.fault("CreateMultipartUpload", &e))?;
                let id = created.upload_id.unwrap_or_default();
                multipart.insert(Multipart { id, parts: Vec::new() })
            }
        };
        let number = i32::try_from(multipart.parts.len() + 1).unwrap_or(i32::MAX);
        let sent = client
            .upload_part()
            .bucket(&place.bucket)
            .key(&*key)
            .upload_id(&multipart.id)
            .part_number(number)
            .body(ByteStream::from(part))
            .send()
            .await
            .map_err(|error| place.fault("UploadPart", &error))?;
        multipart.parts.push(CompletedPart::builder().part_number(number).set_e_tag(sent.e_tag).build());
        Ok(())
    }

    pub(super) async fn finish(mut self) -> Result<(), StoreError> {
        let finished = self.send_rest().await;
        if finished.is_err() {
            self.abort().await;
        }
        finished
    }

    async fn send_rest(&mut self) -> Result<(), StoreError> {
        let rest = self.buffer.split().freeze();
        if self.multipart.is_none() {
            let S3Store { client, place } = &self.store;
            let put = client.put_object().bucket(&place.bucket).key(&self.key).content_type(CONTENT_TYPE);
            let put = put.body(ByteStream::from(rest)).send().await;
            return put.map(drop).map_err(|error| place.fault("PutObject", &error));
        }
        if !rest.is_empty() {
            self.send_part(rest).await?;
        }
        let S3Store { client, place } = &self.store;
        let Some(Multipart { id, parts }) = &self.multipart else { return Ok(()) };
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.clone())).build();
        let complete = client.complete_multipart_upload().bucket(&place.bucket).key(&self.key).upload_id(id);
        let complete = complete.multipart_upload(parts).send().await;
        complete.map(drop).map_err(|error| place.fault("CompleteMultipartUpload", &error))
    }

    pub(super) async fn abort(self) {
        let S3Store { client, place } = &self.store;
        let Some(Multipart { id, .. }) = &self.multipart else { return };
        let aborted =
            client.abort_multipart_upload().bucket(&place.bucket).key(&self.key).upload_id(id).send().await;
        if let Err(error) = aborted {
            let error = place.fault("AbortMultipartUpload", &error);
            tracing::warn!(%error, key = self.key, "parts of an upload that was given up stay in the bucket");
        }
    }
}

const CONTENT_TYPE: &str = "application/gzip";

/// An object being read.
#[derive(Debug)]
pub(super) struct S3Reader {
    store: S3Store,
    key: String,
    etag: Option<String>,
    size_bytes: u64,
    at: u64,
    first: Option<Bytes>,
}

impl S3Reader {
    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// What was fetched to find the object's size is used where it reaches so far.
    pub(super) fn skip_to(&mut self, offset: u64) {
        self.first = self.first.take().and_then(|first| {
            let skipped = usize::try_from(offset).ok()?;
            (skipped < first.len()).then(|| first.slice(skipped..))
        });
        self.at = offset;
    }

    pub(super) async fn next_chunk(&mut self) -> Result<Option<Bytes>, StoreError> {
        let chunk = match self.first.take() {
            Some(first) => first,
            None if self.at >= self.size_bytes => return Ok(None),
            None => self.next_range().await?,
        };
        self.at += chunk.len() as u64;
        Ok((!chunk.is_empty()).then_some(chunk))
    }

    async fn next_range(&self) -> Result<Bytes, StoreError> {
        let changed = || StoreError::Changed { key: self.key.clone() };
        let got = self.store.get(&self.key, self.at, self.etag.as_deref()).await;
        let got = got.map_err(|error| match Fault::new(&error) {
            fault if fault.is("PreconditionFailed") || fault.is("NoSuchKey") => changed(),
            fault => self.store.place.error("GetObject", fault),
        })?;
        // Not every store heeds `If-Match` when it is read from.
        if got.e_tag() != self.etag.as_deref() {
            return Err(changed());
        }
        self.store.body("GetObject", got).await
    }
}

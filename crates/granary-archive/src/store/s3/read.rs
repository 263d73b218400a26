//! An object being read, range by range, each bound to the version that the first one saw, so that a replay of an
//! hour holds no connection for an hour.

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::get_object::{GetObjectError, GetObjectOutput};
use bytes::Bytes;

use super::S3Store;
use super::fault::Fault;
use crate::ObjectKey;
use crate::store::StoreError;

/// What one read fetches: most sessions whole.
const RANGE_BYTES: u64 = 1 << 20;

/// A range may be cut off while it comes; what was cut is fetched again this often.
const ATTEMPTS: u32 = 4;

impl S3Store {
    pub(in crate::store) async fn read(&self, key: &ObjectKey) -> Result<Option<S3Reader>, StoreError> {
        let key = self.place.key(key);
        let mut attempt = 1;
        loop {
            let first = match self.get(&key, 0, None).await {
                Ok(first) => first,
                Err(error) => match Fault::new(&error) {
                    fault if fault.is("NoSuchKey") => return Ok(None),
                    // No range lies within an object without a byte.
                    fault if fault.is("InvalidRange") => {
                        let store = self.clone();
                        return Ok(Some(S3Reader {
                            store,
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
            match self.body(first).await {
                Ok(first) => {
                    let (store, first) = (self.clone(), Some(first));
                    return Ok(Some(S3Reader { store, key, etag, size_bytes, at: 0, first }));
                }
                Err(_) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
            }
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

    async fn body(&self, output: GetObjectOutput) -> Result<Bytes, StoreError> {
        let body = output.body.collect().await;
        body.map(aws_sdk_s3::primitives::AggregatedBytes::into_bytes)
            .map_err(|error| self.place.error("GetObject", Fault::Unreachable(error.to_string())))
    }
}

/// The size of the object that a range was taken from.
fn whole_size(output: &GetObjectOutput) -> u64 {
    let of_range = output.content_range().and_then(|range| range.rsplit('/').next()?.parse().ok());
    of_range.or_else(|| u64::try_from(output.content_length()?).ok()).unwrap_or_default()
}

/// An object being read.
#[derive(Debug)]
pub(in crate::store) struct S3Reader {
    store: S3Store,
    key: String,
    etag: Option<String>,
    size_bytes: u64,
    at: u64,
    first: Option<Bytes>,
}

impl S3Reader {
    pub(in crate::store) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// What was fetched to find the object's size is used where it reaches so far.
    pub(in crate::store) fn skip_to(&mut self, offset: u64) {
        self.first = self.first.take().and_then(|first| {
            let skipped = usize::try_from(offset).ok()?;
            (skipped < first.len()).then(|| first.slice(skipped..))
        });
        self.at = offset;
    }

    pub(in crate::store) async fn next_chunk(&mut self) -> Result<Option<Bytes>, StoreError> {
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
        let mut attempt = 1;
        loop {
            let got = self.store.get(&self.key, self.at, self.etag.as_deref()).await;
            let got = got.map_err(|error| match Fault::new(&error) {
                fault if fault.is("PreconditionFailed") || fault.is("NoSuchKey") => changed(),
                fault => self.store.place.error("GetObject", fault),
            })?;
            // Not every store heeds `If-Match` when it is read from.
            if got.e_tag() != self.etag.as_deref() {
                return Err(changed());
            }
            match self.store.body(got).await {
                Err(_) if attempt < ATTEMPTS => attempt += 1,
                body => return body,
            }
        }
    }
}

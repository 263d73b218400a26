//! An object being written.
//!
//! What fits into one part goes up as one object, everything else part by part, so the memory an upload takes is
//! two parts whatever its size. Either way the object appears whole, at the last request, and only where that
//! finds what it may replace: an interrupted upload leaves parts that nobody sees.

use aws_sdk_s3::operation::create_multipart_upload::builders::CreateMultipartUploadFluentBuilder;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, ServerSideEncryption, StorageClass,
};
use bytes::{Bytes, BytesMut};

use super::S3Store;
use super::fault::Fault;
use crate::store::{Over, StoreError, Version};
use crate::{S3Checksum, S3Config, S3Encryption};

/// S3 wants 5 MiB at least, and 10,000 parts at most, so an object is 78 GiB at most.
const PART_BYTES: usize = 8 << 20;

const CONTENT_TYPE: &str = "application/gzip";

/// How objects are written, as the requests have it.
#[derive(Debug, Clone)]
pub(super) struct Writing {
    checksum: Option<ChecksumAlgorithm>,
    pub(super) conditional: bool,
    encryption: Option<ServerSideEncryption>,
    kms_key_id: Option<String>,
    storage_class: Option<StorageClass>,
    tags: Option<String>,
}

impl Writing {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// What is wrong with which.
    pub(super) fn new(config: &S3Config) -> Result<Self, String> {
        if config.kms_key_id.is_some() && config.encryption != S3Encryption::Kms {
            return Err("s3.kms_key_id is set, and s3.encryption is not \"kms\"".to_owned());
        }
        Ok(Self {
            checksum: match config.checksum {
                S3Checksum::Crc32c => Some(ChecksumAlgorithm::Crc32C),
                S3Checksum::Sha256 => Some(ChecksumAlgorithm::Sha256),
                S3Checksum::None => None,
            },
            conditional: config.conditional_writes,
            encryption: match config.encryption {
                S3Encryption::Bucket => None,
                S3Encryption::S3 => Some(ServerSideEncryption::Aes256),
                S3Encryption::Kms => Some(ServerSideEncryption::AwsKms),
            },
            kms_key_id: config.kms_key_id.clone(),
            storage_class: config.storage_class.as_deref().map(StorageClass::from),
            tags: tags(&config.tags)?,
        })
    }

    fn put(&self, put: PutObjectFluentBuilder) -> PutObjectFluentBuilder {
        put.content_type(CONTENT_TYPE)
            .set_checksum_algorithm(self.checksum.clone())
            .set_server_side_encryption(self.encryption.clone())
            .set_ssekms_key_id(self.kms_key_id.clone())
            .set_storage_class(self.storage_class.clone())
            .set_tagging(self.tags.clone())
            .metadata(FORMAT_KEY, crate::format::FORMAT_VERSION.to_string())
    }

    fn multipart(&self, create: CreateMultipartUploadFluentBuilder) -> CreateMultipartUploadFluentBuilder {
        create
            .content_type(CONTENT_TYPE)
            .set_checksum_algorithm(self.checksum.clone())
            .set_server_side_encryption(self.encryption.clone())
            .set_ssekms_key_id(self.kms_key_id.clone())
            .set_storage_class(self.storage_class.clone())
            .set_tagging(self.tags.clone())
            .metadata(FORMAT_KEY, crate::format::FORMAT_VERSION.to_string())
    }
}

/// The object's own metadata: which format it has, for tools that do not open it.
const FORMAT_KEY: &str = "granary-format";

/// Tags as S3 takes them: a query string.
fn tags(tags: &[String]) -> Result<Option<String>, String> {
    let mut query = Vec::new();
    for tag in tags {
        let (key, value) = tag
            .split_once('=')
            .filter(|(key, _)| !key.is_empty())
            .ok_or_else(|| format!("the tag {tag:?} of s3.tags is not as in \"team=platform\""))?;
        query.push(format!("{}={}", percent_encoded(key), percent_encoded(value)));
    }
    Ok((!query.is_empty()).then(|| query.join("&")))
}

fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// An object being written.
#[derive(Debug)]
pub(in crate::store) struct S3Upload {
    pub(super) store: S3Store,
    pub(super) key: String,
    pub(super) over: Over,
    pub(super) buffer: BytesMut,
    pub(super) multipart: Option<Multipart>,
}

#[derive(Debug)]
pub(super) struct Multipart {
    id: String,
    parts: Vec<CompletedPart>,
}

impl S3Upload {
    pub(in crate::store) async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.buffer.extend_from_slice(bytes);
        while self.buffer.len() > PART_BYTES {
            let part = self.buffer.split_to(PART_BYTES).freeze();
            self.send_part(part).await?;
        }
        Ok(())
    }

    async fn send_part(&mut self, part: Bytes) -> Result<(), StoreError> {
        let Self { store: S3Store { client, place, writing }, key, multipart, .. } = self;
        let multipart = match multipart {
            Some(multipart) => multipart,
            None => {
                let create = client.create_multipart_upload().bucket(&place.bucket).key(&*key);
                let created = writing.multipart(create).send().await;
                let created = created.map_err(|e| place.fault("CreateMultipartUpload", &e))?;
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
            .set_checksum_algorithm(writing.checksum.clone())
            .body(ByteStream::from(part))
            .send()
            .await
            .map_err(|error| place.fault("UploadPart", &error))?;
        multipart.parts.push(
            CompletedPart::builder()
                .part_number(number)
                .set_e_tag(sent.e_tag)
                .set_checksum_crc32_c(sent.checksum_crc32_c)
                .set_checksum_sha256(sent.checksum_sha256)
                .build(),
        );
        Ok(())
    }

    pub(in crate::store) async fn finish(mut self) -> Result<(), StoreError> {
        let finished = self.send_rest().await;
        if finished.is_err() {
            self.abort().await;
        }
        finished
    }

    async fn send_rest(&mut self) -> Result<(), StoreError> {
        let rest = self.buffer.split().freeze();
        if self.multipart.is_some() && !rest.is_empty() {
            self.send_part(rest.clone()).await?;
        }
        let S3Store { client, place, writing } = &self.store;
        let (if_match, if_none_match) = match &self.over {
            _ if !writing.conditional => (None, None),
            Over::Anything => (None, None),
            Over::Nothing => (None, Some("*".to_owned())),
            Over::This(Version(etag)) => (Some(etag.clone()), None),
        };
        let Some(Multipart { id, parts }) = &self.multipart else {
            let put = client.put_object().bucket(&place.bucket).key(&self.key);
            let put = put.set_if_match(if_match).set_if_none_match(if_none_match);
            let put = writing.put(put).body(ByteStream::from(rest)).send().await;
            return put
                .map(drop)
                .map_err(|error| self.store.write_fault("PutObject", &self.key, Fault::new(&error)));
        };
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.clone())).build();
        let complete = client
            .complete_multipart_upload()
            .bucket(&place.bucket)
            .key(&self.key)
            .upload_id(id)
            .set_if_match(if_match)
            .set_if_none_match(if_none_match)
            .multipart_upload(parts)
            .send()
            .await;
        complete
            .map(drop)
            .map_err(|error| self.store.write_fault("CompleteMultipartUpload", &self.key, Fault::new(&error)))
    }

    pub(in crate::store) async fn abort(self) {
        let S3Store { client, place, .. } = &self.store;
        let Some(Multipart { id, .. }) = &self.multipart else { return };
        let aborted =
            client.abort_multipart_upload().bucket(&place.bucket).key(&self.key).upload_id(id).send().await;
        match aborted.map(drop).map_err(|error| Fault::new(&error)) {
            Err(fault) if !fault.is("NoSuchUpload") => {
                let error = place.error("AbortMultipartUpload", fault);
                tracing::warn!(%error, key = self.key, "parts of an upload that was given up stay in the bucket");
            }
            _ => {}
        }
    }
}

impl S3Store {
    /// A refusal of the request that makes an object appear.
    ///
    /// It is also what a repeated request gets whose first attempt went through although its answer was lost: what
    /// is there then is what was sent, which the caller finds when it looks.
    fn write_fault(&self, action: &'static str, key: &str, fault: Fault) -> StoreError {
        // 404 is what `If-Match` gets where nothing is there, and a multipart upload that was completed already.
        let replaced = ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", "NoSuchUpload"];
        if replaced.iter().any(|code| fault.is(code)) {
            return StoreError::Replaced { key: key.to_owned() };
        }
        self.place.error(action, fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_encoded_and_what_is_none_is_named() {
        let given = ["team=plat form", "a/b=c&d="].map(str::to_owned);
        assert_eq!(tags(&given), Ok(Some("team=plat%20form&a%2Fb=c%26d%3D".to_owned())));
        assert_eq!(tags(&[]), Ok(None));
        assert!(tags(&["=x".to_owned()]).unwrap_err().contains("\"=x\""));
        assert!(tags(&["team".to_owned()]).unwrap_err().contains("\"team\""));
    }

    #[test]
    fn a_key_without_its_encryption_is_refused() {
        let config = S3Config { kms_key_id: Some("alias/archive".to_owned()), ..S3Config::default() };
        assert!(Writing::new(&config).unwrap_err().contains("s3.encryption"));
    }
}

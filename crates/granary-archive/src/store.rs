//! Where objects are kept: a folder or a bucket, behind the same four operations.
//!
//! Both pass the same conformance tests (`tests/it/store.rs`): an object appears whole or not at all, writing it
//! again replaces it, what was written is what is read, and an upload that is not finished changes nothing.

mod error;
mod folder;
mod s3;

use bytes::Bytes;

use crate::{ArchiveConfig, ArchiveError, ObjectKey};
pub use error::StoreError;
use folder::{FolderReader, FolderStore, FolderUpload};
use s3::{S3Reader, S3Store, S3Upload};

/// A folder or a bucket. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Folder(FolderStore),
    S3(S3Store),
}

impl Store {
    /// Opens what `config.url` names and makes sure that it is there and answers: a folder is made where it is
    /// missing, a bucket is not.
    pub async fn open(config: &ArchiveConfig) -> Result<Self, ArchiveError> {
        let wrong = |problem: String| ArchiveError::Config { problem };
        match config.url.split_once("://") {
            Some(("s3", place)) => {
                let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
                if bucket.is_empty() {
                    return Err(wrong(format!("url {:?} names no bucket", config.url)));
                }
                let store = S3Store::connect(&config.s3, bucket, prefix.trim_matches('/')).await;
                let store = store.map_err(wrong)?;
                store.check().await?;
                Ok(Self(Kind::S3(store)))
            }
            Some((scheme, _)) => Err(wrong(format!(
                "url begins with {scheme}://, and is a folder's path or s3://bucket/prefix"
            ))),
            None if config.url.is_empty() => {
                Err(wrong("url is empty; it names a folder or s3://bucket/prefix".into()))
            }
            None => Ok(Self(Kind::Folder(FolderStore::open(config.url.as_ref()).await?))),
        }
    }

    /// Begins to write an object; it is there once [`Upload::finish`] returns, and not before.
    pub async fn create(&self, key: &ObjectKey) -> Result<Upload, StoreError> {
        Ok(Upload(match &self.0 {
            Kind::Folder(store) => UploadKind::Folder(store.create(key).await?),
            Kind::S3(store) => UploadKind::S3(store.create(key)),
        }))
    }

    /// Begins to read an object. `None` is one that is not there.
    pub async fn read(&self, key: &ObjectKey) -> Result<Option<ObjectReader>, StoreError> {
        Ok(match &self.0 {
            Kind::Folder(store) => {
                store.read(key).await?.map(|reader| ObjectReader(ReaderKind::Folder(reader)))
            }
            Kind::S3(store) => store.read(key).await?.map(|reader| ObjectReader(ReaderKind::S3(reader))),
        })
    }

    /// Removes an object. One that is not there is no error.
    pub async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        match &self.0 {
            Kind::Folder(store) => store.delete(key).await,
            Kind::S3(store) => store.delete(key).await,
        }
    }
}

/// An object being written. Dropped unfinished, it leaves what was there before.
#[derive(Debug)]
#[must_use = "an upload that is not finished writes nothing"]
pub struct Upload(UploadKind);

#[derive(Debug)]
enum UploadKind {
    Folder(FolderUpload),
    S3(S3Upload),
}

impl Upload {
    /// Adds bytes at the end.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        match &mut self.0 {
            UploadKind::Folder(upload) => upload.write(bytes).await,
            UploadKind::S3(upload) => upload.write(bytes).await,
        }
    }

    /// Makes the object appear, in place of an older one. When this returns, it is durable: a folder's file and the
    /// folders above it are synced, a bucket has confirmed it.
    pub async fn finish(self) -> Result<(), StoreError> {
        match self.0 {
            UploadKind::Folder(upload) => upload.finish().await,
            UploadKind::S3(upload) => upload.finish().await,
        }
    }

    /// Gives up, and removes the parts that were sent. Without it, a bucket keeps them, invisible, until its
    /// lifecycle rule for incomplete uploads removes them.
    pub async fn abort(self) {
        match self.0 {
            UploadKind::Folder(upload) => drop(upload),
            UploadKind::S3(upload) => upload.abort().await,
        }
    }
}

/// An object being read, chunk by chunk. Between two chunks no connection is held, so a reader may take its time.
#[derive(Debug)]
pub struct ObjectReader(ReaderKind);

#[derive(Debug)]
enum ReaderKind {
    Folder(FolderReader),
    S3(S3Reader),
}

impl ObjectReader {
    /// The object's size in bytes.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        match &self.0 {
            ReaderKind::Folder(reader) => reader.size_bytes(),
            ReaderKind::S3(reader) => reader.size_bytes(),
        }
    }

    /// Goes to a byte of the object; before the first chunk was read.
    pub(crate) async fn skip_to(&mut self, offset: u64) -> Result<(), StoreError> {
        match &mut self.0 {
            ReaderKind::Folder(reader) => reader.skip_to(offset).await,
            ReaderKind::S3(reader) => {
                reader.skip_to(offset);
                Ok(())
            }
        }
    }

    /// The next bytes; `None` is the end. All chunks are of one version of the object: where it was replaced in
    /// between, the rest of the old one or [`StoreError::Changed`] comes.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, StoreError> {
        match &mut self.0 {
            ReaderKind::Folder(reader) => reader.next_chunk().await,
            ReaderKind::S3(reader) => reader.next_chunk().await,
        }
    }
}

//! Where objects are kept: a folder or a bucket, behind the same operations.
//!
//! Both pass the same conformance tests (`tests/it/store.rs`): an object appears whole or not at all, writing it
//! again replaces it, what was written is what is read, and an upload that is not finished changes nothing.

mod error;
mod folder;
mod probe;
mod s3;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use crate::{ArchiveConfig, ArchiveError, ObjectKey};
pub use error::StoreError;
use folder::{FolderReader, FolderStore, FolderUpload};
pub use probe::{ProbeError, Probed};
use s3::{Away, OpenError, S3Reader, S3Store, S3Upload};

/// The key of an object that was found, or the name of something that is none.
pub type ListedKey = Result<ObjectKey, String>;

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
        Self::open_or(config, Away::Refused).await
    }

    /// The same, but a bucket that does not answer now is taken for one that will, if its region is known.
    pub async fn open_also_away(config: &ArchiveConfig) -> Result<Self, ArchiveError> {
        Self::open_or(config, Away::Taken).await
    }

    async fn open_or(config: &ArchiveConfig, away: Away) -> Result<Self, ArchiveError> {
        let wrong = |problem: String| ArchiveError::Config { problem };
        match config.url.split_once("://") {
            Some(("s3", place)) => {
                let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
                if bucket.is_empty() {
                    return Err(wrong(format!("url {:?} names no bucket", config.url)));
                }
                match S3Store::open(&config.s3, bucket, prefix.trim_matches('/'), away).await {
                    Ok(store) => Ok(Self(Kind::S3(store))),
                    Err(OpenError::Config(problem)) => Err(wrong(problem)),
                    Err(OpenError::Store(error)) => Err(error.into()),
                }
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
    pub async fn create(&self, key: &ObjectKey, over: Over) -> Result<Upload, StoreError> {
        Ok(Upload(match &self.0 {
            Kind::Folder(store) => UploadKind::Folder(store.create(key, over).await?),
            Kind::S3(store) => UploadKind::S3(store.create(key, over)),
        }))
    }

    /// Which version of an object is there.
    pub async fn version(&self, key: &ObjectKey) -> Result<Option<Version>, StoreError> {
        match &self.0 {
            Kind::Folder(store) => store.version(key).await,
            Kind::S3(store) => store.version(key).await,
        }
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

    /// The keys that begin so, in the order of their bytes, without holding all of them. What lies there under a name that
    /// is no object's is an `Err` with that name: it is not Granary's, and is nobody's reason to stop.
    pub fn list(&self, prefix: &str) -> BoxStream<'static, Result<ListedKey, StoreError>> {
        let (store, prefix) = (self.clone(), prefix.to_owned());
        let pages = stream::try_unfold(Some(prefix.clone()), move |after| {
            let (store, prefix) = (store.clone(), prefix.clone());
            async move {
                let Some(after) = after else { return Ok(None) };
                let mut page = store.page(Some(&after)).await?;
                let read = page.len();
                page.retain(|entry| entry.key.starts_with(&prefix));
                // Keys that begin so follow one another.
                let next = page.last().filter(|_| page.len() == read).map(|last| last.key.clone());
                let keys =
                    page.into_iter().map(|Entry { key, .. }| Ok(key.parse::<ObjectKey>().map_err(|_| key)));
                Ok(Some((stream::iter(keys.collect::<Vec<_>>()), next)))
            }
        });
        pages.try_flatten().boxed()
    }

    /// A page of what is there, in the order of the keys' bytes, after the given key. An empty page is the end.
    pub(crate) async fn page(&self, after: Option<&str>) -> Result<Vec<Entry>, StoreError> {
        match &self.0 {
            Kind::Folder(store) => store.page(after).await,
            Kind::S3(store) => store.page(after).await,
        }
    }

    /// Removes an object. One that is not there is no error.
    pub async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        match &self.0 {
            Kind::Folder(store) => store.delete(key).await,
            Kind::S3(store) => store.delete(key).await,
        }
    }
}

/// An object in a list. What is not ours may lie among them, so the key is text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) size_bytes: u64,
}

/// A version of an object: another one is another object's, or the same written again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(String);

/// What a new object may take the place of. Anything else that is there is kept, and [`Upload::finish`] fails with
/// [`StoreError::Replaced`]: of two writers that saw the same version, one writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Over {
    /// Whatever is there.
    Anything,
    /// Nothing.
    Nothing,
    /// This version.
    This(Version),
}

impl From<Option<Version>> for Over {
    fn from(version: Option<Version>) -> Self {
        version.map_or(Self::Nothing, Self::This)
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

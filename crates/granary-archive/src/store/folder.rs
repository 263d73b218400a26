//! Objects as files of a folder.
//!
//! An object is written under a name of its own in `.tmp`, synced, and renamed to its place, so a file under
//! `sessions` is always whole. The folder above it is synced too, or a power loss could forget the name.

mod page;

use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use uuid::Uuid;

use super::{Entry, Over, StoreError, Version};
use crate::ObjectKey;

const TEMPORARY: &str = ".tmp";

/// A temporary file this old is of a process that is gone.
const STALE_AFTER: Duration = Duration::from_hours(24);

const CHUNK_BYTES: usize = 256 << 10;

/// As many as a bucket lists at a time.
const LIST_PAGE: usize = 1_000;

/// A folder with archived sessions.
#[derive(Debug, Clone)]
pub(super) struct FolderStore {
    root: PathBuf,
}

impl FolderStore {
    pub(super) async fn open(root: &Path) -> Result<Self, StoreError> {
        let store = Self { root: root.to_owned() };
        fs::create_dir_all(root).await.map_err(at(root))?;
        drop(fs::read_dir(root).await.map_err(at(root))?);
        store.remove_stale().await;
        Ok(store)
    }

    /// Removes what processes that were killed have left. What cannot be removed is in nobody's way.
    async fn remove_stale(&self) {
        let Ok(mut entries) = fs::read_dir(self.root.join(TEMPORARY)).await else { return };
        while let Ok(Some(entry)) = entries.next_entry().await {
            let age =
                entry.metadata().await.and_then(|metadata| metadata.modified()).map(|time| time.elapsed());
            if matches!(age, Ok(Ok(age)) if age > STALE_AFTER) {
                fs::remove_file(entry.path()).await.ok();
            }
        }
    }

    fn path(&self, key: &ObjectKey) -> PathBuf {
        self.root.join(key.to_string())
    }

    /// A page of the files whose keys come after the given one. An empty page is the end.
    pub(super) async fn page(&self, after: Option<&str>) -> Result<Vec<Entry>, StoreError> {
        let (root, after) = (self.root.clone(), after.map(ToOwned::to_owned));
        let page = tokio::task::spawn_blocking(move || page::page(&root, after.as_deref(), LIST_PAGE)).await;
        page.unwrap_or_else(|panic| Err(io::Error::other(panic))).map_err(at(&self.root))
    }

    pub(super) async fn version(&self, key: &ObjectKey) -> Result<Option<Version>, StoreError> {
        let path = self.path(key);
        let asked = path.clone();
        let version = tokio::task::spawn_blocking(move || version(&asked)).await;
        version.unwrap_or_else(|panic| Err(io::Error::other(panic))).map_err(at(&path))
    }

    pub(super) async fn create(&self, key: &ObjectKey, over: Over) -> Result<FolderUpload, StoreError> {
        let folder = self.root.join(TEMPORARY);
        fs::create_dir_all(&folder).await.map_err(at(&folder))?;
        let temporary = folder.join(Uuid::new_v4().to_string());
        let file = File::create_new(&temporary).await.map_err(at(&temporary))?;
        Ok(FolderUpload { file, temporary, target: self.path(key), root: self.root.clone(), over })
    }

    pub(super) async fn read(&self, key: &ObjectKey) -> Result<Option<FolderReader>, StoreError> {
        let path = self.path(key);
        let file = match File::open(&path).await {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at(&path)(error)),
        };
        let size_bytes = file.metadata().await.map_err(at(&path))?.len();
        Ok(Some(FolderReader { file, path, size_bytes }))
    }

    pub(super) async fn delete(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let path = self.path(key);
        match fs::remove_file(&path).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&path)(error)),
            _ => Ok(()),
        }
    }
}

/// A file being written.
#[derive(Debug)]
pub(super) struct FolderUpload {
    file: File,
    temporary: PathBuf,
    target: PathBuf,
    root: PathBuf,
    over: Over,
}

impl FolderUpload {
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file.write_all(bytes).await.map_err(at(&self.temporary))
    }

    pub(super) async fn finish(mut self) -> Result<(), StoreError> {
        self.file.flush().await.map_err(at(&self.temporary))?;
        self.file.sync_all().await.map_err(at(&self.temporary))?;
        let (temporary, target, root) = (self.temporary.clone(), self.target.clone(), self.root.clone());
        let over = self.over.clone();
        let placed = tokio::task::spawn_blocking(move || place(&temporary, &target, &root, &over)).await;
        match placed.unwrap_or_else(|panic| Err(io::Error::other(panic))).map_err(at(&self.target))? {
            Placed::Yes => Ok(()),
            Placed::SomethingElseIsThere => {
                Err(StoreError::Replaced { key: self.target.display().to_string() })
            }
        }
    }
}

impl Drop for FolderUpload {
    fn drop(&mut self) {
        // Gone already where the upload was finished.
        std::fs::remove_file(&self.temporary).ok();
    }
}

enum Placed {
    Yes,
    SomethingElseIsThere,
}

/// Renames a file to its place and syncs every folder from there up, each of which may be new.
fn place(temporary: &Path, target: &Path, root: &Path, over: &Over) -> io::Result<Placed> {
    let folder = target.parent().unwrap_or(root);
    std::fs::create_dir_all(folder)?;
    // Two writers that look at what is there must not do so at once. Dropping it unlocks.
    let lock = lock(root)?;
    let expected = match over {
        Over::Anything => true,
        Over::Nothing => version(target)?.is_none(),
        Over::This(expected) => version(target)?.as_ref() == Some(expected),
    };
    if !expected {
        return Ok(Placed::SomethingElseIsThere);
    }
    std::fs::rename(temporary, target)?;
    drop(lock);
    for folder in folder.ancestors().take_while(|folder| folder.starts_with(root)) {
        sync_folder(folder)?;
    }
    Ok(Placed::Yes)
}

/// What tells one file under a name from the next: no two that are there at once share a number, and the times of
/// those that follow one another differ.
fn version(path: &Path) -> io::Result<Option<Version>> {
    let metadata = match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata?,
    };
    let since_1970 = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    #[cfg(unix)]
    let number = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let number = 0;
    Ok(Some(Version(format!("{number}-{}-{}", metadata.len(), since_1970.as_nanos()))))
}

#[cfg(unix)]
fn lock(root: &Path) -> io::Result<std::fs::File> {
    let folder = std::fs::File::open(root)?;
    folder.lock()?;
    Ok(folder)
}

/// Other systems do not open folders.
#[cfg(not(unix))]
fn lock(root: &Path) -> io::Result<std::fs::File> {
    let file = std::fs::File::create(root.join(TEMPORARY).join("lock"))?;
    file.lock()?;
    Ok(file)
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}

/// Other systems do not open folders; they write a rename through by themselves.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// A file being read. It stays the same file when another takes its name.
#[derive(Debug)]
pub(super) struct FolderReader {
    file: File,
    path: PathBuf,
    size_bytes: u64,
}

impl FolderReader {
    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    pub(super) async fn skip_to(&mut self, offset: u64) -> Result<(), StoreError> {
        self.file.seek(SeekFrom::Start(offset)).await.map(drop).map_err(at(&self.path))
    }

    pub(super) async fn next_chunk(&mut self) -> Result<Option<Bytes>, StoreError> {
        let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
        let read = self.file.read_buf(&mut chunk).await.map_err(at(&self.path))?;
        Ok((read > 0).then(|| chunk.freeze()))
    }
}

fn at(path: &Path) -> impl Fn(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Folder { path: path.clone(), source }
}

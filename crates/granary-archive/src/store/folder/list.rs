//! Which objects a folder has, without holding all their names.

use std::io;
use std::path::PathBuf;

use futures::stream::{self, BoxStream, StreamExt as _};
use tokio::fs::{self, ReadDir};

use super::{FolderStore, TEMPORARY, at};
use crate::store::StoreError;
use crate::{ListedKey, ObjectKey};

impl FolderStore {
    /// The files under a part of a key, folder by folder. What is open are the folders from there down to the file.
    pub(in crate::store) fn list(&self, prefix: &str) -> BoxStream<'static, Result<ListedKey, StoreError>> {
        let walk = Walk { root: self.root.clone(), waiting: vec![self.root.join(prefix)], open: None };
        stream::try_unfold(walk, |mut walk| async move { Ok(walk.next().await?.map(|key| (key, walk))) })
            .boxed()
    }
}

struct Walk {
    root: PathBuf,
    waiting: Vec<PathBuf>,
    open: Option<(PathBuf, ReadDir)>,
}

impl Walk {
    async fn next(&mut self) -> Result<Option<ListedKey>, StoreError> {
        loop {
            if self.open.is_none() {
                let Some(folder) = self.waiting.pop() else { return Ok(None) };
                match fs::read_dir(&folder).await {
                    Ok(entries) => self.open = Some((folder, entries)),
                    // A folder of which there is none has no objects; one may also go while it is walked.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    Err(error) => return Err(at(&folder)(error)),
                }
            }
            let Some((folder, entries)) = &mut self.open else { continue };
            let Some(entry) = entries.next_entry().await.map_err(at(folder))? else {
                self.open = None;
                continue;
            };
            let path = entry.path();
            let kind = entry.file_type().await.map_err(at(&path))?;
            if kind.is_dir() {
                if entry.file_name() != TEMPORARY {
                    self.waiting.push(path);
                }
                continue;
            }
            let name = path.strip_prefix(&self.root).unwrap_or(&path).to_string_lossy().into_owned();
            return Ok(Some(name.parse::<ObjectKey>().map_err(|_| name)));
        }
    }
}

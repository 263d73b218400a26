//! How does a file come to be, whole or not at all?

use std::path::Path;

use crate::error::IoFailure;
use crate::fs::{FileSystem, WalFile};

/// What unfinished files end in.
pub(crate) const UNFINISHED: &str = ".tmp";

/// Makes `dir/name` with what `fill` writes, in place of a file of that name. When it returns, content and
/// name are on disk.
///
/// After an error the file may be there or not, but never a part of it; a second try replaces it.
pub(crate) fn create(
    fs: &dyn FileSystem,
    dir: &Path,
    name: &str,
    fill: impl FnOnce(&mut dyn WalFile) -> Result<(), IoFailure>,
) -> Result<Box<dyn WalFile>, IoFailure> {
    let unfinished = dir.join(format!("{name}{UNFINISHED}"));
    let path = dir.join(name);
    let mut file = fs.create(&unfinished).map_err(IoFailure::at("creating", &unfinished))?;
    let filled = fill(&mut *file)
        .and_then(|()| file.sync().map_err(IoFailure::at("syncing", &unfinished)))
        .and_then(|()| fs.rename(&unfinished, &path).map_err(IoFailure::at("naming", &path)));
    if let Err(failure) = filled {
        // On a full disk its bytes count; if this fails too, the next opening removes it.
        drop(fs.remove(&unfinished));
        return Err(failure);
    }
    fs.sync_dir(dir).map_err(IoFailure::at("syncing", dir))?;
    Ok(file)
}

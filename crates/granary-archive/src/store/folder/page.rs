//! The files of a folder, in the order in which a bucket lists its objects.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use crate::store::Entry;

/// The first `limit` files whose keys come after the given one, in the order of the keys' bytes. An empty page is the
/// end. Of the tree only the folders on the way are read, each with its names in memory.
pub(super) fn page(root: &Path, after: Option<&str>, limit: usize) -> io::Result<Vec<Entry>> {
    let mut found = Vec::new();
    walk(root, "", after.unwrap_or_default(), limit, &mut found)?;
    Ok(found)
}

fn walk(folder: &Path, key: &str, after: &str, limit: usize, found: &mut Vec<Entry>) -> io::Result<()> {
    // With its slash a folder's name sorts as its files' keys do among others.
    let mut names = BTreeSet::new();
    let entries = match std::fs::read_dir(folder) {
        // It was emptied and removed since its parent was read.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        // A name that is not text is none of ours, and so is what begins with a dot: uploads under way.
        let Some(name) = entry.file_name().to_str().map(ToOwned::to_owned) else { continue };
        if name.starts_with('.') {
            continue;
        }
        names.insert(if entry.file_type()?.is_dir() { format!("{name}/") } else { name });
    }
    for name in names {
        if found.len() >= limit {
            return Ok(());
        }
        let key = format!("{key}{name}");
        if name.ends_with('/') {
            // Everything in it begins with `key`, so it is behind `after` or `after` lies in it.
            if key.as_str() > after || after.starts_with(&key) {
                walk(&folder.join(&name), &key, after, limit, found)?;
            }
        } else if key.as_str() > after {
            match std::fs::metadata(folder.join(&name)) {
                Ok(metadata) => found.push(Entry { key, size_bytes: metadata.len() }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

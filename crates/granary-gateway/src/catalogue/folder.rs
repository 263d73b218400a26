//! What is in the operator's folder, and whether it has changed since it was looked at.
//!
//! It is looked at, not listened to: being told of changes does not work on every file system that can be mounted.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Bytes of a file. The largest query that comes along has a tenth of it; a larger file is reported and not read.
const MAX_FILE_BYTES: u64 = 256 * 1024;

/// Files in the folder; those behind the last are reported and not read.
const MAX_FILES: usize = 1_000;

/// The texts of a folder's files by `<group>/<name>.sql`, or why there is none.
pub(super) type Files = BTreeMap<String, Result<String, String>>;

/// A folder, and how it was when it was last looked at.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    dir: PathBuf,
    seen: Option<Stamp>,
}

/// What the system says of each file. Another file in the place of one has another inode; one that is written over has
/// other times.
type Stamp = BTreeMap<PathBuf, Option<[i64; 7]>>;

impl Folder {
    pub(super) fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), seen: None }
    }

    /// The files, if any came, went or changed since the last time.
    ///
    /// # Errors
    ///
    /// The folder or one within it cannot be listed. It counts as not looked at.
    pub(super) fn look(&mut self) -> io::Result<Option<Files>> {
        let listed = list(&self.dir).inspect_err(|_| self.seen = None)?;
        let stamp: Stamp = listed.iter().map(|(_, path)| (path.clone(), stamp(path))).collect();
        if self.seen.as_ref() == Some(&stamp) {
            return Ok(None);
        }
        let files = listed.into_iter().enumerate().map(|(place, (name, path))| {
            let loose = !name.contains('/');
            let text = match place {
                _ if loose => Err("belongs into a folder with its group's name".to_owned()),
                MAX_FILES.. => Err(format!("is not read: the folder has more than {MAX_FILES} queries")),
                _ => read(&path),
            };
            (name, text)
        });
        let files = files.collect();
        self.seen = Some(stamp);
        Ok(Some(files))
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.dir.display().fmt(f)
    }
}

/// Name and path of every query file, in an order that does not depend on the file system.
fn list(dir: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for path in entries(dir)? {
        if path.is_dir() {
            let group = name(&path);
            let files = entries(&path)?.into_iter().filter(|path| is_query_file(path));
            found.extend(files.map(|path| (format!("{group}/{}", name(&path)), path)));
        } else if is_query_file(&path) {
            found.push((name(&path), path));
        }
    }
    Ok(found)
}

fn entries(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<_> = entries.collect::<io::Result<_>>()?;
    paths.retain(|path| !name(path).starts_with('.'));
    paths.sort();
    Ok(paths)
}

fn read(path: &Path) -> Result<String, String> {
    let unreadable = |error: io::Error| format!("cannot be read: {error}");
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut text))
        .map_err(unreadable)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("is longer than {MAX_FILE_BYTES} bytes"));
    }
    String::from_utf8(text)
        .map_err(|error| format!("is not UTF-8 from byte {}", error.utf8_error().valid_up_to()))
}

fn stamp(path: &Path) -> Option<[i64; 7]> {
    let of = fs::metadata(path).ok()?;
    let [device, inode, size] = [of.dev(), of.ino(), of.size()].map(u64::cast_signed);
    Some([device, inode, size, of.mtime(), of.mtime_nsec(), of.ctime(), of.ctime_nsec()])
}

fn is_query_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "sql")
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_again_only_when_a_file_came_went_or_changed() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let mut folder = Folder::new(dir.path());
        assert_eq!(folder.look().unwrap(), Some(Files::new()));
        assert_eq!(folder.look().unwrap(), None);
        fs::create_dir(at("ours")).unwrap();
        fs::write(at("ours/a.sql"), "one").unwrap();
        fs::write(at("ours/notes.md"), "not a query").unwrap();
        fs::write(at("ours/.a.sql.swp.sql"), "an editor's").unwrap();
        let read =
            |folder: &mut Folder| folder.look().unwrap().map(|files| files.into_values().collect::<Vec<_>>());
        assert_eq!(read(&mut folder), Some(vec![Ok("one".to_owned())]));
        assert_eq!(read(&mut folder), None);
        fs::write(at("next"), "two").unwrap();
        fs::rename(at("next"), at("ours/a.sql")).unwrap();
        assert_eq!(read(&mut folder), Some(vec![Ok("two".to_owned())]));
        fs::remove_file(at("ours/a.sql")).unwrap();
        assert_eq!(read(&mut folder), Some(vec![]));
        fs::remove_dir_all(dir.path()).unwrap();
        folder.look().unwrap_err();
    }

    #[test]
    fn what_is_too_long_or_no_text_or_in_no_group_is_said_and_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("ours")).unwrap();
        let size = usize::try_from(MAX_FILE_BYTES).unwrap();
        fs::write(at("ours/fits.sql"), " ".repeat(size)).unwrap();
        fs::write(at("ours/long.sql"), " ".repeat(size + 1)).unwrap();
        fs::write(at("ours/binary.sql"), b"/*\xff").unwrap();
        fs::write(at("loose.sql"), "").unwrap();
        let files = Folder::new(dir.path()).look().unwrap().unwrap();
        let reason = |name: &str| files[name].clone().unwrap_err();
        assert!(files["ours/fits.sql"].is_ok());
        assert_eq!(reason("ours/long.sql"), "is longer than 262144 bytes");
        assert_eq!(reason("ours/binary.sql"), "is not UTF-8 from byte 2");
        assert_eq!(reason("loose.sql"), "belongs into a folder with its group's name");
    }
}

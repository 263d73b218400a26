//! Whether files have changed since they were looked at.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What the system says of some files. Another file in the place of one, as an atomic rewrite or a Kubernetes
/// secret makes it, has another inode; a file that is written over has other times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp(Vec<Option<[i64; 7]>>);

impl Stamp {
    pub(crate) fn of<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Self {
        let one = |path: &Path| {
            let of = std::fs::metadata(path).ok()?;
            let [device, inode, size] = [of.dev(), of.ino(), of.size()].map(u64::cast_signed);
            Some([device, inode, size, of.mtime(), of.mtime_nsec(), of.ctime(), of.ctime_nsec()])
        };
        Self(paths.into_iter().map(one).collect())
    }
}

//! Whether files have changed since they were looked at.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What the system says of some files. Another file in the place of one, as an atomic rewrite or a Kubernetes
/// secret makes it, has another inode; a file that is written over has other times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp(Vec<Option<[i64; 7]>>);

impl Stamp {
    /// Looks at files, which need not be there.
    pub fn of<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Self {
        let one = |path: &Path| {
            let of = std::fs::metadata(path).ok()?;
            let [device, inode, size] = [of.dev(), of.ino(), of.size()].map(u64::cast_signed);
            Some([device, inode, size, of.mtime(), of.mtime_nsec(), of.ctime(), of.ctime_nsec()])
        };
        Self(paths.into_iter().map(one).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn every_way_of_changing_a_file_is_seen_and_reading_it_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let mut seen = Stamp::of([at("link").as_path()]);
        let mut has_changed = || {
            let now = Stamp::of([at("link").as_path()]);
            std::mem::replace(&mut seen, now.clone()) != now
        };
        assert!(!has_changed(), "it is still not there");
        for name in ["one", "two", "three"] {
            fs::write(at(name), "same").unwrap();
        }
        symlink(at("one"), at("link")).unwrap();
        assert!(has_changed(), "made");
        fs::read(at("link")).unwrap();
        assert!(!has_changed(), "read");
        fs::write(at("one"), "longer").unwrap();
        assert!(has_changed(), "written over");
        fs::rename(at("two"), at("one")).unwrap();
        assert!(has_changed(), "replaced");
        // As Kubernetes does it: the link points elsewhere from one moment to the next.
        symlink(at("three"), at("next")).unwrap();
        fs::rename(at("next"), at("link")).unwrap();
        assert!(has_changed(), "pointed elsewhere");
        fs::remove_file(at("three")).unwrap();
        assert!(has_changed(), "taken away");
    }
}

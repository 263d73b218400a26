//! The key file: TOML, a table a key, safe to be read by a receiver while it is changed.
//!
//! It holds no secret, only hashes, and is written for its owner's eyes all the same: it says who there is.
//! A change is a new file in the old one's place, so a reader sees the old or the new one and never a part.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::key::Key;

/// The key file's content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
    /// All keys, in the order they were made; revoked ones stay, so that lists and logs can name them.
    #[serde(default, rename = "key")]
    pub keys: Vec<Key>,
}

/// The key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It is not to be read or written.
    #[error("the key file {} cannot be {doing}: {source}", path.display())]
    Io {
        /// Where it is.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// What it says is not what a key file says.
    #[error("the key file {}{} cannot be used: {problem}", path.display(), line.map(|line| format!(", line {line},")).unwrap_or_default())]
    Content {
        /// Where it is.
        path: PathBuf,
        /// The line, where one is to blame.
        line: Option<usize>,
        /// What is wrong.
        problem: String,
    },
}

const HEADING: &str = "\
# Who may send to this granary and ask it; `granary keys` writes this file, a running granary reads it when it changes.
# The secrets are not in it, only their SHA-256.

";

impl KeyFile {
    /// Reads a key file; nothing where there is none.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is not a key file.
    pub fn load(path: &Path) -> Result<Option<Self>, KeyFileError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, path).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(KeyFileError::Io { path: path.to_owned(), doing: "read", source }),
        }
    }

    fn parse(text: &str, path: &Path) -> Result<Self, KeyFileError> {
        let wrong = |line, problem| KeyFileError::Content { path: path.to_owned(), line, problem };
        let file: Self = toml::from_str(text).map_err(|error| {
            let line =
                error.span().map(|span| 1 + text.bytes().take(span.start).filter(|&b| b == b'\n').count());
            // The message without the line's text, which may be anything.
            wrong(line, error.message().to_owned())
        })?;
        match file.problem() {
            Some(problem) => Err(wrong(None, problem)),
            None => Ok(file),
        }
    }

    fn problem(&self) -> Option<String> {
        let mut seen = BTreeSet::new();
        let twice = |key: &Key| format!("there are two keys {}", key.id);
        self.keys.iter().find_map(|key| key.problem().or_else(|| (!seen.insert(&key.id)).then(|| twice(key))))
    }

    /// Changes a key file, which is made where there is none. Changes by several processes come one after another.
    ///
    /// When this returns without an error the change is on disk.
    ///
    /// # Errors
    ///
    /// The file cannot be read or written, or the change itself fails; the file is then as it was.
    pub fn change<T, E: From<KeyFileError>>(
        path: &Path,
        change: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let io = |doing| move |source| KeyFileError::Io { path: path.to_owned(), doing, source };
        // A link is followed: it is what it points to that is to be changed.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let folder =
            target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(io("made"))?;
        let lock = beside(&target, "lock");
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(lock)
            .map_err(io("locked"))?;
        lock.lock().map_err(io("locked"))?;
        let mut file = Self::load(&target)?.unwrap_or_default();
        let result = change(&mut file)?;
        if let Some(problem) = file.problem() {
            return Err(KeyFileError::Content { path: target, line: None, problem }.into());
        }
        file.write(&target, folder).map_err(io("written"))?;
        Ok(result)
    }

    fn write(&self, target: &Path, folder: &Path) -> io::Result<()> {
        let text = toml::to_string(self).map_err(io::Error::other)?;
        let next = beside(target, "next");
        // What an interrupted change left has whatever mode it had.
        match fs::remove_file(&next) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&next)?;
        if let Ok(present) = fs::metadata(target) {
            // Whoever could read it still can, also when root makes the change.
            file.set_permissions(present.permissions())?;
            drop(fchown(&file, Some(present.uid()), Some(present.gid())));
        }
        file.write_all(HEADING.as_bytes())?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&next, target)?;
        File::open(folder)?.sync_all()
    }
}

fn beside(path: &Path, extension: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use jiff::Timestamp;

    use super::*;
    use crate::key::{KeyLimits, NewKey};
    use crate::role::Role;

    fn new(tenant: &str) -> Key {
        let mut parameters = crate::Fixed::default();
        parameters.add("project", "granary");
        parameters.add("project", "other");
        let all = NewKey {
            role: Role::Team,
            tenant: tenant.to_owned(),
            team: Some("platform".to_owned()),
            user: None,
            groups: Some(["cost".to_owned()].into()),
            networks: Some(vec!["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()]),
            parameters,
            name: Some("a \"name\"".to_owned()),
            expires: Some(Timestamp::from_second(2_000_000_000).unwrap()),
            limits: KeyLimits {
                requests_per_second: Some(5),
                bytes_per_second: Some(bytesize::ByteSize::mib(1)),
                burst: Some(std::time::Duration::from_secs(3)),
            },
        };
        let (mut key, _) = Key::generate(all, Timestamp::from_second(1_790_000_000).unwrap());
        let token = key.rotate(Timestamp::from_second(1_790_000_100).unwrap());
        drop(token);
        key
    }

    fn add(path: &Path, key: &Key) {
        let added: Result<(), KeyFileError> = KeyFile::change(path, |file| {
            file.keys.push(key.clone());
            Ok(())
        });
        added.unwrap();
    }

    #[test]
    fn what_is_written_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/keys.toml");
        assert_eq!(KeyFile::load(&path).unwrap(), None);
        let keys = [new("acme"), new("other")];
        for key in &keys {
            add(&path, key);
        }
        assert_eq!(KeyFile::load(&path).unwrap().unwrap().keys, keys);
    }

    #[test]
    fn a_file_from_before_there_were_roles_means_what_it_meant() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        let hash = "a".repeat(64);
        let text = format!(
            "[[key]]\nid = \"Ab3dEf7h\"\ntenant = \"acme\"\nteam = \"platform\"\nsha256 = \"{hash}\"\ncreated = \"2026-11-01T00:00:00Z\"\n"
        );
        fs::write(&path, &text).unwrap();
        let file = KeyFile::load(&path).unwrap().unwrap();
        assert_eq!((file.keys[0].role, &file.keys[0].networks), (Role::Ingest, &None));
        assert_eq!(toml::to_string(&file).unwrap(), text, "and is written as it was");
    }

    #[test]
    fn a_new_file_is_its_owner_s_only_and_a_changed_one_keeps_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        add(&path, &new("acme"));
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        add(&path, &new("acme"));
        assert_eq!(mode(), 0o640);
    }

    #[test]
    fn changes_at_the_same_time_are_all_made() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| add(&path, &new("acme")));
            }
        });
        assert_eq!(KeyFile::load(&path).unwrap().unwrap().keys.len(), 8);
    }

    #[test]
    fn a_file_that_is_not_one_is_told_with_its_line_and_without_its_text() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.toml");
        add(&path, &new("acme"));
        let good = fs::read_to_string(&path).unwrap();
        let twice = format!("{good}{}", good.trim_start_matches(HEADING));
        for (text, says) in [
            (good.replace("tenant = ", "tenannt = "), "line 7"),
            (good.replace("sha256 = \"", "sha256 = \"grn_secret"), "64 hex digits"),
            (good.replace("tenant = \"acme\"", "tenant = \"\""), "tenant"),
            (good.replace("role = \"team\"", "role = \"root\""), "no such role"),
            (good.replace("role = \"team\"", "role = \"viewer\""), "needs a user"),
            (good.replace("10.0.0.0/8", "10.0.0.0/80"), "no network"),
            (twice, "two keys"),
        ] {
            fs::write(&path, text).unwrap();
            let error = KeyFile::load(&path).unwrap_err().to_string();
            assert!(error.contains(says) && !error.contains("grn_secret"), "{error}");
        }
    }
}

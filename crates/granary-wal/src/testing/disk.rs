//! A disk with a page cache before it: what programs see, and what a power cut leaves.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::dice::Dice;

/// Files by name, as programs see them and as they are on disk.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    files: Vec<File>,
    seen: BTreeMap<PathBuf, usize>,
    stored: BTreeMap<PathBuf, usize>,
    /// Changes of names that are not on disk.
    dirty_names: Vec<NameChange>,
}

#[derive(Debug, Default)]
struct File {
    seen: Vec<u8>,
    stored: Vec<u8>,
    /// Changes of content that are not on disk.
    dirty: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Debug)]
enum NameChange {
    Link(PathBuf, usize),
    Rename(PathBuf, PathBuf, usize),
    Unlink(PathBuf),
}

impl Disk {
    pub(crate) fn find(&self, path: &Path) -> Option<usize> {
        self.seen.get(path).copied()
    }

    pub(crate) fn names_in<'a>(&'a self, dir: &'a Path) -> impl Iterator<Item = (&'a PathBuf, u64)> {
        let inside = self.seen.iter().filter(move |(path, _)| path.parent() == Some(dir));
        inside.map(|(path, file)| (path, self.files[*file].seen.len() as u64))
    }

    /// What all files take that have a name.
    pub(crate) fn used(&self) -> usize {
        self.seen.values().map(|file| self.files[*file].seen.len()).sum()
    }

    pub(crate) fn create(&mut self, path: &Path) -> usize {
        if let Some(file) = self.find(path) {
            self.set_length(file, 0);
            return file;
        }
        self.files.push(File::default());
        let file = self.files.len() - 1;
        self.seen.insert(path.to_owned(), file);
        self.dirty_names.push(NameChange::Link(path.to_owned(), file));
        file
    }

    pub(crate) fn rename(&mut self, from: &Path, to: &Path) -> bool {
        let Some(file) = self.seen.remove(from) else { return false };
        self.seen.insert(to.to_owned(), file);
        self.dirty_names.push(NameChange::Rename(from.to_owned(), to.to_owned(), file));
        true
    }

    pub(crate) fn remove(&mut self, path: &Path) -> bool {
        self.dirty_names.push(NameChange::Unlink(path.to_owned()));
        self.seen.remove(path).is_some()
    }

    pub(crate) fn content(&self, file: usize) -> &[u8] {
        &self.files[file].seen
    }

    pub(crate) fn write(&mut self, file: usize, offset: usize, bytes: Vec<u8>) {
        let change = Change::Write { offset, bytes };
        change.apply(&mut self.files[file].seen);
        self.files[file].dirty.push(change);
    }

    pub(crate) fn set_length(&mut self, file: usize, bytes: usize) {
        let change = Change::Length(bytes);
        change.apply(&mut self.files[file].seen);
        self.files[file].dirty.push(change);
    }

    /// Changes content on disk and in the cache alike, as bit rot does.
    pub(crate) fn corrupt(&mut self, file: usize, change: impl Fn(&mut Vec<u8>)) {
        change(&mut self.files[file].seen);
        change(&mut self.files[file].stored);
    }

    pub(crate) fn sync(&mut self, file: usize) {
        let File { stored, dirty, .. } = &mut self.files[file];
        for change in dirty.drain(..) {
            change.apply(stored);
        }
    }

    /// A sync that fails: some of it reached the disk, and what did not is called clean and will never be
    /// written, though programs go on to see it until the power is cut. This is what Linux does.
    pub(crate) fn sync_badly(&mut self, file: usize, dice: &mut Dice) {
        let File { stored, dirty, .. } = &mut self.files[file];
        for change in dirty.drain(..) {
            change.apply_in_part(stored, dice);
        }
    }

    pub(crate) fn sync_names(&mut self, dir: &Path) {
        let (inside, outside) =
            std::mem::take(&mut self.dirty_names).into_iter().partition(|change| change.is_in(dir));
        self.dirty_names = outside;
        let inside: Vec<NameChange> = inside;
        for change in inside {
            change.apply(&mut self.stored);
        }
    }

    /// The power is cut: what is synced stays, of the rest any part.
    pub(crate) fn lose_power(&mut self, dice: &mut Dice) {
        for File { seen, stored, dirty } in &mut self.files {
            for change in dirty.drain(..) {
                change.apply_in_part(stored, dice);
            }
            seen.clone_from(stored);
        }
        for change in std::mem::take(&mut self.dirty_names) {
            if dice.below(2) == 0 {
                change.apply(&mut self.stored);
            }
        }
        self.seen = self.stored.clone();
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => write(content, *offset, bytes, 0),
            Self::Length(bytes) => content.resize(*bytes, 0),
        }
    }

    /// All of it, nothing, its beginning, its end, or its beginning and end; with zeros or remains of older
    /// files where the file became longer without content.
    fn apply_in_part(&self, content: &mut Vec<u8>, dice: &mut Dice) {
        match self {
            Self::Length(_) => {
                if dice.below(2) == 0 {
                    self.apply(content);
                }
            }
            Self::Write { offset, bytes } => {
                let fill = if dice.below(4) == 0 { 0xdb } else { 0 };
                let (a, b) = (dice.below(bytes.len() + 1), dice.below(bytes.len() + 1));
                let (a, b) = (a.min(b), a.max(b));
                match dice.below(6) {
                    0 => {}
                    1 | 2 => write(content, *offset, bytes, fill),
                    3 => write(content, *offset, &bytes[..a], fill),
                    4 => write(content, *offset + b, &bytes[b..], fill),
                    _ => {
                        write(content, *offset, &bytes[..a], fill);
                        write(content, *offset + b, &bytes[b..], fill);
                    }
                }
            }
        }
    }
}

fn write(content: &mut Vec<u8>, offset: usize, bytes: &[u8], fill: u8) {
    if bytes.is_empty() {
        return;
    }
    if content.len() < offset + bytes.len() {
        content.resize(offset + bytes.len(), fill);
    }
    content[offset..offset + bytes.len()].copy_from_slice(bytes);
}

impl NameChange {
    fn is_in(&self, dir: &Path) -> bool {
        match self {
            Self::Link(path, _) | Self::Unlink(path) | Self::Rename(_, path, _) => path.parent() == Some(dir),
        }
    }

    fn apply(self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Link(path, file) => {
                names.insert(path, file);
            }
            Self::Rename(from, to, file) => {
                names.remove(&from);
                names.insert(to, file);
            }
            Self::Unlink(path) => {
                names.remove(&path);
            }
        }
    }
}

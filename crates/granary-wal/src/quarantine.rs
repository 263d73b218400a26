//! Where do damaged bytes go before they are deleted with their segment?

use std::collections::BTreeSet;
use std::io::{self, IoSlice};
use std::path::Path;

use crate::atomic;
use crate::error::IoFailure;
use crate::fs::{FileSystem, write_all_at};
use crate::position::SegmentNumber;
use crate::scan::SCAN_WINDOW;
use crate::window::Window;

/// The name of the directory, within the log's.
pub(crate) const DIRECTORY: &str = "quarantine";

/// The names that are in quarantine already.
pub(crate) fn names(fs: &dyn FileSystem, dir: &Path) -> Result<BTreeSet<String>, IoFailure> {
    let quarantine = dir.join(DIRECTORY);
    match fs.list(&quarantine) {
        Ok(entries) => Ok(entries.into_iter().map(|entry| entry.name).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
        Err(error) => Err(IoFailure::at("listing", &quarantine)(error)),
    }
}

/// The name for bytes of a segment.
pub(crate) fn segment_name(segment: SegmentNumber, from: u64, to: u64) -> String {
    format!("{:020}-{from}-{to}.damaged", segment.get())
}

/// Copies the bytes of a segment from `from` to `to`, as far as the file goes. When it returns, the copy is
/// on disk.
pub(crate) fn copy_segment(
    fs: &dyn FileSystem,
    dir: &Path,
    segment: SegmentNumber,
    from: u64,
    to: u64,
) -> Result<(), IoFailure> {
    let path = dir.join(segment.file_name());
    let file = fs.open(&path).map_err(IoFailure::at("opening", &path))?;
    let mut window = Window::new(file, &path, SCAN_WINDOW);
    let name = segment_name(segment, from, to);
    put(fs, dir, &name, |write| window.each(from, to, |offset, piece| write(offset - from, piece)))
}

/// Keeps `bytes` under `name`.
pub(crate) fn keep(fs: &dyn FileSystem, dir: &Path, name: &str, bytes: &[u8]) -> Result<(), IoFailure> {
    put(fs, dir, name, |write| write(0, bytes))
}

type Write<'a> = &'a mut dyn FnMut(u64, &[u8]) -> Result<(), IoFailure>;

fn put(
    fs: &dyn FileSystem,
    dir: &Path,
    name: &str,
    fill: impl FnOnce(Write<'_>) -> Result<(), IoFailure>,
) -> Result<(), IoFailure> {
    let quarantine = dir.join(DIRECTORY);
    let path = quarantine.join(name);
    fs.create_dir(&quarantine).map_err(IoFailure::at("making", &quarantine))?;
    atomic::create(fs, &quarantine, name, |file| {
        fill(&mut |offset, piece| {
            write_all_at(file, offset, &mut [IoSlice::new(piece)]).map_err(IoFailure::at("writing", &path))
        })
    })?;
    Ok(())
}

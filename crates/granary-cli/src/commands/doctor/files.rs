//! What is on this machine's disks: the write-ahead log's folder, keys, certificates.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use bytesize::ByteSize;
use rustix::fs::{statfs, statvfs};
use uuid::Uuid;

use super::Check;
use crate::settings::Settings;

/// What `statfs` says of a file system in memory.
const TMPFS: i64 = 0x0102_1994;

pub(super) fn checks(settings: &Settings) -> Vec<Check> {
    let ingest = settings.ingest();
    let mut checks = Vec::new();
    match nearest(&ingest.wal_dir) {
        None => {
            let found = format!("{} lies in no folder", ingest.wal_dir.display());
            checks.push(Check::fail("log folder", found, "set --ingest-wal-dir"));
        }
        Some(folder) => {
            checks.push(synced(&folder));
            checks.push(room(&folder, &ingest.wal_dir, ingest.wal_max_bytes));
        }
    }
    let secrets = [
        ("ingest keys", Some(ingest.keys_file.clone())),
        ("certificate's key", ingest.tls_key.clone()),
        ("running.json", Some(settings.data_dir.join("running.json"))),
    ];
    checks.extend(secrets.into_iter().filter_map(|(name, path)| private(name, &path?)));
    checks
}

/// The folder itself or, where it is still to be made, the one that it will be made in.
fn nearest(folder: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(folder).ok()?;
    absolute.ancestors().find(|folder| folder.is_dir()).map(Path::to_owned)
}

/// Law 1 rests on this: what is synced is on the disk.
fn synced(folder: &Path) -> Check {
    const NAME: &str = "log folder";
    let probe = folder.join(format!(".granary-doctor-{}", Uuid::now_v7()));
    let write = || -> std::io::Result<_> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&probe)?;
        file.write_all(&[0; 4096])?;
        let start = Instant::now();
        file.sync_all()?;
        let took = start.elapsed();
        fs::remove_file(&probe)?;
        File::open(folder)?.sync_all()?;
        Ok(took)
    };
    let written = write();
    if written.is_err() {
        // What is left of it is of no use; that it cannot be written is said below.
        fs::remove_file(&probe).ok();
    }
    let shown = folder.display();
    match written {
        Err(error) => {
            let advice =
                "let granary's user write there, or set --ingest-wal-dir to a folder on a local disk";
            Check::fail(NAME, format!("{shown}: {error}"), advice)
        }
        Ok(_) if is_in_memory(folder) => {
            let advice = "set --ingest-wal-dir to a folder on a disk: what is in memory is gone with the machine, after it was \
                          acknowledged";
            Check::warn(NAME, format!("{shown} is in memory (tmpfs)"), advice)
        }
        Ok(took) => Check::ok(NAME, format!("{shown}: a file is synced within {} ms", took.as_millis())),
    }
}

#[allow(clippy::useless_conversion, reason = "the field's type is another one on other systems")]
fn is_in_memory(folder: &Path) -> bool {
    statfs(folder).is_ok_and(|of| i64::try_from(of.f_type) == Ok(TMPFS))
}

/// Whether the log can grow to what it may take.
fn room(folder: &Path, log: &Path, max: ByteSize) -> Check {
    const NAME: &str = "log room";
    let free = match statvfs(folder) {
        Ok(of) => ByteSize(of.f_bavail.saturating_mul(of.f_frsize)),
        Err(error) => return Check::warn(NAME, error.to_string(), "see how much room there is yourself"),
    };
    let used = used(log);
    let found = format!("{free} are free, {used} taken, and {max} may be (ingest.wal_max_bytes)");
    if free.as_u64().saturating_add(used.as_u64()) < max.as_u64() {
        let advice = "make room, or lower ingest.wal_max_bytes: a full disk is noticed later than a full log";
        Check::warn(NAME, found, advice)
    } else {
        Check::ok(NAME, found)
    }
}

/// What the files of a folder take, without those of folders in it.
fn used(folder: &Path) -> ByteSize {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    ByteSize(files.filter_map(|file| Some(file.metadata().ok()?.len())).sum())
}

/// The bits of a mode that say what the file's group and others may.
const GROUP_AND_OTHERS_BITS: u32 = 6;

/// Whether only the owner reads a file; nothing where there is none.
fn private(name: &'static str, path: &Path) -> Option<Check> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    let found = format!("{} has mode {mode:o}", path.display());
    Some(if mode.trailing_zeros() >= GROUP_AND_OTHERS_BITS {
        Check::ok(name, found)
    } else {
        Check::warn(name, found, format!("chmod 600 {}, unless its group is granary's own", path.display()))
    })
}

//! One granary per data folder, and how other commands find the one that runs.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use granary_clickhouse::ClickHouseConfig;
use serde::{Deserialize, Serialize};

/// The folder is this process's for as long as this lives.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    _lock: File,
}

const LOCK: &str = "granary.lock";
const RUNNING: &str = "running.json";

impl DataDir {
    /// Makes the folder where it is missing, and takes it.
    ///
    /// # Errors
    ///
    /// It cannot be made or written, or another granary has it.
    pub(crate) fn take(path: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(path)
            .with_context(|| format!("the data folder {} cannot be made", path.display()))?;
        let lock = path.join(LOCK);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&lock)
            .with_context(|| format!("{} cannot be written", lock.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: file }),
            Err(TryLockError::WouldBlock) => {
                bail!(
                    "another granary is using the data folder {}; stop it, or choose another with --data-dir",
                    path.display()
                )
            }
            Err(TryLockError::Error(error)) => {
                Err(error).with_context(|| format!("{} cannot be locked", lock.display()))
            }
        }
    }

    /// Tells other commands of this user how to reach the warehouse.
    pub(crate) fn announce(&self, running: &Running) -> anyhow::Result<Announcement> {
        let path = self.path.join(RUNNING);
        fs::remove_file(&path).ok();
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .with_context(|| format!("{} cannot be written", path.display()))?;
        file.write_all(&serde_json::to_vec_pretty(running)?)?;
        Ok(Announcement(path))
    }
}

/// Taken back when this goes.
#[derive(Debug)]
pub(crate) struct Announcement(PathBuf);

impl Drop for Announcement {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

/// How to reach the warehouse of a granary that runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Running {
    pub(crate) owner: ClickHouseConfig,
    pub(crate) reader: ClickHouseConfig,
}

/// The granary that runs on a data folder, if one does.
pub(crate) fn running(data_dir: &Path) -> Option<Running> {
    // What a killed granary left behind is of no use: the lock says whether one runs.
    if DataDir::take(data_dir).is_ok() {
        return None;
    }
    serde_json::from_slice(&fs::read(data_dir.join(RUNNING)).ok()?).ok()
}

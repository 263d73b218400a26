//! Rows that ClickHouse refuses for good: kept as files, out of the others' way, for a person to decide.
//!
//! A file holds one insert: a line of JSON that says what it is and why it is here, and the frames as they were
//! sent. It is written under a temporary name, synced and renamed before the checkpoint moves on, so an
//! acknowledged event is at every moment in the log, in its table or here.
//!
//! Of a cluster one shard may have taken its part of an insert that another refused. Soon afterwards the same insert under its token
//! is right: the former knows it, and completes its rollups. A token is forgotten after so many inserts of others, though, so
//! later the rows are looked up, and those inserted that are not there ([`Quarantined::insert_again`]).

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use granary_clickhouse::{AccountedRecords, ClickHouseError, Insert, TABLES, Warehouse};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::accounting::Minute;
use crate::entry::signal_of;
use crate::round::Shipment;

/// What a file says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// The table it was meant for.
    pub table: String,
    /// How many rows it holds.
    pub rows: u64,
    /// The token it is inserted under.
    pub token: String,
    /// When it was put here, in milliseconds since 1970.
    pub since_ms: i64,
    /// What ClickHouse said.
    pub reason: String,
    /// Whether it is tried again by itself: its table refused it while others took theirs.
    pub retries: bool,
    /// Whose rows they are and when they came.
    pub parts: Vec<QuarantinedPart>,
    /// How many bytes the frames have.
    pub bytes: u64,
    /// The batches that they are of; none where an earlier version wrote the file.
    #[serde(default)]
    pub batches: Vec<Uuid>,
}

/// Rows of one tenant that came in one minute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantinedPart {
    /// Whose they are.
    pub tenant: String,
    /// The minute they came in, as seconds since 1970.
    pub minute: u64,
    /// How many.
    pub rows: u64,
}

impl QuarantinedPart {
    pub(crate) fn minute(&self) -> Minute {
        Minute::of(Duration::from_secs(self.minute))
    }
}

/// What became of a quarantined insert at last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aftermath {
    /// It is stored.
    Released,
    /// It was given up.
    Dropped,
}

/// A table remembers the tokens of its last 10,000 inserts, and receivers make a few a second.
const TOKEN_TRUSTED_FOR: Duration = Duration::from_mins(10);

impl Quarantined {
    /// Inserts what was refused. When this returns `Ok`, its rows are in the table, once.
    ///
    /// # Errors
    ///
    /// As of [`Warehouse::insert`]; in a cluster with replicas also while one is away,
    /// where the token is too old to be relied upon.
    pub async fn insert_again(
        &self,
        insert: &Insert,
        warehouse: &Warehouse,
        timeout: Duration,
        now_ms: i64,
    ) -> Result<(), ClickHouseError> {
        let trusted_ms = i64::try_from(TOKEN_TRUSTED_FOR.as_millis()).unwrap_or(i64::MAX);
        let may_be_there = warehouse.cluster().is_some() && now_ms.saturating_sub(self.since_ms) > trusted_ms;
        if !may_be_there || self.batches.is_empty() {
            return warehouse.insert_within(insert, timeout).await;
        }
        warehouse.sync_replicas(&[insert.table]).await?;
        warehouse.insert_missing_within(insert, &self.batches, timeout).await
    }

    /// What the table of counts is to be told, for [`Warehouse::insert_accounting`]; the token makes it count once.
    #[must_use]
    pub fn accounted(&self, aftermath: Aftermath) -> (Vec<AccountedRecords>, String) {
        let outcome = match aftermath {
            Aftermath::Released => "released",
            Aftermath::Dropped => "dropped",
        };
        let counted = self.parts.iter().map(|part| AccountedRecords {
            tenant: part.tenant.clone(),
            minute: part.minute,
            signal: signal_of(&self.table).name(),
            outcome: outcome.to_owned(),
            records: part.rows,
        });
        (counted.collect(), format!("{}/{outcome}", self.token))
    }
}

/// The folder of refused inserts.
#[derive(Debug, Clone)]
pub struct Quarantine {
    dir: PathBuf,
}

const EXTENSION: &str = "insert";
const UNFINISHED: &str = "tmp";

impl Quarantine {
    /// The folder; it is made when the first insert is put there.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Keeps an insert. When it returns, the file is on disk; putting the same insert twice keeps it once.
    pub(crate) fn put(
        &self,
        shipment: &Shipment,
        reason: &str,
        retries: bool,
        now_ms: i64,
    ) -> io::Result<String> {
        fs::create_dir_all(&self.dir)?;
        let Insert { table, rows, token, frames } = &shipment.insert;
        let name: String =
            token.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
        let head = Quarantined {
            table: (*table).to_owned(),
            rows: *rows as u64,
            token: token.clone(),
            since_ms: now_ms,
            reason: reason.to_owned(),
            retries,
            parts: shipment
                .tenants
                .iter()
                .map(|(tenant, minute, rows)| QuarantinedPart {
                    tenant: tenant.clone(),
                    minute: minute.unix_seconds(),
                    rows: *rows,
                })
                .collect(),
            bytes: frames.iter().map(|piece| piece.len() as u64).sum(),
            batches: shipment.batches.iter().map(|(batch, _)| *batch).collect(),
        };
        let unfinished = self.dir.join(format!("{name}.{UNFINISHED}"));
        let mut file = File::create(&unfinished)?;
        file.write_all(&serde_json::to_vec(&head)?)?;
        file.write_all(b"\n")?;
        for piece in frames {
            file.write_all(piece)?;
        }
        file.sync_all()?;
        fs::rename(&unfinished, self.path(&name))?;
        File::open(&self.dir)?.sync_all()?;
        Ok(name)
    }

    /// What is here, by name, oldest first. A file that cannot be read is listed with its error.
    pub fn list(&self) -> io::Result<Vec<(String, io::Result<Quarantined>)>> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == EXTENSION)
                && let Some(name) = path.file_stem().and_then(|name| name.to_str())
            {
                found.push((name.to_owned(), self.head(name)));
            }
        }
        found.sort_by_key(|(name, head)| (head.as_ref().map_or(0, |head| head.since_ms), name.clone()));
        Ok(found)
    }

    /// How many files and bytes there are.
    pub fn usage(&self) -> io::Result<(u64, u64)> {
        let found = self.list()?;
        let bytes = found.iter().filter_map(|(_, head)| head.as_ref().ok()).map(|head| head.bytes).sum();
        Ok((found.len() as u64, bytes))
    }

    /// What a file says of itself.
    pub fn head(&self, name: &str) -> io::Result<Quarantined> {
        self.open(name).map(|(head, _)| head)
    }

    /// An insert as it was refused, to be tried again.
    pub fn load(&self, name: &str) -> io::Result<Insert> {
        let (head, mut file) = self.open(name)?;
        let mut frames = Vec::new();
        file.read_to_end(&mut frames)?;
        let table = TABLES.into_iter().find(|table| *table == head.table).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, format!("table {:?} is not known", head.table))
        })?;
        if frames.len() as u64 != head.bytes {
            let message = format!("it has {} bytes of the {} it was written with", frames.len(), head.bytes);
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        let rows = usize::try_from(head.rows).unwrap_or(usize::MAX);
        Ok(Insert { table, rows, token: head.token, frames: vec![Bytes::from(frames)] })
    }

    /// Gives an insert up.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))?;
        File::open(&self.dir)?.sync_all()
    }

    fn open(&self, name: &str) -> io::Result<(Quarantined, BufReader<File>)> {
        // The name comes from a command line: it must stay in the folder.
        if name.is_empty() || name.contains(['/', '\\']) || name.starts_with('.') {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("{name:?} is no quarantined insert"),
            ));
        }
        let mut file = BufReader::new(File::open(self.path(name))?);
        let mut head = Vec::new();
        file.read_until(b'\n', &mut head)?;
        Ok((serde_json::from_slice(&head)?, file))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}.{EXTENSION}"))
    }
}

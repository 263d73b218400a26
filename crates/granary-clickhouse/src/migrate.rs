//! Applies the numbered files of `ddl/`, each once.
//!
//! A table of applied migrations keeps number, name and checksum. Every statement is written to be harmless
//! when repeated (`IF NOT EXISTS`, deduplicated seeds), so a run that was interrupted, or two runs at once, end
//! where one whole run ends. A file that was changed after it was applied is refused: the tables it
//! made would not be the ones it describes.

use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{ClickHouseError, Warehouse};

static DDL: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../ddl");

const HISTORY: &str = "CREATE TABLE IF NOT EXISTS granary_migrations
(
    Version UInt32,
    Name String,
    Checksum String,
    AppliedAt DateTime64(3) DEFAULT now64(3)
)
ENGINE = ReplacingMergeTree(AppliedAt)
ORDER BY Version";

/// One file of `ddl/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Migration {
    /// The number in front of the name.
    pub version: u32,
    /// The file's name without number and ending.
    pub name: &'static str,
    /// SHA-256 of the file, in hex.
    pub checksum: String,
    #[serde(skip)]
    sql: &'static str,
}

/// Where a database stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// Applied before, in order.
    pub applied: Vec<Migration>,
    /// Still to be applied, in order.
    pub pending: Vec<Migration>,
}

/// The schema cannot be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// ClickHouse refused or did not answer; run the migration again once it does.
    #[error("migration {migration} failed: {source}")]
    Statement {
        /// Number and name.
        migration: String,
        /// What ClickHouse said.
        source: ClickHouseError,
    },
    /// A file is not the one that was applied.
    #[error(
        "migration {migration} was changed after it was applied (then {applied}, now {file}); restore the file \
         and put the change into a new one"
    )]
    Changed {
        /// Number and name.
        migration: String,
        /// The checksum when it was applied.
        applied: String,
        /// The checksum now.
        file: String,
    },
}

#[derive(clickhouse::Row, Deserialize)]
struct Applied {
    #[serde(rename = "Version")]
    version: u32,
    #[serde(rename = "Checksum")]
    checksum: String,
}

/// The files that this binary brings, in order.
#[must_use]
pub fn all() -> Vec<Migration> {
    let mut migrations: Vec<_> = DDL
        .files()
        .filter_map(|file| {
            let (version, name) = file.path().to_str()?.strip_suffix(".sql")?.split_once('_')?;
            let sql = file.contents_utf8()?;
            Some(Migration { version: version.parse().ok()?, name, checksum: hex(&Sha256::digest(sql)), sql })
        })
        .collect();
    migrations.sort_by_key(|migration| migration.version);
    migrations
}

/// Compares the files with what the database has. A database that is not there has nothing applied.
///
/// # Errors
///
/// ClickHouse does not answer, or a file is not the one that was applied.
pub async fn status(warehouse: &Warehouse) -> Result<Status, MigrateError> {
    let failed = |source| MigrateError::Statement { migration: "history".to_owned(), source };
    // UNKNOWN_DATABASE and UNKNOWN_TABLE: nothing was ever applied.
    let applied = match history(warehouse).await {
        Err(error) if matches!(error.code(), Some(81 | 60)) => Vec::new(),
        other => other.map_err(failed)?,
    };
    let mut status = Status { applied: Vec::new(), pending: Vec::new() };
    for migration in all() {
        match applied.iter().find(|applied| applied.version == migration.version) {
            None => status.pending.push(migration),
            Some(applied) if applied.checksum == migration.checksum => status.applied.push(migration),
            Some(applied) => {
                return Err(MigrateError::Changed {
                    migration: migration.to_string(),
                    applied: applied.checksum.clone(),
                    file: migration.checksum,
                });
            }
        }
    }
    Ok(status)
}

/// Makes the database and applies what is pending. Returns what was applied now.
///
/// # Errors
///
/// As [`status`], and where a statement is refused; what was applied before it stays applied.
pub async fn apply(warehouse: &Warehouse) -> Result<Vec<Migration>, MigrateError> {
    let named = |migration: &str| {
        let migration = migration.to_owned();
        move |source| MigrateError::Statement { migration, source }
    };
    let create = format!("CREATE DATABASE IF NOT EXISTS {}", quoted(warehouse.database()));
    warehouse
        .within_timeout(async { Ok(warehouse.without_database().query_raw(&create).execute().await?) })
        .await
        .map_err(named("database"))?;
    warehouse.execute(HISTORY).await.map_err(named("history"))?;
    let pending = status(warehouse).await?.pending;
    for migration in &pending {
        for statement in statements(migration.sql) {
            warehouse.execute(statement).await.map_err(named(&migration.to_string()))?;
        }
        let record = warehouse
            .query("INSERT INTO granary_migrations (Version, Name, Checksum) SELECT {version:UInt32}, {name:String}, {checksum:String}")
            .param("version", migration.version)
            .param("name", migration.name)
            .param("checksum", &migration.checksum);
        warehouse
            .within_timeout(async { Ok(record.execute().await?) })
            .await
            .map_err(named(&migration.to_string()))?;
        tracing::info!(migration = %migration, "applied");
    }
    Ok(pending)
}

async fn history(warehouse: &Warehouse) -> Result<Vec<Applied>, ClickHouseError> {
    let query = warehouse.query("SELECT Version, Checksum FROM granary_migrations FINAL ORDER BY Version");
    warehouse.within_timeout(async { Ok(query.fetch_all().await?) }).await
}

/// The statements of a file: each ends with a semicolon at the end of a line, and with nothing else there.
fn statements(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(";\n").filter(|statement| {
        statement.lines().any(|line| !line.trim().is_empty() && !line.trim_start().starts_with("--"))
    })
}

/// A name as ClickHouse takes it whatever is in it.
pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| char::from(b"0123456789abcdef"[usize::from(nibble)]))
        .collect()
}

impl std::fmt::Display for Migration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}_{}", self.version, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_is_given_twice_and_every_file_holds_statements() {
        let migrations = all();
        assert_eq!(
            migrations.len(),
            DDL.files().filter(|f| f.path().extension().is_some_and(|e| e == "sql")).count()
        );
        assert!(migrations.iter().map(|migration| migration.version).is_sorted_by(|one, next| one < next));
        for migration in &migrations {
            assert!(statements(migration.sql).count() > 0, "{migration}");
        }
    }

    #[test]
    fn statements_end_at_a_semicolon_at_the_end_of_a_line() {
        let sql = "-- first; not a statement\nCREATE a;\n\nINSERT 'x;y'\nVALUES 1;\n-- only a comment\n";
        let found: Vec<_> = statements(sql).map(str::trim).collect();
        assert_eq!(found, ["-- first; not a statement\nCREATE a", "INSERT 'x;y'\nVALUES 1"]);
    }
}

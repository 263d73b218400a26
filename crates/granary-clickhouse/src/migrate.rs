//! Applies the numbered files of `ddl/`, each once.
//!
//! A table of applied migrations keeps number, name and checksum. Every statement is written to be harmless
//! when repeated (`IF NOT EXISTS`, deduplicated seeds), so a run that was interrupted, or two runs at once, end
//! where one whole run ends. A file that was changed after it was applied is refused: the tables it
//! made would not be the ones it describes.
//!
//! In a cluster each statement is rendered for all of its servers ([`crate::cluster`]). Shards without replicas have a history
//! each. Where tables are replicated there is one history, so a server that came later is known by the tables that it
//! lacks, and everything is run once more.

use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cluster::{self, RenderError};
use crate::{ClickHouseError, ClusterConfig, Warehouse};

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
    /// A file has a statement that a cluster cannot be given.
    #[error("migration {migration} cannot be applied to a cluster: {source}")]
    Unrendered {
        /// Number and name.
        migration: String,
        /// Which statement, and why.
        source: RenderError,
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

/// Compares the files with what the database has. A database that is not there has nothing applied; in a cluster that
/// is applied which is applied on all servers.
///
/// # Errors
///
/// ClickHouse does not answer, or a file is not the one that was applied.
pub async fn status(warehouse: &Warehouse) -> Result<Status, MigrateError> {
    let mut pending = Vec::new();
    for server in warehouse.each() {
        pending.extend(status_of(&server).await?.pending);
    }
    let (pending, applied) = all().into_iter().partition(|migration| pending.contains(migration));
    Ok(Status { applied, pending })
}

async fn status_of(server: &Warehouse) -> Result<Status, MigrateError> {
    let failed = |source| MigrateError::Statement { migration: "history".to_owned(), source };
    // UNKNOWN_DATABASE and UNKNOWN_TABLE: nothing was ever applied.
    let applied = match history(server).await {
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
    let is_one_history = server.cluster().is_some_and(ClusterConfig::is_replicated);
    if is_one_history && !server.tables_missing_somewhere().await.map_err(failed)?.is_empty() {
        status.pending = std::mem::take(&mut status.applied).into_iter().chain(status.pending).collect();
    }
    Ok(status)
}

/// Makes the database and applies what is pending, on every server of a cluster. Returns what was applied now.
///
/// # Errors
///
/// As [`status`], and where a statement is refused; what was applied before it stays applied.
pub async fn apply(warehouse: &Warehouse) -> Result<Vec<Migration>, MigrateError> {
    let mut applied = Vec::new();
    for server in warehouse.each() {
        let now = apply_to(&server).await?;
        applied.extend(now.into_iter().filter(|migration| !applied.contains(migration)).collect::<Vec<_>>());
    }
    Ok(applied)
}

async fn apply_to(server: &Warehouse) -> Result<Vec<Migration>, MigrateError> {
    let named = |migration: &str| {
        let migration = migration.to_owned();
        move |source| MigrateError::Statement { migration, source }
    };
    let create =
        format!("CREATE DATABASE IF NOT EXISTS {}{}", quoted(server.database()), server.on_cluster());
    server
        .within_timeout(async { Ok(server.without_database().query_raw(&create).execute().await?) })
        .await
        .map_err(named("database"))?;
    for statement in rendered(server, HISTORY, "history")? {
        server.execute(&statement).await.map_err(named("history"))?;
    }
    let pending = status_of(server).await?.pending;
    for migration in &pending {
        let name = migration.to_string();
        for statement in statements(migration.sql) {
            for statement in rendered(server, statement, &name)? {
                server.execute(&statement).await.map_err(named(&name))?;
            }
        }
        let record = server
            .query("INSERT INTO granary_migrations (Version, Name, Checksum) SELECT {version:UInt32}, {name:String}, {checksum:String}")
            .param("version", migration.version)
            .param("name", migration.name)
            .param("checksum", &migration.checksum);
        server.within_timeout(async { Ok(record.execute().await?) }).await.map_err(named(&name))?;
        tracing::info!(migration = %migration, "applied");
    }
    Ok(pending)
}

/// A statement as the server takes it: as it stands, or as the statements that a cluster needs in its place.
fn rendered(server: &Warehouse, statement: &str, migration: &str) -> Result<Vec<String>, MigrateError> {
    match server.cluster() {
        None if server.config.shared_merge_tree => Ok(vec![cluster::with_both_windows(statement)]),
        None => Ok(vec![statement.to_owned()]),
        Some(cluster) => cluster::render(statement, cluster, server.database())
            .map_err(|source| MigrateError::Unrendered { migration: migration.to_owned(), source }),
    }
}

/// All statements that make an empty database of a cluster what it is to be, in their order. For whoever wants to see them:
/// [`apply`] runs the same.
///
/// # Errors
///
/// A file has a statement that a cluster cannot be given.
pub fn cluster_statements(cluster: &ClusterConfig, database: &str) -> Result<Vec<String>, RenderError> {
    let create = format!("CREATE DATABASE IF NOT EXISTS {}{}", quoted(database), cluster.on_cluster());
    let mut all_statements = vec![create];
    all_statements.extend(rendered_for(cluster, database, HISTORY)?);
    for migration in all() {
        all_statements.extend(rendered_for(cluster, database, migration.sql)?);
    }
    Ok(all_statements)
}

/// What the statements of a file become in a cluster.
///
/// # Errors
///
/// As [`cluster_statements`].
pub fn rendered_for(cluster: &ClusterConfig, database: &str, sql: &str) -> Result<Vec<String>, RenderError> {
    let mut rendered = Vec::new();
    for statement in statements(sql) {
        rendered.extend(cluster::render(statement, cluster, database)?);
    }
    Ok(rendered)
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

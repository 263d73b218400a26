//! Applies the numbered files of `ddl/`, each once.
//!
//! A table of applied migrations keeps number, name and checksum. Every statement is written to be harmless
//! when repeated (`IF NOT EXISTS`, deduplicated seeds), so a run that was interrupted, or two runs at once, end
//! where one whole run ends. A file that was changed after it was applied is refused: the tables it
//! made would not be the ones it describes.
//!
//! In a cluster each statement is rendered for all of its servers ([`crate::cluster`]). Shards without replicas have a history
//! each. Where tables are replicated there is one history, so a server that came later is known by the tables that it
//! lacks; [`complete`] makes them there, when an operator asks for it. No role asks all servers: one that is away must keep none from
//! starting or answering.

use include_dir::{Dir, include_dir};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cluster::{self, RenderError};
use crate::{ClickHouseConfig, ClickHouseError, ClusterConfig, Warehouse};

static DDL: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../ddl");

pub(crate) const HISTORY_TABLE: &str = "granary_migrations";

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
    /// The server came later than the tables, and has none of them yet.
    #[error(
        "other servers of the cluster have tables that this one lacks; run `granary migrate`, which makes them here as well"
    )]
    NewServer,
    /// A server words a table in a way that is not known.
    #[error(
        "{table} is missing on some servers, and those that have it word it in an unknown way; make it there by hand, as SHOW CREATE says"
    )]
    Unworded {
        /// The table.
        table: String,
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

/// Compares the files with what the database has. A database that is not there has nothing applied; of shards that have a history
/// each, that is applied which is applied on all.
///
/// # Errors
///
/// ClickHouse does not answer, or a file is not the one that was applied.
pub async fn status(warehouse: &Warehouse) -> Result<Status, MigrateError> {
    let mut pending = Vec::new();
    for server in warehouse.each() {
        pending.extend(status_here(&server).await?.pending);
    }
    let (pending, applied) = all().into_iter().partition(|migration| pending.contains(migration));
    Ok(Status { applied, pending })
}

/// [`status`] by what the one server says that is spoken to: no other one is asked, and nothing but its history.
///
/// # Errors
///
/// As [`status`].
pub async fn status_here(server: &Warehouse) -> Result<Status, MigrateError> {
    // UNKNOWN_DATABASE and UNKNOWN_TABLE: nothing was ever applied.
    let applied = match history(server).await {
        Err(error) if matches!(error.code(), Some(81 | 60)) => Vec::new(),
        other => other.map_err(of_history)?,
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

/// Makes the database and applies what is pending, on every server of a cluster. Returns what was applied now. Where nothing is
/// pending, nothing is sent that changes anything.
///
/// # Errors
///
/// As [`status`], and where a statement is refused; what was applied before it stays applied.
pub async fn apply(warehouse: &Warehouse) -> Result<Vec<Migration>, MigrateError> {
    let mut applied = Vec::new();
    for server in warehouse.each() {
        let pending = status_here(&server).await?.pending;
        if pending.len() == all().len() {
            ensure_is_not_new(&server).await?;
        }
        apply_to(&server, &pending).await?;
        applied
            .extend(pending.into_iter().filter(|migration| !applied.contains(migration)).collect::<Vec<_>>());
    }
    Ok(applied)
}

/// Makes the tables on servers of a replicated cluster that lack them, as the others have them. Returns their names.
///
/// # Errors
///
/// A server of the cluster does not answer, or a statement is refused.
pub async fn complete(warehouse: &Warehouse) -> Result<Vec<String>, MigrateError> {
    let Some(cluster) = warehouse.cluster().filter(|cluster| cluster.is_replicated()) else {
        return Ok(Vec::new());
    };
    let missing = warehouse.missing_somewhere().await.map_err(of_history)?;
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let failed = |table: &str| {
        let migration = format!("of {table} on servers that lack it");
        move |source| MigrateError::Statement { migration, source }
    };
    make_database(warehouse).await?;
    for table in &missing {
        let unworded = || MigrateError::Unworded { table: table.name.clone() };
        let statement = table.statement(cluster).ok_or_else(unworded)?;
        warehouse.execute_everywhere(warehouse.query(&statement)).await.map_err(failed(&table.name))?;
    }
    // Or a server that has the history's table, and not yet its rows, would have everything applied once more.
    warehouse.sync_replicas(&[HISTORY_TABLE]).await.map_err(of_history)?;
    Ok(missing.into_iter().map(|table| table.name).collect())
}

fn of_history(source: ClickHouseError) -> MigrateError {
    MigrateError::Statement { migration: "history".to_owned(), source }
}

/// Replicas have one history: a server without it, where others have it, came later.
async fn ensure_is_not_new(server: &Warehouse) -> Result<(), MigrateError> {
    let is_one_history = server.cluster().is_some_and(ClusterConfig::is_replicated);
    if is_one_history
        && history(server).await.is_err()
        && server.is_somewhere(HISTORY_TABLE).await.map_err(of_history)?
    {
        return Err(MigrateError::NewServer);
    }
    Ok(())
}

async fn make_database(server: &Warehouse) -> Result<(), MigrateError> {
    let create = create_database(&server.config);
    let failed = |source| MigrateError::Statement { migration: "database".to_owned(), source };
    server.execute_everywhere(server.without_database().query_raw(&create)).await.map_err(failed)
}

async fn apply_to(server: &Warehouse, pending: &[Migration]) -> Result<(), MigrateError> {
    if pending.is_empty() {
        return Ok(());
    }
    let named = |migration: &str| {
        let migration = migration.to_owned();
        move |source| MigrateError::Statement { migration, source }
    };
    make_database(server).await?;
    let history = std::iter::once(("history".to_owned(), HISTORY, None));
    let files = pending.iter().map(|migration| (migration.to_string(), migration.sql, Some(migration)));
    for (name, sql, migration) in history.chain(files) {
        let unrendered = |source| MigrateError::Unrendered { migration: name.clone(), source };
        for statement in rendered(&server.config, sql).map_err(unrendered)? {
            server.execute_everywhere(server.query(&statement)).await.map_err(named(&name))?;
        }
        let Some(migration) = migration else { continue };
        let record = server
            .query("INSERT INTO granary_migrations (Version, Name, Checksum) SELECT {version:UInt32}, {name:String}, {checksum:String}")
            .param("version", migration.version)
            .param("name", migration.name)
            .param("checksum", &migration.checksum);
        server.within_timeout(async { Ok(record.execute().await?) }).await.map_err(named(&name))?;
        tracing::info!(migration = %migration, "applied");
    }
    Ok(())
}

fn create_database(config: &ClickHouseConfig) -> String {
    let on = config.cluster.as_ref().map(|cluster| cluster.on_cluster()).unwrap_or_default();
    format!("CREATE DATABASE IF NOT EXISTS {}{on}", quoted(&config.database))
}

/// All statements that make of an empty ClickHouse what it is to be, in their order: what [`apply`] runs.
///
/// # Errors
///
/// A file has a statement that a cluster cannot be given.
pub fn all_statements(config: &ClickHouseConfig) -> Result<Vec<String>, RenderError> {
    let mut statements = vec![create_database(config)];
    statements.extend(rendered(config, HISTORY)?);
    for migration in all() {
        statements.extend(rendered(config, migration.sql)?);
    }
    Ok(statements)
}

/// The statements of a file as a server takes them: as they stand, or what a cluster or a service needs in their place.
///
/// # Errors
///
/// As [`all_statements`].
pub fn rendered(config: &ClickHouseConfig, sql: &str) -> Result<Vec<String>, RenderError> {
    let mut rendered = Vec::new();
    for statement in statements(sql) {
        match &config.cluster {
            Some(cluster) => rendered.extend(cluster::render(statement, cluster, &config.database)?),
            None if config.shared_merge_tree => rendered.push(cluster::with_both_windows(statement)),
            None => rendered.push(statement.to_owned()),
        }
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

pub(crate) fn hex(bytes: &[u8]) -> String {
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

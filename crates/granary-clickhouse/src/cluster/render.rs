//! A statement of `ddl/`, as the servers of a cluster take it.
//!
//! The files are written for one server and can be run there by hand. Their rules (`ddl/README.md`) have the words that
//! matter here at the beginning of a line, so that this is a matter of lines and no parser of SQL:
//!
//! | in the file | in a cluster |
//! |---|---|
//! | `CREATE TABLE t … ENGINE = M…` | the same as `t_local`, with the replicated engine and window; then `t`, `Distributed` over it |
//! | `CREATE MATERIALIZED VIEW v TO t … FROM s` | `v UUID … TO t_local … FROM s_local AS s`: a server's view sees a server's rows |
//! | `CREATE VIEW` | the same, over the distributed tables |
//! | `ALTER TABLE t … COLUMN` | of `t_local` and of `t` |
//! | `ALTER TABLE t …` | of `t_local` |
//! | `INSERT INTO` a table that is whole everywhere | the same |
//!
//! **A materialized column is a constant in the distributed table.** The server that takes an insert works the column out,
//! throws the value away and sends the others on, and the shard works it out again; a reader gets the shard's value. With the
//! expressions of `0018_commands.sql` working it out was nine tenths of what the first server had to do with an insert.
//!
//! **What lines do not show is not rendered:** a `FROM` or `ENGINE` further in a line, a table that is joined, a subquery. A view that has them
//! would read the distributed table for each insert. The rules of `ddl/README.md` keep files from it, and a look at what the tests
//! keep of the rendering shows it.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::ClusterConfig;
use super::layout::{Place, local};

/// What can be done about a file that came with this version.
const FAULT: &str = "it is a fault of this version of Granary: report it, and stay with the version before, which a cluster of the older tables \
     goes on with";

/// A statement that has no form for a cluster.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The statement begins with nothing that is known.
    ///
    /// `ddl/README.md` has the rules that there are.
    #[error("no rule says what the statement that begins with {line:?} is in a cluster; {fault}", fault = FAULT)]
    Unknown {
        /// Its first line.
        line: String,
    },
    /// All shards would be replicas of one another.
    #[error(
        "clickhouse.replica_path is {path:?}, which is the same for every shard; it has to contain {{shard}}, a macro of each server"
    )]
    OnePath {
        /// The path.
        path: String,
    },
    /// A column cannot have two names at once, and the rows' tables and the distributed ones do not change at once.
    #[error(
        "a column of {table} cannot be renamed in a cluster: between the two tables' changes nobody could read or write it; add a column \
         of the new name, and take the old one away in a later file"
    )]
    Rename {
        /// The table.
        table: String,
    },
    /// Nobody has said which of the table's rows are on which server; `cluster/layout.rs` is where that is said.
    #[error("the table {table} has no place in a cluster; {fault}", fault = FAULT)]
    NoPlace {
        /// The table.
        table: String,
    },
}

/// The statements that have the effect of this one in a cluster, in their order.
pub(crate) fn render(
    statement: &str,
    cluster: &ClusterConfig,
    database: &str,
) -> Result<Vec<String>, RenderError> {
    let statement = statement.trim();
    let (comment, head, rest) = split(statement);
    let on = cluster.on_cluster();
    if let Some(table) = head.strip_prefix("CREATE TABLE IF NOT EXISTS ") {
        return create_table(comment, table.trim(), rest, cluster, database);
    }
    if let Some(view) = head.strip_prefix("CREATE MATERIALIZED VIEW IF NOT EXISTS ") {
        let unknown = || RenderError::Unknown { line: head.to_owned() };
        let (view, target) =
            view.strip_suffix(" AS").and_then(|view| view.split_once(" TO ")).ok_or_else(unknown)?;
        let (target, uuid) = (local(target), uuid_of(database, view));
        let sql = format!(
            "{comment}CREATE MATERIALIZED VIEW IF NOT EXISTS {view} UUID '{uuid}'{on} TO {target} AS\n{}",
            own_rows(rest)
        );
        return Ok(vec![sql]);
    }
    if let Some(view) = head.strip_prefix("CREATE VIEW IF NOT EXISTS ") {
        let view = view.strip_suffix(" AS").ok_or_else(|| RenderError::Unknown { line: head.to_owned() })?;
        return Ok(vec![format!("{comment}CREATE VIEW IF NOT EXISTS {view}{on} AS\n{rest}")]);
    }
    if let Some(altered) = head.strip_prefix("ALTER TABLE ") {
        let (table, command) = altered.split_once(' ').unwrap_or((altered, ""));
        return alter(comment, table, command, rest, cluster);
    }
    if let Some(table) = head.strip_prefix("INSERT INTO ") {
        let table = table.split([' ', '(']).next().unwrap_or_default();
        return match Place::of(table) {
            Some(Place::Everywhere) => Ok(vec![statement.to_owned()]),
            Some(_) => Err(RenderError::Unknown { line: head.to_owned() }),
            None => Err(RenderError::NoPlace { table: table.to_owned() }),
        };
    }
    Err(RenderError::Unknown { line: head.to_owned() })
}

/// The name of the table or view that a statement makes.
pub(crate) fn made_by(statement: &str) -> Option<&str> {
    let (_, head, _) = split(statement);
    let kinds = ["TABLE", "MATERIALIZED VIEW", "VIEW"];
    let named = kinds
        .into_iter()
        .find_map(|kind| head.strip_prefix("CREATE ")?.strip_prefix(kind)?.strip_prefix(" IF NOT EXISTS "))?;
    named.split(' ').next()
}

/// A published view's statement; its first line that is no comment ends with the view's name.
pub(crate) fn render_view(statement: &str, cluster: &ClusterConfig) -> String {
    let (comment, head, rest) = split(statement.trim());
    format!("{comment}{head}{}\n{rest}", cluster.on_cluster())
}

/// A view's UUID, which follows from its name.
///
/// Of a view's rows a token is made of the insert's and of what the view is known by: its name, as 26.7 was seen to do,
/// or its UUID, as ClickHouse's sources have it in other versions; which ones was not tried. An insert that is repeated
/// through another server must have the same there, also if that server's view was made by a statement of its own.
fn uuid_of(database: &str, view: &str) -> Uuid {
    let digest = Sha256::digest(format!("granary {database}.{view}"));
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(digest).for_each(|(byte, of_name)| *byte = of_name);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// Comments before the statement, its first line, and what comes after.
fn split(statement: &str) -> (&str, &str, &str) {
    let mut at = 0;
    for line in statement.split_inclusive('\n') {
        if !line.trim().is_empty() && !line.starts_with("--") {
            break;
        }
        at += line.len();
    }
    let (comment, code) = statement.split_at_checked(at).unwrap_or((statement, ""));
    let (head, rest) = code.split_once('\n').unwrap_or((code, ""));
    (comment, head, rest)
}

fn create_table(
    comment: &str,
    table: &str,
    rest: &str,
    cluster: &ClusterConfig,
    database: &str,
) -> Result<Vec<String>, RenderError> {
    let place = Place::of(table).ok_or_else(|| RenderError::NoPlace { table: table.to_owned() })?;
    let on = cluster.on_cluster();
    let is_shared_out = place != Place::Everywhere;
    let name = if is_shared_out { local(table) } else { table.to_owned() };
    let definition =
        if cluster.is_replicated() { replicated(rest, cluster, is_shared_out) } else { rest.to_owned() };
    if cluster.is_replicated() && !cluster.replica_path.contains(SHARD) {
        return Err(RenderError::OnePath { path: cluster.replica_path.clone() });
    }
    let mut statements = vec![format!("{comment}CREATE TABLE IF NOT EXISTS {name}{on}\n{definition}")];
    if is_shared_out {
        let key = match place {
            Place::By(key) => format!(", {key}"),
            Place::WithItsSource | Place::Everywhere => String::new(),
        };
        statements.push(format!(
            "CREATE TABLE IF NOT EXISTS {table}{on} AS {name}\nENGINE = Distributed({}, {}, {}{key})",
            text(&cluster.name),
            text(database),
            text(&name)
        ));
    }
    Ok(statements)
}

/// The macro that tells shards apart. Another one would do for the tables that are shared out; those that are whole everywhere need to know
/// which part of the path it is.
const SHARD: &str = "{shard}";

/// With the replicated engine in the place of the plain one, and the window that this one knows.
fn replicated(definition: &str, cluster: &ClusterConfig, is_shared_out: bool) -> String {
    let (path, name) = (&cluster.replica_path, &cluster.replica_name);
    // The tables that are whole everywhere have one path for all shards, so a replica's name has its shard in it.
    let (path, name) = if is_shared_out {
        (path.clone(), name.clone())
    } else {
        (path.replace(SHARD, "all"), format!("{SHARD}-{name}"))
    };
    let place = format!("{}, {}", text(&path), text(&name));
    let lines = definition.lines().map(|line| match line.strip_prefix("ENGINE = ") {
        Some(engine) => match engine.strip_suffix(')').and_then(|engine| engine.split_once('(')) {
            Some((engine, arguments)) => format!("ENGINE = Replicated{engine}({place}, {arguments})"),
            None => format!("ENGINE = Replicated{engine}({place})"),
        },
        None => line.replace(PLAIN_WINDOW, REPLICATED_WINDOW),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A statement for a service that keeps the tables in `SharedMergeTree`: the engine's name stays, and so does the window of a plain
/// table, which a service that does not replicate would go by.
pub(crate) fn with_both_windows(statement: &str) -> String {
    let mut parts = statement.split(PLAIN_WINDOW);
    let before = parts.next().unwrap_or_default();
    let with_both = parts.map(|rest| {
        let window: String = rest.chars().take_while(char::is_ascii_digit).collect();
        format!("{REPLICATED_WINDOW}{window}, {PLAIN_WINDOW}{rest}")
    });
    std::iter::once(before.to_owned()).chain(with_both).collect()
}

const PLAIN_WINDOW: &str = "non_replicated_deduplication_window = ";

/// A replicated table forgets tokens by their age, too: by default within an hour, which a server may be away for.
const REPLICATED_WINDOW: &str =
    "replicated_deduplication_window_seconds = 604800, replicated_deduplication_window = ";

/// A view's statement over the rows of its own server. Its columns may be named after the table.
fn own_rows(select: &str) -> String {
    let lines = select.lines().map(|line| match line.strip_prefix("FROM ") {
        Some(table) if Place::of(table).is_some_and(|place| place != Place::Everywhere) => {
            format!("FROM {} AS {table}", local(table))
        }
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What a distributed table must be told as well.
const OF_COLUMNS: [&str; 3] = ["ADD COLUMN ", "MODIFY COLUMN ", "DROP COLUMN "];

fn alter(
    comment: &str,
    table: &str,
    command: &str,
    rest: &str,
    cluster: &ClusterConfig,
) -> Result<Vec<String>, RenderError> {
    let on = cluster.on_cluster();
    let replicated_window = command.replace(PLAIN_WINDOW, REPLICATED_WINDOW);
    let command = if cluster.is_replicated() { &replicated_window } else { command };
    let end = if rest.is_empty() { String::new() } else { format!("\n{rest}") };
    if command.starts_with("RENAME COLUMN ") {
        return Err(RenderError::Rename { table: table.to_owned() });
    }
    if command.starts_with("MODIFY QUERY") {
        return Ok(vec![format!("{comment}ALTER TABLE {table}{on} {command}{}", own_rows(&end))]);
    }
    match Place::of(table) {
        None => return Err(RenderError::NoPlace { table: table.to_owned() }),
        Some(Place::Everywhere) => {
            return Ok(vec![format!("{comment}ALTER TABLE {table}{on} {command}{end}")]);
        }
        Some(_) => {}
    }
    let of_rows = format!("{comment}ALTER TABLE {}{on} {command}{end}", local(table));
    if !OF_COLUMNS.iter().any(|of| command.starts_with(of)) {
        return Ok(vec![of_rows]);
    }
    let distributed = format!("ALTER TABLE {table}{on} {}", without_expression(&format!("{command}{end}")));
    // No server may be asked for a column that its own table has not.
    let both = [of_rows, distributed];
    Ok(if command.starts_with("DROP") { both.into_iter().rev().collect() } else { both.into() })
}

/// A materialized column's definition with a constant in the place of its expression.
fn without_expression(definition: &str) -> String {
    const MATERIALIZED: &str = " MATERIALIZED";
    let Some((column, _)) = definition.split_once(MATERIALIZED) else { return definition.to_owned() };
    let words = column.strip_prefix("ADD COLUMN ").or_else(|| column.strip_prefix("MODIFY COLUMN "));
    let words = words.unwrap_or(column);
    let words =
        words.strip_prefix("IF NOT EXISTS ").or_else(|| words.strip_prefix("IF EXISTS ")).unwrap_or(words);
    match words.split_once(' ') {
        Some((_, of_type)) => format!("{column}{MATERIALIZED} defaultValueOfTypeName({})", text(of_type)),
        None => definition.to_owned(),
    }
}

/// A text as ClickHouse takes it whatever is in it.
pub(crate) fn text(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replicated_cluster() -> ClusterConfig {
        ClusterConfig::replicated("it's `mine`")
    }

    fn rendered(statement: &str) -> Vec<String> {
        render(statement, &replicated_cluster(), "otel").unwrap()
    }

    #[test]
    fn names_from_the_settings_are_quoted_wherever_they_stand() {
        let create = "CREATE TABLE IF NOT EXISTS archive_leases\n(\n    TenantId String\n)\nENGINE = MergeTree\nORDER BY TenantId";
        let cluster = ClusterConfig { replica_path: "/a'b/{shard}".to_owned(), ..replicated_cluster() };
        let [own, distributed] = render(create, &cluster, "o'tel").unwrap().try_into().unwrap();
        assert!(own.contains("archive_leases_local ON CLUSTER `it's \\`mine\\``\n"), "{own}");
        assert!(own.contains("ReplicatedMergeTree('/a\\'b/{shard}', '{replica}')"), "{own}");
        assert!(
            distributed.contains("Distributed('it\\'s `mine`', 'o\\'tel', 'archive_leases_local', "),
            "{distributed}"
        );
    }

    #[test]
    fn a_column_is_added_to_the_rows_first_and_taken_from_them_last() {
        let on = replicated_cluster().on_cluster();
        assert_eq!(
            rendered(
                "ALTER TABLE otel_logs ADD COLUMN IF NOT EXISTS A Tuple(b String) MATERIALIZED\n    f(\n        x)"
            ),
            [
                format!(
                    "ALTER TABLE otel_logs_local{on} ADD COLUMN IF NOT EXISTS A Tuple(b String) MATERIALIZED\n    f(\n        x)"
                ),
                format!(
                    "ALTER TABLE otel_logs{on} ADD COLUMN IF NOT EXISTS A Tuple(b String) MATERIALIZED \
                     defaultValueOfTypeName('Tuple(b String)')"
                ),
            ]
        );
        assert_eq!(
            rendered("-- why\nALTER TABLE otel_logs DROP COLUMN IF EXISTS A"),
            [
                format!("ALTER TABLE otel_logs{on} DROP COLUMN IF EXISTS A"),
                format!("-- why\nALTER TABLE otel_logs_local{on} DROP COLUMN IF EXISTS A"),
            ]
        );
    }

    #[test]
    fn what_a_distributed_table_has_not_is_changed_in_the_rows_alone() {
        let on = replicated_cluster().on_cluster();
        assert_eq!(
            rendered("ALTER TABLE otel_logs ADD INDEX IF NOT EXISTS i Model TYPE set(0)"),
            [format!("ALTER TABLE otel_logs_local{on} ADD INDEX IF NOT EXISTS i Model TYPE set(0)")]
        );
        assert_eq!(
            rendered("ALTER TABLE cost_hourly_mv MODIFY QUERY\nSELECT otel_logs.Cost\nFROM otel_logs"),
            [format!(
                "ALTER TABLE cost_hourly_mv{on} MODIFY QUERY\nSELECT otel_logs.Cost\nFROM otel_logs_local AS otel_logs"
            )]
        );
    }

    #[test]
    fn a_shared_table_gets_both_windows_and_keeps_all_else() {
        assert_eq!(
            with_both_windows(
                "ENGINE = MergeTree\nORDER BY a\nSETTINGS x = 1, non_replicated_deduplication_window = 100"
            ),
            "ENGINE = MergeTree\nORDER BY a\nSETTINGS x = 1, replicated_deduplication_window_seconds = 604800, \
             replicated_deduplication_window = 100, non_replicated_deduplication_window = 100"
        );
        assert_eq!(with_both_windows("SELECT 1"), "SELECT 1");
    }

    #[test]
    fn a_changed_window_is_that_of_the_tables_that_there_are() {
        let alter = "ALTER TABLE cost_hourly MODIFY SETTING non_replicated_deduplication_window = 20000";
        let on = replicated_cluster().on_cluster();
        assert_eq!(
            rendered(alter),
            [format!(
                "ALTER TABLE cost_hourly_local{on} MODIFY SETTING replicated_deduplication_window_seconds = 604800, \
                 replicated_deduplication_window = 20000"
            )]
        );
        let plain = ClusterConfig::plain("c", vec!["http://a:8123".to_owned()]);
        assert_eq!(
            render(alter, &plain, "otel").unwrap(),
            ["ALTER TABLE cost_hourly_local MODIFY SETTING non_replicated_deduplication_window = 20000"]
        );
    }

    #[test]
    fn a_path_that_does_not_tell_shards_apart_is_refused() {
        let create = "CREATE TABLE IF NOT EXISTS model_prices\n(\n)\nENGINE = MergeTree";
        let path = "/tables/{layer}/{table}".to_owned();
        let refused = render(create, &ClusterConfig { replica_path: path, ..replicated_cluster() }, "otel");
        assert_eq!(
            refused.unwrap_err().to_string(),
            "clickhouse.replica_path is \"/tables/{layer}/{table}\", which is the same for every shard; it has to contain {shard}, \
             a macro of each server"
        );
    }

    #[test]
    fn what_has_no_rule_is_refused_and_said_to_be() {
        let of = |statement| render(statement, &replicated_cluster(), "otel").unwrap_err().to_string();
        assert_eq!(
            of("TRUNCATE TABLE otel_logs"),
            format!(
                "no rule says what the statement that begins with \"TRUNCATE TABLE otel_logs\" is in a cluster; {FAULT}"
            )
        );
        assert_eq!(
            of("CREATE TABLE IF NOT EXISTS new\n(\n)\nENGINE = MergeTree"),
            format!("the table new has no place in a cluster; {FAULT}")
        );
        assert!(of("INSERT INTO otel_logs SELECT 1").starts_with("no rule says"));
        assert!(
            of("ALTER TABLE otel_logs RENAME COLUMN IF EXISTS a TO b")
                .starts_with("a column of otel_logs cannot be renamed in a cluster")
        );
    }
}

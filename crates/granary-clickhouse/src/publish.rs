//! The published views: what other people's statements may read, and whose rows they see there.
//!
//! BI tools bring SQL of their own. They speak as a guest who is granted the database of these views and nothing
//! else; the views read the tables with their owner's rights. Whose rows a view shows is said by the id of the query
//! ([`Scope::query_id`]): whoever passes a statement on to ClickHouse chooses the id, no statement can change its
//! own, ClickHouse hands it to other shards, and takes it for a constant, so that the sort key prunes by tenant. An id
//! that says nothing shows nothing.
//!
//! The views are made anew at a start that does not find this version's, so they have the columns of this version. Which ones were made
//! stands in the history of migrations, as version 0: a start that has nothing to change says nothing to the other servers of a
//! cluster, and does not wait for one that is away.

use std::fmt::Write;

use granary_model::TenantId;
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::migrate::{hex, quoted};
use crate::{ClickHouseError, ClusterConfig, Warehouse, cluster};

static VIEWS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../ddl/published");

/// Stands in a view's file for the condition on the rows that it shows.
const SCOPE_MARK: &str = "{scope}";

/// Stands in its place where a table tells its rows apart by tenant alone.
const TENANT_MARK: &str = "{tenant}";

/// The condition: the second part of the query's id is the tenant, the third a user and the fourth a team, if the
/// caller sees no others; all in hexadecimal.
const SCOPE: &str = "splitByChar('.', initialQueryID())[2] != ''
    AND TenantId = unhex(splitByChar('.', initialQueryID())[2])
    AND (splitByChar('.', initialQueryID())[3] = '' OR UserId = unhex(splitByChar('.', initialQueryID())[3]))
    AND (splitByChar('.', initialQueryID())[4] = '' OR TeamId = unhex(splitByChar('.', initialQueryID())[4]))";

/// The same for rows that belong to no user and no team: whoever sees one user's or team's rows alone sees none of them.
const TENANT: &str = "splitByChar('.', initialQueryID())[2] != ''
    AND TenantId = unhex(splitByChar('.', initialQueryID())[2])
    AND splitByChar('.', initialQueryID())[3] = ''
    AND splitByChar('.', initialQueryID())[4] = ''";

/// Whose rows a guest's statement sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Of this tenant.
    pub tenant: TenantId,
    /// If given, of this user alone.
    pub user: Option<String>,
    /// If given, of this team alone.
    pub team: Option<String>,
}

impl Scope {
    /// The id of the query that sees these rows. `request` must be new.
    #[must_use]
    pub fn query_id(&self, request: Uuid) -> String {
        let mut id = request.to_string();
        let parts = [Some(self.tenant.as_str()), self.user.as_deref(), self.team.as_deref()];
        for part in parts {
            id.push('.');
            for byte in part.unwrap_or_default().bytes() {
                write!(id, "{byte:02x}").ok();
            }
        }
        id
    }
}

/// Makes the database of the views, and the views, of the tables in the owner's database, where they are not there as they
/// are to be.
///
/// # Errors
///
/// ClickHouse does not answer, or the owner has no right to make views there.
pub async fn publish(owner: &Warehouse, database: &str) -> Result<(), ClickHouseError> {
    let create = format!("CREATE DATABASE IF NOT EXISTS {}{}", quoted(database), owner.on_cluster());
    let statements: Vec<_> = statements(owner.cluster()).collect();
    let checksum = hex(&Sha256::digest(format!("{create};\n{}", statements.join(";\n"))));
    for server in owner.each() {
        if is_published(&server, database, &checksum).await? {
            continue;
        }
        server.execute_everywhere(server.query(&create)).await?;
        for sql in &statements {
            server.execute_everywhere(server.query(sql).param("published", database)).await?;
        }
        let made = server
            .query("INSERT INTO granary_migrations (Version, Name, Checksum) SELECT 0, {name:String}, {checksum:String}")
            .param("name", format!("views of {database}"))
            .param("checksum", &checksum);
        server.within_timeout(async { Ok(made.execute().await?) }).await?;
    }
    Ok(())
}

/// Whether the server has all views, and they were made by these statements.
async fn is_published(server: &Warehouse, database: &str, checksum: &str) -> Result<bool, ClickHouseError> {
    const SQL: &str = "SELECT count() FROM system.tables WHERE database = {published:String} AND name IN {views:Array(String)} \
         AND {checksum:String} = (SELECT argMax(Checksum, AppliedAt) FROM granary_migrations WHERE Version = 0)";
    let views: Vec<_> = views().map(|(name, _)| name).collect();
    let query =
        server.query(SQL).param("published", database).param("views", &views).param("checksum", checksum);
    let made: u64 = server.within_timeout(async { Ok(query.fetch_one().await?) }).await?;
    Ok(made == views.len() as u64)
}

/// The statements that make the views of a database, which is bound as `published`.
pub fn statements(cluster: Option<&ClusterConfig>) -> impl Iterator<Item = String> {
    views().map(move |(_, sql)| {
        let sql = sql.replace(SCOPE_MARK, SCOPE).replace(TENANT_MARK, TENANT);
        match cluster {
            Some(cluster) => cluster::render_view(&sql, cluster),
            None => sql,
        }
    })
}

/// The views: name and statement.
pub fn views() -> impl Iterator<Item = (&'static str, &'static str)> {
    VIEWS.files().filter_map(|file| {
        let name = file.path().to_str()?.strip_suffix(".sql")?;
        Some((name, file.contents_utf8()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_tenant_user_and_team_so_that_none_can_be_mistaken_for_another() {
        let scope = |user: Option<&str>, team: Option<&str>| Scope {
            tenant: TenantId::new("a.b"),
            user: user.map(str::to_owned),
            team: team.map(str::to_owned),
        };
        let id = |scope: Scope| scope.query_id(Uuid::nil());
        let nil = Uuid::nil();
        assert_eq!(id(scope(None, None)), format!("{nil}.612e62.."));
        assert_eq!(id(scope(Some("é."), None)), format!("{nil}.612e62.c3a92e."));
        assert_eq!(id(scope(None, Some("x"))), format!("{nil}.612e62..78"));
    }
}

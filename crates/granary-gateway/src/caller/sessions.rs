//! Whose a session is, for callers who do not see all of their tenant.

use granary_clickhouse::{TABLES, Warehouse};

use super::{Caller, Forbidden};
use crate::QueryLimits;
use crate::problem::Problem;

/// The group of queries that a session's events count to.
const GROUP: &str = "sessions";

/// Whether a caller may see a session: every row of it that says a user (a team, a project) says one of the caller's,
/// and at least one does. A session that is not the caller's and one that is not there are the same to it.
///
/// What the warehouse no longer has is nobody's, whatever the archive holds.
///
/// # Errors
///
/// It may not, or the warehouse does not say.
pub(crate) async fn may_see_session(
    warehouse: &Warehouse,
    limits: &QueryLimits,
    caller: &Caller,
    session: &str,
) -> Result<(), Problem> {
    if !caller.may(GROUP) {
        return Err(Forbidden::Group { group: GROUP.to_owned() }.into());
    }
    if caller.sees_all() {
        return Ok(());
    }
    let of = |name: &str| {
        let values = caller.access_filters().find(|(filter, _)| *filter == name);
        values.map(|(_, values)| values.to_vec()).unwrap_or_default()
    };
    let sessions = of("session");
    if !sessions.is_empty() && !sessions.iter().any(|own| own == session) {
        return Err(Problem::unknown_session(session));
    }
    let answer = warehouse
        .query(&sql())
        .with_setting("readonly", "2")
        .with_setting("max_execution_time", limits.max_query_time.as_secs().max(1).to_string())
        .with_setting("max_rows_to_read", limits.max_rows_to_read.max(1).to_string())
        .param("tenant", caller.tenant().as_str())
        .param("session", session)
        .param("users", of("user"))
        .param("teams", of("team"))
        .param("projects", of("project"))
        .fetch_one::<u8>()
        .await;
    match answer {
        Ok(1) => Ok(()),
        Ok(_) => Err(Problem::unknown_session(session)),
        Err(error) => Err(Problem::unavailable(&error)),
    }
}

/// Made of our own tables' names and nothing else.
fn sql() -> String {
    let rows = TABLES.map(|table| {
        format!(
            "SELECT toString(UserId) AS user, toString(TeamId) AS team, toString(Project) AS project FROM {table} \
             WHERE TenantId = {{tenant:String}} AND SessionId = {{session:String}}"
        )
    });
    let own = [("user", "users"), ("team", "teams"), ("project", "projects")].map(|(column, values)| {
        let values = format!("{{{values}:Array(String)}}");
        format!(
            "(empty({values}) OR (countIf({column} IN {values}) > 0 AND countIf({column} != '' AND {column} NOT IN {values}) = 0))"
        )
    });
    format!("SELECT toUInt8(count() > 0 AND {}) FROM ({})", own.join(" AND "), rows.join(" UNION ALL "))
}

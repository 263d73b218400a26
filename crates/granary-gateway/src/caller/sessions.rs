//! Whose a session is, for callers who do not see all of their tenant.

use granary_clickhouse::{ClickHouseError, TABLES, Warehouse};
use granary_model::TenantId;

use super::{Caller, Forbidden};
use crate::QueryLimits;
use crate::problem::Problem;

/// The group of queries that a session's events count to.
const GROUP: &str = "sessions";

/// Whose a session must be to be seen: every row of it that says a user (a team, a project) says one of these, and at
/// least one does. None of a kind is that it does not matter.
///
/// What the warehouse no longer has is nobody's, whatever the archive holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Owners {
    users: Vec<String>,
    teams: Vec<String>,
    projects: Vec<String>,
    sessions: Vec<String>,
}

impl Owners {
    /// Those whose sessions a caller sees; nobody in particular where it sees all of its tenant.
    pub(crate) fn seen_by(caller: &Caller) -> Option<Self> {
        let mut owners = Self::default();
        for (filter, values) in caller.access_filters() {
            let of = match filter {
                "user" => &mut owners.users,
                "team" => &mut owners.teams,
                "project" => &mut owners.projects,
                // All that there are; what is not known here is not passed over.
                _ => &mut owners.sessions,
            };
            values.clone_into(of);
        }
        (!caller.sees_all()).then_some(owners)
    }

    /// All the names, each with its kind.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        let Self { users, teams, projects, sessions } = self;
        [("user", users), ("team", teams), ("project", projects), ("session", sessions)]
            .into_iter()
            .map(|(kind, names)| (kind, names.as_slice()))
    }

    /// Whether a session is theirs. One that is not there is nobody's.
    ///
    /// # Errors
    ///
    /// The warehouse does not say.
    pub(crate) async fn have(
        &self,
        session: &str,
        tenant: &TenantId,
        warehouse: &Warehouse,
        limits: &QueryLimits,
    ) -> Result<bool, ClickHouseError> {
        if !self.sessions.is_empty() && !self.sessions.iter().any(|own| own == session) {
            return Ok(false);
        }
        let answer = warehouse
            .query(&sql())
            .with_setting("readonly", "2")
            .with_setting("max_execution_time", limits.max_query_time.as_secs().max(1).to_string())
            .with_setting("max_rows_to_read", limits.max_rows_to_read.max(1).to_string())
            .param("tenant", tenant.as_str())
            .param("session", session)
            .param("users", &self.users)
            .param("teams", &self.teams)
            .param("projects", &self.projects)
            .fetch_one::<u8>()
            .await;
        Ok(answer? == 1)
    }
}

/// Whether a caller may see a session's events. A session that is not the caller's and one that is not there are the same
/// to it.
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
    let Some(owners) = Owners::seen_by(caller) else { return Ok(()) };
    match owners.have(session, caller.tenant(), warehouse, limits).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(Problem::unknown_session(session)),
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

//! Several sessions as one parameter, so that a statement asks about all of them.

use granary_clickhouse::Query;
use granary_model::TenantId;
use serde::Deserialize;

/// Which session, of whom.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
pub(crate) struct SessionName {
    pub(crate) tenant: TenantId,
    pub(crate) session: String,
}

impl SessionName {
    pub(crate) fn new(tenant: &TenantId, session: &str) -> Self {
        Self { tenant: tenant.clone(), session: session.to_owned() }
    }
}

/// The condition that a row is of one of the bound sessions.
pub(crate) const IN_SESSIONS: &str = "(TenantId, SessionId) IN (SELECT name.1, name.2 FROM \
     (SELECT arrayJoin(arrayZip({tenants:Array(String)}, {sessions:Array(String)})) AS name))";

/// The bound sessions as rows with the columns `TenantId` and `SessionId`.
pub(crate) const SESSIONS: &str = "(SELECT name.1 AS TenantId, name.2 AS SessionId FROM \
     (SELECT arrayJoin(arrayZip({tenants:Array(String)}, {sessions:Array(String)})) AS name))";

/// Binds what [`IN_SESSIONS`] and [`SESSIONS`] mean.
pub(crate) fn bind(query: Query, names: &[SessionName]) -> Query {
    let tenants: Vec<_> = names.iter().map(|name| name.tenant.as_str()).collect();
    let sessions: Vec<_> = names.iter().map(|name| name.session.as_str()).collect();
    query.param("tenants", tenants).param("sessions", sessions)
}

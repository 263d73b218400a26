//! Which rows of a table lie on which server.

/// Where a table's rows are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Shared out by this expression over the row's columns. It must give the same for a row that is sent again.
    By(&'static str),
    /// Where the rows are that a view makes them of. Whoever else inserts says the shard.
    WithItsSource,
    /// All of them on every server.
    Everywhere,
}

/// A session's rows lie together, so that its rollups are on one shard, and what has no session is spread.
const BY_SESSION_OR_EVENT: Place =
    Place::By("cityHash64(TenantId, if(SessionId = '', toString(EventId), SessionId))");

/// Gives what [`BY_SESSION_OR_EVENT`] gives for a session.
const BY_SESSION: Place = Place::By("cityHash64(TenantId, SessionId)");

impl Place {
    /// Where a table of `ddl/` has its rows; `None` where nobody has said.
    pub(crate) fn of(table: &str) -> Option<Self> {
        Some(match table {
            "otel_logs"
            | "otel_traces"
            | "otel_metrics_gauge"
            | "otel_metrics_sum"
            | "otel_metrics_histogram"
            | "otel_metrics_exponential_histogram"
            | "otel_metrics_summary" => BY_SESSION_OR_EVENT,
            "session_archives"
            | "archive_leases"
            | "session_restores"
            | "session_erasures"
            | "session_erasure_events" => BY_SESSION,
            "ingest_accounting" => Self::By("cityHash64(TenantId, Process)"),
            "query_audit" => Self::By("cityHash64(RequestId)"),
            // A trace's spans may lie on several shards, and a rollup's key has rows of many sessions.
            "otel_traces_trace_id_ts"
            | "cost_hourly"
            | "tool_usage_hourly"
            | "sessions"
            | "session_models"
            | "session_ends"
            | "stored_inserts" => Self::WithItsSource,
            // Small, and joined with what is shared out.
            "model_prices" | "granary_migrations" => Self::Everywhere,
            _ => return None,
        })
    }
}

/// The table with a server's own rows.
pub(crate) fn local(table: &str) -> String {
    format!("{table}_local")
}

/// Whether somebody decides by what has just been written into the table, so that a replica which is behind must not answer.
pub(crate) fn is_read_after_written(table: &str) -> bool {
    matches!(table, "archive_leases" | "session_restores" | "session_erasures" | "session_erasure_events")
}

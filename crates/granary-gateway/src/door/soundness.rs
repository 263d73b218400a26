//! Whether ClickHouse keeps a guest within bounds, asked of ClickHouse itself.
//!
//! The guest of an embedded engine is set up by Granary, the guest of a server by whoever runs it. A slip there would show
//! one tenant another's rows, so the door opens only after the guest has tried what it must not be able to do.

use granary_clickhouse::{ClickHouseError, Warehouse};
use uuid::Uuid;

use crate::QueryLimits;

/// What a guest's statement could do beside reading views.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    /// Nothing.
    Sound,
    /// Read files: the embedded engine.
    OpensFiles,
}

/// The guest may do what it must not, or it is not known whether it may.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsound {
    /// It can read the tables behind the views.
    #[error(
        "the guest can read {tables}.otel_logs, with every tenant's rows; revoke all it is granted but SELECT on the published database"
    )]
    ReadsTables {
        /// Their database.
        tables: String,
    },
    /// It can get answers that another caller's statement left.
    #[error(
        "the guest can set use_query_cache, which gives one caller's answers to another; make its profile readonly = 1"
    )]
    SharesAnswers,
    /// It can lift a bound.
    #[error(
        "the guest can set {setting} to {value}; give its profile readonly = 1 and the constraint MIN 1 MAX {most} CHANGEABLE_IN_READONLY"
    )]
    LiftsBound {
        /// The setting.
        setting: &'static str,
        /// A value beyond the gateway's limit.
        value: u64,
        /// The gateway's limit.
        most: u64,
    },
    /// The gateway cannot set what it must.
    #[error(
        "the guest cannot set {setting} to {most}, which the gateway does: {source}; add CHANGEABLE_IN_READONLY to its constraint"
    )]
    CannotBeBounded {
        /// The setting.
        setting: &'static str,
        /// The gateway's limit.
        most: u64,
        /// What ClickHouse said.
        source: ClickHouseError,
    },
    /// The views would not know whose rows to show.
    #[error(
        "ClickHouse answers that a query's id is {found:?} and it was {given:?}; is there a proxy in between?"
    )]
    ForgetsIds {
        /// What was sent.
        given: String,
        /// What came back.
        found: String,
    },
    /// No answer.
    #[error(transparent)]
    Unknown {
        /// What ClickHouse said.
        #[from]
        source: ClickHouseError,
    },
}

/// Tries it all.
pub(super) async fn check(guest: &Warehouse, tables: &str, limits: &QueryLimits) -> Result<Engine, Unsound> {
    let given = Uuid::now_v7().to_string();
    let query = guest.query("SELECT initialQueryID()").with_setting("query_id", &given);
    let found: String = within(guest, query.fetch_one()).await?;
    if found != given {
        return Err(Unsound::ForgetsIds { given, found });
    }
    let logs =
        guest.query("SELECT count() FROM {tables:Identifier}.otel_logs WHERE 0").param("tables", tables);
    if is_allowed(within(guest, logs.fetch_one::<u64>()).await)? {
        return Err(Unsound::ReadsTables { tables: tables.to_owned() });
    }
    let one = |setting: &str, value: u64| {
        let query = guest.query("SELECT 1").with_setting(setting.to_owned(), value.to_string());
        async { within(guest, query.fetch_one::<u8>()).await.map(u64::from) }
    };
    if is_allowed(one("use_query_cache", 1).await)? {
        return Err(Unsound::SharesAnswers);
    }
    for (setting, most) in limits.guest_bounds() {
        one(setting, most).await.map_err(|source| match source {
            ClickHouseError::Server { .. } => Unsound::CannotBeBounded { setting, most, source },
            source => Unsound::Unknown { source },
        })?;
        for value in [0, most.saturating_add(1)] {
            if is_allowed(one(setting, value).await)? {
                return Err(Unsound::LiftsBound { setting, value, most });
            }
        }
    }
    // Any error but that it may not counts as if it could.
    let file = within(guest, guest.query("SELECT length(file('/dev/null'))").fetch_one::<u64>()).await;
    Ok(if is_refused(&file) { Engine::Sound } else { Engine::OpensFiles })
}

async fn within<T, E>(
    guest: &Warehouse,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, ClickHouseError>
where
    ClickHouseError: From<E>,
{
    match tokio::time::timeout(guest.timeout(), answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(ClickHouseError::TimedOut { after: guest.timeout() }),
    }
}

/// Whether it was; an error that does not say so is none of the answers.
fn is_allowed(answer: Result<u64, ClickHouseError>) -> Result<bool, ClickHouseError> {
    match answer {
        Ok(_) => Ok(true),
        Err(_) if is_refused(&answer) => Ok(false),
        Err(error) => Err(error),
    }
}

// READONLY, DATABASE_ACCESS_DENIED, SETTING_CONSTRAINT_VIOLATION, ACCESS_DENIED
fn is_refused<T>(answer: &Result<T, ClickHouseError>) -> bool {
    answer.as_ref().is_err_and(|error| matches!(error.code(), Some(164 | 291 | 452 | 497)))
}

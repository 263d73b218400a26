//! The table `session_erasures`: how far an erasure is.

use granary_clickhouse::Warehouse;
use serde::{Deserialize, Serialize};

use crate::ArchiveError;
use crate::names::SessionName;
use crate::tables::ask;

/// How far a round is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Begun,
    Chosen,
    Subtracted,
    Erased,
}

impl Step {
    const ALL: [Self; 4] = [Self::Begun, Self::Chosen, Self::Subtracted, Self::Erased];

    fn number(self) -> u8 {
        match self {
            Self::Begun => 0,
            Self::Chosen => 1,
            Self::Subtracted => 2,
            Self::Erased => 3,
        }
    }
}

#[derive(Deserialize)]
struct Latest {
    round: u32,
    step: u8,
}

/// The round that is to be done, and how far it is: one that was stopped, else the next.
pub(super) async fn open(warehouse: &Warehouse, session: &SessionName) -> Result<(u32, Step), ArchiveError> {
    let query = warehouse
        .query(
            "SELECT Round AS round, max(Step) AS step FROM session_erasures \
             WHERE TenantId = {tenant:String} AND SessionId = {session:String} GROUP BY Round ORDER BY Round DESC LIMIT 1",
        )
        .param("tenant", session.tenant.as_str())
        .param("session", &session.session);
    let query = warehouse.as_written(query);
    let latest =
        ask::<Latest>(query).await?.pop().unwrap_or(Latest { round: 0, step: Step::Erased.number() });
    let step = Step::ALL.into_iter().find(|step| step.number() == latest.step);
    Ok(match step {
        None | Some(Step::Erased) => (latest.round + 1, Step::Begun),
        Some(step) => (latest.round, step),
    })
}

#[derive(Serialize)]
struct Row<'a> {
    #[serde(rename = "TenantId")]
    tenant: &'a str,
    #[serde(rename = "SessionId")]
    session: &'a str,
    #[serde(rename = "Round")]
    round: u32,
    #[serde(rename = "Step")]
    step: u8,
}

/// Writes down that a round has come to a step. When this returns, whoever comes after goes on from there.
pub(super) async fn record(
    warehouse: &Warehouse,
    session: &SessionName,
    round: u32,
    step: Step,
) -> Result<(), ArchiveError> {
    let SessionName { tenant, session } = session;
    let row = Row { tenant: tenant.as_str(), session, round, step: step.number() };
    Ok(warehouse.insert_rows("session_erasures", &[row], None).await?)
}

//! What a receiving process counted, into `ingest_accounting`.

use serde::Serialize;
use uuid::Uuid;

use crate::{ClickHouseError, Warehouse};

/// Records of one tenant and signal that came in one minute and had one outcome, since the last time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountedRecords {
    /// Whose they are.
    #[serde(rename = "TenantId")]
    pub tenant: String,
    /// The minute they came in, as seconds since 1970.
    #[serde(rename = "Minute")]
    pub minute: u64,
    /// `logs`, `traces` or `metrics`.
    #[serde(rename = "Signal")]
    pub signal: &'static str,
    /// `received`, or an end.
    #[serde(rename = "Outcome")]
    pub outcome: String,
    /// How many.
    #[serde(rename = "Records")]
    pub records: u64,
}

#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    counted: &'a AccountedRecords,
    #[serde(rename = "Process")]
    process: Uuid,
}

impl Warehouse {
    /// Adds what a process counted. The same rows under the same token are added once.
    pub async fn insert_accounting(
        &self,
        process: Uuid,
        counted: &[AccountedRecords],
        token: &str,
    ) -> Result<(), ClickHouseError> {
        let rows: Vec<_> = counted.iter().map(|counted| Row { counted, process }).collect();
        self.insert_rows("ingest_accounting", &rows, Some(token)).await
    }
}

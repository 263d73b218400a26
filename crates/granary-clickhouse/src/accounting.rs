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
        let mut body = Vec::new();
        for counted in counted {
            // Text and numbers: this does not fail.
            serde_json::to_writer(&mut body, &Row { counted, process }).unwrap_or_default();
            body.push(b'\n');
        }
        self.within_timeout(async {
            let mut insert = self
                .for_inserts()
                .insert_formatted_with("INSERT INTO ingest_accounting FORMAT JSONEachRow")
                .with_setting("async_insert", "0")
                .with_setting("insert_deduplicate", "1")
                .with_setting("insert_deduplication_token", token)
                .with_setting("wait_end_of_query", "1");
            insert.send(body.into()).await?;
            insert.end().await?;
            Ok(())
        })
        .await
    }
}

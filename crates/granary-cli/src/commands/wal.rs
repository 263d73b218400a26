//! `granary wal`

use anyhow::{bail, ensure};
use granary_wal::Inspection;

use crate::arguments::{ReportFormat, Wal};
use crate::settings::Settings;

/// Looks at the log without changing it; a running granary does not mind.
///
/// # Errors
///
/// There is no log, or `verify` finds that acknowledged data are gone.
pub(crate) fn run(settings: &Settings, command: &Wal) -> anyhow::Result<()> {
    let dir = settings.ingest().wal_dir;
    ensure!(
        dir.is_dir(),
        "there is no write-ahead log in {}; --ingest-wal-dir or --data-dir names another",
        dir.display()
    );
    let (inspection, format) = match command {
        Wal::Inspect { format } => (granary_wal::inspect(&dir)?, *format),
        Wal::Verify { format } => (granary_wal::verify(&dir)?, *format),
    };
    print(&inspection, format)?;
    if matches!(command, Wal::Verify { .. }) && inspection.loses_data() {
        bail!("the write-ahead log in {} has lost records; the lines marked LOST say which", dir.display());
    }
    Ok(())
}

fn print(inspection: &Inspection, format: ReportFormat) -> anyhow::Result<()> {
    match format {
        ReportFormat::Text => say!("{}", inspection.to_string().trim_end()),
        ReportFormat::Json => say!("{}", serde_json::to_string_pretty(inspection)?),
    }
    Ok(())
}

//! `granary archive`

mod restore;

use crate::access::Access;
use crate::arguments::ArchiveCommand;
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings, command: &ArchiveCommand) -> anyhow::Result<()> {
    let access = Access::open(settings).await?;
    let result = match command {
        ArchiveCommand::Restore(wanted) => restore::run(settings, &access, wanted).await,
    };
    access.close().await;
    result
}

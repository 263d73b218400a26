//! `granary up`

use crate::announce::announce;
use crate::settings::Settings;
use crate::up::Roles;

pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let stop = granary_service::signals::listen()?;
    let roles = tokio::select! {
        roles = Roles::start(&settings) => roles?,
        // Told to stop while starting: what was started goes with this process.
        () = stop.cancelled() => return Ok(()),
    };
    announce(settings.log.format, "granary is up", &roles.addresses.places());
    stop.cancelled().await;
    roles.stop().await
}

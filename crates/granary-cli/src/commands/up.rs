//! `granary up`

use crate::settings::Settings;
use crate::up::Roles;

pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let stop = granary_service::signals::listen()?;
    let roles = tokio::select! {
        roles = Roles::start(&settings) => roles?,
        // Told to stop while starting: what was started goes with this process.
        () = stop.cancelled() => return Ok(()),
    };
    say!("granary is up\n{}", roles.addresses);
    stop.cancelled().await;
    roles.stop().await
}

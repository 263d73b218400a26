//! The first SIGTERM or Ctrl-C asks to end in order, the second ends at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// How a process that was told to stop at once exits; 128 + SIGINT, as shells report it.
const EXIT_AT_ONCE: i32 = 130;

/// Listens for the signals. Clones of the token see the first one.
///
/// # Errors
///
/// The process may not listen for signals.
pub fn listen() -> std::io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(watch(terminate, interrupt, stop.clone()));
    Ok(stop)
}

async fn watch(mut terminate: Signal, mut interrupt: Signal, stop: CancellationToken) {
    next(&mut terminate, &mut interrupt).await;
    tracing::info!("stopping in order; a second signal stops at once");
    stop.cancel();
    next(&mut terminate, &mut interrupt).await;
    tracing::warn!("stopping at once");
    std::process::exit(EXIT_AT_ONCE);
}

async fn next(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

//! Who comes in at a door, and what those are owed who had come when it closed.
//!
//! A balancer may have sent somebody a moment before it left this process out. The system has accepted such a connection, and would
//! reset it; and a request that is on its way over one is lost if that is closed as one without a request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// When the system cannot accept, for want of file descriptors for instance, how long before it is tried again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Once a process is told to stop, how long a request may be on its way over a connection that is there.
const LAST_REQUESTS: Duration = Duration::from_millis(100);

/// The next connection, once there is room for one; its place is held by what comes with it.
pub async fn accept(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed, so there always is a permit in the end.
    let permit = Arc::clone(room).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, permit),
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Closes the door, and has those who had come by then, whether there is room or not.
pub fn arrived(listener: TcpListener) -> Vec<(TcpStream, SocketAddr)> {
    // The runtime hears of a connection only when it looks next; the system is asked itself.
    let Ok(listener) = listener.into_std() else { return Vec::new() };
    std::iter::from_fn(|| listener.accept().ok())
        .filter_map(|(stream, peer)| {
            stream.set_nonblocking(true).ok()?;
            Some((TcpStream::from_std(stream).ok()?, peer))
        })
        .collect()
}

/// Returns when connections without a request under way are to be closed: a moment after `stopping`.
pub async fn closing(stopping: &CancellationToken) {
    stopping.cancelled().await;
    sleep(LAST_REQUESTS).await;
}

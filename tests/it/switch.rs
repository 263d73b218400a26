//! A connection to the warehouse that fails on command.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

/// Forwards connections. While it is off they are closed at once; an insert can be let through and its answer
/// swallowed.
pub(crate) struct Switch {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

struct State {
    on: watch::Sender<bool>,
    to_swallow: AtomicU64,
    swallowed: AtomicU64,
    changed: Notify,
}

impl Switch {
    pub(crate) async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            on: watch::Sender::new(true),
            to_swallow: AtomicU64::new(0),
            swallowed: AtomicU64::new(0),
            changed: Notify::new(),
        });
        let of_task = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = Arc::clone(&of_task);
                tokio::spawn(async move {
                    let mut on = state.on.subscribe();
                    tokio::select! {
                        // A connection that breaks is what this is for.
                        _ = forward(client, target, &state) => {}
                        _ = on.wait_for(|on| !on) => {}
                    }
                });
            }
        });
        Self { address, state }
    }

    pub(crate) fn off(&self) {
        self.state.on.send_replace(false);
    }

    pub(crate) fn on(&self) {
        self.state.on.send_replace(true);
    }

    /// So many of the next inserts are committed and their answers cut off.
    pub(crate) fn swallow_inserts(&self, count: u64) {
        self.state.to_swallow.store(count, Ordering::SeqCst);
    }

    pub(crate) fn swallowed(&self) -> u64 {
        self.state.swallowed.load(Ordering::SeqCst)
    }

    pub(crate) async fn wait_for_swallowed(&self, count: u64) {
        loop {
            let changed = self.state.changed.notified();
            if self.swallowed() >= count {
                return;
            }
            changed.await;
        }
    }
}

async fn forward(client: TcpStream, target: SocketAddr, state: &State) -> std::io::Result<()> {
    let server = TcpStream::connect(target).await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let inserting = AtomicBool::new(false);
    let up = async {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = from_client.read(&mut buffer).await?;
            if read == 0 {
                return std::io::Result::Ok(());
            }
            // A request line begins a packet: the client writes head and body together or one after the other.
            let head = &buffer[..read.min(4096)];
            if head.starts_with(b"POST") {
                inserting.store(head.windows(11).any(|part| part == b"INSERT+INTO"), Ordering::SeqCst);
            }
            to_server.write_all(&buffer[..read]).await?;
        }
    };
    let down = async {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = from_server.read(&mut buffer).await?;
            if read == 0 {
                return std::io::Result::Ok(());
            }
            // The server answers when the insert has ended (`wait_end_of_query`).
            let take = |left: u64| left.checked_sub(1);
            if inserting.load(Ordering::SeqCst)
                && state.to_swallow.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok()
            {
                state.swallowed.fetch_add(1, Ordering::SeqCst);
                state.changed.notify_waiters();
                return Ok(());
            }
            to_client.write_all(&buffer[..read]).await?;
        }
    };
    tokio::select! { ended = up => ended, ended = down => ended }
}

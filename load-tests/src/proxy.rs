//! The connection between Granary and ClickHouse, failing on command.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

/// Forwards connections to a server.
///
/// While it is off, connections are cut and refused. While it storms, each is answered with 503 and closed. Answers
/// can be delayed. An insert can be let through to its commit and its answer swallowed.
#[derive(Debug)]
pub struct FaultyProxy {
    /// Where it listens.
    pub address: SocketAddr,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    on: watch::Sender<bool>,
    storming: AtomicBool,
    stormed: AtomicU64,
    /// How late answers come, in milliseconds.
    late: AtomicU64,
    to_swallow: AtomicU64,
    swallowed: AtomicU64,
    changed: Notify,
}

impl FaultyProxy {
    /// Listens on a free port of the loopback.
    ///
    /// # Errors
    ///
    /// There is none.
    pub async fn start(target: SocketAddr) -> std::io::Result<Self> {
        Self::start_at(([127, 0, 0, 1], 0).into(), target).await
    }

    /// Listens on this address.
    ///
    /// # Errors
    ///
    /// It is taken.
    pub async fn start_at(address: SocketAddr, target: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            on: watch::Sender::new(true),
            storming: AtomicBool::new(false),
            stormed: AtomicU64::new(0),
            late: AtomicU64::new(0),
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
                        _ = serve(client, target, &state) => {}
                        _ = on.wait_for(|on| !on) => {}
                    }
                });
            }
        });
        Ok(Self { address, state })
    }

    /// Cuts every connection and refuses new ones.
    pub fn off(&self) {
        self.state.on.send_replace(false);
    }

    /// Forwards again.
    pub fn on(&self) {
        self.state.on.send_replace(true);
    }

    /// Answers each request with 503, or stops doing so.
    pub fn storm(&self, storming: bool) {
        self.state.storming.store(storming, Ordering::SeqCst);
    }

    /// Delays each answer from here on.
    pub fn delay(&self, delay: Duration) {
        self.state.late.store(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// How many requests were answered with 503.
    #[must_use]
    pub fn stormed(&self) -> u64 {
        self.state.stormed.load(Ordering::SeqCst)
    }

    /// So many of the next inserts are committed and their answers cut off.
    pub fn swallow_inserts(&self, count: u64) {
        self.state.to_swallow.store(count, Ordering::SeqCst);
    }

    /// How many answers were cut off.
    #[must_use]
    pub fn swallowed(&self) -> u64 {
        self.state.swallowed.load(Ordering::SeqCst)
    }

    /// Waits until so many answers were cut off.
    pub async fn wait_for_swallowed(&self, count: u64) {
        loop {
            let changed = self.state.changed.notified();
            if self.swallowed() >= count {
                return;
            }
            changed.await;
        }
    }
}

/// Where connections are kept alive, a storm begins with the next request.
async fn serve(client: TcpStream, target: SocketAddr, state: &State) -> std::io::Result<()> {
    const UNAVAILABLE: &[u8] =
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 9\r\nConnection: close\r\n\r\noverload\n";
    let server = TcpStream::connect(target).await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let inserting = AtomicBool::new(false);
    let refused = Notify::new();
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
                if state.storming.load(Ordering::SeqCst) {
                    refused.notify_one();
                    return std::future::pending().await;
                }
            }
            to_server.write_all(&buffer[..read]).await?;
        }
    };
    let down = async {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = tokio::select! {
                read = from_server.read(&mut buffer) => read?,
                () = refused.notified() => {
                    state.stormed.fetch_add(1, Ordering::SeqCst);
                    to_client.write_all(UNAVAILABLE).await?;
                    return to_client.shutdown().await;
                }
            };
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
            let late = state.late.load(Ordering::SeqCst);
            if late > 0 {
                tokio::time::sleep(Duration::from_millis(late)).await;
            }
            to_client.write_all(&buffer[..read]).await?;
        }
    };
    tokio::select! { ended = up => ended, ended = down => ended }
}

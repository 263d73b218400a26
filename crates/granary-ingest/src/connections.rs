//! One door's connections: how many, how slow they may be, and how they end.
//!
//! A connection is let in while there are fewer than the limit; the system keeps the others waiting. Until its
//! first request has come whole, headers and handshake, it has the header timeout; later it may be without a
//! request for the idle timeout. A request that is being worked on counts; an answer that is not fetched
//! does not. HTTP/2 peers are asked for a sign of life as well.
//!
//! Told to stop, a door takes no more connections than have come already and lets those it has finish their requests. What is
//! left after the grace is cut, requests and all: a peer that is stopped itself never answers.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use granary_access::Tls;
use granary_service::door::{accept, arrived, closing};
use http::Request;
use hyper::rt::Executor;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tower::{ServiceExt, service_fn};

use crate::config::IngestConfig;
use crate::metrics::Metrics;

/// How long requests under way may take once the doors shut.
pub(crate) const GRACE: Duration = Duration::from_secs(3);

/// Requests at the same time over one HTTP/2 connection; a collector sends many.
const MAX_STREAMS: u32 = 256;

/// Bytes of a request's headers.
const MAX_HEADER_BYTES: u32 = 64 * 1024;

/// Where a request came from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// One door, bound.
pub(crate) struct Door {
    pub(crate) name: &'static str,
    pub(crate) listener: TcpListener,
    pub(crate) app: Router,
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) manners: Manners,
    pub(crate) metrics: Metrics,
}

/// What is asked of connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manners {
    pub(crate) max_connections: usize,
    pub(crate) header_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    /// gRPC is HTTP/2 and nothing else.
    pub(crate) http2_only: bool,
}

impl Manners {
    /// Those of the settings.
    pub(crate) fn of(config: &IngestConfig, http2_only: bool) -> Self {
        Self {
            max_connections: config.max_connections,
            header_timeout: config.header_timeout,
            idle_timeout: config.idle_timeout.max(Duration::from_secs(1)),
            http2_only,
        }
    }
}

/// What every connection of a door has.
struct Shared {
    name: &'static str,
    app: Router,
    tls: Option<Arc<Tls>>,
    manners: Manners,
    metrics: Metrics,
    stopping: CancellationToken,
}

impl Door {
    /// Serves until `stop`, and returns when no connection and no request is left.
    pub(crate) async fn serve(self, stop: CancellationToken) {
        let Self { name, listener, app, tls, manners, metrics } = self;
        let room = Arc::new(Semaphore::new(manners.max_connections.clamp(1, Semaphore::MAX_PERMITS)));
        let shared = Arc::new(Shared { name, app, tls, manners, metrics, stopping: stop.clone() });
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                (stream, peer, permit) = accept(&listener, &room) => {
                    connections.spawn(Arc::clone(&shared).serve(stream, peer, permit));
                }
                Some(_) = connections.join_next() => {}
            }
        }
        for (stream, peer) in arrived(listener) {
            connections.spawn(Arc::clone(&shared).serve(stream, peer, None));
        }
        let all_ended = async { while connections.join_next().await.is_some() {} };
        if timeout(GRACE, all_ended).await.is_err() {
            tracing::info!(
                door = name,
                connections = connections.len(),
                "cut connections that did not end in time"
            );
            connections.shutdown().await;
        }
    }
}

impl Shared {
    /// Serves one connection until it ends.
    async fn serve(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        _permit: Option<OwnedSemaphorePermit>,
    ) {
        let _open = self.metrics.connection(self.name);
        let activity = Arc::new(Activity::new(self.manners));
        // An answer's last bytes should not wait for more to come.
        stream.set_nodelay(true).ok();
        let Some(tls) = &self.tls else {
            return self.serve_http(stream, peer, activity).await;
        };
        let shaken = tokio::select! {
            shaken = timeout(self.manners.header_timeout, tls.acceptor().accept(stream)) => shaken,
            () = closing(&self.stopping) => return,
        };
        match shaken {
            Ok(Ok(stream)) => self.serve_http(stream, peer, activity).await,
            Ok(Err(error)) => {
                self.metrics.handshake_failed(self.name);
                tracing::debug!(%peer, door = self.name, %error, "a TLS handshake failed");
            }
            Err(_) => {
                self.metrics.handshake_failed(self.name);
                tracing::debug!(%peer, door = self.name, "a TLS handshake took too long");
            }
        }
    }

    async fn serve_http<I>(&self, stream: I, peer: SocketAddr, activity: Arc<Activity>)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        // Requests of one HTTP/2 connection are tasks of their own; they end with it.
        let cut = CancellationToken::new();
        let _cut = cut.clone().drop_guard();
        let (app, of_requests) = (self.app.clone(), Arc::clone(&activity));
        let service = service_fn(move |mut request: Request<_>| {
            request.extensions_mut().insert(Peer(peer));
            let (app, under_way) = (app.clone(), Activity::begin(&of_requests));
            async move {
                let response = app.oneshot(request).await;
                drop(under_way);
                response
            }
        });
        let mut builder = Builder::new(Requests { cut });
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_buf_size(MAX_HEADER_BYTES as usize);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .keep_alive_interval(self.manners.idle_timeout / 2)
            .keep_alive_timeout(self.manners.idle_timeout / 2)
            .max_header_list_size(MAX_HEADER_BYTES);
        let builder = if self.manners.http2_only { builder.http2_only() } else { builder };
        let mut connection =
            pin!(builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = closing(&self.stopping) => {
                connection.as_mut().graceful_shutdown();
                // Cut by the door after the grace.
                connection.await
            }
            () = activity.idle() => {
                connection.as_mut().graceful_shutdown();
                timeout(GRACE, connection).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, door = self.name, error, "a connection ended early");
        }
    }
}

/// Runs what one connection asks to be run beside it, until the connection ends.
#[derive(Clone)]
struct Requests {
    cut: CancellationToken,
}

impl<F> Executor<F> for Requests
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        let cut = self.cut.clone();
        tokio::spawn(async move { cut.run_until_cancelled_owned(future).await });
    }
}

/// What a connection is doing, for telling whether it has been without a request for too long.
struct Activity {
    state: Mutex<State>,
    idle_timeout: Duration,
}

struct State {
    under_way: usize,
    /// When it will have been idle for too long, if nothing comes.
    deadline: Instant,
}

impl Activity {
    fn new(manners: Manners) -> Self {
        let state = State { under_way: 0, deadline: Instant::now() + manners.header_timeout };
        Self { state: Mutex::new(state), idle_timeout: manners.idle_timeout }
    }

    /// A request is under way until the result is dropped.
    fn begin(activity: &Arc<Self>) -> UnderWay {
        activity.with(|state| state.under_way += 1);
        UnderWay(Arc::clone(activity))
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns once no request has been under way for too long.
    async fn idle(&self) {
        loop {
            let (is_busy, deadline) = self.with(|state| (state.under_way > 0, state.deadline));
            let now = Instant::now();
            if is_busy {
                // Whenever the request ends, there is at least the idle timeout from then on.
                sleep_until(now + self.idle_timeout).await;
            } else if deadline <= now {
                return;
            } else {
                sleep_until(deadline).await;
            }
        }
    }
}

struct UnderWay(Arc<Activity>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let idle_timeout = self.0.idle_timeout;
        self.0.with(|state| {
            state.under_way -= 1;
            state.deadline = Instant::now() + idle_timeout;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANNERS: Manners = Manners {
        max_connections: 1,
        header_timeout: Duration::from_secs(10),
        idle_timeout: Duration::from_secs(120),
        http2_only: false,
    };

    #[tokio::test(start_paused = true)]
    async fn a_connection_has_the_header_timeout_for_its_first_request() {
        let began = Instant::now();
        Activity::new(MANNERS).idle().await;
        assert_eq!(began.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_the_idle_timeout_after_its_latest_request_and_never_during_one() {
        let activity = Arc::new(Activity::new(MANNERS));
        let began = Instant::now();
        let (first, second) = (Activity::begin(&activity), Activity::begin(&activity));
        let ends = async {
            drop(first);
            tokio::time::sleep(Duration::from_secs(1000)).await;
            drop(second);
        };
        tokio::join!(ends, activity.idle());
        assert_eq!(began.elapsed().as_secs(), 1120);
    }
}

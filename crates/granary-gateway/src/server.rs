//! The gateway as a server: bound, then served, then stopped in order.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use granary_access::{GateError, Tls, TlsError, Watch};
use granary_archive::Archive;
use granary_clickhouse::{ClickHouseConfig, RelayError, Warehouse};
use granary_service::Health;
use granary_service::door::{accept, arrived, closing};
use granary_service::metrics::Registry;
use http::Request;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::{ServiceExt, service_fn};

use crate::catalogue::keep_up;
use crate::entrance::Entrance;
use crate::openapi;
use crate::{Catalogue, GatewayConfig, GatewayState, Scrub, create_app};

/// How long a client may take to send a request's headers, and may keep a connection without sending any.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes of a request's headers, and of an answer that wait to be written.
const CONNECTION_BUFFER_BYTES: usize = 64 * 1024;

/// Requests at the same time over one HTTP/2 connection.
const MAX_STREAMS: u32 = 32;

/// After the last answer, how long it may take to write down what was answered.
const CLOSE_GRACE: Duration = Duration::from_secs(8);

/// The condition that [`Health`] knows the gateway by.
const CONDITION: &str = "gateway";

/// A gateway that is bound and not yet served.
#[derive(Debug)]
pub struct Gateway {
    listener: TcpListener,
    address: SocketAddr,
    state: GatewayState,
    connections: Arc<Semaphore>,
    shutdown_grace: Duration,
    tls: Option<Arc<Tls>>,
    watch: Watch,
}

/// The gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Others can reach the address, and nothing says who may ask.
    #[error(
        "the gateway on {address} can be reached from other machines, and there is no key in {} and no JWT setting: make \
         a key with `granary keys create --role analyst`, or serve this machine only with --gateway 127.0.0.1:{}",
        keys_file.display(),
        address.port()
    )]
    NoKeys {
        /// The address.
        address: SocketAddr,
        /// Where keys were looked for.
        keys_file: PathBuf,
    },
    /// Who asks cannot be known.
    #[error(transparent)]
    Access(#[from] GateError),
    /// TLS cannot be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A site cannot be one of those whose pages may ask.
    #[error(
        "gateway.cors_origins: {origin:?} is no site; expected one such as https://grafana.example, without a path"
    )]
    Origin {
        /// What was given.
        origin: String,
    },
    /// A thread cannot be started.
    #[error("a thread cannot be started: {source}")]
    Thread {
        /// Why.
        source: std::io::Error,
    },
    /// The address cannot be had: something else has it, or it is not this machine's.
    #[error("{address} for the gateway cannot be had: {source}; choose another with --gateway")]
    Listen {
        /// The configured address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The same of the address for health and metrics.
    #[error("{address} for health and metrics cannot be had: {source}; choose another with --health")]
    HealthDoor {
        /// The configured address.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Gateway {
    /// Binds the address; nothing is answered yet. Port 0 takes a free one.
    ///
    /// `warehouse` should be a user that can read and nothing else. Without an archive nothing can be replayed.
    ///
    /// # Errors
    ///
    /// The address cannot be had, keys or certificates cannot be used, or others would be let in without any.
    pub async fn bind(
        config: GatewayConfig,
        warehouse: Warehouse,
        archive: Option<Archive>,
        health: Health,
        metrics: Registry,
        catalogue: Catalogue,
    ) -> Result<Self, GatewayError> {
        // On the heap: it would make a large part of every future that starts a gateway.
        Box::pin(async move {
            let of_config = config.clone();
            let entrance = tokio::task::spawn_blocking(move || Entrance::open(&of_config));
            let entrance = entrance
                .await
                .map_err(|error| GatewayError::Thread { source: std::io::Error::other(error) })??;
            entrance.warn(&config);
            let Entrance { gate, origins, tls, watch } = entrance;
            let listen = |source| GatewayError::Listen { address: config.listen, source };
            let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
            let address = listener.local_addr().map_err(listen)?;
            health.down(CONDITION, "not serving yet");
            Ok(Self {
                listener,
                address,
                state: GatewayState::new(&config, warehouse, archive, health, metrics, catalogue)
                    .with_access(gate, origins),
                connections: Arc::new(Semaphore::new(config.max_connections.get() as usize)),
                shutdown_grace: config.shutdown_grace,
                tls,
                watch,
            })
        })
        .await
    }

    /// Opens the door for BI tools; see [`GatewayState::with_guest`].
    ///
    /// # Errors
    ///
    /// The system's certificates cannot be read.
    pub fn with_guest(mut self, guest: &ClickHouseConfig) -> Result<Self, RelayError> {
        self.state = self.state.with_guest(guest)?;
        Ok(self)
    }

    /// Says what keeps a gateway with these settings from starting, as far as keys, certificates and the address go.
    /// [`Gateway::bind`] looks itself; this is for whoever would start other things before it.
    ///
    /// # Errors
    ///
    /// The same as those of [`Gateway::bind`].
    pub fn check(config: &GatewayConfig) -> Result<(), GatewayError> {
        Entrance::open(config).map(drop)
    }

    /// The same with an audit; see [`GatewayState::with_auditor`].
    #[must_use]
    pub fn with_auditor(self, auditor: Warehouse, scrub: Scrub) -> Self {
        Self { state: self.state.with_auditor(auditor, scrub), ..self }
    }

    /// The address it is bound to.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is told to stop. Then it says that it is not ready, accepts no more connections than have come already,
    /// ends replays, lets other answers come to their end, and cuts off what has not after the grace time.
    pub async fn serve(self, stop: CancellationToken) {
        // On the heap, as above.
        Box::pin(self.serve_all(stop)).await;
    }

    async fn serve_all(self, stop: CancellationToken) {
        let Self { listener, address, state, connections: room, shutdown_grace, tls, watch } = self;
        let watching = tokio::spawn(watch.run(stop.clone()));
        let health = state.health.clone();
        let (stopping, sockets) = (state.stopping.clone(), state.sockets.clone());
        let keeping_up = tokio::spawn(keep_up(
            state.catalogue.clone(),
            state.runner.warehouse().clone(),
            state.catalogue_metrics.clone(),
            stopping.clone(),
        ));
        let knowing = tokio::spawn(openapi::keep_known(
            Arc::clone(&state.openapi),
            state.catalogue.clone(),
            state.runner.warehouse().clone(),
            stopping.clone(),
        ));
        let app = create_app(state.clone());
        let mut connections = JoinSet::new();
        tracing::info!(%address, "the gateway listens");
        health.up(CONDITION);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                (stream, peer, permit) = accept(&listener, &room) => {
                    let app = app.clone();
                    connections.spawn(serve_stream(stream, peer, app, tls.clone(), stopping.clone(), permit));
                }
                Some(_) = connections.join_next() => {}
            }
        }
        health.down(CONDITION, "stopping");
        for (stream, peer) in arrived(listener) {
            connections.spawn(serve_stream(stream, peer, app.clone(), tls.clone(), stopping.clone(), None));
        }
        stopping.cancel();
        // It ends by itself; only reading a file from where nothing answers could keep it.
        watching.abort();
        if let Err(error) = keeping_up.await {
            tracing::error!(%error, "the operator's queries were no longer looked at");
        }
        if let Err(error) = knowing.await {
            tracing::error!(%error, "what the queries answer was no longer asked beforehand");
        }
        let all_ended = async {
            while connections.join_next().await.is_some() {}
            sockets.close();
            sockets.wait().await;
        };
        if timeout(shutdown_grace, all_ended).await.is_err() {
            tracing::warn!(connections = connections.len(), "cut off answers that did not end in time");
            connections.shutdown().await;
        }
        // The audit has a limit of its own; an answer whose connection is gone ends at once.
        if timeout(CLOSE_GRACE, state.close()).await.is_err() {
            tracing::error!("not all that was answered could be written into the audit");
        }
        tracing::info!("the gateway has stopped");
    }
}

/// Serves one connection, over TLS where that is set.
async fn serve_stream(
    stream: TcpStream,
    peer: SocketAddr,
    app: Router,
    tls: Option<Arc<Tls>>,
    stopping: CancellationToken,
    _permit: Option<OwnedSemaphorePermit>,
) {
    // An answer's last bytes should not wait for more to come.
    stream.set_nodelay(true).ok();
    let Some(tls) = tls else { return serve_connection(stream, peer, app, stopping).await };
    let shaken = tokio::select! {
        shaken = timeout(HEADER_TIMEOUT, tls.acceptor().accept(stream)) => shaken,
        () = closing(&stopping) => return,
    };
    match shaken {
        Ok(Ok(stream)) => serve_connection(stream, peer, app, stopping).await,
        Ok(Err(error)) => tracing::debug!(%peer, %error, "a TLS handshake failed"),
        Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
    }
}

/// Serves one connection until it ends; told to stop, it ends after the answers under way.
async fn serve_connection<I>(stream: I, peer: SocketAddr, app: Router, stopping: CancellationToken)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: Request<_>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        app.clone().oneshot(request)
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(CONNECTION_BUFFER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .keep_alive_interval(HEADER_TIMEOUT)
        .max_header_list_size(65_536);
    let mut connection =
        pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service)));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = closing(&stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, error, "a connection ended early");
    }
}

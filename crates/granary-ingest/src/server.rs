//! Both doors: bind, serve, and the order in which they shut.
//!
//! Shutdown: the doors take no new connections and finish the requests they have, which wait for their commits;
//! with the last door gone the lanes seal what is open and end; the committer ends after the last group. Whoever
//! was answered with success is stored, whoever was not was told or will see the connection go.

use std::net::SocketAddr;
use std::sync::Arc;

use granary_clickhouse::Warehouse;
use granary_model::{Signal, TenantId};
use granary_otlp::Answer;
use granary_redact::Redactor;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;

use crate::accounting::Accounting;
use crate::commit;
use crate::config::IngestConfig;
use crate::error::{RETRY_AFTER, Refusal};
use crate::grpc::{ExportServer, LogsService, MetricsService, TraceService};
use crate::http::router;
use crate::lane::{Body, Job, Lanes};

/// A door cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address is taken or not ours.
    #[error("{address} for {door} cannot be had: {source}; choose another with {flag}")]
    Address {
        /// Which door.
        door: &'static str,
        /// The setting that moves it.
        flag: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// A thread cannot be started.
    #[error("a lane's thread cannot be started: {source}")]
    Thread {
        /// Why.
        source: std::io::Error,
    },
}

/// The receiving role with its listeners bound.
#[derive(Debug)]
pub struct Ingest {
    http: TcpListener,
    grpc: TcpListener,
    doors: Doors,
    committer: JoinHandle<()>,
    accounting: Accounting,
}

impl Ingest {
    /// Binds both listeners and starts the lanes. Connections wait until [`Ingest::serve`].
    ///
    /// # Errors
    ///
    /// An address cannot be had; the message says which setting moves it.
    pub async fn bind(
        config: &IngestConfig,
        warehouse: Warehouse,
        redactor: Redactor,
    ) -> Result<Self, BindError> {
        let http = bind("OTLP over HTTP", "--otlp-http", config.http).await?;
        let grpc = bind("OTLP over gRPC", "--otlp-grpc", config.grpc).await?;
        let accounting = Accounting::default();
        // One group waits while others are committed: the lane has the next one sealed when there is room.
        let (groups, receiver) = mpsc::channel(1);
        let committer =
            tokio::spawn(commit::run(receiver, warehouse, accounting.clone(), config.commit_timeout));
        let lanes = Lanes::start(config, &Arc::new(redactor), &accounting, &groups)
            .map_err(|source| BindError::Thread { source })?;
        let kibibytes = usize::try_from(config.max_in_flight.as_u64() / 1024).unwrap_or(usize::MAX);
        let in_flight = Arc::new(Semaphore::new(kibibytes.min(Semaphore::MAX_PERMITS)));
        let doors = Doors { shared: Arc::new(Shared { config: config.clone(), lanes, in_flight }) };
        Ok(Self { http, grpc, doors, committer, accounting })
    }

    /// Where OTLP over HTTP is served.
    ///
    /// # Panics
    ///
    /// Never: a bound listener has an address.
    #[must_use]
    pub fn http_addr(&self) -> SocketAddr {
        self.http.local_addr().expect("a bound listener has an address")
    }

    /// Where OTLP over gRPC is served.
    ///
    /// # Panics
    ///
    /// Never: a bound listener has an address.
    #[must_use]
    pub fn grpc_addr(&self) -> SocketAddr {
        self.grpc.local_addr().expect("a bound listener has an address")
    }

    /// What came and what became of it.
    #[must_use]
    pub fn accounting(&self) -> Accounting {
        self.accounting.clone()
    }

    /// Serves until `stop`, then shuts the doors and returns once the last commit is done.
    pub async fn serve(self, stop: CancellationToken) {
        let Self { http, grpc, doors, committer, .. } = self;
        let http =
            axum::serve(http, router(doors.clone())).with_graceful_shutdown(stop.clone().cancelled_owned());
        let grpc = tonic::transport::Server::builder()
            .add_service(ExportServer::new(doors.clone(), LogsService))
            .add_service(ExportServer::new(doors.clone(), TraceService))
            .add_service(ExportServer::new(doors.clone(), MetricsService))
            .serve_with_incoming_shutdown(TcpListenerStream::new(grpc), stop.cancelled_owned());
        drop(doors);
        let (http, grpc) = tokio::join!(async { http.await }, grpc);
        if let Err(error) = http {
            tracing::error!(%error, "the HTTP door ended");
        }
        if let Err(error) = grpc {
            tracing::error!(%error, "the gRPC door ended");
        }
        // The doors are gone and with them the lanes' queues; what is open is sealed and committed.
        if let Err(error) = committer.await {
            tracing::error!(%error, "the committer ended before its work");
        }
    }
}

async fn bind(door: &'static str, flag: &'static str, address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| BindError::Address { door, flag, address, source })
}

/// What both doors do with a body. Clones share the lanes.
#[derive(Clone)]
pub(crate) struct Doors {
    shared: Arc<Shared>,
}

struct Shared {
    config: IngestConfig,
    lanes: Lanes,
    /// In KiB: what may be in flight exceeds what a semaphore counts in bytes.
    in_flight: Arc<Semaphore>,
}

impl std::fmt::Debug for Doors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Doors").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

impl Doors {
    pub(crate) fn config(&self) -> &IngestConfig {
        &self.shared.config
    }

    /// Reserves room for a body of that many bytes.
    ///
    /// # Errors
    ///
    /// There is none now.
    pub(crate) fn reserve(&self, bytes: u64) -> Result<OwnedSemaphorePermit, Refusal> {
        let kibibytes = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        Arc::clone(&self.shared.in_flight)
            .try_acquire_many_owned(kibibytes)
            .map_err(|_| Refusal::Overloaded { retry_after: RETRY_AFTER })
    }

    /// Hands a body to a lane and waits for its commit.
    pub(crate) async fn submit(
        &self,
        signal: Signal,
        body: Body,
        in_flight: OwnedSemaphorePermit,
    ) -> Result<Answer, Refusal> {
        let (answer, answered) = oneshot::channel();
        self.shared.lanes.submit(Job { signal, tenant: TenantId::default(), body, answer, in_flight })?;
        // The lane drops the sender without a word only when the process is ending.
        answered.await.unwrap_or(Err(Refusal::Stopping { retry_after: RETRY_AFTER }))
    }
}

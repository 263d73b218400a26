//! Both doors: bind, serve, and the order in which they shut.
//!
//! Shutdown: the doors take no new connections and finish the requests they have, which wait for their commits;
//! connections that do not end within a moment are cut. With the last door gone the lanes seal what is open and
//! end; the log's thread ends after the last group; the deliverer inserts what it still can. Whoever was answered
//! with success is on disk, whoever was not was told or will see the connection go.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use granary_clickhouse::Warehouse;
use granary_model::{Signal, TenantId};
use granary_otlp::Answer;
use granary_redact::Redactor;
use granary_service::metrics::Registry;
use granary_wal::OpenError;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::sync::CancellationToken;

use crate::accounting::Accounting;
use crate::config::IngestConfig;
use crate::deliver::Deliverer;
use crate::durable::{Durable, DurableThread, ProblemLog};
use crate::error::{RETRY_AFTER, Refusal};
use crate::flush;
use crate::grpc::{ExportServer, LogsService, MetricsService, TraceService};
use crate::http::router;
use crate::lane::{Body, Equipment, Job, Lanes};
use crate::metrics::{Metrics, Observed};
use crate::quarantine::Quarantine;
use crate::recover::{self, Recovered};
use crate::tickets::Tickets;
use crate::window::Ticket;

/// The receiving role cannot start.
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
    /// The write-ahead log cannot be opened.
    #[error("the write-ahead log cannot be used: {0}; another folder can be set with --ingest-wal-dir")]
    Wal(#[from] OpenError),
    /// A thread cannot be started.
    #[error("a thread cannot be started: {source}")]
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
    log_thread: JoinHandle<()>,
    deliverer: JoinHandle<()>,
    flusher: JoinHandle<()>,
    flushed: CancellationToken,
    drain: CancellationToken,
    drain_timeout: Duration,
    accounting: Accounting,
}

/// The folder within the log's that refused inserts are put into.
const REFUSED: &str = "refused";

/// The folder of refused inserts that belongs to a log.
#[must_use]
pub fn quarantine(config: &IngestConfig) -> Quarantine {
    Quarantine::new(config.wal_dir.join(REFUSED))
}

/// Groups that wait for the log's thread while it syncs.
const WAITING_GROUPS: usize = 1;

impl Ingest {
    /// Opens the log, binds both listeners and starts the threads. Connections wait until [`Ingest::serve`];
    /// what an earlier life left in the log is delivered as soon as `tables_ready` is cancelled, which says that
    /// the migrations are applied.
    ///
    /// # Errors
    ///
    /// An address or the log cannot be had; the message says which setting moves it.
    pub async fn bind(
        config: &IngestConfig,
        warehouse: Warehouse,
        redactor: Redactor,
        registry: &Registry,
        tables_ready: CancellationToken,
    ) -> Result<Self, BindError> {
        let http = bind("OTLP over HTTP", "--otlp-http", config.http).await?;
        let grpc = bind("OTLP over gRPC", "--otlp-grpc", config.grpc).await?;
        let accounting = Accounting::default();
        let (of_config, of_accounting) = (config.clone(), accounting.clone());
        let recovered = tokio::task::spawn_blocking(move || recover::open(&of_config, &of_accounting));
        let recovered =
            recovered.await.map_err(|error| BindError::Thread { source: std::io::Error::other(error) })??;
        let Recovered { writer, log, resume, kept, window } = recovered;
        let redactor = Arc::new(redactor);
        let quarantine = quarantine(config);
        let metrics = Metrics::register(registry);
        let observed = Observed {
            accounting: accounting.clone(),
            log: log.clone(),
            quarantine: quarantine.clone(),
            redactor: Arc::clone(&redactor),
            window: Arc::clone(&window),
        };
        registry.with(|registry| registry.register_collector(Box::new(observed)));

        let (groups, receiver) = crossbeam_channel::bounded(WAITING_GROUPS);
        let (durable, durable_seen) = watch::channel(Durable { end: log.end(), rows: 0 });
        let thread = DurableThread {
            writer,
            window: Arc::clone(&window),
            accounting: accounting.clone(),
            durable,
            tickets: Tickets::default(),
            metrics: metrics.clone(),
            problem: ProblemLog::default(),
        };
        let log_thread = tokio::task::spawn_blocking(move || thread.run(&receiver));
        let drain = CancellationToken::new();
        let deliverer = Deliverer {
            config: config.clone(),
            log: log.clone(),
            warehouse: warehouse.clone(),
            quarantine,
            accounting: accounting.clone(),
            metrics: metrics.clone(),
            durable: durable_seen,
            drain: drain.clone(),
        };
        let deliverer = tokio::spawn(deliverer.run(resume, kept, tables_ready.clone()));
        let flushed = CancellationToken::new();
        let flusher = tokio::spawn(flush::run(accounting.clone(), warehouse, tables_ready, flushed.clone()));
        let equipment = Equipment {
            config: config.clone(),
            redactor,
            accounting: accounting.clone(),
            window,
            tickets: Arc::new(AtomicU64::new(Ticket::RECOVERED.0 + 1)),
            groups,
        };
        let lanes = Lanes::start(&equipment).map_err(|source| BindError::Thread { source })?;
        let kibibytes = usize::try_from(config.max_in_flight.as_u64() / 1024).unwrap_or(usize::MAX);
        let in_flight = Arc::new(Semaphore::new(kibibytes.min(Semaphore::MAX_PERMITS)));
        let shared = Shared { config: config.clone(), lanes, in_flight, metrics };
        let doors = Doors { shared: Arc::new(shared) };
        let drain_timeout = config.drain_timeout;
        Ok(Self { http, grpc, doors, log_thread, deliverer, flusher, flushed, drain, drain_timeout, accounting })
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

    /// Serves until `stop`, then shuts the doors and returns once what was taken is on disk and, as far as the
    /// drain timeout and the warehouse allow, in its tables.
    pub async fn serve(self, stop: CancellationToken) {
        let Self { http, grpc, doors, log_thread, deliverer, flusher, flushed, drain, drain_timeout, .. } = self;
        let cut = CancellationToken::new();
        let http =
            axum::serve(http, router(doors.clone())).with_graceful_shutdown(stop.clone().cancelled_owned());
        let grpc = tonic::transport::Server::builder()
            .add_service(ExportServer::new(doors.clone(), LogsService))
            .add_service(ExportServer::new(doors.clone(), TraceService))
            .add_service(ExportServer::new(doors.clone(), MetricsService))
            .serve_with_incoming_shutdown(TcpListenerStream::new(grpc), stop.clone().cancelled_owned());
        drop(doors);
        let of_cut = cut.clone();
        tokio::spawn(async move {
            stop.cancelled().await;
            tokio::time::sleep(GRACE).await;
            of_cut.cancel();
        });
        // A sender that is stopped itself never ends its connection: after the grace it is cut.
        let (http, grpc) = tokio::join!(
            async {
                tokio::select! { ended = http => ended.map_err(|error| error.to_string()), () = cut.cancelled() => Ok(()) }
            },
            async {
                tokio::select! { ended = grpc => ended.map_err(|error| error.to_string()), () = cut.cancelled() => Ok(()) }
            },
        );
        if let Err(error) = http {
            tracing::error!(%error, "the HTTP door ended");
        }
        if let Err(error) = grpc {
            tracing::error!(%error, "the gRPC door ended");
        }
        // With the doors the lanes' queues are gone; what is open is sealed and synced.
        if let Err(error) = log_thread.await {
            tracing::error!(%error, "the write-ahead log's thread ended before its work");
        }
        drain.cancel();
        match tokio::time::timeout(drain_timeout, deliverer).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the deliverer ended before its work"),
            Err(_) => {
                tracing::info!("not everything was inserted in time; the rest is in the write-ahead log");
            }
        }
        flushed.cancel();
        if let Err(error) = flusher.await {
            tracing::error!(%error, "the last counts were not written");
        }
    }
}

/// How long requests under way may take once the doors shut.
const GRACE: Duration = Duration::from_secs(3);

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
    metrics: Metrics,
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

    /// Hands a body to a lane and waits until it is durable.
    pub(crate) async fn submit(
        &self,
        door: &'static str,
        signal: Signal,
        body: Body,
        in_flight: OwnedSemaphorePermit,
    ) -> Result<Answer, Refusal> {
        let began = Instant::now();
        self.shared.metrics.received(signal, body.bytes.len() as u64);
        let (answer, answered) = oneshot::channel();
        let job = Job { signal, tenant: TenantId::default(), body, answer, in_flight };
        let result = match self.shared.lanes.submit(job) {
            // The lane drops the sender without a word only when the process is ending.
            Ok(()) => answered.await.unwrap_or(Err(Refusal::Stopping { retry_after: RETRY_AFTER })),
            Err(refusal) => Err(refusal),
        };
        let code = result.as_ref().map_or_else(|refusal| refusal.code() as i32, |_| 0);
        self.shared.metrics.answered(signal, door, code, began.elapsed());
        result
    }
}

//! The doors: bind, serve, and the order in which they shut.
//!
//! Shutdown: the doors take no new connections and finish the requests they have, which wait for their commits;
//! connections that do not end within a moment are cut ([`crate::connections`]). With the last door gone the lanes
//! seal what is open and end; the log's thread ends after the last group; the deliverer inserts what it still can.
//! Other receivers are answered until nothing is delivered any more.
//! Whoever was answered with success is on disk, whoever was not was told or will see the connection go.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytesize::ByteSize;
use granary_access::{KeyFileError, Tls, TlsError, Watch};
use granary_clickhouse::Warehouse;
use granary_redact::Redactor;
use granary_service::metrics::Registry;
use granary_wal::{ConfigError, OpenError};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::accounting::Accounting;
use crate::claims::{Claims, Instance};
use crate::config::IngestConfig;
use crate::connections::{Door, Manners};
use crate::deliver::Deliverer;
use crate::doors::{Doors, Shared};
use crate::durable::{Durable, DurableThread, ProblemLog};
use crate::entrance::{Entrance, GRPC, HTTP, PEERS};
use crate::flush;
use crate::grpc::{DOOR as GRPC_DOOR, ExportServer, LogsService, MetricsService, TraceService};
use crate::http::{DOOR as HTTP_DOOR, router};
use crate::lane::{Equipment, Lanes};
use crate::metrics::{Metrics, Observed};
use crate::others::Others;
use crate::peers::Peers;
use crate::quarantine::Quarantine;
use crate::recover::{self, RecoverError, Recovered};
use crate::settle::Settler;
use crate::tickets::Tickets;

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
    /// Others can reach the address, and there is no key by which to know who may send.
    #[error(
        "{door} on {address} can be reached from other machines, and there is no ingest key in {}: make one with \
         `granary keys create`, or serve this machine only with {flag} 127.0.0.1:{}",
        keys_file.display(),
        address.port()
    )]
    NoKeys {
        /// Which door.
        door: &'static str,
        /// The setting that moves it.
        flag: &'static str,
        /// The address.
        address: SocketAddr,
        /// Where keys were looked for.
        keys_file: PathBuf,
    },
    /// The ingest keys cannot be read.
    #[error(transparent)]
    Keys(#[from] KeyFileError),
    /// TLS cannot be spoken.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The write-ahead log cannot be opened.
    #[error("the write-ahead log cannot be used: {0}; another folder can be set with --ingest-wal-dir")]
    Wal(OpenError),
    /// The log is too small for what it has to hold.
    #[error(
        "ingest.wal_max_bytes is {max}, and {least} is the least for ingest.max_expanded = {expanded}: raise the one or \
         lower the other"
    )]
    WalTooSmall {
        /// What is set.
        max: ByteSize,
        /// What is needed.
        least: ByteSize,
        /// What makes it so much.
        expanded: ByteSize,
    },
    /// The settings about other receivers do not go together.
    #[error("{reason}")]
    Peers {
        /// Why, and what to do.
        reason: String,
    },
    /// What was left out of the log because another receiver stores it cannot be read.
    #[error(
        "{} cannot be used: {source}; another folder can be set with --ingest-wal-dir",
        wal_dir.display()
    )]
    LeftOut {
        /// The log's folder.
        wal_dir: PathBuf,
        /// Why.
        source: std::io::Error,
    },
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
    others: Option<Others>,
    deliverer: JoinHandle<()>,
    flusher: JoinHandle<()>,
    flushed: CancellationToken,
    drain: CancellationToken,
    drain_timeout: Duration,
    accounting: Accounting,
    tls: Option<Arc<Tls>>,
    watch: Watch,
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
        let of_config = config.clone();
        let entrance = tokio::task::spawn_blocking(move || Entrance::open(&of_config));
        let entrance = entrance.await.map_err(thread_ended)??;
        entrance.warn(config);
        let http = bind(HTTP, config.http).await?;
        let grpc = bind(GRPC, config.grpc).await?;
        let peers_door = match config.peer_address {
            Some(address) => Some(bind(PEERS, address).await?),
            None => None,
        };
        let accounting = Accounting::default();
        let claims = peers_door.is_some().then(|| {
            let (time, events) = (config.duplicate_window, config.duplicate_window_events);
            Arc::new(Claims::new(Instance::new(), time, events))
        });
        let (of_config, of_accounting, of_claims) = (config.clone(), accounting.clone(), claims.clone());
        let recovered = tokio::task::spawn_blocking(move || {
            recover::open(&of_config, &of_accounting, of_claims.as_deref())
        });
        let recovered = recovered.await.map_err(thread_ended)?.map_err(|error| log_refused(error, config))?;
        let Recovered { writer, log, resume, kept, window, left_out } = recovered;
        let redactor = Arc::new(redactor);
        let quarantine = quarantine(config);
        let metrics = Metrics::register(registry);
        let watch = entrance.watch(&metrics);
        let Entrance { keys, tls, .. } = entrance;
        let observed = Observed {
            accounting: accounting.clone(),
            keys: keys.clone(),
            log: log.clone(),
            quarantine: quarantine.clone(),
            redactor: Arc::clone(&redactor),
            window: Arc::clone(&window),
            claims: claims.clone(),
        };
        registry.with(|registry| registry.register_collector(Box::new(observed)));

        let (groups, receiver) = crossbeam_channel::bounded(WAITING_GROUPS);
        let (durable, durable_seen) = watch::channel(Durable { end: log.end(), rows: 0 });
        let thread = DurableThread {
            writer,
            window: Arc::clone(&window),
            accounting: accounting.clone(),
            durable,
            tickets: Tickets::new(config.lanes()),
            metrics: metrics.clone(),
            problem: ProblemLog::default(),
        };
        let log_thread = tokio::task::spawn_blocking(move || thread.run(&receiver));
        let (others, durable_seen) = match peers_door.zip(claims) {
            Some((listener, claims)) => {
                let (settled, settled_seen) = watch::channel(Durable { end: resume, rows: 0 });
                let settler = Settler {
                    log: log.clone(),
                    durable: durable_seen,
                    peers: Peers::new(config, claims.me(), metrics.clone()),
                    claims,
                    left_out: left_out.clone(),
                    metrics: metrics.clone(),
                    settled,
                    gather: config.insert_interval / 4,
                };
                (Some(Others::begin(config, listener, settler, resume)), settled_seen)
            }
            None => (None, durable_seen),
        };
        let drain = CancellationToken::new();
        let deliverer = Deliverer {
            config: config.clone(),
            log: log.clone(),
            warehouse: warehouse.clone(),
            quarantine,
            accounting: accounting.clone(),
            metrics: metrics.clone(),
            durable: durable_seen,
            left_out,
            drain: drain.clone(),
        };
        let deliverer = tokio::spawn(deliverer.run(resume, kept, tables_ready.clone()));
        let flushed = CancellationToken::new();
        let flusher = tokio::spawn(flush::run(accounting.clone(), warehouse, tables_ready, flushed.clone()));
        let equipment =
            Equipment { config: config.clone(), redactor, accounting: accounting.clone(), window, groups };
        let lanes = Lanes::start(&equipment).map_err(|source| BindError::Thread { source })?;
        let kibibytes = usize::try_from(config.max_in_flight.as_u64() / 1024).unwrap_or(usize::MAX);
        let in_flight = Arc::new(Semaphore::new(kibibytes.min(Semaphore::MAX_PERMITS)));
        let shared = Shared { config: config.clone(), keys, lanes, in_flight, metrics };
        let doors = Doors::new(shared);
        let drain_timeout = config.drain_timeout;
        Ok(Self {
            http,
            grpc,
            doors,
            log_thread,
            others,
            deliverer,
            flusher,
            flushed,
            drain,
            drain_timeout,
            accounting,
            tls,
            watch,
        })
    }

    /// Says what keeps a receiver with these settings from starting, as far as keys, certificates and addresses
    /// go. [`Ingest::bind`] looks itself; this is for whoever would start other things before it.
    ///
    /// # Errors
    ///
    /// The same as those of [`Ingest::bind`].
    pub fn check(config: &IngestConfig) -> Result<(), BindError> {
        Entrance::open(config).map(drop)
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
        let Self {
            http,
            grpc,
            doors,
            log_thread,
            mut others,
            deliverer,
            flusher,
            flushed,
            drain,
            drain_timeout,
            accounting,
            tls,
            watch,
        } = self;
        let config = doors.config().clone();
        let door = |name, listener, app, manners| {
            let (tls, metrics) = (tls.clone(), doors.metrics().clone());
            Door { name, listener, app, tls, manners, metrics }
        };
        let services = Routes::new(ExportServer::new(doors.clone(), LogsService))
            .add_service(ExportServer::new(doors.clone(), TraceService))
            .add_service(ExportServer::new(doors.clone(), MetricsService));
        let http = door(HTTP_DOOR, http, router(doors.clone()), Manners::of(&config, false));
        let grpc = door(GRPC_DOOR, grpc, services.prepare().into_axum_router(), Manners::of(&config, true));
        drop(doors);
        let reloading = tokio::spawn(watch.run(stop.clone()));
        tokio::join!(http.serve(stop.clone()), grpc.serve(stop));
        // It ends by itself; only reading a file from where nothing answers could keep it.
        reloading.abort();
        // With the doors the lanes' queues are gone; what is open is sealed and synced.
        if let Err(error) = log_thread.await {
            tracing::error!(%error, "the write-ahead log's thread ended before its work");
        }
        let until = tokio::time::Instant::now() + drain_timeout;
        if let Some(others) = &mut others {
            // What is durable is settled soon, or when the others' patience is over.
            others.settled(until).await;
        }
        drain.cancel();
        match tokio::time::timeout_at(until, deliverer).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the deliverer ended before its work"),
            Err(_) => tracing::info!("the time for inserting what is left is over"),
        }
        let left: u64 = accounting.all().iter().map(|(_, _, counts)| counts.waiting).sum();
        if left > 0 {
            tracing::info!(
                records = left,
                "not everything was inserted; the rest is in the write-ahead log, and is inserted at the next start"
            );
        }
        flushed.cancel();
        if let Err(error) = flusher.await {
            tracing::error!(%error, "the last counts were not written");
        }
        if let Some(others) = others {
            others.end().await;
        }
    }
}

async fn bind(
    (door, flag): (&'static str, &'static str),
    address: SocketAddr,
) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| BindError::Address { door, flag, address, source })
}

/// In the words of our settings.
fn log_refused(error: RecoverError, config: &IngestConfig) -> BindError {
    let error = match error {
        RecoverError::Log(error) => error,
        RecoverError::LeftOut(source) => {
            return BindError::LeftOut { wal_dir: config.wal_dir.clone(), source };
        }
    };
    match error {
        OpenError::Config(ConfigError::TotalTooSmall { max_total_bytes, least }) => BindError::WalTooSmall {
            max: ByteSize(max_total_bytes),
            least: ByteSize(least),
            expanded: config.max_expanded,
        },
        error => BindError::Wal(error),
    }
}

fn thread_ended(error: tokio::task::JoinError) -> BindError {
    BindError::Thread { source: std::io::Error::other(error) }
}

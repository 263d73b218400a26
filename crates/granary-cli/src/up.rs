//! All roles in one process: what starts, in which order it stops.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use granary_archive::Archive;
use granary_clickhouse::migrate::{self, MigrateError};
use granary_clickhouse::{ClickHouseConfig, ClickHouseError, Warehouse, publish};
use granary_engine::Engine;
use granary_gateway::{Catalogue, Gateway, Scrub};
use granary_ingest::{Accounting, Ingest};
use granary_redact::Redactor;
use granary_service::Health;
use granary_service::metrics::Registry;
use granary_service::shutdown::Stages;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::access::{auditor, guest, server, start_engine, users};
use crate::instance::{Announcement, DataDir, Running};
use crate::settings::Settings;

/// Every role, running.
pub(crate) struct Roles {
    pub(crate) addresses: Addresses,
    pub(crate) reader: Warehouse,
    pub(crate) archive: Archive,
    /// What came and what became of it.
    pub(crate) accounting: Accounting,
    engine: Option<Engine>,
    receiving: Role,
    archiving: Role,
    answering: Role,
    watching: Role,
    shutdown_timeout: Duration,
    announcement: Announcement,
    data_dir: DataDir,
}

/// Where everything is.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    pub(crate) otlp_grpc: SocketAddr,
    pub(crate) otlp_http: SocketAddr,
    /// How both are spoken to: `http` or `https`.
    pub(crate) otlp_scheme: &'static str,
    pub(crate) gateway: SocketAddr,
    /// How it is spoken to.
    pub(crate) gateway_scheme: &'static str,
    pub(crate) clickhouse: String,
    pub(crate) archive: String,
}

impl Addresses {
    /// By what is there.
    pub(crate) fn places(&self) -> [(&'static str, String); 5] {
        let Self { otlp_grpc, otlp_http, otlp_scheme, gateway, gateway_scheme, clickhouse, archive } = self;
        [
            ("OTLP over gRPC", format!("{otlp_scheme}://{otlp_grpc}")),
            ("OTLP over HTTP", format!("{otlp_scheme}://{otlp_http}")),
            ("queries", format!("{gateway_scheme}://{gateway}/v1/queries")),
            ("ClickHouse", clickhouse.clone()),
            ("archive", archive.clone()),
        ]
    }
}

/// A role's task and how it is told to end.
pub(crate) struct Role {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Role {
    pub(crate) fn start<F: Future<Output = ()> + Send + 'static>(
        role: impl FnOnce(CancellationToken) -> F,
    ) -> Self {
        let stop = CancellationToken::new();
        Self { task: tokio::spawn(role(stop.clone())), stop }
    }

    pub(crate) async fn end(self) {
        self.stop.cancel();
        if let Err(error) = self.task.await {
            tracing::error!(%error, "a role ended before its work");
        }
    }
}

/// The condition of the gateway's `/readyz` that the warehouse answers.
const WAREHOUSE: &str = "warehouse";
/// The condition that its tables are up to date.
pub(crate) const SCHEMA: &str = "schema";
/// How often the warehouse is asked whether it is there.
pub(crate) const WATCH_INTERVAL: Duration = Duration::from_millis(500);

impl Roles {
    /// Starts everything. When this returns, every listener is bound and data are taken.
    ///
    /// # Errors
    ///
    /// One message that says what is in the way; what was started before it is stopped again.
    pub(crate) async fn start(settings: &Settings) -> anyhow::Result<Self> {
        // What can be wrong with the settings is said before anything starts.
        let redactor = Redactor::new(&settings.redact).context("the redaction rules cannot be used")?;
        let catalogue = Catalogue::load(settings.gateway.query_dir.as_deref())?;
        Ingest::check(&settings.ingest())?;
        Gateway::check(&settings.gateway())?;
        let data_dir = DataDir::take(&settings.data_dir)?;
        let (engine, (owner, reader)) = match server(&settings.clickhouse) {
            Some(users) => (None, users),
            None => {
                let engine = start_engine(settings, settings.engine.http).await?;
                let users = users(&engine, &settings.clickhouse);
                (Some(engine), users)
            }
        };
        let guest = guest(engine.as_ref(), &settings.clickhouse);
        let auditor = Warehouse::new(&auditor(engine.as_ref(), &owner, &settings.clickhouse));
        let running = Running { owner, reader };
        let parts = Parts { redactor, catalogue, data_dir, running, guest, auditor };
        match Box::pin(Self::start_on(settings, parts)).await {
            Ok(started) => Ok(started.with(engine, settings.shutdown_timeout)),
            Err(error) => {
                if let Some(engine) = engine {
                    engine.stop().await;
                }
                Err(error)
            }
        }
    }

    async fn start_on(settings: &Settings, parts: Parts) -> anyhow::Result<Started> {
        let Parts { redactor, catalogue, data_dir, running, guest, auditor } = parts;
        let (owner, reader) = (Warehouse::new(&running.owner), Warehouse::new(&running.reader));
        let health = Health::default();
        let published = guest.as_ref().map(|guest| guest.database.clone());
        let tables_ready = prepare_or_wait(settings, &running.owner, published, &health).await?;
        let archive_config = settings.archive();
        let archive = Archive::open_also_away(&archive_config, owner.clone())
            .await
            .with_context(|| format!("the archive at {} cannot be used", archive_config.url))?;
        let metrics = Registry::default();
        let ingest =
            Ingest::bind(&settings.ingest(), owner.clone(), redactor, &metrics, tables_ready).await?;
        let gateway = Gateway::bind(
            settings.gateway(),
            reader.clone(),
            Some(archive.clone()),
            health.clone(),
            metrics.clone(),
            catalogue,
        )
        .await?;
        let gateway = match &guest {
            Some(guest) => gateway.with_guest(guest).context("the door for BI tools cannot be opened")?,
            None => gateway,
        };
        let gateway = gateway.with_auditor(auditor, scrub(settings)?);
        let addresses = Addresses {
            otlp_grpc: ingest.grpc_addr(),
            otlp_http: ingest.http_addr(),
            otlp_scheme: scheme(settings.ingest.tls_cert.is_some()),
            gateway: gateway.local_addr(),
            gateway_scheme: scheme(settings.gateway.tls_cert.is_some()),
            clickhouse: running.owner.url.clone(),
            archive: archive_config.url,
        };
        let announcement = data_dir.announce(&running)?;
        let archiver = archive.clone();
        Ok(Started {
            addresses,
            reader,
            archive,
            watching: Role::start(|stop| watch(owner, health, stop)),
            accounting: ingest.accounting(),
            receiving: Role::start(|stop| ingest.serve(stop)),
            archiving: Role::start(|stop| async move { archiver.run(&metrics, stop).await }),
            answering: Role::start(|stop| gateway.serve(stop)),
            announcement,
            data_dir,
        })
    }

    /// Stops in order: no new data, what is there is stored, archiving and answering end, the engine goes last.
    ///
    /// # Errors
    ///
    /// What did not end in time.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        let mut stages = Stages::within(self.shutdown_timeout);
        stages.stage("receiving", self.receiving.end()).await;
        stages.stage("archiving", self.archiving.end()).await;
        stages.stage("answering", self.answering.end()).await;
        stages.stage("watching", self.watching.end()).await;
        drop(self.announcement);
        if let Some(engine) = self.engine {
            stages.stage("engine", engine.stop()).await;
        }
        drop(self.data_dir);
        Ok(stages.finish()?)
    }
}

/// What an address begins with.
pub(crate) fn scheme(over_tls: bool) -> &'static str {
    if over_tls { "https" } else { "http" }
}

/// What the roles are made from.
struct Parts {
    redactor: Redactor,
    catalogue: Catalogue,
    data_dir: DataDir,
    running: Running,
    guest: Option<ClickHouseConfig>,
    auditor: Warehouse,
}

/// Every role but the engine.
struct Started {
    addresses: Addresses,
    reader: Warehouse,
    archive: Archive,
    accounting: Accounting,
    receiving: Role,
    archiving: Role,
    answering: Role,
    watching: Role,
    announcement: Announcement,
    data_dir: DataDir,
}

impl Started {
    fn with(self, engine: Option<Engine>, shutdown_timeout: Duration) -> Roles {
        let Self {
            addresses,
            reader,
            archive,
            accounting,
            receiving,
            archiving,
            answering,
            watching,
            announcement,
            data_dir,
        } = self;
        Roles {
            addresses,
            reader,
            archive,
            accounting,
            engine,
            receiving,
            archiving,
            answering,
            watching,
            shutdown_timeout,
            announcement,
            data_dir,
        }
    }
}

/// Brings the tables up to date, now or, where a receiver that has run before finds no server, once there is one. What is
/// returned is cancelled when they are.
pub(crate) async fn prepare_or_wait(
    settings: &Settings,
    config: &ClickHouseConfig,
    published: Option<String>,
    health: &Health,
) -> anyhow::Result<CancellationToken> {
    let owner = Warehouse::new(config);
    health.down(SCHEMA, "migrations are not applied yet");
    let tables_ready = CancellationToken::new();
    match prepare(&owner, published.as_deref(), health, &tables_ready).await {
        Ok(()) => {}
        // What was received before waits in the log, and more can be received: a server that is away for a
        // while does not keep the doors shut.
        Err(error) if is_absent(&error) && settings.ingest().wal_dir.is_dir() => {
            tracing::warn!(url = config.url, %error, "the warehouse does not answer; events are received and wait");
            tokio::spawn(keep_preparing(owner, published, health.clone(), tables_ready.clone()));
        }
        Err(error) => {
            return Err(error).with_context(|| format!("the warehouse at {} cannot be used", config.url));
        }
    }
    Ok(tables_ready)
}

/// What takes secrets out of parameters before the audit keeps them: what a caller pastes into one is no safer than
/// what an agent sends.
pub(crate) fn scrub(settings: &Settings) -> anyhow::Result<Scrub> {
    let redactor = Redactor::new(&settings.redact).context("the redaction rules cannot be used")?;
    Ok(Scrub::with(move |text| redactor.redact_text(text).into_owned()))
}

/// Asks whether the warehouse answers and brings its tables up to date.
async fn prepare(
    owner: &Warehouse,
    published: Option<&str>,
    health: &Health,
    tables_ready: &CancellationToken,
) -> Result<(), NotReady> {
    owner.ping().await?;
    migrate::apply(owner).await?;
    if let Some(database) = published {
        let failed = |source| NotReady::Published { database: database.to_owned(), source };
        publish::publish(owner, database).await.map_err(failed)?;
    }
    health.up(SCHEMA);
    tables_ready.cancel();
    Ok(())
}

/// [`prepare`] again and again, until it succeeds or the process ends.
async fn keep_preparing(
    owner: Warehouse,
    published: Option<String>,
    health: Health,
    tables_ready: CancellationToken,
) {
    let mut ticks = tokio::time::interval(WATCH_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match prepare(&owner, published.as_deref(), &health, &tables_ready).await {
            Ok(()) => return,
            Err(error) if is_absent(&error) => {}
            Err(error) => {
                health.down(SCHEMA, error.to_string());
                tracing::error!(%error, "the tables cannot be brought up to date; events wait in the log");
                tokio::time::sleep(RETRY_MIGRATIONS).await;
            }
        }
    }
}

/// How soon migrations that failed are tried again.
const RETRY_MIGRATIONS: Duration = Duration::from_secs(30);

/// Whether the server gave no answer, as one that is being started.
fn is_absent(error: &NotReady) -> bool {
    let source = match error {
        NotReady::Ping(source)
        | NotReady::Tables(MigrateError::Statement { source, .. })
        | NotReady::Published { source, .. } => source,
        NotReady::Tables(_) => return false,
    };
    matches!(source, ClickHouseError::Unreachable { .. } | ClickHouseError::TimedOut { .. })
}

/// Why events cannot be inserted yet.
#[derive(Debug, thiserror::Error)]
enum NotReady {
    #[error(transparent)]
    Ping(#[from] ClickHouseError),
    #[error(transparent)]
    Tables(#[from] MigrateError),
    #[error("the views for BI tools cannot be made in the database {database}: {source}")]
    Published { database: String, source: ClickHouseError },
}

/// Keeps saying whether the warehouse answers.
pub(crate) async fn watch(warehouse: Warehouse, health: Health, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(WATCH_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => health.report(WAREHOUSE, warehouse.ping().await.map_err(|error| error.to_string())),
        }
    }
}

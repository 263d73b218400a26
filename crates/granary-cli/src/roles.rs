//! Roles as processes of their own, against one ClickHouse server: any number of each may run.
//!
//! | role | keeps | tells its health |
//! |---|---|---|
//! | `granary ingest` | its write-ahead log, in its data folder | `--health` |
//! | `granary gateway` | nothing | at its own door |
//! | `granary archive run` | nothing; leases in ClickHouse keep archivers apart | `--health` |

use std::time::Duration;

use anyhow::Context;
use granary_archive::Archive;
use granary_clickhouse::{ClickHouseConfig, Warehouse, migrate};
use granary_gateway::{Catalogue, Gateway, HealthDoor};
use granary_ingest::Ingest;
use granary_redact::Redactor;
use granary_service::Health;
use granary_service::metrics::Registry;
use granary_service::shutdown::Stages;
use tokio_util::sync::CancellationToken;

use crate::access::{auditor, guest, server};
use crate::announce::announce;
use crate::instance::DataDir;
use crate::settings::Settings;
use crate::up::{Role, SCHEMA, prepare_or_wait, scheme, scrub, watch};

/// How often a gateway looks whether the tables are those it was made for.
const SCHEMA_INTERVAL: Duration = Duration::from_secs(10);

/// The server's owner and reader.
fn clickhouse(settings: &Settings, role: &str) -> anyhow::Result<(ClickHouseConfig, ClickHouseConfig)> {
    server(&settings.clickhouse).with_context(|| {
        format!(
            "`granary {role}` needs a ClickHouse server: set --clickhouse-url, or run all roles on the embedded one \
             with `granary up`"
        )
    })
}

/// `granary ingest`
pub(crate) async fn ingest(settings: &Settings) -> anyhow::Result<()> {
    let stop = granary_service::signals::listen()?;
    let redactor = Redactor::new(&settings.redact).context("the redaction rules cannot be used")?;
    Ingest::check(&settings.ingest())?;
    let (owner, _) = clickhouse(settings, "ingest")?;
    let data_dir = DataDir::take(&settings.data_dir)?;
    let (health, metrics) = (Health::default(), Registry::default());
    let door = HealthDoor::bind(settings.health, health.clone(), metrics.clone()).await?;
    let published = guest(None, &settings.clickhouse).map(|guest| guest.database);
    let tables_ready = tokio::select! {
        ready = prepare_or_wait(settings, &owner, published, &health) => ready?,
        () = stop.cancelled() => return Ok(()),
    };
    let warehouse = Warehouse::new(&owner);
    let ingest =
        Ingest::bind(&settings.ingest(), warehouse.clone(), redactor, &metrics, tables_ready).await?;
    let scheme = scheme(settings.ingest.tls_cert.is_some());
    let places = [
        ("OTLP over gRPC", format!("{scheme}://{}", ingest.grpc_addr())),
        ("OTLP over HTTP", format!("{scheme}://{}", ingest.http_addr())),
        ("ClickHouse", owner.url.clone()),
        ("health", format!("http://{}", door.local_addr())),
    ];
    announce(settings.log.format, "granary receives", &places);
    let telling = Role::start(|stop| door.serve(stop));
    let of_watch = health.clone();
    let watching = Role::start(|stop| watch(warehouse, of_watch, stop));
    let receiving = Role::start(|stop| ingest.serve(stop));
    stop.cancelled().await;
    // A balancer should send no more, while what is there still comes to its end.
    health.down(RECEIVING, "stopping");
    let mut stages = Stages::within(settings.shutdown_timeout);
    stages.stage("receiving", receiving.end()).await;
    stages.stage("watching", watching.end()).await;
    stages.stage("health", telling.end()).await;
    drop(data_dir);
    Ok(stages.finish()?)
}

/// The condition that a receiver's doors are open.
const RECEIVING: &str = "receiving";

/// `granary gateway`
pub(crate) async fn gateway(settings: &Settings) -> anyhow::Result<()> {
    let stop = granary_service::signals::listen()?;
    let catalogue = Catalogue::load(settings.gateway.query_dir.as_deref())?;
    let (_, reader) = clickhouse(settings, "gateway")?;
    let (health, metrics) = (Health::default(), Registry::default());
    let warehouse = Warehouse::new(&reader);
    let config = settings.archive();
    let archive = Archive::open_also_away(&config, warehouse.clone())
        .await
        .with_context(|| format!("the archive at {} cannot be used", config.url))?;
    health.down(SCHEMA, "the tables were not looked at yet");
    let gateway = Gateway::bind(
        settings.gateway(),
        warehouse.clone(),
        Some(archive),
        health.clone(),
        metrics,
        catalogue,
    )
    .await?;
    let gateway = match guest(None, &settings.clickhouse) {
        Some(guest) => gateway.with_guest(&guest).context("the door for BI tools cannot be opened")?,
        None => gateway,
    };
    // Without a user of its own for the audit the gateway would need the owner, who may change what is written.
    let gateway = match &settings.clickhouse.auditor_user {
        Some(_) => gateway
            .with_auditor(Warehouse::new(&auditor(None, &reader, &settings.clickhouse)), scrub(settings)?),
        None => {
            tracing::warn!("who asks what is not written down: clickhouse.auditor_user is not set");
            gateway
        }
    };
    let scheme = scheme(settings.gateway.tls_cert.is_some());
    let places = [
        ("queries", format!("{scheme}://{}/v1/queries", gateway.local_addr())),
        ("ClickHouse", reader.url.clone()),
        ("archive", config.url),
    ];
    announce(settings.log.format, "granary answers", &places);
    let (of_watch, of_schema, to_look) = (health.clone(), health, warehouse.clone());
    let watching = Role::start(|stop| watch(warehouse, of_watch, stop));
    let looking = Role::start(|stop| look_at_schema(to_look, of_schema, stop));
    let answering = Role::start(|stop| gateway.serve(stop));
    stop.cancelled().await;
    let mut stages = Stages::within(settings.shutdown_timeout);
    stages.stage("answering", answering.end()).await;
    stages.stage("watching", watching.end()).await;
    stages.stage("schema", looking.end()).await;
    Ok(stages.finish()?)
}

/// A reader cannot bring the tables up to date, and says so while they are not. It asks the server that it speaks to, and no other:
/// one that is away is nothing that this gateway could not do without.
async fn look_at_schema(warehouse: Warehouse, health: Health, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(SCHEMA_INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let state = match migrate::status_here(&warehouse).await {
            Ok(status) if status.pending.is_empty() => Ok(()),
            Ok(status) => {
                Err(format!("{} migrations are not applied; run `granary migrate`", status.pending.len()))
            }
            Err(error) => Err(error.to_string()),
        };
        health.report(SCHEMA, state);
    }
}

/// `granary archive run`
pub(crate) async fn archive(
    settings: &Settings,
    owner: Warehouse,
    archive: Archive,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let (health, metrics) = (Health::default(), Registry::default());
    let door = HealthDoor::bind(settings.health, health.clone(), metrics.clone()).await?;
    let places = [("archive", settings.archive().url), ("health", format!("http://{}", door.local_addr()))];
    announce(settings.log.format, "granary archives", &places);
    let telling = Role::start(|stop| door.serve(stop));
    let watching = Role::start(|stop| watch(owner, health, stop));
    archive.run(&metrics, stop).await;
    watching.end().await;
    telling.end().await;
    Ok(())
}

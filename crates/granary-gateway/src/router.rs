//! Every route on one screen.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Router, middleware};
use granary_archive::Archive;
use granary_clickhouse::Warehouse;
use granary_service::Health;
use granary_service::metrics::Registry;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;

use crate::caller::identified;
use crate::catalogue::CatalogueMetrics;
use crate::limits::{Allowances, within_allowance};
use crate::mcp;
use crate::openapi::{self, OpenApi};
use crate::problem::Problem;
use crate::request::{accompany, after_panic};
use crate::routes::{docs, export, health, index, object, queries, replay};
use crate::{Catalogue, GatewayConfig, LiveCatalogue, Runner};

/// What the handlers work with. Clones share it.
#[derive(Debug, Clone)]
pub struct GatewayState {
    pub(crate) catalogue: LiveCatalogue,
    pub(crate) catalogue_metrics: CatalogueMetrics,
    pub(crate) openapi: Arc<OpenApi>,
    pub(crate) runner: Runner,
    pub(crate) archive: Option<Archive>,
    pub(crate) health: Health,
    pub(crate) metrics: Registry,
    pub(crate) allowances: Arc<Allowances>,
    pub(crate) replays: Arc<Semaphore>,
    pub(crate) max_replay_gap: Duration,
    pub(crate) max_replay_idle: Duration,
    /// Replays with controls under way, which outlive the connections they began on.
    pub(crate) sockets: TaskTracker,
    /// Ends what would not end by itself when the gateway is to stop.
    pub(crate) stopping: CancellationToken,
}

impl GatewayState {
    /// `warehouse` should be a user that can read and nothing else. Without an archive nothing can be replayed.
    #[must_use]
    pub fn new(
        config: &GatewayConfig,
        warehouse: Warehouse,
        archive: Option<Archive>,
        health: Health,
        metrics: Registry,
        catalogue: Catalogue,
    ) -> Self {
        Self {
            catalogue_metrics: CatalogueMetrics::register(&metrics, &catalogue),
            catalogue: LiveCatalogue::new(catalogue),
            openapi: Arc::default(),
            runner: Runner::new(warehouse, config.query_limits()),
            archive,
            health,
            metrics,
            allowances: Arc::new(Allowances::new(config.requests_per_second, config.burst)),
            replays: Arc::new(Semaphore::new(config.max_replays.get() as usize)),
            max_replay_gap: config.max_replay_gap,
            max_replay_idle: config.max_replay_idle,
            sockets: TaskTracker::new(),
            stopping: CancellationToken::new(),
        }
    }

    pub(crate) fn archive(&self) -> Result<&Archive, Problem> {
        self.archive
            .as_ref()
            .ok_or_else(|| Problem::not_found("no session can be read here: there is no archive"))
    }
}

/// The routes with everything around them; needs no socket.
pub fn create_app(state: GatewayState) -> Router {
    let asked_for = Router::new()
        .route("/", get(index::show))
        .route("/openapi.json", get(openapi::show))
        .route("/v1/queries", get(queries::list))
        .route("/v1/queries/{file}", get(queries::describe_or_run))
        .route("/v1/sessions/{id}/replay", get(replay::play))
        .route("/v1/sessions/{id}/events.ndjson", get(export::ndjson))
        .route("/v1/sessions/{id}/events.csv", get(export::csv))
        .route("/v1/sessions/{id}/archive", get(object::fetch))
        .route(
            "/mcp",
            post(mcp::receive).layer(DefaultBodyLimit::max(mcp::MAX_MESSAGE_BYTES)).fallback(mcp::only_post),
        )
        .route_layer(middleware::from_fn_with_state(state.clone(), within_allowance))
        .route_layer(middleware::from_fn(identified));
    Router::new()
        .merge(asked_for)
        .route("/docs", get(docs::page))
        .route("/docs/{file}", get(docs::file))
        .route("/livez", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(async || Problem::not_found("there is nothing here; GET / lists what there is"))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(CatchPanicLayer::custom(after_panic))
        .layer(middleware::from_fn(accompany))
        .with_state(state)
}

//! Every route on one screen.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Router, middleware};
use granary_access::Gate;
use granary_archive::Archive;
use granary_clickhouse::{ClickHouseConfig, Relay, RelayError, Warehouse};
use granary_service::Health;
use granary_service::metrics::Registry;
use http::HeaderValue;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::catch_panic::CatchPanicLayer;

use crate::answers::Answers;
use crate::caller::{identified, identified_for_sql};
use crate::catalogue::CatalogueMetrics;
use crate::door::Door;
use crate::entrance::cors;
use crate::limits::{Allowances, within_allowance, within_allowance_for_sql};
use crate::mcp;
use crate::metrics::Metrics;
use crate::openapi::{self, OpenApi};
use crate::problem::Problem;
use crate::request::{accompany, after_panic, count};
use crate::routes::{cache, clickhouse, docs, export, health, live, object, queries, replay};
use crate::run::Meter;
use crate::{Audit, AuditOptions, Catalogue, GatewayConfig, Live, LiveCatalogue, QueryLimits, Runner, Scrub};

/// What the handlers work with. Clones share it.
#[derive(Debug, Clone)]
pub struct GatewayState {
    pub(crate) catalogue: LiveCatalogue,
    pub(crate) catalogue_metrics: CatalogueMetrics,
    pub(crate) openapi: Arc<OpenApi>,
    pub(crate) runner: Runner,
    pub(crate) answers: Answers,
    pub(crate) archive: Option<Archive>,
    pub(crate) health: Health,
    pub(crate) metrics: Registry,
    pub(crate) gate: Arc<Gate>,
    /// Sites whose pages may ask.
    pub(crate) origins: Arc<[HeaderValue]>,
    pub(crate) query_limits: Arc<QueryLimits>,
    pub(crate) warehouse: Warehouse,
    pub(crate) allowances: Arc<Allowances>,
    pub(crate) counted: Metrics,
    pub(crate) audit: Audit,
    audit_keep: Duration,
    audit_queue: usize,
    audit_parameters: bool,
    pub(crate) max_replays: u32,
    pub(crate) replays: Arc<Semaphore>,
    pub(crate) max_replay_gap: Duration,
    pub(crate) max_replay_idle: Duration,
    /// Replays with controls under way, which outlive the connections they began on.
    pub(crate) sockets: TaskTracker,
    pub(crate) door: Option<Door>,
    /// Ends what would not end by itself when the gateway is to stop.
    pub(crate) stopping: CancellationToken,
    pub(crate) live: Live,
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
        let allowances = Arc::new(Allowances::new(config));
        let counted = Metrics::default();
        let runner = Runner::new(warehouse.clone(), config.query_limits())
            .within(Arc::clone(&allowances), counted.clone());
        counted.register(&metrics, runner.line());
        Self {
            catalogue_metrics: CatalogueMetrics::register(&metrics, &catalogue),
            catalogue: LiveCatalogue::new(catalogue),
            openapi: Arc::default(),
            answers: Answers::new(config, runner.clone(), &metrics),
            live: Live::new(warehouse.clone(), config.live_limits()),
            runner,
            query_limits: Arc::new(config.query_limits()),
            warehouse,
            gate: Arc::new(Gate::local_only()),
            origins: Arc::new([]),
            archive,
            health,
            metrics,
            allowances,
            counted,
            audit: Audit::off(),
            audit_keep: config.audit_keep,
            audit_queue: config.audit_queue.get() as usize,
            audit_parameters: config.audit_parameters,
            max_replays: config.max_replays.get(),
            replays: Arc::new(Semaphore::new(config.max_replays.get() as usize)),
            max_replay_gap: config.max_replay_gap,
            max_replay_idle: config.max_replay_idle,
            sockets: TaskTracker::new(),
            door: None,
            stopping: CancellationToken::new(),
        }
    }

    /// Opens the door for BI tools. The guest, whose database is that of the published views, may read those and
    /// nothing else; that is looked into before the first statement runs.
    ///
    /// # Errors
    ///
    /// The system's certificates cannot be read.
    pub fn with_guest(mut self, guest: &ClickHouseConfig) -> Result<Self, RelayError> {
        self.door = Some(Door::new(Relay::new(guest)?, Warehouse::new(guest), &self.runner));
        Ok(self)
    }

    /// Has callers identified by that gate, and pages of those sites let in. Without this only those on this machine
    /// are answered.
    #[must_use]
    pub fn with_access(mut self, gate: Gate, origins: Vec<HeaderValue>) -> Self {
        self.gate = Arc::new(gate);
        self.origins = origins.into();
        self
    }

    /// The same with what is asked written into `query_audit`, and with what running queries read known while they
    /// run. `auditor` should be a user that can add rows to that table and read three columns of `system.processes`; `scrub`
    /// takes secrets out of parameters before they are kept.
    ///
    /// # Panics
    ///
    /// Outside of a runtime.
    #[must_use]
    pub fn with_auditor(self, auditor: Warehouse, scrub: Scrub) -> Self {
        let (keep, queue, parameters) = (self.audit_keep, self.audit_queue, self.audit_parameters);
        let options = AuditOptions { keep, queue, parameters, scrub };
        let audit = Audit::start(auditor.clone(), options, self.counted.clone());
        let runner = self.runner.watched(Meter::new(auditor), audit.clone());
        let answers = self.answers.over(runner.clone());
        let door = self.door.map(|door| door.over(&runner));
        Self { runner, answers, audit, door, ..self }
    }

    /// Who asked what; for what answers beside the gateway's own routes.
    #[must_use]
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Returns when what was answered is written down. Nothing may be answered any more.
    pub async fn close(&self) {
        self.runner.ended().await;
        self.audit.close().await;
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
        .route("/openapi.json", get(openapi::show))
        .route("/v1/queries", get(queries::list))
        .route("/v1/queries/{file}", get(queries::describe_or_run))
        .route("/v1/queries/{file}/rows", get(queries::rows))
        .route("/v1/cache", get(cache::show).delete(cache::flush))
        .route("/v1/sessions/{id}/replay", get(replay::play))
        .route("/v1/sessions/{id}/events.ndjson", get(export::ndjson))
        .route("/v1/sessions/{id}/events.csv", get(export::csv))
        .route("/v1/sessions/{id}/archive", get(object::fetch))
        .route("/v1/live", get(live::listen))
        .route(
            "/mcp",
            post(mcp::receive).layer(DefaultBodyLimit::max(mcp::MAX_MESSAGE_BYTES)).fallback(mcp::only_post),
        )
        .route_layer(middleware::from_fn_with_state(state.clone(), within_allowance))
        .route_layer(middleware::from_fn_with_state(state.clone(), identified));
    let sql = clickhouse::routes()
        .route_layer(middleware::from_fn_with_state(state.clone(), within_allowance_for_sql))
        .route_layer(middleware::from_fn_with_state(state.clone(), identified_for_sql));
    Router::new()
        .merge(asked_for)
        .merge(sql)
        .route("/ping", get(clickhouse::ping))
        .route("/clickhouse/ping", get(clickhouse::ping))
        .route("/docs", get(docs::page))
        .route("/docs/{file}", get(docs::file))
        .route("/livez", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(async || Problem::not_found("there is nothing here; GET / lists what there is"))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(CatchPanicLayer::custom(after_panic))
        .layer(cors(&state.origins))
        .layer(middleware::from_fn(accompany))
        .layer(middleware::from_fn_with_state(state.counted.clone(), count))
        .with_state(state)
}

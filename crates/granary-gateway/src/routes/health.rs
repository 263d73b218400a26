//! Alive, and ready.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use granary_service::Health;
use granary_service::metrics::{CONTENT_TYPE, Registry};
use http::StatusCode;
use http::header;
use serde_json::{Map, Value, json};

use crate::router::GatewayState;

/// `GET /livez`: that it answers is the answer.
pub(crate) async fn alive() -> Json<Value> {
    Json(json!({ "alive": true }))
}

/// `GET /readyz`: 200 where every condition holds, else 503; each condition is null or the reason why not.
pub(crate) async fn ready(State(state): State<GatewayState>) -> (StatusCode, Json<Value>) {
    readiness(&state.health)
}

/// The same where there is no gateway.
pub(crate) async fn ready_of(State((health, _)): State<(Health, Registry)>) -> (StatusCode, Json<Value>) {
    readiness(&health)
}

fn readiness(health: &Health) -> (StatusCode, Json<Value>) {
    let conditions = health.conditions();
    let ready = conditions.iter().all(|(_, state)| state.is_ok());
    let conditions: Map<_, _> =
        conditions.into_iter().map(|(name, state)| (name.to_owned(), json!(state.err()))).collect();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": ready, "conditions": conditions })))
}

/// `GET /metrics`: the metrics of every role in this process.
pub(crate) async fn metrics(State(state): State<GatewayState>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], state.metrics.encode())
}

/// The same where there is no gateway.
pub(crate) async fn metrics_of(State((_, metrics)): State<(Health, Registry)>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], metrics.encode())
}

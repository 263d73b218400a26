//! Alive, and ready.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use granary_service::metrics::CONTENT_TYPE;
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
    let conditions = state.health.conditions();
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

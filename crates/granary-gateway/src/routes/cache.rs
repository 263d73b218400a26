//! What is kept of answers: seen, and forgotten.

use axum::extract::State;
use axum::{Extension, Json};
use granary_access::Role;
use serde_json::{Value, json};

use crate::Caller;
use crate::problem::Problem;
use crate::router::GatewayState;

/// `GET /v1/cache`
pub(crate) async fn show(State(state): State<GatewayState>) -> Json<Value> {
    let (entries, bytes) = state.answers.holds();
    Json(json!({ "entries": entries, "bytes": bytes }))
}

/// `DELETE /v1/cache`, for admins: has everything of the caller's tenant asked anew from now on.
pub(crate) async fn flush(
    State(state): State<GatewayState>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, Problem> {
    caller.needs(Role::Admin)?;
    Ok(Json(json!({ "flushed": state.answers.flush(caller.tenant()) })))
}

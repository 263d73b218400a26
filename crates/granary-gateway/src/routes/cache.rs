//! What is kept of answers: seen, and forgotten.

use axum::extract::State;
use axum::{Extension, Json};
use serde_json::{Value, json};

use crate::Caller;
use crate::problem::Problem;
use crate::router::GatewayState;

/// `GET /v1/cache`
pub(crate) async fn show(State(state): State<GatewayState>) -> Json<Value> {
    let (entries, bytes) = state.answers.holds();
    Json(json!({ "entries": entries, "bytes": bytes }))
}

/// `DELETE /v1/cache`: has everything of the caller's tenant asked anew from now on.
pub(crate) async fn flush(
    State(state): State<GatewayState>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Value>, Problem> {
    may_flush(&caller)?;
    Ok(Json(json!({ "flushed": state.answers.flush(caller.tenant()) })))
}

/// The one place that says who may. Everybody who is answered at all: a flush costs the tenant's own queries.
#[expect(clippy::unnecessary_wraps, reason = "where callers have roles, this is where theirs is looked at")]
fn may_flush(_: &Caller) -> Result<(), Problem> {
    Ok(())
}

//! Where other receivers ask.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use granary_access::{SecretHash, bearer};
use http::{HeaderMap, StatusCode, header};

use super::{AT_ONCE, message};
use crate::claims::Claims;

/// What metrics call this door.
pub(crate) const DOOR: &str = "peers";

pub(super) const PATH: &str = "/v1/claims";

/// More than [`AT_ONCE`] events have: another version may ask for more.
const MAX_BODY: usize = 4 * 16 * AT_ONCE;

#[derive(Clone)]
struct Answering {
    claims: Arc<Claims>,
    /// What the others must show; `None` where they need nothing.
    secret: Option<SecretHash>,
}

/// The one route.
pub(crate) fn router(claims: Arc<Claims>, secret: &str) -> Router {
    let secret = (!secret.is_empty()).then(|| SecretHash::of(secret));
    Router::new()
        .route(PATH, post(claim).layer(DefaultBodyLimit::max(MAX_BODY)))
        .with_state(Answering { claims, secret })
}

async fn claim(State(door): State<Answering>, headers: HeaderMap, body: Bytes) -> Response {
    if door.secret.is_some_and(|secret| bearer(&headers).map(SecretHash::of) != Ok(secret)) {
        return (StatusCode::UNAUTHORIZED, "receivers show ingest.peer_secret as a bearer token\n")
            .into_response();
    }
    let Some((other, ids)) = message::read_question(&body) else {
        return (StatusCode::BAD_REQUEST, "an instance and event ids, 16 bytes each, are expected\n")
            .into_response();
    };
    let denied = door.claims.asked_by(other, &ids);
    ([(header::CONTENT_TYPE, "application/octet-stream")], message::answer(door.claims.me(), &denied))
        .into_response()
}

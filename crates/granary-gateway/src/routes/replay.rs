//! A session again, event by event: as server-sent events, or over a `WebSocket`, where a player has its controls.
//!
//! `GET /v1/sessions/{id}/replay?speed=10&max_gap=5s&from=…&to=…&signals=logs,traces`. Events come as far apart as they
//! happened, divided by the speed; no gap is longer than `max_gap`. Each event's id is its place in the session. A
//! client that comes back with `Last-Event-ID`, as browsers do by themselves, goes on behind that event, and what
//! it had is neither read again from a warehouse nor waited for. Where there is nothing (more) to play the answer is
//! 204, which tells a browser not to come back.
//!
//! A replay holds one of `gateway.max_replays` places. It is given back, with whatever was being read, when the client
//! goes away, and when it takes nothing for `gateway.max_replay_idle`. A replay that did not get to its end is cut
//! off, so that it does not look as if it had.

mod events;
mod message;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Path, RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, RequestPartsExt};
use granary_archive::{ReplayCursor, ReplayOptions};
use http::{HeaderMap, StatusCode, header};

use super::carry::Playing;
use super::part::read_play;
use crate::problem::Problem;
use crate::router::GatewayState;
use crate::{Caller, ParamError};

/// What a client that finds no free replay is told to wait.
const BUSY_RETRY: Duration = Duration::from_secs(10);

/// How often a client that has nothing to do is sent a sign of life. Proxies give up a silent connection after a
/// minute or so.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Bytes of one message of a client, which is a command.
const MAX_COMMAND_BYTES: usize = 4 * 1024;

/// `GET /v1/sessions/{id}/replay`
pub(crate) async fn play(
    State(state): State<GatewayState>,
    session: Result<Path<String>, PathRejection>,
    RawQuery(given): RawQuery,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    let Path(session) = session.map_err(Problem::unreadable_path)?;
    let mut parts = request.into_parts().0;
    let mut options = read_play(given.as_deref(), state.max_replay_gap)?;
    options.after = last_event_id(&parts.headers)?;
    let upgrade = match parts.extract::<Result<WebSocketUpgrade, WebSocketUpgradeRejection>>().await {
        Ok(Ok(upgrade)) => Some(upgrade),
        _ if asks_for_websocket(&parts.headers) => return Err(Problem::unreadable_upgrade()),
        _ => None,
    };
    if upgrade.is_some() && !is_same_origin(&parts.headers) {
        return Err(Problem::foreign_origin());
    }
    let Some(playing) = begin(&state, &caller, &session, options).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    Ok(match upgrade {
        None => events::stream(playing),
        Some(upgrade) => upgrade
            .max_message_size(MAX_COMMAND_BYTES)
            .max_frame_size(MAX_COMMAND_BYTES)
            .on_upgrade(move |socket| socket::serve(socket, playing, state, caller))
            .into_response(),
    })
}

/// Begins to read a session for a caller; `None` where it has no such events.
pub(super) async fn begin(
    state: &GatewayState,
    caller: &Caller,
    session: &str,
    options: ReplayOptions,
) -> Result<Option<Playing>, Problem> {
    let archive = state.archive()?;
    let place = Arc::clone(&state.replays).try_acquire_owned();
    let place = place.map_err(|_| Problem::busy("as many sessions are being read as may", BUSY_RETRY))?;
    let replay = archive.replay(caller.tenant(), session, options).await?;
    let (stopping, max_idle) = (state.stopping.clone(), state.max_replay_idle);
    Ok((!replay.is_empty()).then(|| Playing { replay, stopping, max_idle, _place: place }))
}

/// The last event that a client which comes back has seen.
fn last_event_id(headers: &HeaderMap) -> Result<Option<ReplayCursor>, ParamError> {
    let Some(given) = headers.get("last-event-id") else { return Ok(None) };
    let text = given.to_str().unwrap_or("what is not text");
    let expected = "the id of an event of this replay, such as 1795165605889000000-0";
    text.parse().map(Some).map_err(|_| ParamError::invalid("Last-Event-ID", text, expected))
}

fn asks_for_websocket(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Whether a page of another site is not behind this. Browsers let any page open a `WebSocket` to any address, this
/// machine's own too, and only say whose page it is.
pub(crate) fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let host = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    host.is_some() && host == text(header::HOST)
}

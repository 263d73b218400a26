//! A session again, event by event: as server-sent events, or over a `WebSocket`, where a player has its controls.
//!
//! `GET /v1/sessions/{id}/replay?speed=10&max_gap=5s&from=…&to=…&signals=logs,traces`. Events come as far apart as they
//! happened, divided by the speed; no gap is longer than `max_gap`. Each event's id is its place in the session. A
//! client that comes back with `Last-Event-ID`, as browsers do by themselves, goes on behind that event, and what
//! it had is neither read again from a warehouse nor waited for. Where there is nothing (more) to play the answer is
//! 204, which tells a browser not to come back.
//!
//! A replay holds one of `gateway.max_replays` places. It is given back, with whatever was being read, when the client
//! goes away, when it takes nothing for `gateway.max_replay_idle`, and when the key that it came with is not taken any more:
//! revoked, expired, changed. The last event is then an `over`, whose `data` say why: `{"reason":"key_revoked","detail":"…"}`.
//! A replay that did not get to its end is cut off, so that it does not look as if it had.

pub(super) mod events;
mod message;
pub(super) mod socket;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Path, RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, RequestPartsExt};
use granary_archive::{ReplayCursor, ReplayOptions};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use uuid::Uuid;

use super::carry::Playing;
use super::part::read_play;
use super::stay::Stay;
use crate::caller::may_see_session;
use crate::problem::Problem;
use crate::request::RequestId;
use crate::router::GatewayState;
use crate::{Asked, Caller, Kind, ParamError};

/// What a client that finds no free replay is told to wait.
const BUSY_RETRY: Duration = Duration::from_secs(10);

/// How often a client that has nothing to do is sent a sign of life. Proxies give up a silent connection after a
/// minute or so.
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Characters of a session's name that the audit keeps.
const MAX_SESSION_CHARS: usize = 256;

/// Bytes of one message of a client, which is a command.
const MAX_COMMAND_BYTES: usize = 4 * 1024;

/// `GET /v1/sessions/{id}/replay`
pub(crate) async fn play(
    State(state): State<GatewayState>,
    session: Result<Path<String>, PathRejection>,
    RawQuery(given): RawQuery,
    Extension(caller): Extension<Caller>,
    Extension(RequestId(id)): Extension<RequestId>,
    request: Request,
) -> Result<Response, Problem> {
    let Path(session) = session.map_err(Problem::unreadable_path)?;
    let mut parts = request.into_parts().0;
    let mut options = read_play(given.as_deref(), state.max_replay_gap)?;
    options.after = last_event_id(&parts.headers)?;
    let upgrade = upgrade(&mut parts, &state.origins).await?;
    let format = if upgrade.is_some() { "websocket" } else { "sse" };
    let asked = ask(&state, &caller, id, Kind::Replay, &session, format);
    let Some(playing) = begin(&state, &caller, &session, options, asked).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    Ok(match upgrade {
        None => events::stream(playing),
        Some(upgrade) => {
            upgrade.on_upgrade(move |socket| socket::serve(socket, playing, state, caller)).into_response()
        }
    })
}

/// Begins the audit's entry about a session.
pub(super) fn ask(
    state: &GatewayState,
    caller: &Caller,
    request: Uuid,
    kind: Kind,
    session: &str,
    format: &str,
) -> Asked {
    let mut asked = state.audit.begin(caller, request, kind);
    asked.note(|entry| {
        // A session's name may be anything that somebody writes into an address.
        entry.session = session.chars().take(MAX_SESSION_CHARS).collect();
        format.clone_into(&mut entry.format);
    });
    asked
}

/// Begins to read a session for a caller; `None` where it has no such events.
pub(super) async fn begin(
    state: &GatewayState,
    caller: &Caller,
    session: &str,
    options: ReplayOptions,
    mut asked: Asked,
) -> Result<Option<Playing>, Problem> {
    let begun = async {
        let archive = state.archive()?;
        may_see_session(&state.warehouse, &state.query_limits, caller, session).await?;
        let place = Arc::clone(&state.replays).try_acquire_owned();
        let place = place.map_err(|_| {
            let most = state.max_replays.into();
            Problem::busy_with("replays", most, "as many sessions are being read as may", BUSY_RETRY)
        })?;
        Ok::<_, Problem>((archive.replay(caller.tenant(), session, options).await?, place))
    };
    let (replay, place) = begun.await.inspect_err(|problem| problem.tell(&mut asked))?;
    asked.answered(if replay.is_empty() { StatusCode::NO_CONTENT } else { StatusCode::OK });
    if replay.is_empty() {
        asked.ok();
        return Ok(None);
    }
    let (stay, max_idle) = (Stay::new(state, caller), state.max_replay_idle);
    Ok(Some(Playing { replay, stay, max_idle, _place: Some(place), asked }))
}

/// The `WebSocket` that is asked for, if one is.
pub(super) async fn upgrade(
    parts: &mut Parts,
    origins: &[HeaderValue],
) -> Result<Option<WebSocketUpgrade>, Problem> {
    let upgrade = match parts.extract::<Result<WebSocketUpgrade, WebSocketUpgradeRejection>>().await {
        Ok(Ok(upgrade)) => upgrade,
        _ if asks_for_websocket(&parts.headers) => return Err(Problem::unreadable_upgrade()),
        _ => return Ok(None),
    };
    if !is_welcome(&parts.headers, origins) {
        return Err(Problem::foreign_origin());
    }
    Ok(Some(upgrade.max_message_size(MAX_COMMAND_BYTES).max_frame_size(MAX_COMMAND_BYTES)))
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

/// Whether a page of another site is not behind this, unless it is one of those that may ask. Browsers let any page open a `WebSocket` to any address, this
/// machine's own too, and only say whose page it is.
pub(crate) fn is_welcome(headers: &HeaderMap, origins: &[HeaderValue]) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    if origins.contains(origin) {
        return true;
    }
    let host = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, host)| host);
    host.is_some() && host == text(header::HOST)
}

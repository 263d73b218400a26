//! A session again, event by event, as server-sent events.
//!
//! Each event's id is its place in the session, its name the signal, its data one JSON object. A client that comes
//! back with `Last-Event-ID`, as browsers do by themselves, gets what follows that event; where nothing does it is
//! answered 204, which tells a browser not to come back again. A replay that did not get to its end is cut off, so
//! that it does not look as if it had.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, Request, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{Stream, StreamExt};
use granary_archive::{Archive, ArchiveError, ReplayEvent, ReplayOptions, Speed};
use granary_model::TenantId;
use http::{HeaderMap, HeaderName, StatusCode};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use crate::problem::Problem;
use crate::router::GatewayState;
use crate::{Caller, ParamError, RawParams};

/// Proxies give up a silent connection after a minute or so.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Asks nginx, and what goes by its rules, to hand events on as they come.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// What a client that finds no free replay is told to wait.
const BUSY_RETRY: Duration = Duration::from_secs(10);

const SPEED_EXPECTED: &str = "a factor from 0.1 to 1000, or max";

/// Why a replay was cut off.
#[derive(Debug, thiserror::Error)]
enum CutOff {
    #[error("the gateway is stopping")]
    Stopping,
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// `GET /v1/sessions/{id}/replay`
pub(crate) async fn play(
    State(state): State<GatewayState>,
    session: Result<Path<String>, PathRejection>,
    RawQuery(given): RawQuery,
    request: Request,
) -> Result<Response, Problem> {
    let Path(session) = session.map_err(Problem::unreadable_path)?;
    let parts = request.into_parts().0;
    let tenant = Caller::identify(&parts).tenant().clone();
    let options = ReplayOptions {
        speed: read_speed(&RawParams::from_query_string(given.as_deref().unwrap_or_default())?)?,
        max_gap: Some(state.max_replay_gap),
    };
    let archive =
        state.archive.ok_or_else(|| Problem::not_found("nothing is replayed here: there is no archive"))?;
    let permit = Arc::clone(&state.replays)
        .try_acquire_owned()
        .map_err(|_| Problem::busy("as many replays are under way as may", BUSY_RETRY))?;
    let seen = last_event_id(&parts.headers);
    if seen > 0 && !has_more(&archive, &tenant, &session, seen).await? {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let events = archive.replay(&tenant, &session, options).await?;
    let events = events.skip_while(move |event| {
        let was_seen = event.as_ref().is_ok_and(|event| event.id <= seen);
        async move { was_seen }
    });
    let events = until_stopped(events, state.stopping, permit);
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    Ok(([(UNBUFFERED, "no")], events).into_response())
}

fn read_speed(params: &RawParams) -> Result<Speed, Problem> {
    let mut speed = None;
    for (name, value) in params.iter() {
        if name != "speed" {
            return Err(
                ParamError::Unknown { parameter: name.to_owned(), known: vec!["speed".to_owned()] }.into()
            );
        }
        if speed.is_some() {
            return Err(ParamError::Repeated { parameter: name.to_owned(), times: 2 }.into());
        }
        let read = value.parse().map_err(|_| ParamError::invalid(name, value, SPEED_EXPECTED))?;
        speed = Some(read);
    }
    Ok(speed.unwrap_or_default())
}

/// The last event that a client which comes back has seen; 0 for one that starts.
fn last_event_id(headers: &HeaderMap) -> u64 {
    headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok()).unwrap_or_default()
}

/// Whether there are events behind one; read as fast as it goes.
async fn has_more(
    archive: &Archive,
    tenant: &TenantId,
    session: &str,
    seen: u64,
) -> Result<bool, ArchiveError> {
    let options = ReplayOptions { speed: Speed::MAX, max_gap: None };
    let mut events = archive.replay(tenant, session, options).await?;
    while let Some(event) = events.next().await {
        if event?.id > seen {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The events as they are sent, until the end or until the gateway stops, whichever is first.
fn until_stopped(
    events: impl Stream<Item = Result<ReplayEvent, ArchiveError>> + Send + 'static,
    stopping: CancellationToken,
    permit: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Event, CutOff>> + Send + 'static {
    let state = Some((Box::pin(events), stopping, permit));
    futures::stream::unfold(state, async |state| {
        let (mut events, stopping, permit) = state?;
        let event = tokio::select! {
            event = events.next() => event?,
            () = stopping.cancelled() => return Some((Err(CutOff::Stopping), None)),
        };
        match event {
            Ok(event) => Some((Ok(as_sent(event)), Some((events, stopping, permit)))),
            Err(error) => {
                tracing::warn!(%error, "a replay was cut off");
                Some((Err(error.into()), None))
            }
        }
    })
}

fn as_sent(event: ReplayEvent) -> Event {
    Event::default().id(event.id.to_string()).event(event.signal.name()).data(event.json)
}

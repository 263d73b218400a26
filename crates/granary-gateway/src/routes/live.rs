//! Events as they are stored: as server-sent events, or over a `WebSocket`, where a client can pause and change its mind.
//!
//! `GET /v1/live?session=…&user=…&team=…&tool=…&severity=…&event=…`, each as often as one likes: of several values of one
//! parameter one must hold, and of several parameters all. First comes a `state`: everything stored after that is sent, or
//! counted. An event is the object that a replay has; its id is the same from every process, and who comes back with it
//! as `Last-Event-ID` goes on behind it. `missed` says that events were left out at this place.
//!
//! | server-sent event | `data` |
//! |---|---|
//! | `state` | `{"filter":{"tool":["Bash"]}}`; what was asked for |
//! | `logs` | the event |
//! | `missed` | `{"missed":12,"since":"2026-11-20T09:06:46.120Z","why":"slow"}`; `rate` where more is stored than is read, `behind` where a replica had not got them in time |
//! | `over` | `{"reason":"key_revoked","detail":"the key was revoked; ask for a new one"}`; the last one |
//!
//! A client holds one of `gateway.max_live` places. It is given back when it goes away, when it takes nothing for
//! `gateway.max_replay_idle`, and when the key that it came with is not taken any more. When the gateway stops, the answer ends.

mod message;
mod socket;

use axum::Extension;
use axum::extract::{RawQuery, Request, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{StreamExt, stream};
use granary_archive::ArchiveError;
use http::{HeaderMap, StatusCode};

use super::carry::{CutOff, Playing, Source, carry};
use super::replay::events::{UNBUFFERED, over_as_sent};
use super::replay::{KEEP_ALIVE, ask, upgrade};
use super::stay::{Over, Stay};
use crate::live::id;
use crate::problem::Problem;
use crate::request::RequestId;
use crate::router::GatewayState;
use crate::{Caller, Kind, LiveClient, LiveFilter, LiveId, LiveItem, ParamError, RawParams};

/// `GET /v1/live`
pub(crate) async fn listen(
    State(state): State<GatewayState>,
    RawQuery(given): RawQuery,
    Extension(caller): Extension<Caller>,
    Extension(RequestId(id)): Extension<RequestId>,
    request: Request,
) -> Result<Response, Problem> {
    let mut parts = request.into_parts().0;
    let params = RawParams::from_query_string(given.as_deref().unwrap_or_default())?;
    let filter = caller.narrow(LiveFilter::from_params(&params)?)?;
    let after = last_event_id(&parts.headers)?;
    let upgrade = upgrade(&mut parts, &state.origins).await?;
    let format = if upgrade.is_some() { "websocket" } else { "sse" };
    let mut asked = ask(&state, &caller, id, Kind::Live, "", format);
    let client = state.live.listen(caller.tenant(), filter, after).await.map_err(Problem::from);
    let client = client.inspect_err(|problem| problem.tell(&mut asked))?;
    asked.answered(StatusCode::OK);
    let (stay, max_idle) = (Stay::new(&state, &caller), state.max_replay_idle);
    let playing = Playing { replay: client, stay, max_idle, _place: None, asked };
    Ok(match upgrade {
        None => as_events(playing),
        Some(upgrade) => {
            upgrade.on_upgrade(move |socket| socket::serve(socket, playing, state, caller)).into_response()
        }
    })
}

impl Source for LiveClient {
    type Event = LiveItem;

    async fn next(&mut self) -> Result<Option<LiveItem>, ArchiveError> {
        LiveClient::next(self).await.map(Some)
    }

    fn bytes(item: &LiveItem) -> Option<u64> {
        match item {
            LiveItem::Event(event) => Some(event.event.json.len() as u64),
            LiveItem::Missed(_) => None,
        }
    }
}

fn as_events(playing: Playing<LiveClient>) -> Response {
    let state = Event::default().event("state").data(message::filter(&playing.replay.filter()));
    // There is no last event, so an end in good order is one, and a client may come back elsewhere.
    let items = carry(playing).filter_map(|item| {
        std::future::ready(match item {
            Ok(item) => Some(Ok(as_sent(&item))),
            Err(CutOff::Over(Over::Stopping)) => None,
            Err(CutOff::Over(over)) => Some(Ok(over_as_sent(over))),
            Err(cut_off) => Some(Err(cut_off)),
        })
    });
    let events = stream::iter([Ok(state)]).chain(items);
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    ([(UNBUFFERED, "no")], events).into_response()
}

fn as_sent(item: &LiveItem) -> Event {
    match item {
        LiveItem::Event(event) => {
            Event::default().id(event.id.to_string()).event(event.event.signal.name()).data(&event.event.json)
        }
        LiveItem::Missed(missed) => {
            Event::default().event("missed").data(message::missed(missed).to_string())
        }
    }
}

/// The last event that a client which comes back has seen.
fn last_event_id(headers: &HeaderMap) -> Result<Option<LiveId>, ParamError> {
    let Some(given) = headers.get("last-event-id") else { return Ok(None) };
    let text = given.to_str().unwrap_or("what is not text");
    let expected = format!("the id of a live event, such as {}", id::EXAMPLE);
    text.parse().map(Some).map_err(|_| ParamError::invalid("Last-Event-ID", text, &expected))
}

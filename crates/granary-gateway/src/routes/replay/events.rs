//! A replay as server-sent events: `id` is the event's place, `event` its signal, `data` one JSON object.

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, stream};
use granary_archive::ReplayEvent;
use http::HeaderName;

use super::KEEP_ALIVE;
use crate::routes::carry::{CutOff, Playing, carry};
use crate::routes::stay::Over;

/// Asks nginx, and what goes by its rules, to hand events on as they come.
pub(in crate::routes) const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(super) fn stream(playing: Playing) -> Response {
    let events = carry(playing).map(|event| event.map(as_sent)).flat_map(with_last_event);
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    ([(UNBUFFERED, "no")], events).into_response()
}

fn as_sent(event: ReplayEvent) -> Event {
    Event::default().id(event.id.to_string()).event(event.signal.name()).data(event.json)
}

/// Before an answer is cut off because its client may not stay, it is told why. In between the connection gets its turn to
/// send that.
fn with_last_event(event: Result<Event, CutOff>) -> impl Stream<Item = Result<Event, CutOff>> {
    let (first, then) = match event {
        Err(CutOff::Over(over @ Over::Pass(_))) => (Ok(over_as_sent(over)), Some(CutOff::Over(over))),
        event => (event, None),
    };
    let then = stream::iter(then).then(async |cut_off| {
        tokio::task::yield_now().await;
        Err(cut_off)
    });
    stream::iter([first]).chain(then)
}

/// Why there are no more.
pub(in crate::routes) fn over_as_sent(over: Over) -> Event {
    Event::default().event("over").data(over.told().to_string())
}

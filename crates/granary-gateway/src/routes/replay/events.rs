//! A replay as server-sent events: `id` is the event's place, `event` its signal, `data` one JSON object.

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::TryStreamExt;
use granary_archive::ReplayEvent;
use http::HeaderName;

use super::KEEP_ALIVE;
use crate::routes::carry::{Playing, carry};

/// Asks nginx, and what goes by its rules, to hand events on as they come.
pub(in crate::routes) const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

pub(super) fn stream(playing: Playing) -> Response {
    let events = carry(playing).map_ok(as_sent);
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    ([(UNBUFFERED, "no")], events).into_response()
}

fn as_sent(event: ReplayEvent) -> Event {
    Event::default().id(event.id.to_string()).event(event.signal.name()).data(event.json)
}

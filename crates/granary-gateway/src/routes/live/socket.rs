//! A live feed over a `WebSocket`, with pause, resume and filter.

use std::pin::pin;

use axum::extract::ws::{Message, WebSocket};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::message::{self, Command};
use crate::limits::whole_seconds;
use crate::router::GatewayState;
use crate::routes::carry::Playing;
use crate::routes::closing::Closing;
use crate::routes::replay::KEEP_ALIVE;
use crate::routes::replay::socket::{SILENCES, end};
use crate::{Caller, LiveClient, LiveItem, Outcome};

/// Serves one client until it goes away, is idle for too long, or may not stay.
pub(super) async fn serve(
    mut socket: WebSocket,
    mut playing: Playing<LiveClient>,
    state: GatewayState,
    caller: Caller,
) {
    // Told to stop, the gateway waits until this is over.
    let _under_way = state.sockets.token();
    let closing = feed(&mut socket, &mut playing, &state, &caller).await;
    // The place is free again before a peer that reads nothing is waited for.
    drop(playing);
    if let Some(closing) = closing {
        closing.say(&mut socket).await;
    }
}

/// Says how the connection is to be closed, or that it was.
async fn feed(
    socket: &mut WebSocket,
    playing: &mut Playing<LiveClient>,
    state: &GatewayState,
    caller: &Caller,
) -> Option<Closing> {
    let Playing { replay: client, stay, max_idle, asked, .. } = playing;
    let max_idle = *max_idle;
    let mut over = pin!(stay.over());
    let mut signs = interval(KEEP_ALIVE);
    signs.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut heard, mut commanded, mut is_paused) = (Instant::now(), Instant::now(), false);
    let mut outgoing = Some(message::state(is_paused, &client.filter()));
    loop {
        if let Some(text) = outgoing.take() {
            let sent = tokio::select! {
                over = &mut over => return Some(end(over, asked)),
                sent = timeout(max_idle, socket.send(Message::Text(text.into()))) => sent,
            };
            match sent {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => return Some(Closing::idle("nothing was taken for too long")),
            }
        }
        tokio::select! {
            over = &mut over => return Some(end(over, asked)),
            received = socket.recv() => {
                heard = Instant::now();
                let text = match received {
                    Some(Ok(Message::Text(text))) => text,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    Some(Ok(Message::Binary(_))) => {
                        outgoing = Some(message::error("commands are text"));
                        continue;
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                };
                commanded = heard;
                let command = Command::read(&text).and_then(|command| {
                    state.allowances.take(caller).map(|()| command).map_err(|refusal| {
                        format!("too many commands; wait for {} seconds", whole_seconds(refusal.reset))
                    })
                });
                let command = command.and_then(|command| match command {
                    Command::Filter { filter } => {
                        let filter = caller.narrow(filter).map_err(|error| error.to_string())?;
                        Ok(Command::Filter { filter })
                    }
                    other => Ok(other),
                });
                match command {
                    Err(detail) => outgoing = Some(message::error(&detail)),
                    Ok(command) => {
                        match command {
                            Command::Pause {} => is_paused = true,
                            Command::Resume {} => is_paused = false,
                            Command::Filter { filter } => client.set_filter(filter),
                        }
                        outgoing = Some(message::state(is_paused, &client.filter()));
                    }
                }
            }
            item = client.next(), if !is_paused => {
                outgoing = Some(match item {
                    Ok(LiveItem::Event(event)) => message::event(&event),
                    Ok(LiveItem::Missed(missed)) => {
                        let mut text = message::missed(&missed);
                        text["type"] = "missed".into();
                        text.to_string()
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a live feed was cut off");
                        asked.ended(Outcome::Failed, "archive");
                        let text = message::error("the feed cannot go on; the gateway's log says why");
                        return Some(Closing::failed(text, "the feed cannot go on"));
                    }
                });
            }
            _ = signs.tick() => {
                if heard.elapsed() > KEEP_ALIVE * SILENCES + KEEP_ALIVE / 2 {
                    return None;
                }
                if is_paused && commanded.elapsed() > max_idle {
                    return Some(Closing::idle("nothing was said for too long"));
                }
                if !matches!(timeout(max_idle, socket.send(Message::Ping(Vec::new().into()))).await, Ok(Ok(()))) {
                    return None;
                }
            }
        }
    }
}

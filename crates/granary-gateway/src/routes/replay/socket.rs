//! A replay over a `WebSocket`, with pause, resume, speed and seek.

use std::pin::pin;

use axum::extract::ws::{Message, WebSocket};
use granary_archive::Replay;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::message::{self, Command};
use super::{KEEP_ALIVE, Playing};
use crate::limits::whole_seconds;
use crate::router::GatewayState;
use crate::routes::carry::note_given;
use crate::routes::closing::Closing;
use crate::routes::stay::Over;
use crate::{Asked, Caller, Outcome};

/// A peer that answers so many signs of life with none of its own is gone, whatever its connection says.
pub(in crate::routes) const SILENCES: u32 = 2;

/// Serves one client until it goes away, is idle for too long, or may not stay.
pub(super) async fn serve(mut socket: WebSocket, mut playing: Playing, state: GatewayState, caller: Caller) {
    // Told to stop, the gateway waits until this is over.
    let _under_way = state.sockets.token();
    let closing = play(&mut socket, &mut playing, &state, &caller).await;
    // The place is free again before a peer that reads nothing is waited for.
    drop(playing);
    if let Some(closing) = closing {
        closing.say(&mut socket).await;
    }
}

/// Writes down that a client may not stay, and how it is told.
pub(in crate::routes) fn end(over: Over, asked: &mut Asked) -> Closing {
    tracing::info!(%over, "events end");
    asked.ended(Outcome::Failed, over.name());
    Closing::over(over)
}

/// Says how the connection is to be closed, or that it was.
async fn play(
    socket: &mut WebSocket,
    playing: &mut Playing,
    state: &GatewayState,
    caller: &Caller,
) -> Option<Closing> {
    let Playing { replay, stay, max_idle, asked, .. } = playing;
    let max_idle = *max_idle;
    let mut over = pin!(stay.over());
    let mut signs = interval(KEEP_ALIVE);
    signs.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut heard, mut busy, mut is_over) = (Instant::now(), Instant::now(), false);
    let mut outgoing = Some(message::state(replay));
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
                busy = heard;
                // A command can cost what a request does: a seek asks the warehouse.
                let answer = match (Command::read(&text), state.allowances.take(caller)) {
                    (Err(detail), _) => Err(detail),
                    (_, Err(refusal)) => {
                        let wait = whole_seconds(refusal.reset);
                        Err(format!("too many commands; wait for {wait} seconds"))
                    }
                    (Ok(command), Ok(())) => {
                        let obeyed = tokio::select! {
                            obeyed = obey(command, replay) => obeyed,
                            over = &mut over => return Some(end(over, asked)),
                        };
                        is_over &= obeyed.is_err() || !matches!(command, Command::Seek(_));
                        obeyed
                    }
                };
                outgoing = Some(answer.map_or_else(|detail| message::error(&detail), |()| message::state(replay)));
            }
            event = replay.next(), if !is_over => {
                busy = Instant::now();
                outgoing = Some(match event {
                    Ok(Some(event)) => {
                        note_given(asked, Some(event.json.len() as u64));
                        message::event(&event)
                    }
                    Ok(None) => {
                        is_over = true;
                        asked.ok();
                        message::end()
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a replay was cut off");
                        asked.ended(Outcome::Failed, "archive");
                        let text = message::error("the replay cannot go on; the gateway's log says why");
                        return Some(Closing::failed(text, "the replay cannot go on"));
                    }
                });
            }
            _ = signs.tick() => {
                if heard.elapsed() > KEEP_ALIVE * SILENCES + KEEP_ALIVE / 2 {
                    return None;
                }
                let waits_for_client = is_over || replay.is_paused();
                if waits_for_client && busy.elapsed() > max_idle {
                    return Some(Closing::idle("nothing was said for too long"));
                }
                if !matches!(timeout(max_idle, socket.send(Message::Ping(Vec::new().into()))).await, Ok(Ok(()))) {
                    return None;
                }
            }
        }
    }
}

/// Does what a client wants; in an error, what it is told.
async fn obey(command: Command, replay: &mut Replay) -> Result<(), String> {
    match command {
        Command::Pause => replay.pause(),
        Command::Resume => replay.resume(),
        Command::Speed(speed) => replay.set_speed(speed),
        Command::Seek(to) => {
            return replay.seek(to).await.map_err(|error| {
                tracing::warn!(%error, "a replay could not be moved");
                "that time cannot be gone to now; try again in a while".to_owned()
            });
        }
    }
    Ok(())
}

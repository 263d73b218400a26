//! ClickHouse's answer on its way to the client, as it comes.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::HeaderName;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::audit::Outcome;
use crate::request::PassedOn;
use crate::run::{OwnWork, Runner};

/// Beyond the statement's time, how long the engine may take to say that it is over.
pub(super) const ENGINE_GRACE: Duration = Duration::from_secs(5);

/// Pieces of an answer that wait for their reader; then the engine waits too.
const PIECES_AHEAD: usize = 2;

/// The connection's own business, on either side of the gateway.
const HOP_BY_HOP: [&str; 4] = ["connection", "keep-alive", "transfer-encoding", "server"];

const SUMMARY: HeaderName = HeaderName::from_static("x-clickhouse-summary");
pub(super) const EXCEPTION_CODE: HeaderName = HeaderName::from_static("x-clickhouse-exception-code");

/// What ClickHouse says of a statement in its answer's head: all of it where the answer fits into what is held back.
/// The figures are texts.
#[derive(Deserialize)]
struct Summary {
    read_rows: String,
    read_bytes: String,
}

/// An answer was cut off; the cut is what the client sees.
#[derive(Debug, thiserror::Error)]
enum CutOff {
    #[error("the engine's answer broke off: {0}")]
    Engine(axum::Error),
    #[error("the answer was not read in time")]
    TooSlowlyRead,
}

/// A piece, or that all is said.
type Piece = Result<Option<Bytes>, CutOff>;

/// Hands an answer on. A task of its own carries it, so that a reader who stalls is cut off at the deadline; one who
/// goes away ends the statement.
pub(super) fn pass_on(
    answer: http::Response<Body>,
    mut work: OwnWork,
    deadline: Instant,
    runner: &Runner,
) -> Response {
    let (mut parts, body) = answer.into_parts();
    for name in HOP_BY_HOP {
        parts.headers.remove(name);
    }
    if let Some(summary) =
        parts.headers.get(SUMMARY).and_then(|value| serde_json::from_slice(value.as_bytes()).ok())
    {
        let Summary { read_rows, read_bytes } = summary;
        let number = |text: String| text.parse().unwrap_or_default();
        work.read(number(read_rows), number(read_bytes));
    }
    let is_error = !parts.status.is_success();
    work.note(|asked| {
        asked.answered(parts.status);
        if is_error {
            let code = parts.headers.get(EXCEPTION_CODE).and_then(|code| code.to_str().ok());
            asked.ended(Outcome::Failed, code.unwrap_or("engine"));
        }
    });
    let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
    runner.spawn(carry(body.into_data_stream(), sender, work, is_error, deadline));
    let pieces = stream::unfold(Some(receiver), async |receiver| {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Ok(Some(piece))) => Some((Ok(piece), Some(receiver))),
            Some(Ok(None)) => None,
            Some(Err(error)) => Some((Err(error), None)),
            // The carrier was out of time while its last piece was not taken.
            None => Some((Err(CutOff::TooSlowlyRead), None)),
        }
    });
    let mut response = (parts.status, Body::from_stream(pieces)).into_response();
    *response.headers_mut() = parts.headers;
    response.extensions_mut().insert(PassedOn);
    response
}

async fn carry(
    mut body: BodyDataStream,
    sender: mpsc::Sender<Piece>,
    mut work: OwnWork,
    is_error: bool,
    deadline: Instant,
) {
    loop {
        let piece = tokio::select! {
            biased;
            () = sender.closed() => return work.look().await,
            piece = timeout_at(deadline, body.next()) => piece,
        };
        let piece = match piece {
            Ok(piece) => piece.transpose().map_err(CutOff::Engine),
            Err(_) => Err(CutOff::TooSlowlyRead),
        };
        let (bytes, is_end) = match &piece {
            Ok(Some(piece)) => (piece.len() as u64, false),
            Ok(None) => (0, true),
            Err(CutOff::Engine(_)) => {
                work.note(|asked| asked.ended(Outcome::Failed, "engine"));
                (0, false)
            }
            Err(CutOff::TooSlowlyRead) => {
                work.look().await;
                work.note(|asked| asked.ended(Outcome::Abandoned, "time"));
                (0, false)
            }
        };
        let goes_on = matches!(piece, Ok(Some(_)));
        if !matches!(timeout_at(deadline, sender.send(piece)).await, Ok(Ok(()))) {
            return;
        }
        work.note(|asked| {
            asked.note(|entry| entry.result_bytes += bytes);
            if is_end && !is_error {
                asked.ok();
            }
        });
        if !goes_on {
            return;
        }
    }
}

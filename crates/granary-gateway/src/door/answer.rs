//! ClickHouse's answer on its way to the client, as it comes.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{StreamExt, stream};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use crate::line::Place;
use crate::request::PassedOn;

/// Beyond the statement's time, how long the engine may take to say that it is over.
pub(super) const ENGINE_GRACE: Duration = Duration::from_secs(5);

/// Pieces of an answer that wait for their reader; then the engine waits too.
const PIECES_AHEAD: usize = 2;

/// The connection's own business, on either side of the gateway.
const HOP_BY_HOP: [&str; 4] = ["connection", "keep-alive", "transfer-encoding", "server"];

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
pub(super) fn pass_on(answer: http::Response<Body>, place: Place, deadline: Instant) -> Response {
    let (mut parts, body) = answer.into_parts();
    for name in HOP_BY_HOP {
        parts.headers.remove(name);
    }
    let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
    tokio::spawn(carry(body.into_data_stream(), sender, place, deadline).in_current_span());
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

async fn carry(mut body: BodyDataStream, sender: mpsc::Sender<Piece>, _place: Place, deadline: Instant) {
    loop {
        let piece = tokio::select! {
            biased;
            () = sender.closed() => return,
            piece = timeout_at(deadline, body.next()) => piece,
        };
        let piece = match piece {
            Ok(piece) => piece.transpose().map_err(CutOff::Engine),
            Err(_) => Err(CutOff::TooSlowlyRead),
        };
        let goes_on = matches!(piece, Ok(Some(_)));
        if !matches!(timeout_at(deadline, sender.send(piece)).await, Ok(Ok(()))) || !goes_on {
            return;
        }
    }
}

//! How a `WebSocket` ends from this side: a last message, and a close frame with a code and the reason.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};

use super::stay::Over;

/// For how long a peer that reads nothing is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is said at the end.
#[derive(Debug)]
pub(super) struct Closing {
    last: Option<String>,
    frame: CloseFrame,
}

impl Closing {
    /// The client did not do what it must to be served on.
    pub(super) fn idle(reason: &'static str) -> Self {
        Self::with(close_code::NORMAL, reason)
    }

    /// What is read cannot be read on.
    pub(super) fn failed(last: String, reason: &'static str) -> Self {
        Self { last: Some(last), ..Self::with(close_code::ERROR, reason) }
    }

    /// The client may not stay.
    pub(super) fn over(over: Over) -> Self {
        match over {
            Over::Stopping => Self::with(close_code::AWAY, over.to_string()),
            Over::Pass(_) => {
                let mut last = over.told();
                last["type"] = "over".into();
                Self { last: Some(last.to_string()), ..Self::with(close_code::POLICY, over.to_string()) }
            }
        }
    }

    fn with(code: u16, reason: impl Into<String>) -> Self {
        Self { last: None, frame: CloseFrame { code, reason: reason.into().into() } }
    }

    /// Says it, to a peer that may not listen any more.
    pub(super) async fn say(self, socket: &mut WebSocket) {
        let said = async {
            if let Some(text) = self.last {
                socket.send(Message::Text(text.into())).await?;
            }
            socket.send(Message::Close(Some(self.frame))).await
        };
        tokio::time::timeout(PATIENCE, said).await.ok();
    }
}

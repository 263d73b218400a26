//! Until when somebody may stay whose request goes on: until the gateway stops, or the key it came with is not taken any more.

use std::sync::Arc;

use granary_access::{Gate, PassEnded};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::Caller;
use crate::router::GatewayState;

/// What somebody's stay hangs on.
#[derive(Debug, Clone)]
pub(super) struct Stay {
    stopping: CancellationToken,
    gate: Arc<Gate>,
    caller: Caller,
}

/// Why somebody is asked to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Over {
    /// The gateway stops.
    #[error("the gateway is stopping")]
    Stopping,
    /// What it came with is not taken any more.
    #[error("{0}")]
    Pass(PassEnded),
}

impl Over {
    /// Its name in the audit.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Stopping => "stopping",
            Self::Pass(ended) => ended.name(),
        }
    }

    /// What a client is told.
    pub(super) fn told(self) -> Value {
        json!({ "reason": self.name(), "detail": self.to_string() })
    }
}

impl Stay {
    pub(super) fn new(state: &GatewayState, caller: &Caller) -> Self {
        Self::of(state.stopping.clone(), Arc::clone(&state.gate), caller.clone())
    }

    pub(super) fn of(stopping: CancellationToken, gate: Arc<Gate>, caller: Caller) -> Self {
        Self { stopping, gate, caller }
    }

    /// Returns when the stay is over. Who needs no key may stay until the gateway stops.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost.
    pub(super) async fn over(&self) -> Over {
        let pass_ended = async {
            match self.caller.pass() {
                Some(pass) => self.gate.ended(pass).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.stopping.cancelled() => Over::Stopping,
            ended = pass_ended => Over::Pass(ended),
        }
    }
}

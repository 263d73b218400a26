//! What goes on with other receivers: they are answered, watched, and asked.

use std::sync::Arc;

use granary_wal::Mark;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::config::IngestConfig;
use crate::connections::{Door, Manners};
use crate::peers;
use crate::settle::Settler;

/// The tasks of it.
#[derive(Debug)]
pub(crate) struct Others {
    door: JoinHandle<()>,
    watch: JoinHandle<()>,
    settler: JoinHandle<()>,
    /// Closes the door.
    stop: CancellationToken,
}

impl Others {
    /// Opens the door before anything is settled or delivered: a receiver that asks must be answered.
    pub(crate) fn begin(
        config: &IngestConfig,
        listener: TcpListener,
        settler: Settler,
        resume: Mark,
    ) -> Self {
        let stop = CancellationToken::new();
        let door = Door {
            name: peers::DOOR,
            listener,
            app: peers::router(Arc::clone(&settler.claims), &config.peer_secret),
            tls: None,
            manners: Manners::of(config, false),
            metrics: settler.metrics.clone(),
        };
        Self {
            door: tokio::spawn(door.serve(stop.clone())),
            watch: tokio::spawn(settler.peers.clone().watch()),
            settler: tokio::spawn(settler.run(resume)),
            stop,
        }
    }

    /// Waits until what is durable is settled; that is soon, or when the others' patience is over.
    pub(crate) async fn settled(&mut self, until: Instant) {
        drop(timeout_at(until, &mut self.settler).await);
    }

    /// Ends it once nothing is delivered any more: until then those that ask are answered.
    pub(crate) async fn end(self) {
        self.settler.abort();
        self.watch.abort();
        self.stop.cancel();
        if let Err(error) = self.door.await {
            tracing::error!(%error, "the door for other receivers ended before its time");
        }
    }
}

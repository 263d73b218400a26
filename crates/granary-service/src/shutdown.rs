//! Shutdown in stages: each ends before the next begins, under one deadline, and what hangs is named.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

/// The stages of a shutdown under way.
#[derive(Debug)]
pub struct Stages {
    deadline: Instant,
    overdue: Vec<&'static str>,
}

impl Stages {
    /// Starts the clock.
    #[must_use]
    pub fn within(limit: Duration) -> Self {
        Self { deadline: Instant::now() + limit, overdue: Vec::new() }
    }

    /// Runs one stage; past the deadline it is given up and remembered.
    pub async fn stage(&mut self, name: &'static str, stage: impl Future<Output = ()>) {
        tracing::debug!(stage = name, "shutdown stage begins");
        if timeout_at(self.deadline, stage).await.is_err() {
            tracing::warn!(stage = name, "shutdown stage did not end in time");
            self.overdue.push(name);
        }
    }

    /// What did not end in time; nothing is a clean shutdown.
    ///
    /// # Errors
    ///
    /// The stages that were given up.
    pub fn finish(self) -> Result<(), Overdue> {
        if self.overdue.is_empty() { Ok(()) } else { Err(Overdue(self.overdue)) }
    }
}

/// Stages that did not end in time.
#[derive(Debug, thiserror::Error)]
pub struct Overdue(Vec<&'static str>);

impl fmt::Display for Overdue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "these did not end in time: {}", self.0.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stage_that_hangs_is_named_and_the_next_ones_still_run() {
        let mut stages = Stages::within(Duration::from_secs(5));
        let mut ran = false;
        stages.stage("listener", std::future::pending()).await;
        stages.stage("engine", async { ran = true }).await;
        assert!(ran);
        assert_eq!(stages.finish().unwrap_err().to_string(), "these did not end in time: listener");
    }
}

//! How many queries run, and who waits for a place.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Places at the engine with a waiting line in front of them, served in the order of coming.
#[derive(Debug, Clone)]
pub(crate) struct QueryLine {
    places: Arc<Semaphore>,
    line: Arc<Semaphore>,
    max_wait: Duration,
}

/// A place; dropping it gives it to the next in line.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
}

impl QueryLine {
    pub(crate) fn new(places: NonZeroU32, line: u32, max_wait: Duration) -> Self {
        let semaphore = |permits: u32| Arc::new(Semaphore::new(permits as usize));
        Self { places: semaphore(places.get()), line: semaphore(line), max_wait }
    }

    /// Waits for a place, unless the line is full; nobody waits longer than the line's limit.
    pub(crate) async fn enter(&self) -> Option<Place> {
        let places = Arc::clone(&self.places);
        if let Ok(permit) = Arc::clone(&places).try_acquire_owned() {
            return Some(Place { _permit: permit });
        }
        let _in_line = self.line.try_acquire().ok()?;
        let permit = timeout(self.max_wait, places.acquire_owned()).await.ok()?.ok()?;
        Some(Place { _permit: permit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn one_runs_one_waits_and_the_third_is_refused() {
        let line = QueryLine::new(NonZeroU32::MIN, 1, Duration::from_secs(10));
        let running = line.enter().await.unwrap();
        let waiting = tokio::spawn({
            let line = line.clone();
            async move { line.enter().await.is_some() }
        });
        tokio::task::yield_now().await;
        assert!(line.enter().await.is_none(), "the line is full");
        drop(running);
        assert!(waiting.await.unwrap());
        assert!(line.enter().await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_longer_than_the_limit() {
        let line = QueryLine::new(NonZeroU32::MIN, 1, Duration::from_secs(10));
        let _running = line.enter().await.unwrap();
        assert!(line.enter().await.is_none());
        assert!(line.line.available_permits() == 1, "the place in the line is free again");
    }
}

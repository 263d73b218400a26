//! Key files, secrets and certificates are read again when they change, without a restart.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::stamp::Stamp;

/// How often the files are looked at, which is what a revoked key has left at most. Looking is a few system
/// calls; being told of changes instead does not work over every file system that secrets are mounted from.
const INTERVAL: Duration = Duration::from_secs(1);

/// Files that belong together, and the versions of them that were read last, whether or not they could be used.
#[derive(Debug, Clone)]
pub struct Watched {
    paths: Vec<PathBuf>,
    seen: Stamp,
}

impl Watched {
    /// Looks at files that are about to be read for the first time: what changes meanwhile is read again.
    #[must_use]
    pub fn look(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let paths: Vec<_> = paths.into_iter().filter(|path| !path.as_os_str().is_empty()).collect();
        let seen = Self::stamp(&paths);
        Self { paths, seen }
    }

    fn stamp(paths: &[PathBuf]) -> Stamp {
        Stamp::of(paths.iter().map(PathBuf::as_path))
    }

    /// Whether they have changed since they were looked at last; a file that changes while it is read has changed
    /// again by the next look.
    pub fn has_changed(&mut self) -> bool {
        let now = Self::stamp(&self.paths);
        std::mem::replace(&mut self.seen, now.clone()) != now
    }
}

type Reread = Box<dyn FnMut() + Send>;

/// Files, and how each is read again. Reading says itself what came of it.
#[derive(Default)]
pub struct Watch {
    files: Vec<(Watched, Reread)>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.files.iter().map(|(watched, _)| watched)).finish()
    }
}

impl Watch {
    /// Has files read again when they change.
    pub fn on_change(&mut self, watched: Watched, reread: impl FnMut() + Send + 'static) {
        if !watched.paths.is_empty() {
            self.files.push((watched, Box::new(reread)));
        }
    }

    /// Goes on until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let looked = tokio::task::spawn_blocking(move || {
                self.look();
                self
            });
            match looked.await {
                Ok(watch) => self = watch,
                Err(_) => return,
            }
        }
    }

    fn look(&mut self) {
        for (watched, reread) in &mut self.files {
            if watched.has_changed() {
                reread();
            }
        }
    }
}

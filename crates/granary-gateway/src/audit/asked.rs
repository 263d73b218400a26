//! An entry that is being written while what it tells of is under way.

use http::StatusCode;
use tokio::time::Instant;

use super::{Audit, Entry, Outcome};
use crate::Binding;

/// An entry under way. It is recorded when this goes, however that comes about; unless something else was said before,
/// its client went away.
#[derive(Debug)]
pub struct Asked {
    audit: Audit,
    entry: Option<Entry>,
    start: Instant,
}

impl Asked {
    pub(super) fn new(audit: Audit, entry: Entry) -> Self {
        Self { audit, entry: Some(entry), start: Instant::now() }
    }

    /// Adds what is known.
    pub fn note(&mut self, note: impl FnOnce(&mut Entry)) {
        if let Some(entry) = &mut self.entry {
            note(entry);
        }
    }

    /// Adds what was bound.
    pub fn note_parameters(&mut self, bindings: &[(String, Binding)]) {
        let parameters = self.audit.parameters(bindings);
        self.note(|entry| entry.parameters = parameters);
    }

    /// Says that it was answered to the end.
    pub fn ok(&mut self) {
        self.ended(Outcome::Ok, "");
    }

    /// Says how it ended.
    pub fn ended(&mut self, outcome: Outcome, reason: &str) {
        self.note(|entry| {
            entry.outcome = outcome;
            reason.clone_into(&mut entry.reason);
        });
    }

    /// Says which status its answer has.
    pub fn answered(&mut self, status: StatusCode) {
        self.note(|entry| entry.status = status.as_u16());
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if let Some(mut entry) = self.entry.take() {
            entry.duration = self.start.elapsed();
            self.audit.record(entry);
        }
    }
}

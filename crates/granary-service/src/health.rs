//! Ready, and if not, why not.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Named conditions that must all hold for the process to be ready. Clones share them.
///
/// A condition that was never reported is not among them: a role names its conditions before it serves.
#[derive(Debug, Clone, Default)]
pub struct Health {
    conditions: Arc<RwLock<BTreeMap<&'static str, Result<(), String>>>>,
}

impl Health {
    /// Says that a condition holds.
    pub fn up(&self, condition: &'static str) {
        self.report(condition, Ok(()));
    }

    /// Says that a condition does not hold, and why, in words for an operator.
    pub fn down(&self, condition: &'static str, reason: impl Into<String>) {
        self.report(condition, Err(reason.into()));
    }

    /// Sets a condition.
    pub fn report(&self, condition: &'static str, state: Result<(), String>) {
        let mut conditions = self.conditions.write().unwrap_or_else(PoisonError::into_inner);
        if conditions.get(condition) == Some(&state) {
            return;
        }
        match &state {
            Ok(()) => tracing::info!(condition, "ready"),
            Err(reason) => tracing::info!(condition, reason, "not ready"),
        }
        conditions.insert(condition, state);
    }

    /// Whether all conditions hold.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.conditions.read().unwrap_or_else(PoisonError::into_inner).values().all(Result::is_ok)
    }

    /// The conditions with their states, in order of their names; `Err` says why one does not hold.
    #[must_use]
    pub fn conditions(&self) -> Vec<(&'static str, Result<(), String>)> {
        let conditions = self.conditions.read().unwrap_or_else(PoisonError::into_inner);
        conditions.iter().map(|(name, state)| (*name, state.clone())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_condition_that_does_not_hold_is_enough_not_to_be_ready() {
        let health = Health::default();
        health.up("engine");
        health.down("schema", "3 migrations are not applied");
        assert!(!health.is_ready());
        health.up("schema");
        assert!(health.is_ready());
        assert_eq!(health.conditions(), [("engine", Ok(())), ("schema", Ok(()))]);
    }
}

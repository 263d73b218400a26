//! How often did each rule fire?

use std::sync::Arc;

/// Counts by rule since the [`Redactor`](crate::Redactor) was made. Names and numbers only, never a text.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Report {
    /// Each rule that is switched on, rules that never fired included, and `identity` as the last.
    pub rules: Vec<RuleCount>,
}

/// One rule's count.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RuleCount {
    /// The rule's name; one of a fixed set once the configuration is read, so it can be a metric label.
    pub rule: Arc<str>,
    /// How many texts or parts of texts it replaced; for `identity`, how many values were hashed or dropped.
    pub count: u64,
}

impl Report {
    /// The count of one rule; 0 for a rule that is not known.
    #[must_use]
    pub fn count(&self, rule: &str) -> u64 {
        self.rules.iter().find(|entry| &*entry.rule == rule).map_or(0, |entry| entry.count)
    }

    /// The rules that fired, with their counts.
    pub fn fired(&self) -> impl Iterator<Item = &RuleCount> {
        self.rules.iter().filter(|entry| entry.count > 0)
    }
}

//! What was sent, so that a warehouse can be asked whether it says the same?
//!
//! Counted from the plan of a session, not from the protobufs made of it.

use std::collections::BTreeMap;

use crate::prices::{Model, Tokens};

/// The totals of what a session, or several together, sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Truth {
    /// Log records, of every event.
    pub log_records: u64,
    /// Log records by `event.name`.
    pub events: BTreeMap<String, u64>,
    /// Spans by name.
    pub spans: BTreeMap<String, u64>,
    /// What was spent, by `model`.
    pub models: BTreeMap<String, ModelTruth>,
    /// What was called, by `tool_name`.
    pub tools: BTreeMap<String, ToolTruth>,
    /// Runs of the client; more than one if the session was resumed.
    pub processes: u64,
    /// Lines the tools added to files.
    pub lines_added: u64,
    /// Lines the tools took from files.
    pub lines_removed: u64,
    /// Commits made.
    pub commits: u64,
    /// Pull requests opened.
    pub pull_requests: u64,
    /// Fake secrets that stand somewhere in what was sent and must be found nowhere afterwards.
    pub secrets: Vec<String>,
}

/// What one model was used for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ModelTruth {
    /// Requests that succeeded, each an `api_request` event.
    pub requests: u64,
    /// Requests that failed, each an `api_error` event.
    pub errors: u64,
    /// Tokens of the requests that succeeded.
    pub tokens: Tokens,
    /// Their cost in nano-dollars.
    pub cost_nano_usd: u64,
}

/// What became of the calls of one tool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ToolTruth {
    /// Decisions to let it run.
    pub accepted: u64,
    /// Decisions against; no result follows.
    pub rejected: u64,
    /// Results, each a `tool_result` event.
    pub calls: u64,
    /// Results that say `success` = `false`.
    pub failures: u64,
}

impl Truth {
    /// Returns the requests that succeeded.
    pub fn api_requests(&self) -> u64 {
        self.models.values().map(|model| model.requests).sum()
    }

    /// Returns the cost of them all, in nano-dollars.
    pub fn cost_nano_usd(&self) -> u64 {
        self.models.values().map(|model| model.cost_nano_usd).sum()
    }

    /// Returns the tokens of them all.
    pub fn tokens(&self) -> Tokens {
        let mut sum = Tokens::default();
        for model in self.models.values() {
            sum += model.tokens;
        }
        sum
    }

    /// Returns the results of all tools, and how many of them are failures.
    pub fn tool_calls(&self) -> (u64, u64) {
        self.tools
            .values()
            .fold((0, 0), |(calls, failures), tool| (calls + tool.calls, failures + tool.failures))
    }

    /// Adds what another session sent.
    pub fn add(&mut self, other: &Self) {
        let Self {
            log_records,
            events,
            spans,
            models,
            tools,
            processes,
            lines_added,
            lines_removed,
            commits,
            pull_requests,
            secrets,
        } = other;
        self.log_records += log_records;
        self.processes += processes;
        self.lines_added += lines_added;
        self.lines_removed += lines_removed;
        self.commits += commits;
        self.pull_requests += pull_requests;
        self.secrets.extend_from_slice(secrets);
        for (name, count) in events {
            *self.events.entry(name.clone()).or_default() += count;
        }
        for (name, count) in spans {
            *self.spans.entry(name.clone()).or_default() += count;
        }
        for (name, model) in models {
            let sum = self.models.entry(name.clone()).or_default();
            sum.requests += model.requests;
            sum.errors += model.errors;
            sum.tokens += model.tokens;
            sum.cost_nano_usd += model.cost_nano_usd;
        }
        for (name, tool) in tools {
            let sum = self.tools.entry(name.clone()).or_default();
            sum.accepted += tool.accepted;
            sum.rejected += tool.rejected;
            sum.calls += tool.calls;
            sum.failures += tool.failures;
        }
    }

    pub(crate) fn event(&mut self, name: &str) {
        self.log_records += 1;
        count(&mut self.events, name);
    }

    pub(crate) fn span(&mut self, name: &str) {
        count(&mut self.spans, name);
    }

    pub(crate) fn api_request(&mut self, model: Model, tokens: Tokens) {
        let sum = self.models.entry(model.name().to_owned()).or_default();
        sum.requests += 1;
        sum.tokens += tokens;
        sum.cost_nano_usd += model.price().cost_nano_usd(tokens);
    }

    pub(crate) fn api_error(&mut self, model: Model) {
        self.models.entry(model.name().to_owned()).or_default().errors += 1;
    }

    pub(crate) fn decision(&mut self, tool: &str, accepted: bool) {
        let sum = self.tools.entry(tool.to_owned()).or_default();
        if accepted {
            sum.accepted += 1;
        } else {
            sum.rejected += 1;
        }
    }

    pub(crate) fn result(&mut self, tool: &str, failed: bool) {
        let sum = self.tools.entry(tool.to_owned()).or_default();
        sum.calls += 1;
        sum.failures += u64::from(failed);
    }
}

fn count(counts: &mut BTreeMap<String, u64>, name: &str) {
    if let Some(sum) = counts.get_mut(name) {
        *sum += 1;
    } else {
        counts.insert(name.to_owned(), 1);
    }
}

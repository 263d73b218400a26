//! What does a conversation with a model carry from one request to the next?
//!
//! Its context, of which all that the model has seen before is read from the cache, as long as the cache has not
//! forgotten it.

use std::borrow::Cow;

use crate::dice::Dice;
use crate::plan::SpanContext;
use crate::prices::{Model, Tokens};
use crate::tools::Tool;

/// Tokens of the system prompt and the tools' descriptions.
const SYSTEM_TOKENS: u64 = 16_800;

/// The same for a subagent, which has fewer tools.
const SUBAGENT_SYSTEM_TOKENS: u64 = 6_200;

/// The part of the system prompt that is the same for everybody and so in the cache of somebody already.
const SHARED_TOKENS: u64 = 11_400;

/// How long the cache remembers.
const CACHE_MS: u64 = 5 * 60 * 1000;

/// The context at which the client compacts.
const COMPACT_AT: u64 = 162_000;

/// A conversation: the session's own or a subagent's.
#[derive(Debug, Clone)]
pub(crate) struct Thread {
    pub(crate) agent: Option<Subagent>,
    pub(crate) model: Model,
    pub(crate) effort: Option<&'static str>,
    pub(crate) query_source: Cow<'static, str>,
    /// `gen_ai.conversation.id`.
    pub(crate) conversation: String,
    /// What requests and tools hang under.
    pub(crate) parent: SpanContext,
    pub(crate) last_tool: Option<Tool>,
    pub(crate) tool_uses: u64,
    context: u64,
    cached: u64,
    last_request_ms: Option<u64>,
}

/// Who works in a subagent's conversation.
#[derive(Debug, Clone)]
pub(crate) struct Subagent {
    pub(crate) kind: &'static str,
    pub(crate) id: String,
    /// Its caller does not wait for it.
    pub(crate) in_background: bool,
}

impl Subagent {
    pub(crate) fn is_built_in(&self) -> bool {
        self.kind != "code-reviewer"
    }

    fn query_source(&self) -> Cow<'static, str> {
        if self.is_built_in() { format!("agent:builtin:{}", self.kind).into() } else { "agent:custom".into() }
    }
}

impl Thread {
    /// Starts the session's own conversation.
    pub(crate) fn main(
        dice: &mut Dice,
        model: Model,
        effort: &'static str,
        query_source: &'static str,
        session_id: &str,
    ) -> Self {
        Self {
            agent: None,
            model,
            effort: model.has_effort().then_some(effort),
            query_source: query_source.into(),
            conversation: session_id.to_owned(),
            parent: SpanContext { trace: [0; 16], span: [0; 8] },
            last_tool: None,
            tool_uses: 0,
            context: SYSTEM_TOKENS + dice.log_normal(2_400.0, 0.8),
            cached: if dice.chance(0.8) { SHARED_TOKENS } else { 0 },
            last_request_ms: None,
        }
    }

    /// Starts a subagent's conversation under the span in which its tool runs.
    pub(crate) fn subagent(&self, dice: &mut Dice, agent: Subagent, parent: SpanContext) -> Self {
        let model = if agent.kind == "Explore" && dice.chance(0.7) { Model::Haiku45 } else { self.model };
        Self {
            model,
            effort: self.effort.filter(|_| model.has_effort()),
            query_source: agent.query_source(),
            conversation: agent.id.clone(),
            agent: Some(agent),
            parent,
            last_tool: None,
            tool_uses: 0,
            context: SUBAGENT_SYSTEM_TOKENS + dice.log_normal(900.0, 0.6),
            cached: 0,
            last_request_ms: None,
        }
    }

    /// Returns the tokens of a request at this moment, after which the cache holds what was sent.
    pub(crate) fn spend(&mut self, dice: &mut Dice, at_ms: u64, output: u64) -> Tokens {
        let forgotten = self.last_request_ms.is_some_and(|last| at_ms.saturating_sub(last) > CACHE_MS);
        if forgotten {
            self.cached = self.cached.min(SHARED_TOKENS);
        }
        self.last_request_ms = Some(at_ms);
        let unseen = self.context.saturating_sub(self.cached);
        // The tail is sent without being cached; mostly it is a few tokens.
        let tail = if dice.chance(0.85) { dice.between(2, 14) } else { dice.log_normal(500.0, 0.8) };
        let input = tail.min(unseen);
        let tokens = Tokens { input, output, cache_read: self.cached, cache_creation: unseen - input };
        self.cached = self.context;
        self.context += output;
        tokens
    }

    /// Returns the tokens of a request beside the conversation that reads what the cache has of it.
    pub(crate) fn spend_beside(&self, dice: &mut Dice, output: u64) -> Tokens {
        Tokens { input: dice.between(40, 180), output, cache_read: self.cached, cache_creation: 0 }
    }

    /// Adds something for the model to read.
    pub(crate) fn read(&mut self, tokens: u64) {
        self.context += tokens;
    }

    pub(crate) fn is_full(&self) -> bool {
        self.context > COMPACT_AT
    }

    /// Replaces the conversation by a summary of this length; returns the tokens before and after.
    pub(crate) fn compact(&mut self, summary: u64) -> (u64, u64) {
        let before = self.context;
        let after = summary + 2_100;
        self.context = SYSTEM_TOKENS + after;
        self.cached = SHARED_TOKENS;
        (before, after)
    }

    /// Returns what the metrics call the source of the conversation's requests.
    pub(crate) fn metric_source(&self) -> &'static str {
        if self.agent.is_some() { "subagent" } else { "main" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread() -> Thread {
        Thread::main(&mut Dice::new(1), Model::Sonnet46, "high", "sdk", "session")
    }

    #[test]
    fn what_was_sent_once_is_read_from_the_cache_the_next_time() {
        let (mut thread, mut dice) = (thread(), Dice::new(2));
        let first = thread.spend(&mut dice, 0, 100);
        thread.read(1_000);
        let second = thread.spend(&mut dice, 10_000, 100);
        assert_eq!(second.cache_read, first.input + first.cache_read + first.cache_creation);
        assert_eq!(second.input + second.cache_creation, 1_100);
    }

    #[test]
    fn after_a_long_pause_the_conversation_is_written_to_the_cache_again() {
        let (mut thread, mut dice) = (thread(), Dice::new(2));
        thread.spend(&mut dice, 0, 100);
        let late = thread.spend(&mut dice, CACHE_MS + 1, 100);
        assert_eq!(late.cache_read, SHARED_TOKENS);
    }
}

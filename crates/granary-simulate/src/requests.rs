//! What is one request to the model like?

use std::borrow::Cow;

use crate::dice::{Dice, real, whole};
use crate::failures::backoff_ms;
use crate::prices::{Model, Tokens};
use crate::thread::{Subagent, Thread};

/// A request to the model and its answer.
#[derive(Debug, Clone)]
pub(crate) struct ApiCall {
    pub(crate) model: Model,
    pub(crate) effort: Option<&'static str>,
    pub(crate) tokens: Tokens,
    /// Of the last attempt.
    pub(crate) duration_ms: u64,
    pub(crate) ttft_ms: u64,
    /// The attempt that went well.
    pub(crate) attempt: u64,
    /// When each attempt began, from the first's beginning.
    pub(crate) attempts_ms: Vec<u64>,
    pub(crate) request_id: String,
    pub(crate) message_uuid: String,
    pub(crate) query_source: Cow<'static, str>,
    /// What the metrics call the source.
    pub(crate) metric_source: &'static str,
    pub(crate) agent: Option<Subagent>,
    pub(crate) asks_for_tools: bool,
    pub(crate) response_length: u64,
}

impl ApiCall {
    /// Returns how long it took with all attempts.
    pub(crate) fn total_ms(&self) -> u64 {
        self.attempts_ms.last().copied().unwrap_or_default() + self.duration_ms
    }
}

/// Draws the next request of a conversation.
pub(crate) fn draw_request(
    dice: &mut Dice,
    thread: &mut Thread,
    at_ms: u64,
    asks_for_tools: bool,
) -> ApiCall {
    let median = if asks_for_tools { 190.0 } else { 420.0 };
    let output = dice.log_normal(median, 0.95).clamp(8, 12_000);
    let tokens = thread.spend(dice, at_ms, output);
    call(dice, thread, tokens, asks_for_tools)
}

/// Draws the request that summarises a conversation.
pub(crate) fn draw_compaction(dice: &mut Dice, thread: &mut Thread, at_ms: u64) -> ApiCall {
    let output = dice.log_normal(3_300.0, 0.25);
    let tokens = thread.spend(dice, at_ms, output);
    let mut call = call(dice, thread, tokens, false);
    call.query_source = "compact".into();
    call.metric_source = "auxiliary";
    call
}

/// Draws the request by which a session gets its title.
pub(crate) fn draw_title(dice: &mut Dice, thread: &Thread) -> ApiCall {
    let tokens = Tokens { input: dice.between(280, 900), output: dice.between(9, 26), ..Tokens::default() };
    let mut call = call(dice, thread, tokens, false);
    call.model = Model::Haiku45;
    call.effort = None;
    call.query_source = "generate_session_title".into();
    call.metric_source = "auxiliary";
    call.ttft_ms = dice.log_normal(450.0, 0.3);
    call.duration_ms = call.ttft_ms + dice.between(60, 300);
    call
}

/// Draws the request that guesses what the person may ask next.
pub(crate) fn draw_suggestion(dice: &mut Dice, thread: &Thread) -> ApiCall {
    let output = dice.between(6, 30);
    let tokens = thread.spend_beside(dice, output);
    let mut call = call(dice, thread, tokens, false);
    call.query_source = "prompt_suggestion".into();
    call.metric_source = "auxiliary";
    call
}

fn call(dice: &mut Dice, thread: &Thread, tokens: Tokens, asks_for_tools: bool) -> ApiCall {
    let (ttft_median, tokens_per_second) = thread.model.pace();
    // A long context takes longer to read, even from the cache.
    let reading = 1.0 + real(tokens.cache_read) / 300_000.0;
    let ttft_ms = dice.log_normal(ttft_median * reading, 0.4).max(80);
    let speed = tokens_per_second * (0.7 + 0.6 * dice.unit());
    let duration_ms = ttft_ms + whole(real(tokens.output) / speed * 1_000.0) + 1;
    let attempt = if dice.chance(0.975) { 1 } else { dice.between(2, 4) };
    ApiCall {
        model: thread.model,
        effort: thread.effort,
        tokens,
        duration_ms,
        ttft_ms,
        attempt,
        attempts_ms: draw_attempts(dice, attempt),
        request_id: format!("req_011C{}", dice.base58(20)),
        message_uuid: dice.uuid(),
        query_source: thread.query_source.clone(),
        metric_source: thread.metric_source(),
        agent: thread.agent.clone(),
        asks_for_tools,
        response_length: if asks_for_tools { tokens.output * 2 / 3 } else { tokens.output * 4 },
    }
}

/// Returns when each of so many attempts began.
pub(crate) fn draw_attempts(dice: &mut Dice, attempts: u64) -> Vec<u64> {
    let mut at_ms = 0;
    let mut begins = vec![0];
    for attempt in 1..attempts {
        at_ms += dice.log_normal(300.0, 0.5) + backoff_ms(dice, attempt);
        begins.push(at_ms);
    }
    begins
}

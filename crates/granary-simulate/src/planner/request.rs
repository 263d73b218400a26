//! How does a request go, and what is recorded of it?

use super::Planner;
use super::turn::Turn;
use crate::attributes::text;
use crate::events;
use crate::failures::{ApiFailure, draw_api_failure};
use crate::metrics::Counter;
use crate::plan::SpanPlan;
use crate::requests::{ApiCall, draw_attempts, draw_compaction, draw_request};
use crate::spans;
use crate::thread::Thread;

/// How often a request fails for good.
const FAILING: f64 = 0.009;

impl Planner<'_> {
    /// Asks the model. Returns the answer and when it was there, or when it was clear that none would come.
    pub(super) fn request(
        &mut self,
        thread: &mut Thread,
        turn: &Turn,
        start_ms: u64,
        asks_for_tools: bool,
    ) -> Result<(ApiCall, u64), u64> {
        let call = draw_request(&mut self.dice, thread, start_ms, asks_for_tools);
        if self.dice.chance(FAILING) {
            let failure = draw_api_failure(&mut self.dice);
            return Err(self.record_failure(thread, turn, &call, &failure, start_ms));
        }
        let end_ms = self.record_request(thread, turn, &call, start_ms);
        Ok((call, end_ms))
    }

    /// Has the conversation summarised; returns when it is.
    pub(super) fn compact(&mut self, thread: &mut Thread, turn: &Turn, start_ms: u64, trigger: &str) -> u64 {
        let call = draw_compaction(&mut self.dice, thread, start_ms);
        let end_ms = self.record_request(thread, turn, &call, start_ms) + self.dice.between(20, 60);
        let (before, after) = thread.compact(call.tokens.output);
        let attributes = events::compaction(trigger, end_ms - start_ms, before, after);
        self.turn_event(end_ms, "compaction", turn, thread.parent, attributes);
        end_ms
    }

    /// Records a request that went well; returns when its answer was there.
    pub(super) fn record_request(
        &mut self,
        thread: &Thread,
        turn: &Turn,
        call: &ApiCall,
        start_ms: u64,
    ) -> u64 {
        let end_ms = start_ms + call.total_ms();
        self.turn_event(end_ms, "api_request", turn, thread.parent, events::api_request(call));
        self.turn_event(end_ms, "assistant_response", turn, thread.parent, events::assistant_response(call));
        self.recorder.truth.api_request(call.model, call.tokens);
        self.count_spending(call, end_ms.saturating_sub(2));
        let attempts = call.attempts_ms.iter().map(|begin| start_ms + begin).collect();
        self.request_span(thread, call, (start_ms, end_ms), attempts, None);
        end_ms
    }

    /// Records a request that failed; returns when the client gave up.
    fn record_failure(
        &mut self,
        thread: &Thread,
        turn: &Turn,
        call: &ApiCall,
        failure: &ApiFailure,
        start_ms: u64,
    ) -> u64 {
        let begins = draw_attempts(&mut self.dice, failure.attempt);
        let waited_ms = begins.last().copied().unwrap_or_default();
        let end_ms = start_ms + waited_ms + failure.duration_ms;
        self.turn_event(end_ms, "api_error", turn, thread.parent, events::api_error(call, failure));
        self.recorder.truth.api_error(call.model);
        if failure.exhausted() {
            let attributes = events::api_retries_exhausted(call, failure, end_ms - start_ms);
            self.turn_event(end_ms, "api_retries_exhausted", turn, thread.parent, attributes);
        }
        let attempts = begins.iter().map(|begin| start_ms + begin).collect();
        self.request_span(thread, call, (start_ms, end_ms), attempts, Some(failure));
        end_ms
    }

    fn request_span(
        &mut self,
        thread: &Thread,
        call: &ApiCall,
        (start_ms, end_ms): (u64, u64),
        attempts_ms: Vec<u64>,
        failure: Option<&ApiFailure>,
    ) {
        let context = self.span_in(thread.parent.trace);
        let end_nanos = self.dice.between(0, 999_999);
        self.recorder.span(SpanPlan {
            kind: "llm_request",
            context,
            parent: Some(thread.parent.span),
            start_ms,
            end_ms,
            end_nanos,
            attributes: spans::llm_request(call, failure, &thread.conversation, end_ms - start_ms),
            attempts_ms,
            error: failure.map(|failure| failure.message.clone()),
        });
    }

    fn count_spending(&mut self, call: &ApiCall, at_ms: u64) {
        let mut labels = vec![text("model", call.model.name()), text("query_source", call.metric_source)];
        labels.extend(call.effort.map(|effort| text("effort", effort)));
        labels.extend(call.agent.as_ref().map(|agent| text("agent.name", agent.kind)));
        let cost = call.model.price().reported_usd(call.tokens);
        self.count(at_ms, Counter::Cost, cost, labels.clone());
        for (kind, tokens) in [
            ("input", call.tokens.input),
            ("output", call.tokens.output),
            ("cacheRead", call.tokens.cache_read),
            ("cacheCreation", call.tokens.cache_creation),
        ] {
            let mut labels = labels.clone();
            labels.push(text("type", kind));
            self.count(at_ms, Counter::Tokens, crate::dice::real(tokens), labels);
        }
    }
}

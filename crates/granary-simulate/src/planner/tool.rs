//! How is a tool used: decided on, run, and sometimes a whole conversation of its own?

use super::Planner;
use super::turn::Turn;
use crate::attributes::text;
use crate::calls::{ToolCall, draw_call};
use crate::commands::draw_leak;
use crate::dice::real;
use crate::events;
use crate::metrics::Counter;
use crate::plan::{SpanContext, SpanPlan};
use crate::requests::ApiCall;
use crate::spans;
use crate::thread::{Subagent, Thread};
use crate::tools::Tool;

/// How the tools of one reply ended.
pub(super) struct Used {
    pub(super) end_ms: u64,
    /// Somebody refused, and wants to say something first.
    pub(super) stopped: bool,
}

/// The spans of one call.
struct CallSpans {
    tool: SpanContext,
    blocked: SpanContext,
    execution: SpanContext,
}

impl Planner<'_> {
    /// Uses the tools a reply asks for, beside one another.
    pub(super) fn use_tools(
        &mut self,
        thread: &mut Thread,
        turn: &Turn,
        reply: &ApiCall,
        replied_ms: u64,
    ) -> Used {
        let mut used = Used { end_ms: replied_ms, stopped: false };
        // A tool starts as soon as its part of the reply is there, a little before the reply is complete.
        let mut start_ms = replied_ms.saturating_sub(self.dice.between(3, 9));
        for call in self.draw_calls(thread, reply) {
            let (end_ms, accepted) = self.use_tool(thread, turn, call, start_ms);
            used.end_ms = used.end_ms.max(end_ms);
            used.stopped |= !accepted && self.dice.chance(0.6);
            start_ms += self.dice.between(1, 3);
        }
        used
    }

    fn draw_calls(&mut self, thread: &mut Thread, reply: &ApiCall) -> Vec<ToolCall> {
        let mut setting = self.setting;
        if thread.agent.is_some() {
            // A subagent runs on the permissions its caller has.
            setting.headless = true;
        }
        let is_main = thread.agent.is_none();
        if is_main && self.leaks_left > 0 && self.dice.chance(0.4) {
            self.leaks_left -= 1;
            let command = draw_leak(&mut self.dice, setting.project);
            if setting.user.details {
                self.recorder.truth.secrets.extend_from_slice(&command.secrets);
            }
            thread.last_tool = Some(Tool::Bash);
            return vec![draw_call(&mut self.dice, setting, Tool::Bash, &reply.request_id, Some(command))];
        }
        let has_mcp = setting.user.extras.mcp;
        let only_looks = thread.agent.as_ref().is_some_and(|agent| agent.kind != "general-purpose");
        let may = |tool: Tool| match tool {
            Tool::Agent => is_main,
            Tool::Mcp => has_mcp && !only_looks,
            other => !only_looks || other.looks_around(),
        };
        let first = Tool::next(&mut self.dice, thread.last_tool, may);
        let mut tools = vec![first];
        if first.runs_beside_others() && self.dice.chance(0.3) {
            for _ in 0..self.dice.between(1, 3) {
                tools.push(Tool::next(&mut self.dice, Some(first), Tool::runs_beside_others));
            }
        }
        thread.last_tool = tools.last().copied();
        tools
            .into_iter()
            .map(|tool| draw_call(&mut self.dice, setting, tool, &reply.request_id, None))
            .collect()
    }

    /// Returns when the call was over, and whether it was let run.
    fn use_tool(
        &mut self,
        thread: &mut Thread,
        turn: &Turn,
        mut call: ToolCall,
        start_ms: u64,
    ) -> (u64, bool) {
        thread.tool_uses += 1;
        let trace = thread.parent.trace;
        let spans = CallSpans {
            tool: self.span_in(trace),
            blocked: self.span_in(trace),
            execution: self.span_in(trace),
        };
        let decided_ms = start_ms + call.decision.wait_ms;
        self.record_decision(thread, turn, &call, &spans, (start_ms, decided_ms));
        if !call.decision.accepted {
            self.tool_span(thread, &call, &spans, (start_ms, decided_ms));
            thread.read(60);
            return (decided_ms, false);
        }
        let run_ms = decided_ms + 1;
        if let Some(kind) = call.subagent {
            call.duration_ms = self.run_subagent(thread, turn, kind, &spans, run_ms);
        }
        let end_ms = run_ms + call.duration_ms;
        self.record_result(thread, turn, &call, end_ms);
        self.execution_span(thread, &call, &spans, (run_ms, end_ms));
        self.tool_span(thread, &call, &spans, (start_ms, end_ms));
        thread.read(call.result_bytes / 4 + 45);
        (end_ms, true)
    }

    /// Plays a subagent's conversation; returns how long its caller waited.
    fn run_subagent(
        &mut self,
        caller: &Thread,
        turn: &Turn,
        kind: &'static str,
        spans: &CallSpans,
        run_ms: u64,
    ) -> u64 {
        let in_background = self.dice.chance(0.3);
        let agent = Subagent { kind, id: format!("a{}", self.dice.hex(16)), in_background };
        let mut thread = caller.subagent(&mut self.dice, agent.clone(), spans.execution);
        let steps = 2 + self.dice.geometric(6.0).min(30);
        let begin_ms = run_ms + self.dice.between(8, 40);
        let work = self.work(&mut thread, turn, begin_ms, steps);
        let end_ms = work.end_ms + self.dice.between(2, 6);
        if let Some(last) = &work.last {
            let attributes = events::subagent_completed(&agent, last, thread.tool_uses, end_ms - begin_ms);
            self.turn_event(end_ms, "subagent_completed", turn, spans.execution, attributes);
        }
        if in_background {
            self.notices.push(end_ms);
            return begin_ms - run_ms + self.dice.between(4, 25);
        }
        end_ms - run_ms + 1
    }

    fn record_decision(
        &mut self,
        thread: &Thread,
        turn: &Turn,
        call: &ToolCall,
        spans: &CallSpans,
        (start_ms, decided_ms): (u64, u64),
    ) {
        let details = self.setting.user.details;
        let attributes = events::tool_decision(call, thread.agent.as_ref(), details);
        self.turn_event(decided_ms, "tool_decision", turn, spans.blocked, attributes);
        self.recorder.truth.decision(&call.name, call.decision.accepted);
        let waited = spans::blocked_on_user(call, &thread.conversation);
        self.span(
            "tool.blocked_on_user",
            spans.blocked,
            Some(spans.tool.span),
            (start_ms, decided_ms),
            waited,
        );
        if call.tool.edits() {
            let labels = vec![
                text("decision", call.decision.word()),
                text("source", call.decision.source),
                text("tool_name", call.name.as_str()),
                text("language", self.setting.project.language.name()),
            ];
            self.count(decided_ms, Counter::EditDecisions, 1.0, labels);
        }
    }

    fn record_result(&mut self, thread: &Thread, turn: &Turn, call: &ToolCall, end_ms: u64) {
        let details = self.setting.user.details;
        let attributes = events::tool_result(call, thread.agent.as_ref(), details);
        self.turn_event(end_ms, "tool_result", turn, thread.parent, attributes);
        self.recorder.truth.result(&call.name, call.failure.is_some());
        for (kind, lines) in [("added", call.lines_added), ("removed", call.lines_removed)] {
            if lines > 0 {
                let labels = vec![text("type", kind), text("model", thread.model.name())];
                self.count(end_ms, Counter::LinesOfCode, real(lines), labels);
            }
        }
        self.recorder.truth.lines_added += call.lines_added;
        self.recorder.truth.lines_removed += call.lines_removed;
        if call.commit.is_some() {
            self.count(end_ms, Counter::Commits, 1.0, Vec::new());
            self.recorder.truth.commits += 1;
        }
        if call.opened_pull_request() {
            self.count(end_ms, Counter::PullRequests, 1.0, Vec::new());
            self.recorder.truth.pull_requests += 1;
        }
        if self.setting.user.extras.hooks && call.tool.edits() && call.failure.is_none() {
            self.run_hook(turn, end_ms, "PostToolUse", &format!("PostToolUse:{}", call.name));
        }
    }

    fn tool_span(
        &mut self,
        thread: &Thread,
        call: &ToolCall,
        spans: &CallSpans,
        (start_ms, end_ms): (u64, u64),
    ) {
        let details = self.setting.user.details;
        let agent = thread.agent.as_ref();
        let attributes = spans::tool(call, agent, &thread.conversation, details, end_ms - start_ms);
        self.span("tool", spans.tool, Some(thread.parent.span), (start_ms, end_ms), attributes);
    }

    fn execution_span(
        &mut self,
        thread: &Thread,
        call: &ToolCall,
        spans: &CallSpans,
        (start_ms, end_ms): (u64, u64),
    ) {
        let details = self.setting.user.details;
        let end_nanos = self.dice.between(0, 999_999);
        self.recorder.span(SpanPlan {
            kind: "tool.execution",
            context: spans.execution,
            parent: Some(spans.tool.span),
            start_ms,
            end_ms,
            end_nanos,
            attributes: spans::execution(call, &thread.conversation, details),
            attempts_ms: Vec::new(),
            error: call
                .failure
                .as_ref()
                .map(|failure| if details { failure.message.clone() } else { failure.class.to_owned() }),
        });
    }
}

//! What follows from one prompt?

use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::KeyValue;

use super::{Planner, Style};
use crate::dice::Dice;
use crate::events;
use crate::plan::{Event, SpanContext, SpanPlan};
use crate::requests::{ApiCall, draw_suggestion, draw_title};
use crate::spans;
use crate::thread::Thread;

/// The most requests that follow from one prompt.
const MOST_STEPS: u64 = 80;

/// Where a prompt comes from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Prompt {
    /// Somebody typed it.
    Typed {
        /// For how long.
        typed_ms: u64,
        /// It is the session's first.
        first: bool,
    },
    /// The client made it, because a subagent in the background is done.
    Notice,
}

/// A prompt that is being worked on.
#[derive(Debug, Clone)]
pub(super) struct Turn {
    pub(super) prompt_id: Arc<str>,
    pub(super) root: SpanContext,
}

/// How a conversation's work ended.
pub(super) struct Work {
    pub(super) end_ms: u64,
    pub(super) last: Option<ApiCall>,
}

impl Planner<'_> {
    /// Plays a prompt through; returns when the client waits for the next.
    pub(super) fn play_turn(&mut self, main: &mut Thread, start_ms: u64, prompt: Prompt) -> u64 {
        let turn = self.start_turn(main);
        let prompt_at = start_ms + self.dice.between(8, 40);
        let command = self.draw_slash_command(prompt);
        let length = match (prompt, command) {
            (Prompt::Notice, _) => self.dice.between(640, 760),
            (_, Some(name)) => name.len() as u64 + 1,
            _ => self.dice.log_normal(110.0, 1.1).clamp(2, 9_000),
        };
        main.read(length / 4 + 60);
        let uuid = self.dice.uuid();
        self.turn_event(
            prompt_at,
            "user_prompt",
            &turn,
            turn.root,
            events::user_prompt(length, &uuid, command),
        );
        if let Prompt::Typed { typed_ms, first } = prompt {
            if typed_ms > 0 {
                self.count_seconds(prompt_at, "user", typed_ms);
            }
            self.note_side_effects(&turn, prompt_at, first);
            if first && !self.recipe.is_headless() {
                let title = draw_title(&mut self.dice, main);
                self.record_request(main, &turn, &title, prompt_at + 5);
            }
        }
        let work = if command == Some("compact") {
            Work { end_ms: self.compact(main, &turn, prompt_at + 30, "manual"), last: None }
        } else {
            let steps = self.draw_steps(prompt);
            self.work(main, &turn, prompt_at + 20, steps)
        };
        let end_ms = work.end_ms + self.dice.between(2, 9);
        self.end_turn(main, &turn, start_ms, end_ms, length);
        end_ms
    }

    /// Lets a conversation ask the model and use tools so many times, and then answer.
    pub(super) fn work(&mut self, thread: &mut Thread, turn: &Turn, start_ms: u64, steps: u64) -> Work {
        let mut now = start_ms;
        let mut last = None;
        for step in 0..=steps {
            if thread.agent.is_none() && thread.is_full() {
                now = self.compact(thread, turn, now, "auto");
            }
            match self.request(thread, turn, now, step < steps) {
                Err(failed_ms) => return Work { end_ms: failed_ms, last },
                Ok((call, answered_ms)) => {
                    now = answered_ms;
                    if step < steps {
                        let tools = self.use_tools(thread, turn, &call, answered_ms);
                        now = tools.end_ms;
                        if tools.stopped {
                            return Work { end_ms: now, last: Some(call) };
                        }
                        now += self.dice.between(6, 35);
                    }
                    last = Some(call);
                }
            }
        }
        Work { end_ms: now, last }
    }

    fn start_turn(&mut self, main: &mut Thread) -> Turn {
        self.interactions += 1;
        let trace = self.dice.bytes();
        let root = self.span_in(trace);
        main.parent = root;
        Turn { prompt_id: self.dice.uuid().into(), root }
    }

    fn end_turn(&mut self, main: &Thread, turn: &Turn, start_ms: u64, end_ms: u64, prompt_length: u64) {
        let duration_ms = end_ms - start_ms;
        let attributes =
            spans::interaction(&self.recipe.session_id, prompt_length, self.interactions, duration_ms);
        self.span("interaction", turn.root, None, (start_ms, end_ms), attributes);
        self.count_seconds(end_ms, "cli", duration_ms);
        if self.setting.user.extras.hooks {
            self.run_hook(turn, end_ms.saturating_sub(1), "Stop", "Stop");
        }
        if !self.recipe.is_headless() && self.dice.chance(0.25) {
            let suggestion = draw_suggestion(&mut self.dice, main);
            self.record_request(main, turn, &suggestion, end_ms + 10);
        }
    }

    fn draw_slash_command(&mut self, prompt: Prompt) -> Option<&'static str> {
        let may = matches!(prompt, Prompt::Typed { first: false, .. }) && !self.recipe.is_headless();
        (may && self.dice.chance(0.07)).then(|| {
            self.dice.weighted(&[("compact", 2.0), ("review", 2.0), ("init", 0.5), ("security-review", 1.0)])
        })
    }

    fn draw_steps(&mut self, prompt: Prompt) -> u64 {
        let marathon = self.recipe.style == Style::Marathon;
        if matches!(prompt, Prompt::Notice) {
            return self.dice.geometric(1.0).min(6);
        }
        if self.leaks_left > 0 {
            return 3 + self.dice.geometric(5.0).min(MOST_STEPS);
        }
        // A question that needs nothing but an answer.
        if !marathon && self.dice.chance(0.14) {
            return 0;
        }
        1 + self.dice.geometric(if marathon { 17.0 } else { 6.5 }).min(MOST_STEPS)
    }

    /// Writes the small things that come with a prompt now and then.
    fn note_side_effects(&mut self, turn: &Turn, prompt_at: u64, first: bool) {
        if first && self.dice.chance(0.1) {
            let fresh = self.dice.between(3, 240);
            let at = prompt_at + self.dice.between(900, 6_000);
            self.turn_event(at, "retention_sweep", turn, turn.root, events::retention_sweep(fresh));
        }
        if self.dice.chance(0.12) {
            let found = self.dice.chance(0.95);
            self.turn_event(prompt_at, "at_mention", turn, turn.root, events::at_mention(found));
        }
        if !self.recipe.is_headless() && self.dice.chance(0.05) {
            let to = other_mode(&mut self.dice, self.setting.mode);
            let attributes = events::permission_mode_changed(self.setting.mode, to);
            self.turn_event(
                prompt_at.saturating_sub(1),
                "permission_mode_changed",
                turn,
                turn.root,
                attributes,
            );
            self.setting.mode = to;
        }
    }

    /// Writes that a hook ran.
    pub(super) fn run_hook(&mut self, turn: &Turn, at_ms: u64, hook_event: &str, hook_name: &str) {
        let duration_ms = self.dice.log_normal(160.0, 0.8);
        let ok = self.dice.chance(0.97);
        let start = events::hook_execution_start(hook_event, hook_name);
        self.turn_event(at_ms, "hook_execution_start", turn, turn.root, start);
        let end = events::hook_execution_complete(hook_event, hook_name, ok, duration_ms);
        self.turn_event(at_ms + duration_ms, "hook_execution_complete", turn, turn.root, end);
    }

    /// Records an event of the prompt while the span was active.
    pub(super) fn turn_event(
        &mut self,
        at_ms: u64,
        name: &'static str,
        turn: &Turn,
        span: SpanContext,
        attributes: Vec<KeyValue>,
    ) {
        self.latest_ms = self.latest_ms.max(at_ms);
        let prompt_id = Some(Arc::clone(&turn.prompt_id));
        self.recorder.event(Event { at_ms, name, prompt_id, span: Some(span), attributes });
    }

    /// Records a span that went well.
    pub(super) fn span(
        &mut self,
        kind: &'static str,
        context: SpanContext,
        parent: Option<[u8; 8]>,
        (start_ms, end_ms): (u64, u64),
        attributes: Vec<KeyValue>,
    ) {
        self.latest_ms = self.latest_ms.max(end_ms);
        let end_nanos = self.dice.between(0, 999_999);
        self.recorder.span(SpanPlan {
            kind,
            context,
            parent,
            start_ms,
            end_ms,
            end_nanos,
            attributes,
            attempts_ms: Vec::new(),
            error: None,
        });
    }
}

fn other_mode(dice: &mut Dice, mode: &'static str) -> &'static str {
    match mode {
        "default" => dice.pick(&["acceptEdits", "acceptEdits", "plan"]),
        "acceptEdits" => dice.pick(&["plan", "default"]),
        _ => "default",
    }
}

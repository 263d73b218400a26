//! How does a session go, from its first process to its last?
//!
//! The planner plays a session through on a clock of its own. What happens it tells the [`Recorder`]; nothing is
//! written as protobuf here.

mod request;
mod tool;
mod turn;

use crate::attributes::text;
use crate::calls::{MCP_TOOLS, Setting};
use crate::dice::{Dice, real};
use crate::events;
use crate::metrics::Counter;
use crate::people::User;
use crate::plan::{Count, Event, Plan, Recorder, SpanContext};
use crate::prices::Model;
use crate::project::Project;
use crate::thread::Thread;
use turn::Prompt;

/// The longest anybody thinks before the next prompt.
const LONGEST_PAUSE_MS: u64 = 50 * 60 * 1000;

/// What is decided of a session before it is played.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    pub(crate) seed: u64,
    pub(crate) session_id: String,
    pub(crate) model: Model,
    pub(crate) style: Style,
    /// Somebody works with secrets in the shell.
    pub(crate) leaks: bool,
    /// Was left and taken up again by another process.
    pub(crate) resumed: bool,
    /// No prompt begins later than this after the start.
    pub(crate) limit_ms: u64,
}

/// How somebody works in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Usual,
    /// From a script: one prompt, nobody to ask.
    Headless,
    /// Long, and many times as dear as others.
    Marathon,
}

impl Recipe {
    pub(crate) fn is_headless(&self) -> bool {
        self.style == Style::Headless
    }
}

/// Plays the session and returns what happened.
pub(crate) fn plan(recipe: &Recipe, user: &User, project: &Project) -> Plan {
    let mut dice = Dice::new(recipe.seed);
    let source = if recipe.is_headless() { "sdk" } else { "repl_main_thread" };
    let effort = dice.weighted(&[("high", 5.0), ("medium", 3.0), ("low", 0.5), ("max", 0.5)]);
    let main = Thread::main(&mut dice, recipe.model, effort, source, &recipe.session_id);
    let mode = dice.weighted(&[("default", 7.0), ("acceptEdits", 2.0), ("bypassPermissions", 0.6)]);
    let mut planner = Planner {
        setting: Setting { user, project, mode, headless: recipe.is_headless() },
        recipe,
        recorder: Recorder::new(user.traces),
        leaks_left: if recipe.leaks { dice.between(1, 3) } else { 0 },
        dice,
        interactions: 0,
        notices: Vec::new(),
        latest_ms: 0,
    };
    planner.play(main);
    planner.recorder.finish()
}

struct Planner<'a> {
    dice: Dice,
    setting: Setting<'a>,
    recipe: &'a Recipe,
    recorder: Recorder,
    /// Commands with secrets that are still to be run.
    leaks_left: u64,
    /// Prompts in this process.
    interactions: u64,
    /// When subagents that work in the background will be done; each makes a prompt of its own.
    notices: Vec<u64>,
    /// The end of the last thing that happened anywhere.
    latest_ms: u64,
}

impl Planner<'_> {
    fn play(&mut self, mut main: Thread) {
        let prompts = self.draw_prompts();
        let leave_after = if self.recipe.resumed { prompts.div_ceil(2) } else { prompts };
        self.run_process(&mut main, 0, leave_after, "fresh");
        if self.recipe.resumed && self.latest_ms < self.recipe.limit_ms {
            let pause = self.dice.log_normal(40.0 * 60_000.0, 1.0).clamp(60_000, 14 * 3_600_000);
            let again_at = (self.latest_ms + pause).min(self.recipe.limit_ms.max(self.latest_ms + 1_000));
            let how = if self.dice.chance(0.6) { "resume" } else { "continue" };
            self.run_process(&mut main, again_at, (prompts / 2).max(1), how);
        }
    }

    fn draw_prompts(&mut self) -> u64 {
        if self.recipe.is_headless() {
            return 1;
        }
        let (median, most) = if self.recipe.style == Style::Marathon { (26.0, 60) } else { (4.0, 24) };
        self.dice.log_normal(median, 0.75).clamp(1, most)
    }

    fn run_process(&mut self, main: &mut Thread, at_ms: u64, prompts: u64, start_type: &str) {
        self.recorder.start_process(at_ms);
        self.interactions = 0;
        self.latest_ms = at_ms;
        let mut now = self.start_up(at_ms, start_type);
        for prompt in 0..prompts {
            let typed_ms = self.wait_for_prompt(&mut now, prompt == 0);
            if prompt > 0 && now > self.recipe.limit_ms {
                break;
            }
            now = self.play_turn(
                main,
                now,
                Prompt::Typed { typed_ms, first: prompt == 0 && start_type == "fresh" },
            );
            while let Some(done_ms) = self.notices.pop() {
                now = now.max(done_ms + self.dice.between(40, 160));
                now = self.play_turn(main, now, Prompt::Notice);
            }
        }
        self.recorder.end_process(self.latest_ms.max(now));
        self.latest_ms = self.latest_ms.max(now);
    }

    /// Lets time pass until a prompt is there; returns how long somebody typed.
    fn wait_for_prompt(&mut self, now: &mut u64, first: bool) -> u64 {
        if self.recipe.is_headless() {
            *now += self.dice.between(40, 160);
            return 0;
        }
        let pause = if first {
            self.dice.log_normal(14_000.0, 0.9).clamp(1_500, 300_000)
        } else {
            self.dice.log_normal(65_000.0, 1.2).clamp(2_000, LONGEST_PAUSE_MS)
        };
        *now += pause;
        self.dice.log_normal(11_000.0, 0.8).clamp(800, pause)
    }

    /// Writes what a process says of itself when it starts; returns when it is ready.
    fn start_up(&mut self, at_ms: u64, start_type: &str) -> u64 {
        self.event(at_ms, "managed_settings_resolved", events::managed_settings_resolved());
        let plugins_at = at_ms + self.dice.between(16, 40);
        for (name, hash) in events::PLUGINS {
            let loaded_at = plugins_at + self.dice.between(0, 1);
            self.event(loaded_at, "plugin_loaded", events::plugin_loaded(name, hash));
        }
        if self.setting.user.extras.hooks {
            for hook_event in ["PostToolUse", "Stop"] {
                self.event(plugins_at + 2, "hook_registered", events::hook_registered(hook_event));
            }
        }
        let ready_at = plugins_at + 4;
        self.count(ready_at, Counter::Sessions, 1.0, vec![text("start_type", start_type)]);
        if self.setting.user.extras.mcp {
            for (server, name) in MCP_TOOLS {
                if matches!(name, "get_issue" | "search_issues" | "query") {
                    self.connect(ready_at, server);
                }
            }
        }
        ready_at
    }

    fn connect(&mut self, at_ms: u64, server: &str) {
        let duration_ms = self.dice.log_normal(900.0, 0.6);
        let ok = self.dice.chance(0.95);
        let details = self.setting.user.details;
        let attributes = events::mcp_server_connection(server, ok, duration_ms, details);
        self.event(at_ms + duration_ms, "mcp_server_connection", attributes);
    }

    /// Records an event outside any prompt.
    fn event(
        &mut self,
        at_ms: u64,
        name: &'static str,
        attributes: Vec<opentelemetry_proto::tonic::common::v1::KeyValue>,
    ) {
        self.latest_ms = self.latest_ms.max(at_ms);
        self.recorder.event(Event { at_ms, name, prompt_id: None, span: None, attributes });
    }

    fn count(
        &mut self,
        at_ms: u64,
        counter: Counter,
        value: f64,
        labels: Vec<opentelemetry_proto::tonic::common::v1::KeyValue>,
    ) {
        self.latest_ms = self.latest_ms.max(at_ms);
        self.recorder.count(Count { at_ms, counter, value, labels });
    }

    fn span_in(&mut self, trace: [u8; 16]) -> SpanContext {
        SpanContext { trace, span: self.dice.bytes() }
    }

    fn count_seconds(&mut self, at_ms: u64, who: &str, duration_ms: u64) {
        self.count(at_ms, Counter::ActiveTime, real(duration_ms) / 1_000.0, vec![text("type", who)]);
    }
}

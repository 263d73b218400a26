//! What is a tool called with, how long does it take, and what comes of it?

use crate::commands::{Command, Kind, draw_branch, draw_command};
use crate::dice::Dice;
use crate::failures::{ToolFailure, draw_file_failure, draw_remote_failure, draw_shell_failure};
use crate::json::Object;
use crate::people::User;
use crate::project::Project;
use crate::tools::Tool;

/// The longest value in `tool_input`; the client cuts what is longer.
const LONGEST_VALUE: usize = 512;

/// MCP servers and their tools.
pub(crate) const MCP_TOOLS: [(&str, &str); 6] = [
    ("linear", "get_issue"),
    ("linear", "create_comment"),
    ("sentry", "search_issues"),
    ("sentry", "get_event"),
    ("postgres", "query"),
    ("figma", "get_frame"),
];

/// Kinds of subagents, and how often each is started.
const SUBAGENTS: [(&str, f64); 4] =
    [("Explore", 6.0), ("general-purpose", 3.0), ("Plan", 2.0), ("code-reviewer", 1.0)];

/// A call of a tool, from the model's asking for it to its result.
#[derive(Debug, Clone)]
pub(crate) struct ToolCall {
    pub(crate) tool: Tool,
    /// `tool_name`, as this client sends it.
    pub(crate) name: String,
    pub(crate) use_id: String,
    /// The request whose reply asked for the tool.
    pub(crate) request_id: String,
    /// `tool_input`, and how many bytes it really is.
    pub(crate) input: String,
    pub(crate) input_bytes: u64,
    /// `tool_parameters`, for the tools that have them.
    pub(crate) parameters: Option<Object>,
    pub(crate) duration_ms: u64,
    pub(crate) failure: Option<ToolFailure>,
    pub(crate) result_bytes: u64,
    pub(crate) file_path: Option<String>,
    pub(crate) command: Option<Command>,
    pub(crate) subagent: Option<&'static str>,
    pub(crate) commit: Option<Commit>,
    pub(crate) lines_added: u64,
    pub(crate) lines_removed: u64,
    pub(crate) decision: Decision,
    /// `permission_mode` at the time of the decision.
    pub(crate) mode: &'static str,
}

/// A commit that a command made.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) id: String,
    pub(crate) branch: String,
}

/// Whether the tool may run, and who said so.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decision {
    pub(crate) accepted: bool,
    pub(crate) source: &'static str,
    pub(crate) wait_ms: u64,
}

impl Decision {
    pub(crate) const fn word(&self) -> &'static str {
        if self.accepted { "accept" } else { "reject" }
    }
}

impl ToolCall {
    /// Says whether the call made a pull request.
    pub(crate) fn opened_pull_request(&self) -> bool {
        self.failure.is_none()
            && self.command.as_ref().is_some_and(|command| command.kind == Kind::PullRequest)
    }

    /// Returns the parameters as they stand on the result, where a commit adds its own.
    pub(crate) fn result_parameters(&self) -> Option<String> {
        let parameters = self.parameters.clone()?;
        Some(match &self.commit {
            Some(commit) => {
                parameters.text("git_commit_id", &commit.id).text("git_branch", &commit.branch).end()
            }
            None => parameters.end(),
        })
    }
}

/// What the calls of one session have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) user: &'a User,
    pub(crate) project: &'a Project,
    pub(crate) mode: &'static str,
    /// Nobody sits there to be asked.
    pub(crate) headless: bool,
}

impl Setting<'_> {
    /// Returns the directory the client runs in.
    pub(crate) fn root(&self) -> String {
        format!("{}/src/{}", self.user.home, self.project.name)
    }
}

/// Draws a call of the tool; `given` is the shell's command if it is decided already.
pub(crate) fn draw_call(
    dice: &mut Dice,
    setting: Setting<'_>,
    tool: Tool,
    request_id: &str,
    given: Option<Command>,
) -> ToolCall {
    let decision = draw_decision(dice, tool, setting);
    let mut call = ToolCall {
        tool,
        name: tool.name().to_owned(),
        use_id: format!("toolu_01{}", dice.base58(22)),
        request_id: request_id.to_owned(),
        input: String::new(),
        input_bytes: 0,
        parameters: None,
        duration_ms: 0,
        failure: None,
        result_bytes: 0,
        file_path: None,
        command: None,
        subagent: None,
        commit: None,
        lines_added: 0,
        lines_removed: 0,
        decision,
        mode: setting.mode,
    };
    match tool {
        Tool::Bash => {
            let command = given.unwrap_or_else(|| draw_command(dice, setting.project));
            run_in_shell(&mut call, dice, setting, command);
        }
        Tool::Read | Tool::Grep | Tool::Glob => look_up(&mut call, dice, setting),
        Tool::Edit | Tool::Write => change_file(&mut call, dice, setting),
        Tool::TodoWrite => {
            let todos = draw_todos(dice, setting.project);
            call.finish(Object::new().raw("todos", &todos));
            call.duration_ms = dice.between(1, 6);
            call.result_bytes = 160;
        }
        Tool::WebFetch => {
            let word = setting.project.word(dice);
            let url = format!("https://docs.example.com/{word}/v{}", dice.between(1, 9));
            call.finish(
                Object::new().text("url", &url).text("prompt", "What are the options and their defaults?"),
            );
            call.duration_ms = dice.log_normal(3_400.0, 0.6);
            call.result_bytes = dice.log_normal(2_600.0, 0.5);
            call.fail(dice, 0.09, |dice| draw_remote_failure(dice, "WebFetch"));
        }
        Tool::Agent => {
            let kind = dice.weighted(&SUBAGENTS);
            let word = setting.project.word(dice);
            let prompt =
                format!("Find every place that depends on {word} and report the files with line numbers.");
            let input =
                Object::new().text("description", &format!("Look into {word}")).text("prompt", &prompt);
            call.finish(input.text("subagent_type", kind));
            call.parameters = Some(Object::new().text("subagent_type", kind));
            call.subagent = Some(kind);
            call.result_bytes = dice.log_normal(3_200.0, 0.5);
        }
        Tool::Mcp => {
            let (server, name) = dice.pick(&MCP_TOOLS);
            if setting.user.details {
                call.name = format!("mcp__{server}__{name}");
            }
            let id = format!("{}-{}", server.to_uppercase(), dice.between(100, 4_000));
            call.finish(Object::new().text("id", &id).number("limit", dice.between(1, 50)));
            call.parameters = Some(Object::new().text("mcp_server_name", server).text("mcp_tool_name", name));
            call.duration_ms = dice.log_normal(780.0, 0.8);
            call.result_bytes = dice.log_normal(1_900.0, 1.0);
            call.fail(dice, 0.07, |dice| draw_remote_failure(dice, "mcp"));
        }
    }
    call
}

impl ToolCall {
    fn finish(&mut self, input: Object) {
        self.input = input.end();
        self.input_bytes = self.input_bytes.max(self.input.len() as u64);
    }

    fn fail(&mut self, dice: &mut Dice, probability: f64, how: impl FnOnce(&mut Dice) -> ToolFailure) {
        if dice.chance(probability) {
            self.failure = Some(how(dice));
            self.lines_added = 0;
            self.lines_removed = 0;
        }
    }
}

fn run_in_shell(call: &mut ToolCall, dice: &mut Dice, setting: Setting<'_>, command: Command) {
    let parameters = Object::new()
        .text("bash_command", command.program())
        .text("full_command", &command.text)
        .text("description", &command.description);
    let input =
        Object::new().text("command", &shorten(&command.text)).text("description", &command.description);
    call.finish(input);
    call.parameters = Some(parameters);
    call.duration_ms = command.duration_ms;
    call.result_bytes = command.printed_bytes;
    if command.fails {
        call.failure = Some(draw_shell_failure(dice, setting.project, command.duration_ms));
    } else if command.kind == Kind::Commit {
        call.commit = Some(Commit { id: dice.hex(40), branch: draw_branch(dice, setting.project) });
    }
    call.command = Some(command);
}

fn look_up(call: &mut ToolCall, dice: &mut Dice, setting: Setting<'_>) {
    let (root, name) = (setting.root(), call.tool.name());
    match call.tool {
        Tool::Read => {
            let path = format!("{root}/{}", setting.project.file(dice));
            let mut input = Object::new().text("file_path", &path);
            if dice.chance(0.35) {
                input = input.number("offset", dice.between(1, 1_200)).number("limit", dice.between(20, 300));
            }
            call.finish(input);
            call.file_path = Some(path);
            call.duration_ms = dice.log_normal(9.0, 0.6).max(1);
            call.result_bytes = dice.log_normal(5_200.0, 0.9).min(100_000);
        }
        Tool::Grep => {
            let pattern = format!("{}\\b", setting.project.word(dice));
            let path = format!("{root}/{}", setting.project.directory(dice));
            let input = Object::new().text("pattern", &pattern).text("path", &path);
            call.finish(input.text("output_mode", dice.pick(&["content", "files_with_matches", "count"])));
            call.duration_ms = dice.log_normal(34.0, 0.7);
            call.result_bytes = dice.log_normal(900.0, 1.1).min(20_000);
        }
        _ => {
            let pattern =
                format!("**/*{}*.{}", setting.project.word(dice), setting.project.language.extension());
            call.finish(Object::new().text("pattern", &pattern).text("path", &root));
            call.duration_ms = dice.log_normal(26.0, 0.7);
            call.result_bytes = dice.log_normal(420.0, 0.9);
        }
    }
    let failing = if call.tool == Tool::Read { 0.045 } else { 0.008 };
    call.fail(dice, failing, |dice| draw_file_failure(dice, name, &root));
}

fn change_file(call: &mut ToolCall, dice: &mut Dice, setting: Setting<'_>) {
    let (root, name, language) = (setting.root(), call.tool.name(), setting.project.language);
    let path = format!("{root}/{}", setting.project.file(dice));
    let word = setting.project.word(dice);
    let mut code = |lines: u64| -> String {
        (0..lines).map(|_| language.line(dice, word)).collect::<Vec<_>>().join("\n")
    };
    let input = Object::new().text("file_path", &path);
    if call.tool == Tool::Edit {
        let (old, new) = (code(2), code(3));
        call.input_bytes = (old.len() + new.len() + path.len() + 54) as u64;
        call.finish(input.text("old_string", &shorten(&old)).text("new_string", &shorten(&new)));
        call.lines_added = dice.log_normal(7.0, 1.0);
        call.lines_removed = dice.log_normal(3.0, 1.0);
        call.duration_ms = dice.log_normal(24.0, 0.6);
        call.result_bytes = dice.log_normal(700.0, 0.5);
        call.fail(dice, 0.05, |dice| draw_file_failure(dice, name, &root));
    } else {
        let content = code(12);
        call.lines_added = dice.log_normal(60.0, 0.9).max(1);
        call.input_bytes = call.lines_added * 38;
        call.finish(input.text("content", &shorten(&content)));
        call.duration_ms = dice.log_normal(16.0, 0.6);
        call.result_bytes = dice.between(70, 160);
        call.fail(dice, 0.02, |dice| draw_file_failure(dice, name, &root));
    }
    call.file_path = Some(path);
}

fn draw_todos(dice: &mut Dice, project: &Project) -> String {
    let todos: Vec<String> = (0..dice.between(2, 5))
        .map(|_| {
            let content = format!("Check {} in {}", project.word(dice), project.directory(dice));
            Object::new()
                .text("content", &content)
                .text("status", dice.pick(&["pending", "in_progress", "completed"]))
                .end()
        })
        .collect();
    format!("[{}]", todos.join(","))
}

fn draw_decision(dice: &mut Dice, tool: Tool, setting: Setting<'_>) -> Decision {
    let by_config = tool.is_harmless()
        || setting.headless
        || setting.mode == "bypassPermissions"
        || (setting.mode == "acceptEdits" && tool.edits());
    let (accepted, source) = if by_config {
        (!(setting.headless && tool == Tool::Bash && dice.chance(0.04)), "config")
    } else {
        dice.weighted(&[
            ((true, "config"), 56.0),
            ((true, "user_temporary"), 32.0),
            ((true, "user_permanent"), 5.0),
            ((true, "hook"), 2.0),
            ((false, "user_reject"), 3.2),
            ((false, "user_abort"), 1.2),
            ((false, "config"), 0.6),
        ])
    };
    let wait_ms = match source {
        "config" => dice.between(2, 9),
        "hook" => dice.log_normal(90.0, 0.5),
        // Somebody reads what is asked, or has gone for a coffee.
        _ => dice.log_normal(4_800.0, 1.0).clamp(400, 900_000),
    };
    Decision { accepted, source, wait_ms }
}

/// Cuts a value as the client does.
fn shorten(value: &str) -> String {
    match value.char_indices().nth(LONGEST_VALUE) {
        None => value.to_owned(),
        Some((end, _)) => format!("{}…[truncated]", value.get(..end).unwrap_or_default()),
    }
}

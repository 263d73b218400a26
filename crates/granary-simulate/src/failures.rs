//! How do requests and tools fail, and what do they say then?

use crate::dice::Dice;
use crate::project::{Language, Project};

/// A request to the model that failed.
#[derive(Debug, Clone)]
pub(crate) struct ApiFailure {
    pub(crate) message: String,
    /// What spans call it.
    pub(crate) class: &'static str,
    /// None if there was no answer.
    pub(crate) status_code: Option<u64>,
    /// Which attempt it was, the ones before having failed as well.
    pub(crate) attempt: u64,
    pub(crate) duration_ms: u64,
}

/// The attempt after which the client gives up.
pub(crate) const LAST_ATTEMPT: u64 = 11;

impl ApiFailure {
    /// Says whether the client gave up after repeating the request as often as it may.
    pub(crate) fn exhausted(&self) -> bool {
        self.attempt == LAST_ATTEMPT
    }
}

/// Returns a way in which a request failed.
pub(crate) fn draw_api_failure(dice: &mut Dice) -> ApiFailure {
    let (message, class, status_code, retried): (String, _, _, _) =
        match dice.weighted(&[(0, 4.0), (1, 3.0), (2, 2.0), (3, 3.0), (4, 1.5), (5, 0.6)]) {
            0 => ("Overloaded".into(), "overloaded", Some(529), true),
            1 => {
                let limit = dice.pick(&["450,000 input tokens", "90,000 output tokens", "4,000 requests"]);
                let message =
                    format!("This request would exceed your organization's rate limit of {limit} per minute");
                (message, "rate_limit", Some(429), true)
            }
            2 => ("Internal server error".into(), "server_error", Some(500), true),
            3 => ("Request was aborted.".into(), "aborted", None, false),
            4 => ("Connection error.".into(), "connection", None, true),
            _ => {
                let tokens = dice.between(200_100, 214_000);
                let message = format!("prompt is too long: {tokens} tokens > 200000 maximum");
                (message, "prompt_too_long", Some(400), false)
            }
        };
    let attempt = if retried && dice.chance(0.5) { LAST_ATTEMPT } else { dice.between(1, 3) };
    let attempt = if retried { attempt } else { 1 };
    let duration_ms = match class {
        "aborted" => dice.log_normal(6_000.0, 0.9),
        "connection" => dice.log_normal(10_000.0, 0.4),
        _ => dice.log_normal(600.0, 0.8),
    };
    ApiFailure { message, class, status_code, attempt, duration_ms: duration_ms.max(3) }
}

/// Returns how long the client waits before this attempt.
pub(crate) fn backoff_ms(dice: &mut Dice, attempt: u64) -> u64 {
    let base = 500 * 2_u64.pow(u32::try_from(attempt.min(7)).unwrap_or(7) - 1);
    base + dice.between(0, base / 4)
}

/// A tool's failure.
#[derive(Debug, Clone)]
pub(crate) struct ToolFailure {
    pub(crate) class: &'static str,
    pub(crate) message: String,
}

/// Returns what a shell says that fails.
pub(crate) fn draw_shell_failure(dice: &mut Dice, project: &Project, duration_ms: u64) -> ToolFailure {
    let message = match dice.between(0, 9) {
        // The client's own words, which say nothing of what happened.
        0..=3 => "Shell command failed".to_owned(),
        4 if duration_ms > 60_000 => "Command timed out after 2m 0s".to_owned(),
        4 => format!(
            "Exit code 127\nbash: line 1: {}: command not found",
            dice.pick(&["just", "nx", "uv", "yq"])
        ),
        5 => format!("Exit code 1\nls: cannot access '{}': No such file or directory", project.file(dice)),
        _ => compiler_message(dice, project),
    };
    ToolFailure { class: "ShellError", message }
}

fn compiler_message(dice: &mut Dice, project: &Project) -> String {
    let (file, line, column) = (project.file(dice), dice.between(3, 900), dice.between(1, 96));
    match project.language {
        Language::Rust => {
            format!("Exit code 101\nerror[E0308]: mismatched types\n  --> {file}:{line}:{column}")
        }
        Language::TypeScript => format!(
            "Exit code 2\n{file}({line},{column}): error TS2345: Argument of type 'string' is not assignable to \
             parameter of type 'number'."
        ),
        Language::Python => format!(
            "Exit code 1\n{file}:{line}: AssertionError: assert {} == {}\n1 failed, {} passed in {}.{}s",
            dice.between(0, 99),
            dice.between(100, 199),
            dice.between(1, 240),
            dice.between(0, 40),
            dice.between(10, 99)
        ),
        Language::Go => format!("Exit code 1\n{file}:{line}:{column}: undefined: {}", project.word(dice)),
    }
}

/// Returns what a tool that reads or changes files says when it fails.
pub(crate) fn draw_file_failure(dice: &mut Dice, tool: &str, root: &str) -> ToolFailure {
    let message = match tool {
        "Edit" => match dice.between(0, 2) {
            0 => "File has not been read yet. Read it first before writing to it.".to_owned(),
            1 => format!(
                "Found {} matches of the string to replace, but replace_all is false. To replace all occurrences, \
                 set replace_all to true.",
                dice.between(2, 14)
            ),
            _ => "String to replace not found in file.".to_owned(),
        },
        "Write" => "File has been modified since read, either by the user or by a linter.".to_owned(),
        "Grep" => "ripgrep timed out after 20000 ms".to_owned(),
        _ if dice.chance(0.3) => format!(
            "File content ({} tokens) exceeds maximum allowed tokens (25000).",
            dice.between(25_100, 90_000)
        ),
        _ => format!("File does not exist. Note: your current working directory is {root}."),
    };
    ToolFailure { class: "TelemetrySafeError", message }
}

/// Returns what a tool that asks somebody else says when it fails.
pub(crate) fn draw_remote_failure(dice: &mut Dice, tool: &str) -> ToolFailure {
    if tool == "WebFetch" {
        let status = dice.pick(&[403, 404, 429, 503]);
        return ToolFailure { class: "Error", message: format!("Request failed with status code {status}") };
    }
    let message = match dice.between(0, 2) {
        0 => "MCP error -32001: Request timed out".to_owned(),
        1 => format!("MCP error -32602: Invalid arguments: issue {} not found", dice.between(100, 9_000)),
        _ => "MCP server connection closed unexpectedly".to_owned(),
    };
    ToolFailure { class: "McpError", message }
}

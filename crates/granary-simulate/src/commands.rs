//! Which commands does an agent run in a shell?
//!
//! In the texts, `{file}`, `{dir}`, `{word}`, `{n}` and `{branch}` stand for something of the project.

use crate::dice::Dice;
use crate::project::{Language, Project};

/// A command as the planner draws it.
#[derive(Debug, Clone, Copy)]
struct Template {
    text: &'static str,
    description: &'static str,
    class: &'static str,
    /// Median of the time it takes; the spread is the same for all.
    median_ms: f64,
    /// How often it fails.
    failing: f64,
    /// Median size of what it prints.
    printed_bytes: f64,
    kind: Kind,
    weight: f64,
}

/// What a command does beside running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Plain,
    Commit,
    PullRequest,
}

/// A command ready to be run.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) text: String,
    pub(crate) description: String,
    pub(crate) class: &'static str,
    pub(crate) kind: Kind,
    pub(crate) duration_ms: u64,
    pub(crate) fails: bool,
    pub(crate) printed_bytes: u64,
    /// Fake secrets in the text.
    pub(crate) secrets: Vec<String>,
}

impl Command {
    /// Returns the program that is run first.
    pub(crate) fn program(&self) -> &str {
        self.text.split_whitespace().next().unwrap_or_default()
    }
}

const fn command(
    text: &'static str,
    description: &'static str,
    class: &'static str,
    (median_ms, failing, printed_bytes, weight): (f64, f64, f64, f64),
) -> Template {
    Template { text, description, class, median_ms, failing, printed_bytes, kind: Kind::Plain, weight }
}

const EVERYWHERE: [Template; 22] = [
    command("git status --short", "Show changed files", "vcs", (35.0, 0.002, 180.0, 5.0)),
    command("git diff --stat", "Summarise the changes", "vcs", (40.0, 0.002, 420.0, 3.0)),
    command("git diff {file}", "Show changes of one file", "vcs", (38.0, 0.004, 2400.0, 2.5)),
    command("git log --oneline -n {n}", "Read the history", "vcs", (32.0, 0.002, 900.0, 1.5)),
    Template {
        kind: Kind::Commit,
        ..command(
            "git add -A && git commit -m \"Handle {word} errors in {dir}\"",
            "Commit the change",
            "vcs",
            (240.0, 0.12, 210.0, 1.6),
        )
    },
    command("git push origin {branch}", "Push the branch", "vcs", (1900.0, 0.08, 380.0, 0.7)),
    command("git checkout -b {branch}", "Start a branch", "vcs", (45.0, 0.05, 60.0, 0.5)),
    Template {
        kind: Kind::PullRequest,
        ..command("gh pr create --fill --base main", "Open a pull request", "vcs", (2600.0, 0.1, 120.0, 0.35))
    },
    command("gh pr checks {n}", "See whether the checks pass", "vcs", (1400.0, 0.3, 800.0, 0.4)),
    command("gh run view {n} --log-failed", "Read the failed job", "vcs", (2300.0, 0.1, 9000.0, 0.3)),
    command("rg -n \"{word}\" {dir}", "Search the sources", "file_search", (60.0, 0.08, 1500.0, 4.0)),
    command("rg -l \"TODO|FIXME\" {dir}", "Find what is unfinished", "file_search", (55.0, 0.1, 300.0, 0.7)),
    command("ls -la {dir}", "List a directory", "file_search", (14.0, 0.03, 900.0, 3.0)),
    command(
        "find . -name '*{word}*' -not -path './.git/*'",
        "Find files",
        "file_search",
        (90.0, 0.01, 400.0, 1.2),
    ),
    command("cat {file} | head -n {n}", "Read the beginning", "file_read", (12.0, 0.05, 2900.0, 1.2)),
    command("sed -n '{n},+40p' {file}", "Read a part", "file_read", (11.0, 0.03, 1600.0, 2.0)),
    command("wc -l {dir}/*", "Count lines", "file_read", (13.0, 0.05, 380.0, 0.6)),
    command("mkdir -p {dir}/{word}", "Make a directory", "fs_mutation", (9.0, 0.01, 0.0, 0.5)),
    command("rm -rf /tmp/{word}-{n}", "Remove what is left over", "fs_mutation", (15.0, 0.02, 0.0, 0.4)),
    command("curl -sS http://localhost:8080/healthz", "Ask for health", "network", (90.0, 0.25, 60.0, 0.7)),
    command("docker compose up -d", "Start what it needs", "container", (6200.0, 0.12, 700.0, 0.4)),
    command(
        "kubectl get pods -n staging -l app={word}",
        "See what runs",
        "container",
        (900.0, 0.1, 650.0, 0.3),
    ),
];

const RUST: [Template; 6] = [
    command("cargo test -p {word}", "Run a crate's tests", "build_test", (14_000.0, 0.28, 3200.0, 4.0)),
    command(
        "cargo check --all-targets",
        "Check that it compiles",
        "build_test",
        (8_000.0, 0.25, 1800.0, 4.0),
    ),
    command("cargo clippy --workspace -- -D warnings", "Lint", "build_test", (16_000.0, 0.3, 2600.0, 2.0)),
    command("cargo fmt --all --check", "Check the layout", "build_test", (600.0, 0.2, 500.0, 1.2)),
    command("cargo build --release", "Build", "build_test", (64_000.0, 0.06, 1200.0, 0.6)),
    command(
        "cargo test {word}_{n} -- --nocapture",
        "Run one test",
        "build_test",
        (9_000.0, 0.35, 2100.0, 2.0),
    ),
];

const TYPESCRIPT: [Template; 6] = [
    command("npm run build", "Build", "package_manager", (19_000.0, 0.15, 2200.0, 2.0)),
    command("npm test -- {file}", "Run a file's tests", "package_manager", (6_500.0, 0.3, 2800.0, 4.0)),
    command("npx tsc --noEmit", "Check the types", "lang_runtime", (7_200.0, 0.3, 1500.0, 3.0)),
    command("npx eslint {file} --fix", "Lint a file", "lang_runtime", (3_100.0, 0.2, 700.0, 2.0)),
    command(
        "npm install --save-dev vitest@{n}",
        "Add a package",
        "package_manager",
        (9_000.0, 0.12, 400.0, 0.5),
    ),
    command(
        "npx playwright test --grep {word}",
        "Run in a browser",
        "lang_runtime",
        (31_000.0, 0.4, 3900.0, 0.9),
    ),
];

const PYTHON: [Template; 6] = [
    command(
        "python3 -m pytest tests -k {word} -x -q",
        "Run tests",
        "lang_runtime",
        (5_200.0, 0.3, 2600.0, 5.0),
    ),
    command("ruff check . --fix", "Lint", "lang_runtime", (300.0, 0.2, 450.0, 2.0)),
    command("mypy {dir}", "Check the types", "lang_runtime", (11_000.0, 0.3, 1300.0, 1.6)),
    command("python3 -m py_compile {file}", "Check the syntax", "lang_runtime", (70.0, 0.05, 0.0, 1.5)),
    command(
        "uv pip install -r requirements.txt",
        "Install what it needs",
        "package_manager",
        (4_300.0, 0.08, 900.0, 0.5),
    ),
    command(
        "python3 -c \"import {word}; print({word}.__file__)\"",
        "Try it out",
        "lang_runtime",
        (120.0, 0.2, 80.0, 0.9),
    ),
];

const GO: [Template; 5] = [
    command("go test ./...", "Run the tests", "build_test", (9_500.0, 0.25, 1900.0, 4.0)),
    command("go vet ./...", "Vet", "build_test", (3_900.0, 0.1, 300.0, 1.5)),
    command("go build ./...", "Build", "build_test", (5_100.0, 0.15, 400.0, 2.5)),
    command(
        "go test ./{dir} -run {word} -count=1",
        "Run one test",
        "build_test",
        (3_200.0, 0.35, 1200.0, 3.0),
    ),
    command("golangci-lint run --timeout 5m", "Lint", "build_test", (21_000.0, 0.3, 1600.0, 1.0)),
];

/// Returns a command one would run in the project.
pub(crate) fn draw_command(dice: &mut Dice, project: &Project) -> Command {
    let own: &[Template] = match project.language {
        Language::Rust => &RUST,
        Language::TypeScript => &TYPESCRIPT,
        Language::Python => &PYTHON,
        Language::Go => &GO,
    };
    let templates = if dice.chance(0.38) { own } else { &EVERYWHERE[..] };
    let choices: Vec<(&Template, f64)> =
        templates.iter().map(|template| (template, template.weight)).collect();
    let template = dice.weighted(&choices);
    Command {
        text: fill(dice, project, template.text),
        description: template.description.to_owned(),
        class: template.class,
        kind: template.kind,
        duration_ms: dice.log_normal(template.median_ms, 0.7).clamp(2, 590_000),
        fails: dice.chance(template.failing),
        printed_bytes: dice.log_normal(template.printed_bytes, 0.9).min(30_000),
        secrets: Vec::new(),
    }
}

/// Returns a command that nobody should have run with telemetry on: a fake secret stands in it.
///
/// Every secret says that it is a fake, and has the shape of a real one.
pub(crate) fn draw_leak(dice: &mut Dice, project: &Project) -> Command {
    let (text, description, secret) = match dice.between(0, 6) {
        0 => {
            let key = format!("sk-ant-api03-FAKE{}-{}AA", dice.base58(44), dice.base58(40));
            (format!("export ANTHROPIC_API_KEY={key}"), "Set the key", key)
        }
        1 => {
            let key = format!("FAKEfake{}", dice.base58(32));
            let line = format!("AWS_SECRET_ACCESS_KEY={key} aws s3 ls s3://{}-backups", project.name);
            (line, "List the backups", key)
        }
        2 => {
            let token = format!("ghp_FAKE{}", dice.base58(32));
            (
                format!("curl -sS -H \"Authorization: Bearer {token}\" https://api.github.com/user"),
                "Who am I",
                token,
            )
        }
        3 => {
            let password = format!("fake-hunter2-{}", dice.base58(12));
            (
                format!(
                    "psql postgres://app:{password}@10.20.{}.7:5432/app -c 'select 1'",
                    dice.between(0, 255)
                ),
                "Try the database",
                password,
            )
        }
        4 => {
            let token = format!(
                "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJmYWtlIiwi{}.FAKE{}",
                dice.base58(30),
                dice.base58(38)
            );
            (
                format!("curl -H 'Authorization: Bearer {token}' http://localhost:3000/api/me"),
                "Ask the service",
                token,
            )
        }
        5 => {
            let password = format!("fake-s3cret-{}", dice.base58(10));
            (format!("echo \"password={password}\" >> .env"), "Write the settings", password)
        }
        _ => {
            let token = format!("xoxb-000000000000-FAKE{}", dice.base58(24));
            (format!("SLACK_TOKEN={token} node scripts/notify.js"), "Tell the channel", token)
        }
    };
    Command {
        text,
        description: description.to_owned(),
        class: "shell_builtin",
        kind: Kind::Plain,
        duration_ms: dice.log_normal(220.0, 0.8).max(2),
        fails: dice.chance(0.1),
        printed_bytes: dice.log_normal(90.0, 0.8),
        secrets: vec![secret],
    }
}

fn fill(dice: &mut Dice, project: &Project, template: &str) -> String {
    let mut text = String::with_capacity(template.len() + 40);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((name, after)) = after.split_once('}') else { break };
        match name {
            "file" => text.push_str(&project.file(dice)),
            "dir" => text.push_str(project.directory(dice)),
            "word" => text.push_str(project.word(dice)),
            "branch" => text.push_str(&draw_branch(dice, project)),
            _ => text.push_str(&dice.between(2, 400).to_string()),
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

/// Returns the name of a branch.
pub(crate) fn draw_branch(dice: &mut Dice, project: &Project) -> String {
    format!("{}/{}-{}", dice.pick(&["fix", "feat", "chore"]), project.word(dice), dice.between(100, 2400))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::PROJECTS;

    #[test]
    fn no_command_keeps_a_placeholder() {
        let mut dice = Dice::new(4);
        for project in &PROJECTS {
            for _ in 0..400 {
                let command = draw_command(&mut dice, project);
                for name in ["{file}", "{dir}", "{word}", "{n}", "{branch}"] {
                    assert!(!command.text.contains(name), "{}", command.text);
                }
            }
        }
    }

    #[test]
    fn every_secret_stands_in_its_command_and_says_that_it_is_a_fake() {
        let mut dice = Dice::new(4);
        for _ in 0..200 {
            let command = draw_leak(&mut dice, &PROJECTS[0]);
            for secret in &command.secrets {
                assert!(command.text.contains(secret.as_str()));
                assert!(secret.to_lowercase().contains("fake"), "{secret}");
            }
        }
    }
}

//! A replayed session as a timeline for people: a line an event, and what lies between them.
//!
//! What is shown comes from whoever sent it, so no control character of it reaches the terminal.

use std::time::Duration;

use granary_archive::ReplayEvent;
use granary_model::{Signal, bare_model_name};
use jiff::Timestamp;
use serde_json::Value;

/// A pause that is worth a line.
const LONG_PAUSE: Duration = Duration::from_secs(60);

/// A replay on a terminal, or in a file.
#[derive(Debug)]
pub(crate) struct Timeline {
    colours: bool,
    /// Whether long pauses have a line of their own.
    pauses: bool,
    /// Whether each line says whose session it is.
    sessions: bool,
    last_unix_nano: Option<u64>,
}

impl Timeline {
    pub(crate) fn new(colours: bool, pauses: bool) -> Self {
        Self { colours, pauses, sessions: false, last_unix_nano: None }
    }

    /// Of several sessions at once, as they come.
    pub(crate) fn of_sessions(colours: bool) -> Self {
        Self { sessions: true, ..Self::new(colours, false) }
    }

    /// A line that is no event's.
    pub(crate) fn remark(&self, text: &str) -> String {
        let style = if self.colours { DIM } else { Style::default() };
        style.paint(&format!("{:>24}  {text}", "···"))
    }

    /// The event's line, after that of the pause before it.
    pub(crate) fn show(&mut self, event: &ReplayEvent) -> String {
        let time = event.id.time_unix_nano;
        let pause =
            self.last_unix_nano.replace(time).map(|last| Duration::from_nanos(time.saturating_sub(last)));
        let line = line(event, self.colours, self.sessions);
        match pause.filter(|pause| self.pauses && *pause >= LONG_PAUSE) {
            None => line,
            Some(pause) => {
                let length = humantime::format_duration(Duration::from_secs(pause.as_secs()));
                format!("{}\n{line}", self.remark(&format!("{length} later")))
            }
        }
    }
}

/// How a piece of text looks on a terminal.
#[derive(Debug, Clone, Copy, Default)]
struct Style(&'static str);

const DIM: Style = Style("\x1b[2m");
const FAILED: Style = Style("\x1b[1;31m");

impl Style {
    fn paint(self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { format!("{}{text}\x1b[0m", self.0) }
    }

    /// Of an event's name: who has done something.
    fn of(event: &ReplayEvent, name: &str) -> Self {
        match (event.signal, name) {
            (Signal::Metrics, _) => DIM,
            (Signal::Traces, _) => Self("\x1b[35m"),
            (Signal::Logs, "user_prompt") => Self("\x1b[1;36m"),
            (Signal::Logs, "assistant_response") => Self("\x1b[36m"),
            (Signal::Logs, name) if name.starts_with("api_") => Self("\x1b[34m"),
            (Signal::Logs, name) if name.starts_with("tool_") => Self("\x1b[33m"),
            (Signal::Logs, _) => Self("\x1b[1m"),
        }
    }
}

/// What happened, when, and the figures and words that tell most about it.
pub(crate) fn readable(event: &ReplayEvent, colours: bool) -> String {
    line(event, colours, false)
}

/// How much of a session's id tells it from the others that are under way.
const SESSION_CHARACTERS: usize = 8;

fn line(event: &ReplayEvent, colours: bool, with_session: bool) -> String {
    let record = Record(serde_json::from_str(&event.json).unwrap_or_default());
    let time = Timestamp::from_nanosecond(i128::from(event.id.time_unix_nano)).unwrap_or_default();
    let mut details = Vec::new();
    if event.signal == Signal::Metrics {
        details.extend(record.measured());
    }
    let labelled = |(name, label): &(&str, &str)| {
        let value = record.attribute(name)?;
        let value = if *name == "model" { bare_model_name(&value) } else { &value };
        Some(format!("{label}{}", one_line(value)))
    };
    details.extend(FIRST.iter().filter_map(labelled));
    details.extend(record.tokens_in_with_cache().map(|tokens| format!("in_with_cache={tokens}")));
    details.extend(record.attribute("output_tokens").map(|tokens| format!("out={tokens}")));
    details.extend(record.dollars());
    details.extend(LAST.iter().filter_map(labelled));
    details.extend(record.words().map(|words| one_line(&words)));
    let failed =
        record.attribute("success").is_some_and(|success| success == "false") || event.name.contains("error");
    let name = one_line(event.name.trim_start_matches("claude_code."));
    let (dim, strong) = match (colours, failed) {
        (false, _) => (Style::default(), Style::default()),
        (true, false) => (DIM, Style::of(event, &name)),
        (true, true) => (DIM, FAILED),
    };
    let mut time = dim.paint(&format!("{time:.3}"));
    if with_session {
        let session = one_line(record.0.get("session").and_then(Value::as_str).unwrap_or("-"));
        let session: String = session.chars().take(SESSION_CHARACTERS).collect();
        time += &dim.paint(&format!("  {session:<SESSION_CHARACTERS$}"));
    }
    format!("{time}  {} {}", strong.paint(&format!("{name:<28}")), details.join("  "))
}

/// The attributes that stand before and behind tokens and dollars, with what stands in front of them.
const FIRST: [(&str, &str); 6] = [
    ("type", ""),
    ("tool_name", ""),
    ("model", ""),
    ("decision", ""),
    ("success", "success="),
    ("duration_ms", "ms="),
];

const LAST: [(&str, &str); 4] =
    [("prompt_length", "chars="), ("status_code", "status="), ("error", "error="), ("trigger", "trigger=")];

/// What was said or done: the first there is. Most clients keep these back unless they are told to send them.
const WORDS: [&str; 5] = ["prompt", "user_prompt", "response", "full_command", "file_path"];

/// The arguments of a tool that say most about a call; those of `tool_parameters` and `tool_input`.
const ARGUMENTS: [&str; 11] = [
    "full_command",
    "command",
    "file_path",
    "notebook_path",
    "pattern",
    "url",
    "query",
    "description",
    "subagent_type",
    "skill_name",
    "mcp_tool_name",
];

/// A replayed record.
struct Record(Value);

impl Record {
    fn attribute(&self, name: &str) -> Option<String> {
        text(self.0.get("attributes")?.get(name)?)
    }

    /// All that the model read: what was sent, what came from the cache and what was written to it.
    fn tokens_in_with_cache(&self) -> Option<u64> {
        let kinds = ["input_tokens", "cache_read_tokens", "cache_creation_tokens"];
        let counts = kinds.map(|kind| self.attribute(kind)?.parse::<u64>().ok());
        counts.iter().any(Option::is_some).then(|| counts.into_iter().flatten().sum())
    }

    /// What the client says it cost, to the same digit as a session's timeline.
    fn dollars(&self) -> Option<String> {
        let cost: f64 = self.attribute("cost_usd")?.parse().ok()?;
        Some(format!("${cost:.4}"))
    }

    /// The point of a metric: what came on top, or how much it is.
    fn measured(&self) -> Option<String> {
        let figure = |name: &str| self.0.get(name).and_then(text);
        let unit = figure("unit").map(|unit| format!(" {unit}")).unwrap_or_default();
        if let Some(value) = figure("value") {
            let added = if figure("temporality").as_deref() == Some("delta") { "+" } else { "" };
            return Some(format!("{added}{value}{unit}"));
        }
        let count = figure("count")?;
        let sum = figure("sum").map(|sum| format!(", {sum}{unit} together")).unwrap_or_default();
        Some(format!("{count} values{sum}"))
    }

    fn words(&self) -> Option<String> {
        let said = WORDS.iter().filter_map(|name| self.attribute(name)).find(|said| said != "<REDACTED>");
        said.filter(|said| !said.is_empty()).or_else(|| {
            let [parameters, input] = ["tool_parameters", "tool_input"]
                .map(|name| serde_json::from_str::<Value>(&self.attribute(name)?).ok());
            let given = |name: &&str| {
                let of = |arguments: &Option<Value>| arguments.as_ref()?.get(name).and_then(text);
                of(&parameters).or_else(|| of(&input)).filter(|argument| !argument.is_empty())
            };
            ARGUMENTS.iter().find_map(given)
        })
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        // A whole number that came as a double is no less whole.
        Value::Number(number) if number.is_f64() => number.as_f64().map(|number| number.to_string()),
        value => Some(value.to_string()),
    }
}

/// The text with its line breaks and control characters taken out, and cut where it is long.
fn one_line(text: &str) -> String {
    const ENOUGH: usize = 100;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|character| !character.is_control()).collect();
    match line.char_indices().nth(ENOUGH) {
        None => line,
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(signal: Signal, name: &str, record: &Value) -> ReplayEvent {
        let id = "1795165605889000000-0".parse().unwrap();
        ReplayEvent { id, signal, name: name.to_owned(), json: record.to_string() }
    }

    fn line(signal: Signal, name: &str, record: &Value) -> String {
        readable(&event(signal, name, record), false)
    }

    #[test]
    fn on_a_terminal_kinds_have_colours_failures_are_red_and_long_pauses_are_told() {
        let mut timeline = Timeline::new(true, true);
        let mut shown = Vec::new();
        for (id, name, record) in [
            ("1795165605889000000-0", "user_prompt", json!({ "attributes": { "prompt": "go" } })),
            (
                "1795165606889000000-0",
                "tool_result",
                json!({ "attributes": { "tool_name": "Bash", "success": "false" } }),
            ),
            (
                "1795169206889000000-0",
                "tool_result",
                json!({ "attributes": { "tool_name": "Read", "success": "true" } }),
            ),
        ] {
            shown.push(
                timeline.show(&ReplayEvent { id: id.parse().unwrap(), ..event(Signal::Logs, name, &record) }),
            );
        }
        insta::assert_snapshot!(
            shown.join("\n").replace('\x1b', "␛"),
            @r#"
            ␛[2m2026-11-20T09:06:45.889Z␛[0m  ␛[1;36muser_prompt                 ␛[0m go
            ␛[2m2026-11-20T09:06:46.889Z␛[0m  ␛[1;31mtool_result                 ␛[0m Bash  success=false
            ␛[2m                     ···  1h later␛[0m
            ␛[2m2026-11-20T10:06:46.889Z␛[0m  ␛[33mtool_result                 ␛[0m Read  success=true
            "#
        );
        let plain = Timeline::new(false, false).show(&event(Signal::Logs, "user_prompt", &json!({})));
        assert!(!plain.contains('\x1b'), "{plain}");
    }

    #[test]
    fn what_was_sent_does_not_steer_the_terminal() {
        let record = json!({ "attributes": { "prompt": "\x1b]0;title\x07 red \x1b[31m\u{9b}31m" } });
        let shown = line(Signal::Logs, "user_\x1b[2Jprompt", &record);
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
    }

    #[test]
    fn a_metric_s_line_has_its_value() {
        let counter = |value: Value, unit| json!({ "kind": "sum", "temporality": "delta", "value": value, "unit": unit, "attributes": { "type": "input", "model": "opus" } });
        insta::assert_snapshot!(
            [
                line(Signal::Metrics, "claude_code.token.usage", &counter(json!(1005.0), "tokens")),
                line(Signal::Metrics, "claude_code.cost.usage", &counter(json!(0.006_946), "USD")),
                line(Signal::Metrics, "memory", &json!({ "kind": "gauge", "value": 7 })),
                line(Signal::Metrics, "answer", &json!({ "count": 3, "sum": 4.5, "unit": "s" })),
            ]
            .join("\n"),
            @r#"
            2026-11-20T09:06:45.889Z  token.usage                  +1005 tokens  input  opus
            2026-11-20T09:06:45.889Z  cost.usage                   +0.006946 USD  input  opus
            2026-11-20T09:06:45.889Z  memory                       7
            2026-11-20T09:06:45.889Z  answer                       3 values, 4.5 s together
            "#
        );
    }

    #[test]
    fn prompts_and_commands_are_told_where_they_were_sent() {
        let log = |name, attributes: Value| line(Signal::Logs, name, &json!({ "attributes": attributes }));
        let long = "word ".repeat(100);
        insta::assert_snapshot!(
            [
                log("user_prompt", json!({ "prompt": "Please\n\n ECHO hello", "prompt_length": "19" })),
                log("user_prompt", json!({ "prompt": "<REDACTED>", "prompt_length": "6" })),
                log("user_prompt", json!({ "prompt": long })),
                log("assistant_response", json!({ "response": "Done." })),
                log("tool_result", json!({
                    "tool_name": "Bash", "success": "true", "duration_ms": "12",
                    "tool_parameters": "{\"full_command\":\"ls -l\"}", "tool_input": "{\"description\":\"a list\"}"
                })),
                log("tool_result", json!({ "tool_name": "Read", "tool_input": "{\"file_path\":\"/a/b\"}" })),
                log("tool_decision", json!({ "tool_name": "Read", "decision": "accept", "tool_parameters": "cut of" })),
            ]
            .join("\n"),
            @r#"
            2026-11-20T09:06:45.889Z  user_prompt                  chars=19  Please ECHO hello
            2026-11-20T09:06:45.889Z  user_prompt                  chars=6
            2026-11-20T09:06:45.889Z  user_prompt                  word word word word word word word word word word word word word word word word word word word word …
            2026-11-20T09:06:45.889Z  assistant_response           Done.
            2026-11-20T09:06:45.889Z  tool_result                  Bash  success=true  ms=12  ls -l
            2026-11-20T09:06:45.889Z  tool_result                  Read  /a/b
            2026-11-20T09:06:45.889Z  tool_decision                Read  accept
            "#
        );
    }

    #[test]
    fn tokens_in_are_all_that_the_model_read() {
        let request = json!({ "attributes": {
            "model": "claude-opus-4-8[1m]", "input_tokens": 114, "output_tokens": 34, "cache_read_tokens": "5014",
            "cache_creation_tokens": 1014, "cost_usd": 0.010_264_5
        } });
        insta::assert_snapshot!(line(Signal::Logs, "api_request", &request), @"2026-11-20T09:06:45.889Z  api_request                  claude-opus-4-8  in_with_cache=6142  out=34  $0.0103");
        insta::assert_snapshot!(line(Signal::Logs, "session_start", &json!({ "attributes": {} })), @"2026-11-20T09:06:45.889Z  session_start");
    }
}

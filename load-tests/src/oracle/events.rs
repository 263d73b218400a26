//! An event's content follows from its identity, so that the judge can make it again and compare.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;

/// Which event: the sender's number and its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct EventName {
    pub(crate) sender: u32,
    pub(crate) number: u64,
}

impl EventName {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (sender, number) = text.split_once('/')?;
        Some(Self { sender: sender.parse().ok()?, number: number.parse().ok()? })
    }
}

impl std::fmt::Display for EventName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.sender, self.number)
    }
}

/// All events of a seed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Events {
    seed: u64,
    /// The first event's time, in nanoseconds since 1970.
    start: u64,
}

const KINDS: [&str; 5] = ["api_request", "tool_result", "user_prompt", "api_error", "tool_decision"];
const MODELS: [&str; 3] = ["claude-opus-4-6", "claude-sonnet-4-6", "claude-haiku-4-5"];
const TOOLS: [&str; 4] = ["Bash", "Read", "Edit", "Grep"];
const WORDS: [&str; 8] = ["granary", "barley", "sieve", "mill", "sheaf", "flail", "winnow", "bushel"];
const MILLISECOND: u64 = 1_000_000;

/// The columns that are compared, in the order of [`Events::stored`].
pub(crate) const COLUMNS: &str = "LogAttributes['oracle.payload'], SessionId, AgentEvent, Model, ToolName, \
     toString(InputTokens), toString(Cost), toString(DurationMs), toString(toUnixTimestamp64Nano(Timestamp))";

struct Content {
    payload: String,
    session: String,
    kind: &'static str,
    model: &'static str,
    tool: &'static str,
    input_tokens: u64,
    cost_micro_usd: u64,
    duration_ms: u64,
    time: u64,
}

impl Events {
    pub(crate) fn new(seed: u64) -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        // A whole hour back: hours and days turn within a long run.
        let start = u64::try_from(now.as_nanos()).unwrap_or_default() / MILLISECOND * MILLISECOND;
        Self { seed, start: start - 3_600_000 * MILLISECOND }
    }

    /// One request with these events.
    pub(crate) fn request(self, names: &[EventName]) -> ExportLogsServiceRequest {
        let log_records = names.iter().map(|name| self.record(*name)).collect();
        let resource = Resource {
            attributes: vec![text("service.name", "claude-code"), text("team.id", "oracle")],
            ..Resource::default()
        };
        ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs {
                resource: Some(resource),
                scope_logs: vec![ScopeLogs { log_records, ..ScopeLogs::default() }],
                ..ResourceLogs::default()
            }],
        }
    }

    /// What the columns must hold for the event.
    pub(crate) fn stored(self, name: EventName) -> [String; 9] {
        let content = self.content(name);
        [
            content.payload,
            content.session,
            content.kind.to_owned(),
            content.model.to_owned(),
            content.tool.to_owned(),
            content.input_tokens.to_string(),
            dollars(content.cost_micro_usd),
            content.duration_ms.to_string(),
            content.time.to_string(),
        ]
    }

    fn content(self, name: EventName) -> Content {
        let mut dice = Dice(self.seed ^ u64::from(name.sender) << 48 ^ name.number);
        let kind = KINDS[dice.below(KINDS.len())];
        let words = 3 + dice.below(40);
        let mut payload = String::new();
        for _ in 0..words {
            payload.push_str(WORDS[dice.below(WORDS.len())]);
            payload.push(' ');
        }
        Content {
            payload,
            session: format!("oracle-{}-{}", name.sender, name.number / 100),
            kind,
            model: if kind == "api_request" { MODELS[dice.below(MODELS.len())] } else { "" },
            tool: if kind.starts_with("tool") { TOOLS[dice.below(TOOLS.len())] } else { "" },
            input_tokens: if kind == "api_request" { dice.below(100_000) as u64 } else { 0 },
            cost_micro_usd: if kind == "api_request" { dice.below(5_000_000) as u64 } else { 0 },
            duration_ms: dice.below(60_000) as u64,
            time: self.start + name.number * 7 * MILLISECOND + u64::from(name.sender),
        }
    }

    fn record(self, name: EventName) -> LogRecord {
        let content = self.content(name);
        let mut attributes = vec![
            text("event.name", content.kind),
            text("session.id", &content.session),
            text("user.id", &format!("user-{}", name.sender % 3)),
            text("oracle.id", &name.to_string()),
            text("oracle.payload", &content.payload),
            integer("event.sequence", name.number),
            integer("duration_ms", content.duration_ms),
        ];
        if !content.model.is_empty() {
            attributes.push(text("model", content.model));
            attributes.push(integer("input_tokens", content.input_tokens));
            attributes.push(text("cost_usd", &dollars(content.cost_micro_usd)));
        }
        if !content.tool.is_empty() {
            attributes.push(text("tool_name", content.tool));
            attributes
                .push(text("success", if content.duration_ms.is_multiple_of(7) { "false" } else { "true" }));
        }
        LogRecord {
            time_unix_nano: content.time,
            body: Some(AnyValue { value: Some(Value::StringValue(format!("claude_code.{}", content.kind))) }),
            attributes,
            ..LogRecord::default()
        }
    }
}

/// As ClickHouse prints a decimal: without zeros at the end.
fn dollars(micro_usd: u64) -> String {
    let text = format!("{}.{:06}", micro_usd / 1_000_000, micro_usd % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn integer(key: &str, value: u64) -> KeyValue {
    attribute(key, Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

/// Random numbers that follow from a seed (`SplitMix64`).
#[derive(Debug, Clone)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    #[expect(clippy::cast_possible_truncation, reason = "less than `limit`, which is a usize")]
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

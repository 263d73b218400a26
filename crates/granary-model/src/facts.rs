//! What an agent's record says, read once into typed values.
//!
//! The spellings and types of the clients differ by version and vendor; here is the one place that
//! knows them. The `DEFAULT` expressions of `ddl/` say the same in SQL for rows that reach the tables past
//! Granary; a test holds the two together.

use crate::keys::Known;
use crate::{Attributes, Resource, ValueRef};

/// The facts of one record that have a column of their own. Text is empty where the record says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Facts<'a> {
    /// The session the record belongs to.
    pub session: &'a str,
    /// Who: the e-mail address where the client knows it, else an account or installation id.
    pub user: &'a str,
    /// `team.id`, which teams set in `OTEL_RESOURCE_ATTRIBUTES`.
    pub team: &'a str,
    /// `project`, which teams set in `OTEL_RESOURCE_ATTRIBUTES`.
    pub project: &'a str,
    /// The prompt that led to the record.
    pub prompt: &'a str,
    /// The agent's own name of the event, without the prefix of the product.
    pub event: &'a str,
    /// The model's [bare name](bare_model_name).
    pub model: &'a str,
    /// The tool.
    pub tool: &'a str,
    /// The event's number within its process; not unique within a session.
    pub sequence: u64,
    /// Whether it went well, where the record says so.
    pub success: Option<bool>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Tokens sent, without those read from a cache.
    pub input_tokens: u64,
    /// Tokens received.
    pub output_tokens: u64,
    /// Tokens read from the prompt cache.
    pub cache_read_tokens: u64,
    /// Tokens written to the prompt cache.
    pub cache_creation_tokens: u64,
    /// Those of them that are said to be kept for five minutes.
    pub cache_creation_5m_tokens: u64,
    /// Those of them that are kept for an hour, which costs more.
    pub cache_creation_1h_tokens: u64,
    /// The reported cost in billionths of a US dollar.
    pub cost_nano_usd: i64,
}

/// The attribute that names the team; of a resource's, the one that counts.
pub const TEAM_KEY: &str = "team.id";

const SESSION_KEYS: [Known; 4] =
    Known::all(["session.id", "conversation.id", "gen_ai.conversation.id", "cursor.conversation.id"]);
const USER_KEYS: [Known; 4] = Known::all(["user.email", "user.account_uuid", "user.account_id", "user.id"]);
const TEAM_KEYS: [Known; 2] = Known::all([TEAM_KEY, "team"]);
const PROJECT_KEYS: [Known; 2] = Known::all(["project", "project.name"]);
const MODEL_KEYS: [Known; 3] = Known::all(["model", "gen_ai.response.model", "gen_ai.request.model"]);
const TOOL_KEYS: [Known; 3] = Known::all(["tool_name", "gen_ai.tool.name", "function_name"]);
const PROMPT_KEYS: [Known; 1] = Known::all(["prompt.id"]);

const EVENT_NAME: Known = Known::new("event.name");
const SEQUENCE: Known = Known::new("event.sequence");
const SUCCESS: Known = Known::new("success");
const DURATION_MS: Known = Known::new("duration_ms");
const INPUT_TOKENS: Known = Known::new("input_tokens");
const OUTPUT_TOKENS: Known = Known::new("output_tokens");
const CACHE_READ_TOKENS: Known = Known::new("cache_read_tokens");
const CACHE_CREATION_TOKENS: Known = Known::new("cache_creation_tokens");
const CACHE_CREATION_5M_TOKENS: Known = Known::new("cache_creation_5m_tokens");
const CACHE_CREATION_1H_TOKENS: Known = Known::new("cache_creation_1h_tokens");
const COST_USD: Known = Known::new("cost_usd");

/// Where event names carry the name of the product in front.
const EVENT_PREFIXES: [&str; 1] = ["claude_code."];

impl<'a> Facts<'a> {
    /// Reads the facts of a record with the given attributes.
    ///
    /// `event` is what names the event where no `event.name` attribute does: the body of a log record.
    #[must_use]
    pub fn read(resource: &'a Resource, attributes: &'a Attributes, event: Option<&'a str>) -> Self {
        let own = |keys: &[Known]| keys.iter().find_map(|key| attributes.known_text(*key));
        let any = |keys: &[Known]| {
            own(keys)
                .or_else(|| keys.iter().find_map(|key| resource.attributes.known_text(*key)))
                .unwrap_or_default()
        };
        let count = |key| attributes.known(key).and_then(ValueRef::as_count).unwrap_or_default();
        let event = attributes.known_text(EVENT_NAME).or(event).unwrap_or_default();
        Self {
            session: any(&SESSION_KEYS),
            user: any(&USER_KEYS),
            team: any(&TEAM_KEYS),
            project: any(&PROJECT_KEYS),
            prompt: own(&PROMPT_KEYS).unwrap_or_default(),
            event: bare_event_name(event),
            model: own(&MODEL_KEYS).map_or("", bare_model_name),
            tool: own(&TOOL_KEYS).unwrap_or_default(),
            sequence: count(SEQUENCE),
            success: attributes.known(SUCCESS).and_then(ValueRef::as_bool),
            duration_ms: attributes.known(DURATION_MS).map_or(0, round_ms),
            input_tokens: count(INPUT_TOKENS),
            output_tokens: count(OUTPUT_TOKENS),
            cache_read_tokens: count(CACHE_READ_TOKENS),
            cache_creation_tokens: count(CACHE_CREATION_TOKENS),
            cache_creation_5m_tokens: count(CACHE_CREATION_5M_TOKENS),
            cache_creation_1h_tokens: count(CACHE_CREATION_1H_TOKENS),
            cost_nano_usd: attributes.known(COST_USD).and_then(ValueRef::as_number).map_or(0, nano_usd),
        }
    }
}

/// The event's name without the product's prefix: `claude_code.api_request` and `api_request` are one.
#[must_use]
pub fn bare_event_name(name: &str) -> &str {
    EVENT_PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

/// The name by which one model is the same model in every signal and on every platform.
///
/// Clients spell a model as they were told to ask for it: with the window of its context (`[1m]`), which spans and
/// counters have and events of the same request have not, with the vendor and the region it runs in, with the
/// day of its snapshot and the platform's version. Only names of one vendor's models are known well enough to take
/// more than the window off: `-v3` is a version of one name and part of another.
#[must_use]
pub fn bare_model_name(name: &str) -> &str {
    let name = without_window(name).unwrap_or(name);
    let own = name.rmatch_indices("claude-").map(|(at, _)| name.split_at(at)).find(|(vendor, _)| {
        vendor.is_empty() || vendor.ends_with("anthropic.") || vendor.ends_with("anthropic/")
    });
    let Some((_, own)) = own else { return name };
    let keep = |shorter: &&str| shorter.starts_with("claude-");
    let own = without_platform_version(own).filter(keep).unwrap_or(own);
    without_snapshot(own).filter(keep).unwrap_or(own)
}

/// `opus[1m]` without `[1m]`.
fn without_window(name: &str) -> Option<&str> {
    let (name, window) = name.strip_suffix(']')?.rsplit_once('[')?;
    (!window.contains(']')).then_some(name)
}

/// `opus-v1:0` and `opus-v1` without what follows the name.
fn without_platform_version(name: &str) -> Option<&str> {
    let (name, version) = name.rsplit_once("-v")?;
    let (major, minor) = version.split_once(':').unwrap_or((version, "0"));
    (is_number(major) && is_number(minor)).then_some(name)
}

/// `opus-20250929`, `opus@20250929` and `opus@latest` without what follows the name.
fn without_snapshot(name: &str) -> Option<&str> {
    let word = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if let Some((name, snapshot)) = name.rsplit_once('@')
        && !snapshot.is_empty()
        && word(snapshot)
    {
        return Some(name);
    }
    let (name, day) = name.rsplit_once('-')?;
    (day.len() == 8 && day.starts_with("20") && is_number(day)).then_some(name)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before the cast")]
fn round_ms(value: ValueRef<'_>) -> u64 {
    value.as_number().map_or(0, |ms| ms.round().clamp(0.0, 9_007_199_254_740_992.0) as u64)
}

#[expect(clippy::cast_possible_truncation, reason = "clamped before the cast")]
fn nano_usd(usd: f64) -> i64 {
    /// What a `Decimal(18, 9)` holds.
    const MAX_NANO_USD: f64 = 999_999_999_999_999_999.0;
    (usd * 1e9).round().clamp(-MAX_NANO_USD, MAX_NANO_USD) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attribute, Value};
    use proptest::prelude::*;

    fn resource() -> Resource {
        Resource {
            attributes: Attributes::new(vec![
                Attribute::new("team.id", "platform"),
                Attribute::new("session.id", "from-resource"),
            ]),
            ..Resource::default()
        }
    }

    #[test]
    fn numbers_sent_as_strings_and_as_numbers_are_the_same_facts() {
        let resource = resource();
        let old = Attributes::new(vec![
            Attribute::new("event.name", "claude_code.api_request"),
            Attribute::new("input_tokens", "12"),
            Attribute::new("duration_ms", "742"),
            Attribute::new("cost_usd", "0.00276519"),
        ]);
        let new = Attributes::new(vec![
            Attribute::new("event.name", "api_request"),
            Attribute::new("input_tokens", 12_i64),
            Attribute::new("duration_ms", 742_i64),
            Attribute::new("cost_usd", 0.002_765_19),
        ]);
        let facts = Facts::read(&resource, &old, None);
        assert_eq!(facts, Facts::read(&resource, &new, Some("claude_code.api_request")));
        assert_eq!(facts.cost_nano_usd, 2_765_190);
        assert_eq!((facts.event, facts.input_tokens, facts.duration_ms), ("api_request", 12, 742));
    }

    #[test]
    fn the_record_s_own_attribute_wins_over_the_resource_s() {
        let resource = resource();
        let attributes = Attributes::new(vec![Attribute::new("session.id", "own")]);
        assert_eq!(Facts::read(&resource, &attributes, None).session, "own");
        let none = Attributes::default();
        let facts = Facts::read(&resource, &none, Some("claude_code.user_prompt"));
        assert_eq!((facts.session, facts.team, facts.event), ("from-resource", "platform", "user_prompt"));
    }

    #[test]
    fn one_model_has_one_name_however_it_is_spelled() {
        for spelling in [
            "claude-haiku-4-5",
            "claude-haiku-4-5[1m]",
            "claude-haiku-4-5-20251001",
            "claude-haiku-4-5-20251001[1m]",
            "claude-haiku-4-5@20251001",
            "claude-haiku-4-5@latest",
            "anthropic/claude-haiku-4-5",
            "us.anthropic.claude-haiku-4-5-20251001-v1:0",
            "global.anthropic.claude-haiku-4-5-v1[1m]",
            "arn:aws:bedrock:us-east-1:1234:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0",
        ] {
            assert_eq!(bare_model_name(spelling), "claude-haiku-4-5", "{spelling}");
        }
    }

    #[test]
    fn other_names_keep_all_but_the_window() {
        for (spelling, name) in [
            ("", ""),
            ("glm-4.6[1m]", "glm-4.6"),
            ("deepseek-v3", "deepseek-v3"),
            ("gpt-5-20250807", "gpt-5-20250807"),
            ("my-claude-opus", "my-claude-opus"),
            ("claude-v1", "claude-v1"),
            ("claude-20250929", "claude-20250929"),
            ("[1m]", ""),
            ("a]b]", "a]b]"),
        ] {
            assert_eq!(bare_model_name(spelling), name, "{spelling}");
        }
    }

    #[test]
    fn nonsense_in_a_numeric_field_is_no_fact() {
        let resource = Resource::default();
        let attributes = Attributes::new(vec![
            Attribute::new("input_tokens", -5_i64),
            Attribute::new("cost_usd", f64::NAN),
            Attribute::new("duration_ms", "soon"),
            Attribute::new("success", "maybe"),
        ]);
        assert_eq!(Facts::read(&resource, &attributes, None), Facts::default());
    }

    /// The facts with a search for each key.
    fn read_by_search<'a>(resource: &'a Resource, attributes: &'a Attributes, event: &'a str) -> Facts<'a> {
        let own = |keys: &[&str]| keys.iter().find_map(|key| attributes.text(key));
        let any = |keys: &[&str]| {
            own(keys)
                .or_else(|| keys.iter().find_map(|key| resource.attributes.text(key)))
                .unwrap_or_default()
        };
        let count = |key| attributes.get(key).and_then(ValueRef::as_count).unwrap_or_default();
        Facts {
            session: any(&[
                "session.id",
                "conversation.id",
                "gen_ai.conversation.id",
                "cursor.conversation.id",
            ]),
            user: any(&["user.email", "user.account_uuid", "user.account_id", "user.id"]),
            team: any(&["team.id", "team"]),
            project: any(&["project", "project.name"]),
            prompt: attributes.text("prompt.id").unwrap_or_default(),
            event: bare_event_name(attributes.text("event.name").unwrap_or(event)),
            model: own(&["model", "gen_ai.response.model", "gen_ai.request.model"]).unwrap_or_default(),
            tool: own(&["tool_name", "gen_ai.tool.name", "function_name"]).unwrap_or_default(),
            sequence: count("event.sequence"),
            success: attributes.get("success").and_then(ValueRef::as_bool),
            duration_ms: attributes.get("duration_ms").map_or(0, round_ms),
            input_tokens: count("input_tokens"),
            output_tokens: count("output_tokens"),
            cache_read_tokens: count("cache_read_tokens"),
            cache_creation_tokens: count("cache_creation_tokens"),
            cache_creation_5m_tokens: count("cache_creation_5m_tokens"),
            cache_creation_1h_tokens: count("cache_creation_1h_tokens"),
            cost_nano_usd: attributes.get("cost_usd").and_then(ValueRef::as_number).map_or(0, nano_usd),
        }
    }

    fn pairs() -> impl Strategy<Value = Vec<Attribute>> {
        let value = prop_oneof![
            Just(Value::Empty),
            Just(Value::from("")),
            Just(Value::from("true")),
            any::<bool>().prop_map(Value::Bool),
            (0..100_i64).prop_map(Value::Int),
            (0..100).prop_map(|number: i32| Value::from(number.to_string())),
        ];
        let key = prop::sample::select(crate::keys::KNOWN.to_vec());
        let pair = (key, value).prop_map(|(key, value)| Attribute::new(key, value));
        prop::collection::vec(pair, 0..30)
    }

    proptest! {
        #[test]
        fn what_stands_where_is_found_as_a_search_finds_it(resource in pairs(), own in pairs()) {
            let resource = Resource { attributes: Attributes::new(resource), ..Resource::default() };
            let own = Attributes::new(own);
            prop_assert_eq!(
                Facts::read(&resource, &own, Some("claude_code.e")),
                read_by_search(&resource, &own, "claude_code.e")
            );
        }
    }
}

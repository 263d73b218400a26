//! What an agent's record says, read once into typed values.
//!
//! The spellings and types of the clients differ by version and vendor; here is the one place that
//! knows them. The `DEFAULT` expressions of `ddl/` say the same in SQL for rows that reach the tables past
//! Granary; a test holds the two together.

use crate::{Attributes, Resource, Value};

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
    /// The model, as the client spells it.
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
    /// The reported cost in billionths of a US dollar.
    pub cost_nano_usd: i64,
}

/// The attribute that names the team; of a resource's, the one that counts.
pub const TEAM_KEY: &str = "team.id";

const SESSION_KEYS: [&str; 4] =
    ["session.id", "conversation.id", "gen_ai.conversation.id", "cursor.conversation.id"];
const USER_KEYS: [&str; 4] = ["user.email", "user.account_uuid", "user.account_id", "user.id"];
const TEAM_KEYS: [&str; 2] = [TEAM_KEY, "team"];
const PROJECT_KEYS: [&str; 2] = ["project", "project.name"];
const MODEL_KEYS: [&str; 3] = ["model", "gen_ai.response.model", "gen_ai.request.model"];
const TOOL_KEYS: [&str; 3] = ["tool_name", "gen_ai.tool.name", "function_name"];

/// Where event names carry the name of the product in front.
const EVENT_PREFIXES: [&str; 1] = ["claude_code."];

impl<'a> Facts<'a> {
    /// Reads the facts of a record with the given attributes.
    ///
    /// `event` is what names the event where no `event.name` attribute does: the body of a log record.
    #[must_use]
    pub fn read(resource: &'a Resource, attributes: &'a Attributes, event: Option<&'a str>) -> Self {
        let own = |keys: &[&str]| keys.iter().find_map(|key| attributes.text(key));
        let any = |keys: &[&str]| {
            own(keys)
                .or_else(|| keys.iter().find_map(|key| resource.attributes.text(key)))
                .unwrap_or_default()
        };
        let count = |key| attributes.get(key).and_then(Value::as_count).unwrap_or_default();
        let event = attributes.text("event.name").or(event).unwrap_or_default();
        Self {
            session: any(&SESSION_KEYS),
            user: any(&USER_KEYS),
            team: any(&TEAM_KEYS),
            project: any(&PROJECT_KEYS),
            prompt: own(&["prompt.id"]).unwrap_or_default(),
            event: bare_event_name(event),
            model: own(&MODEL_KEYS).unwrap_or_default(),
            tool: own(&TOOL_KEYS).unwrap_or_default(),
            sequence: count("event.sequence"),
            success: attributes.get("success").and_then(Value::as_bool),
            duration_ms: attributes.get("duration_ms").map_or(0, round_ms),
            input_tokens: count("input_tokens"),
            output_tokens: count("output_tokens"),
            cache_read_tokens: count("cache_read_tokens"),
            cache_creation_tokens: count("cache_creation_tokens"),
            cost_nano_usd: attributes.get("cost_usd").and_then(Value::as_number).map_or(0, nano_usd),
        }
    }
}

/// The event's name without the product's prefix: `claude_code.api_request` and `api_request` are one.
#[must_use]
pub fn bare_event_name(name: &str) -> &str {
    EVENT_PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before the cast")]
fn round_ms(value: &Value) -> u64 {
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
    use crate::Attribute;

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
}

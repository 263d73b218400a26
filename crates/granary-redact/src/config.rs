//! What can be set about redaction?

use std::fmt;

use serde::{Deserialize, Serialize};

/// The settings of redaction. There is no switch that turns all of it off.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RedactConfig {
    /// Names of built-in rules that are not to run; see [`BUILTIN_RULES`](crate::BUILTIN_RULES). Default: none.
    /// A name that no rule has is refused.
    pub disabled_rules: Vec<String>,
    /// Rules of one's own, beside the built-in ones. Default: none. At most 64.
    pub rules: Vec<CustomRule>,
    /// What becomes of the attributes that say who: `user.email`, `user.id`, `user.account_uuid` and
    /// `user.account_id`. Default: kept.
    pub identity: Identity,
    /// The key for `identity = "hash"`, at least 16 bytes; required there, without effect elsewhere. With
    /// another key the same person has another hash. Default: none.
    pub hash_key: Option<HashKey>,
}

/// A rule of one's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomRule {
    /// The rule's name: lowercase letters, digits and `_`; it stands in the default replacement, in the records
    /// of what was changed and in the counts.
    pub name: String,
    /// A regular expression without look-around or back-references. What its group named `secret` matches is
    /// replaced; without such a group, the whole match. In text that is JSON it sees the strings and numbers one
    /// by one, not the JSON around them.
    pub pattern: String,
    /// What stands there instead; `$1` and `${name}` are the match's groups. Default: `[REDACTED:<name>]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replacement: Option<String>,
    /// Literals of three bytes or more, ASCII case aside, one of which is in every text that the pattern
    /// matches; the rule looks at no other text. Default: none, and the pattern then runs over every text, which
    /// costs throughput.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<String>,
}

/// What becomes of the attributes that say who it was.
///
/// What is hashed or dropped is counted as `identity`, but not noted with each record: it would stand with all of
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Identity {
    /// They stay as they are, the e-mail address in them included; the other rules do look at them.
    #[default]
    Keep,
    /// They become a keyed hash: equal people stay equal, and nobody without the key can tell who.
    Hash,
    /// They are left out.
    Drop,
}

/// The key of the hash; it is neither printed nor written.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct HashKey(String);

impl HashKey {
    /// Takes any text as a key; its length is looked at when a [`Redactor`](crate::Redactor) is made.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(***)")
    }
}

impl Serialize for HashKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

/// Why the settings cannot be used. All of them are found before the first record comes; what to do is to mend
/// the configuration.
#[derive(Debug, thiserror::Error)]
pub enum RuleError {
    /// A rule to switch off does not exist.
    #[error("there is no rule named {name:?} to disable")]
    UnknownRule {
        /// The name as it was given.
        name: String,
    },
    /// A name is empty or has characters that a metric label should not.
    #[error("a rule is named {name:?}; use lowercase letters, digits and _")]
    BadName {
        /// The name as it was given.
        name: String,
    },
    /// Two rules have one name, or a rule has the name of a built-in one.
    #[error("two rules are named {name:?}")]
    RepeatedName {
        /// The name of both.
        name: String,
    },
    /// More configured rules than one pass can tell apart.
    #[error("{count} rules are more than the {limit} that are possible")]
    TooManyRules {
        /// How many there are.
        count: usize,
        /// How many there can be.
        limit: usize,
    },
    /// The pattern is not a regular expression, or one too large.
    #[error("the pattern of rule {name:?} cannot be used")]
    BadPattern {
        /// The rule.
        name: String,
        /// What is wrong with it.
        source: Box<regex::Error>,
    },
    /// The pattern matches the empty text, and with it between any two characters.
    #[error("the pattern of rule {name:?} matches the empty text")]
    MatchesNothing {
        /// The rule.
        name: String,
    },
    /// The replacement would put back what the rule takes out.
    #[error("the replacement of rule {name:?} names the text that it replaces")]
    ReplacementKeepsMatch {
        /// The rule.
        name: String,
    },
    /// The replacement names a group that the pattern does not have, which would stand for nothing.
    #[error("the replacement of rule {name:?} names group {group:?}, which its pattern does not have")]
    UnknownGroup {
        /// The rule.
        name: String,
        /// The group.
        group: String,
    },
    /// A trigger is too short to be looked for.
    #[error("trigger {trigger:?} of rule {name:?} is shorter than {least} bytes")]
    TriggerTooShort {
        /// The rule.
        name: String,
        /// The trigger.
        trigger: String,
        /// How long it has to be.
        least: usize,
    },
    /// Identities are to be hashed and there is no key.
    #[error("identity = \"hash\" needs a hash_key")]
    NoHashKey,
    /// The key is short enough to be guessed.
    #[error("the hash_key is {actual} bytes, shorter than {least}")]
    HashKeyTooShort {
        /// Its length.
        actual: usize,
        /// How long it has to be.
        least: usize,
    },
    /// The literals of all rules together cannot be looked for in one pass.
    #[error("the triggers cannot be made into a prefilter")]
    Prefilter {
        /// What is wrong with them.
        source: Box<aho_corasick::BuildError>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_key_is_not_printed() {
        let config =
            RedactConfig { hash_key: Some(HashKey::new("correct horse battery")), ..RedactConfig::default() };
        assert!(!format!("{config:?}").contains("horse"));
        assert!(!serde_json::to_string(&config).unwrap().contains("horse"));
    }

    #[test]
    fn a_misspelt_setting_is_refused() {
        assert!(serde_json::from_str::<RedactConfig>(r#"{"disable_rules":["email"]}"#).is_err());
        let config: RedactConfig = serde_json::from_str(
            r#"{"disabled_rules":["email"],"identity":"drop","rules":[{"name":"ticket","pattern":"T-\\d+"}]}"#,
        )
        .unwrap();
        assert_eq!(config.identity, Identity::Drop);
        assert_eq!(config.rules[0].replacement, None);
    }
}

//! Does the name of an attribute, JSON member or option announce a secret?

use regex::Regex;

use crate::assignment::{Named, ValueKind, is_directory, is_pwd};
use crate::compiled::Rules;
use crate::stand_in::is_stand_in;

/// A value whose name announces a secret is one from this length on, whatever the rule asks for in running text.
const LEAST_ANNOUNCED: usize = 3;

/// What a name says of the value that follows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Announced {
    /// The rule that the value goes by.
    pub(crate) rule: usize,
    /// The value is a header, which may have a scheme before the secret.
    pub(crate) has_scheme: bool,
    least: usize,
    could_be_directory: bool,
}

impl Announced {
    /// A value that goes by a rule whatever it is.
    fn any(rule: usize) -> Self {
        Self { rule, has_scheme: false, least: 1, could_be_directory: false }
    }

    fn by(name: &str, rule: usize, named: Named) -> Self {
        Self {
            rule,
            has_scheme: named.kind == ValueKind::Header,
            least: named.least.min(LEAST_ANNOUNCED),
            could_be_directory: is_pwd(name),
        }
    }

    /// Whether a value is what the name announces, rather than a stand-in for it.
    pub(crate) fn is_value(&self, value: &str) -> bool {
        value.len() >= self.least && !(self.could_be_directory && is_directory(value)) && !is_stand_in(value)
    }
}

/// Names by the rule that their values go by.
#[derive(Debug)]
pub(crate) struct SecretNames {
    by_rule: Vec<(usize, Named, Regex)>,
}

impl SecretNames {
    pub(crate) fn new(by_rule: impl Iterator<Item = (usize, Named)>) -> Result<Self, regex::Error> {
        let by_rule = by_rule
            .map(|(rule, named)| Ok((rule, named, Regex::new(&format!("(?i)(?:{})[0-9]?$", named.names))?)))
            .collect::<Result<_, _>>()?;
        Ok(Self { by_rule })
    }

    /// What a name announces; nothing, for nearly every name.
    pub(crate) fn announced_by(&self, name: &str) -> Option<Announced> {
        if !could_end_so(name.as_bytes()) {
            return None;
        }
        let (rule, named, _) = self.by_rule.iter().find(|(_, _, pattern)| pattern.is_match(name))?;
        Some(Announced::by(name, *rule, *named))
    }
}

/// Whether a name ends like one that announces a secret. It takes a fraction of what the expressions take, and
/// nearly every name ends here.
fn could_end_so(name: &[u8]) -> bool {
    let [letters @ .., b'0'..=b'9'] = name else { return ends_like_a_secret(name) };
    ends_like_a_secret(letters)
}

/// Knows the last letters of every name in [`BUILTIN_RULES`](crate::BUILTIN_RULES), by the last of them.
fn ends_like_a_secret(name: &[u8]) -> bool {
    let endings: &[&[u8]] = match name.last().map(u8::to_ascii_lowercase) {
        Some(b'd') => &[b"word", b"sswd", b"pwd"],
        Some(b'e') => &[b"phrase", b"passcode", b"value", b"base"],
        Some(b'g') => &[b"string"],
        Some(b'n') => &[b"token", b"authorization"],
        Some(b's') => &[b"-pass", b"_pass"],
        Some(b't') => &[b"secret"],
        Some(b'y') => &[b"key"],
        _ => &[],
    };
    endings.iter().any(|ending| {
        name.len() >= ending.len() && name[name.len() - ending.len()..].eq_ignore_ascii_case(ending)
    })
}

/// What the elements of a list say of the ones after them.
#[derive(Debug)]
pub(crate) struct List {
    /// By the name of the whole list.
    all: Option<Announced>,
    /// By the element before: a command line option, or the beginning of a private key in lines.
    next: Option<Announced>,
    in_key: bool,
}

impl List {
    /// A list whose name announces this.
    pub(crate) fn new(all: Option<Announced>) -> Self {
        Self { all, next: None, in_key: false }
    }

    /// What is announced for the next element.
    pub(crate) fn announced(&self) -> Option<Announced> {
        self.next.or(self.all)
    }

    /// Goes past an element, as it was before redaction.
    pub(crate) fn pass(&mut self, rules: &Rules, element: &str) {
        self.in_key = if element.starts_with("-----BEGIN") && element.contains("PRIVATE KEY") {
            !element.contains("-----END")
        } else {
            self.in_key && !element.starts_with("-----END")
        };
        self.next = if self.in_key {
            rules.private_key.map(Announced::any)
        } else if element.starts_with('-') && !element.contains([' ', '=']) {
            rules.announced_by(element)
        } else {
            None
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RedactConfig;

    #[test]
    fn names_that_end_like_a_secret_announce_one_and_counts_of_tokens_do_not() {
        let rules = Rules::new(&RedactConfig::default()).unwrap();
        let rule_of =
            |name: &str| rules.announced_by(name).map(|announced| &*rules.list[announced.rule].name);
        for (rule, names) in [
            (
                "password",
                "password db.PASSWORD userPassword passwd passphrase passcode pwd SMTP_PASS --db-pass password2",
            ),
            ("api_key", "api_key x-api-key apiKey accessKey auth_key AccountKey subscription-key master_key"),
            (
                "secret",
                "secret client_secret secretKey SECRET_KEY_BASE secret_value SecretString private_key \
              signing-key encryptionKey secret_token",
            ),
            ("token", "token access_token GITHUB_TOKEN refreshToken token1"),
            ("bearer", "authorization http.request.header.Authorization proxy-authorization"),
            ("aws_secret_key", "aws_secret_access_key SecretAccessKey"),
        ] {
            for name in names.split_whitespace() {
                assert_eq!(rule_of(name), Some(rule), "{name}");
            }
        }
        for name in [
            "input_tokens",
            "token_type",
            "gen_ai.token.type",
            "cache_read_tokens",
            "primary_key",
            "status_code",
            "permission_mode",
            "service.version",
            "bypass",
            "key",
            "password_length",
            "user.id",
            "tool_name",
            "",
        ] {
            assert_eq!(rule_of(name), None, "{name}");
        }
    }
}

//! What is a set of rules once it is read, proven and ready to run?

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use regex::{Regex, RegexBuilder};

use crate::accept::Accept;
use crate::assignment::{Assignment, Named};
use crate::builtin::{BUILTIN_RULES, BuiltinRule, EMAIL, How, PRIVATE_KEY};
use crate::config::{CustomRule, RedactConfig, RuleError};
use crate::names::{Announced, SecretNames};
use crate::prefilter::{BitSet, MIN_TRIGGER_BYTES, Prefilter};
use crate::private_key::PrivateKeys;
use crate::replacement::Replacement;

/// How large a configured pattern may become when it is compiled.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// How many rules can be configured. Together with the built-in ones their finders fit into a [`BitSet`].
const MAX_CUSTOM_RULES: usize = 64;

/// All rules that are switched on, configured ones first: where two find the same text, the first one names it.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) list: Vec<Rule>,
    pub(crate) finders: Vec<Finder>,
    pub(crate) prefilter: Prefilter,
    names: SecretNames,
    /// The rule for private keys, where it is switched on.
    pub(crate) private_key: Option<usize>,
    /// The finders of e-mail addresses.
    pub(crate) email: BitSet,
}

/// One rule.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) name: Arc<str>,
    pub(crate) replacement: Replacement,
    /// How often it fired.
    pub(crate) count: AtomicU64,
}

/// One way in which a rule finds what it is about.
#[derive(Debug)]
pub(crate) struct Finder {
    /// The position of the rule.
    pub(crate) rule: usize,
    pub(crate) matcher: Matcher,
    triggers: Vec<String>,
}

/// What does the finding.
#[derive(Debug)]
pub(crate) enum Matcher {
    Pattern { pattern: Regex, accept: Accept },
    Custom { pattern: Regex },
    Assignment(Assignment),
    Cards,
    PrivateKeys(PrivateKeys),
}

impl Rules {
    /// Reads and proves the rules of a configuration.
    pub(crate) fn new(config: &RedactConfig) -> Result<Self, RuleError> {
        if let Some(name) = config.disabled_rules.iter().find(|name| !is_builtin(name)) {
            return Err(RuleError::UnknownRule { name: name.clone() });
        }
        if config.rules.len() > MAX_CUSTOM_RULES {
            return Err(RuleError::TooManyRules { count: config.rules.len(), limit: MAX_CUSTOM_RULES });
        }
        let mut list: Vec<Rule> = Vec::new();
        let mut finders = Vec::new();
        let mut names = Vec::new();
        for rule in &config.rules {
            if is_builtin(&rule.name) || position(&list, &rule.name).is_some() {
                return Err(RuleError::RepeatedName { name: rule.name.clone() });
            }
            let (pattern, replacement) = custom(rule)?;
            let (rule_at, triggers) = (list.len(), rule.triggers.clone());
            finders.push(Finder { rule: rule_at, matcher: Matcher::Custom { pattern }, triggers });
            list.push(Rule { name: rule.name.as_str().into(), replacement, count: AtomicU64::new(0) });
        }
        for rule in
            BUILTIN_RULES.iter().filter(|rule| config.disabled_rules.iter().all(|name| name != rule.name))
        {
            for (triggers, how) in rule.finders {
                let matcher = matcher(*how).map_err(|source| bad_pattern(rule.name, source))?;
                let triggers = triggers.iter().map(|trigger| (*trigger).to_owned()).collect();
                finders.push(Finder { rule: list.len(), matcher, triggers });
            }
            names.extend(names_of(rule).map(|named| (list.len(), named)));
            let replacement = Replacement::marker(rule.name);
            list.push(Rule { name: rule.name.into(), replacement, count: AtomicU64::new(0) });
        }
        let names = SecretNames::new(names.into_iter()).map_err(|source| bad_pattern("names", source))?;
        let cards = set_of(&finders, |finder| matches!(finder.matcher, Matcher::Cards));
        let prefilter = Prefilter::new(finders.iter().map(|finder| finder.triggers.as_slice()), cards)
            .map_err(|source| RuleError::Prefilter { source: Box::new(source) })?;
        Ok(Self {
            private_key: position(&list, PRIVATE_KEY),
            email: set_of(&finders, |finder| &*list[finder.rule].name == EMAIL),
            list,
            finders,
            prefilter,
            names,
        })
    }

    /// What the name of a value announces.
    pub(crate) fn announced_by(&self, name: &str) -> Option<Announced> {
        self.names.announced_by(name)
    }
}

fn position(list: &[Rule], name: &str) -> Option<usize> {
    list.iter().position(|rule| &*rule.name == name)
}

fn set_of(finders: &[Finder], is_in: impl Fn(&Finder) -> bool) -> BitSet {
    let mut set = BitSet::default();
    for (at, _) in finders.iter().enumerate().filter(|(_, finder)| is_in(finder)) {
        set.insert(BitSet::of(at));
    }
    set
}

fn is_builtin(name: &str) -> bool {
    BUILTIN_RULES.iter().any(|rule| rule.name == name)
}

fn bad_pattern(name: &str, source: regex::Error) -> RuleError {
    RuleError::BadPattern { name: name.to_owned(), source: Box::new(source) }
}

fn matcher(how: How) -> Result<Matcher, regex::Error> {
    Ok(match how {
        How::Pattern(pattern, accept) => Matcher::Pattern { pattern: Regex::new(pattern)?, accept },
        How::Named(named) => Matcher::Assignment(Assignment::new(named)?),
        How::PrivateKeys => Matcher::PrivateKeys(PrivateKeys::new()?),
        How::Cards => Matcher::Cards,
    })
}

fn names_of(rule: &BuiltinRule) -> impl Iterator<Item = Named> {
    let in_text = rule.finders.iter().filter_map(|(_, how)| match how {
        How::Named(named) => Some(*named),
        _ => None,
    });
    in_text.chain(rule.announced)
}

fn custom(rule: &CustomRule) -> Result<(Regex, Replacement), RuleError> {
    let name = &rule.name;
    let is_name_char = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || !name.bytes().all(is_name_char) {
        return Err(RuleError::BadName { name: name.clone() });
    }
    if let Some(trigger) = rule.triggers.iter().find(|trigger| trigger.len() < MIN_TRIGGER_BYTES) {
        let (name, trigger) = (name.clone(), trigger.clone());
        return Err(RuleError::TriggerTooShort { name, trigger, least: MIN_TRIGGER_BYTES });
    }
    let pattern = RegexBuilder::new(&rule.pattern)
        .size_limit(MAX_PATTERN_BYTES)
        .build()
        .map_err(|source| bad_pattern(name, source))?;
    if pattern.is_match("") {
        return Err(RuleError::MatchesNothing { name: name.clone() });
    }
    let replacement = match &rule.replacement {
        Some(replacement) => Replacement::parse(name, replacement, &pattern)?,
        None => Replacement::marker(name),
    };
    Ok((pattern, replacement))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_finders_of_all_rules_that_can_be_are_told_apart() {
        let builtin: usize = BUILTIN_RULES.iter().map(|rule| rule.finders.len()).sum();
        assert!(builtin + MAX_CUSTOM_RULES <= BitSet::CAPACITY);
    }
}

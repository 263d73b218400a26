//! What stands in the place of what was found?

use std::ops::Range;

use regex::{Captures, Regex};

use crate::config::RuleError;

/// The group whose match is replaced where a pattern has one, instead of the whole match.
pub(crate) const SECRET_GROUP: &str = "secret";

/// What a rule writes in the place of what it found.
#[derive(Debug)]
pub(crate) enum Replacement {
    /// Always the same.
    Fixed(String),
    /// With parts of the match in it.
    Template(String),
}

impl Replacement {
    /// The replacement of a rule that has none of its own.
    pub(crate) fn marker(rule: &str) -> Self {
        Self::Fixed(format!("[REDACTED:{rule}]"))
    }

    /// Reads a configured replacement, whose groups must be the pattern's.
    pub(crate) fn parse(rule: &str, replacement: &str, pattern: &Regex) -> Result<Self, RuleError> {
        for group in groups_in(replacement) {
            if group == "0" || group == SECRET_GROUP {
                return Err(RuleError::ReplacementKeepsMatch { name: rule.to_owned() });
            }
            let is_known = match group.parse::<usize>() {
                Ok(number) => number < pattern.captures_len(),
                Err(_) => pattern.capture_names().flatten().any(|name| name == group),
            };
            if !is_known {
                return Err(RuleError::UnknownGroup { name: rule.to_owned(), group: group.to_owned() });
            }
        }
        Ok(if replacement.contains('$') {
            Self::Template(replacement.to_owned())
        } else {
            Self::Fixed(replacement.to_owned())
        })
    }

    /// The text for one match; `None` where it is the same for all.
    pub(crate) fn expand(&self, groups: &Captures<'_>) -> Option<String> {
        let Self::Template(template) = self else { return None };
        let mut text = String::new();
        groups.expand(template, &mut text);
        Some(text)
    }

    /// The text that is the same for all matches.
    pub(crate) fn fixed(&self) -> &str {
        match self {
            Self::Fixed(text) => text,
            Self::Template(_) => "[REDACTED]",
        }
    }
}

/// The groups that a template names, by the rules of the `regex` crate: `$name`, `${name}`, and `$$` for a dollar.
fn groups_in(template: &str) -> Vec<&str> {
    let mut groups = Vec::new();
    let mut rest = template;
    while let Some((_, after)) = rest.split_once('$') {
        rest = after;
        let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        if let Some(after) = rest.strip_prefix('$') {
            rest = after;
        } else if let Some((group, after)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            groups.push(group);
            rest = after;
        } else {
            let (group, after) = rest.split_at(rest.bytes().take_while(is_word).count());
            groups.extend(Some(group).filter(|group| !group.is_empty()));
            rest = after;
        }
    }
    groups
}

/// A part of a text that is to be replaced.
#[derive(Debug)]
pub(crate) struct Finding {
    /// The position of the rule; where findings overlap, the first rule gives the replacement.
    pub(crate) rule: usize,
    /// Where.
    pub(crate) range: Range<usize>,
    /// What stands there instead, where it is not the rule's fixed text.
    pub(crate) text: Option<String>,
}

/// Joins findings that overlap, so that nothing that any rule found is left, and sorts them by place.
pub(crate) fn join(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_key(|finding| (finding.range.start, finding.rule));
    findings.dedup_by(|next, kept| {
        let overlaps = next.range.start < kept.range.end;
        if overlaps {
            kept.range.end = kept.range.end.max(next.range.end);
            if next.rule < kept.rule {
                kept.rule = next.rule;
                kept.text = next.text.take();
            }
        }
        overlaps
    });
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(rule: usize, range: Range<usize>) -> Finding {
        Finding { rule, range, text: None }
    }

    #[test]
    fn overlapping_findings_become_one_that_covers_all_of_them() {
        let joined = join(vec![
            finding(2, 0..10),
            finding(1, 8..14),
            finding(0, 20..25),
            finding(3, 13..15),
            finding(4, 15..16),
        ]);
        let summary: Vec<_> = joined.into_iter().map(|finding| (finding.rule, finding.range)).collect();
        assert_eq!(summary, [(1, 0..15), (4, 15..16), (0, 20..25)]);
    }

    #[test]
    fn the_groups_of_a_template_are_read_like_the_regex_crate_reads_them() {
        assert_eq!(groups_in("a$1b ${2}c $$3 $ $name."), ["1b", "2", "name"]);
    }
}

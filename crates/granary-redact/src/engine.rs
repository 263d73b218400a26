//! What is left of one text when the rules are through with it?

use std::sync::atomic::Ordering::Relaxed;

use crate::card;
use crate::compiled::{Finder, Matcher, Rules};
use crate::json;
use crate::names::Announced;
use crate::prefilter::BitSet;
use crate::replacement::{Finding, SECRET_GROUP, join};
use crate::stand_in::is_within_marker;

/// How deep JSON in strings of JSON is read as such; what lies deeper is read as text. No client nests half as deep.
const MAX_DEPTH: u8 = 8;

/// Where a text stands, as far as that changes what the rules do.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Context {
    /// Finders that are not to run.
    pub(crate) exempt: BitSet,
    depth: u8,
}

impl Context {
    /// A context in which some finders do not run.
    pub(crate) fn without(exempt: BitSet) -> Self {
        Self { exempt, depth: 0 }
    }

    /// The context of a string within this one.
    pub(crate) fn within(self) -> Self {
        Self { depth: self.depth + 1, ..self }
    }
}

impl Rules {
    /// The text without what the rules found; `None` where they found nothing. Adds the rules that did.
    pub(crate) fn redact(
        &self,
        text: &str,
        announced: Option<Announced>,
        context: Context,
        fired: &mut BitSet,
    ) -> Option<String> {
        if let Some(announced) = announced.filter(|announced| announced.is_value(text)) {
            return Some(self.replace_announced(text, announced, fired));
        }
        let candidates = self.prefilter.candidates(text).without(context.exempt);
        if candidates.is_empty() {
            return None;
        }
        if context.depth < MAX_DEPTH && json::is_json(text) {
            return json::redact(self, text, context, fired);
        }
        let mut findings = Vec::new();
        for at in candidates.iter() {
            self.find(&self.finders[at], text, &mut findings);
        }
        self.replace(text, findings, fired)
    }

    /// Replaces a whole value; the scheme of an `Authorization` header stays.
    fn replace_announced(&self, text: &str, announced: Announced, fired: &mut BitSet) -> String {
        let rule = &self.list[announced.rule];
        let scheme = if announced.has_scheme { scheme_of(text) } else { "" };
        rule.count.fetch_add(1, Relaxed);
        fired.insert(BitSet::of(announced.rule));
        format!("{scheme}{}", rule.replacement.fixed())
    }

    fn replace(&self, text: &str, findings: Vec<Finding>, fired: &mut BitSet) -> Option<String> {
        if findings.is_empty() {
            return None;
        }
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        for finding in join(findings) {
            let rule = &self.list[finding.rule];
            out.push_str(&text[copied..finding.range.start]);
            out.push_str(finding.text.as_deref().unwrap_or(rule.replacement.fixed()));
            copied = finding.range.end;
            rule.count.fetch_add(1, Relaxed);
            fired.insert(BitSet::of(finding.rule));
        }
        out.push_str(&text[copied..]);
        Some(out)
    }

    fn find(&self, finder: &Finder, text: &str, findings: &mut Vec<Finding>) {
        let rule = finder.rule;
        let mut found = |range| findings.push(Finding { rule, range, text: None });
        match &finder.matcher {
            Matcher::Pattern { pattern, accept } => {
                for groups in pattern.captures_iter(text) {
                    let secret = groups.iter().skip(1).flatten().next().unwrap_or(groups.get_match());
                    if accept(text, &secret.range()) && !is_within_marker(text, secret.start()) {
                        found(secret.range());
                    }
                }
            }
            Matcher::Custom { pattern } => {
                for groups in pattern.captures_iter(text) {
                    let secret = groups.name(SECRET_GROUP).unwrap_or(groups.get_match());
                    if !secret.is_empty() {
                        let text = self.list[rule].replacement.expand(&groups);
                        findings.push(Finding { rule, range: secret.range(), text });
                    }
                }
            }
            Matcher::Assignment(assignment) => assignment.find(text, found),
            Matcher::PrivateKeys(keys) => keys.find(text, found),
            Matcher::Cards => card::find(text, found),
        }
    }
}

/// `Bearer ` of `Bearer abc`; nothing where there is but one word.
fn scheme_of(text: &str) -> &str {
    let word = text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'-').count();
    match text[word..].strip_prefix(' ') {
        Some(rest) if !rest.is_empty() => &text[..=word],
        _ => "",
    }
}

//! How do the rules reach every text of a record, and what is noted of what they did?
//!
//! Telemetry repeats itself: most attributes of a record are those of a record before, and the keys of all records
//! of one kind are the same. A text that equals the one that came out of redaction in the same place of such a
//! record is let pass at once. That keeps the law: such a text is out already.

use granary_model::{Attribute, Attributes, Value};

use crate::compiled::Rules;
use crate::engine::Context;
use crate::identity::{IdentityPolicy, Verdict};
use crate::names::{Announced, List};
use crate::prefilter::BitSet;
use crate::redacted::Redaction;

/// One pass over records, with notes of what was changed.
#[derive(Debug)]
pub struct Pass<'a> {
    rules: &'a Rules,
    identity: &'a IdentityPolicy,
    /// Finders that are left out for identity fields that are kept.
    exempt_for_identity: BitSet,
    /// Rules that fired in the field at hand.
    fired: BitSet,
    /// Changes since they were last taken.
    redactions: Vec<Redaction>,
    /// How many values were hashed or dropped.
    pub(crate) identities: u64,
}

impl<'a> Pass<'a> {
    pub(crate) fn new(rules: &'a Rules, identity: &'a IdentityPolicy) -> Self {
        Self {
            rules,
            identity,
            exempt_for_identity: rules.email,
            fired: BitSet::default(),
            redactions: Vec::new(),
            identities: 0,
        }
    }

    /// What was changed since this was last asked: sorted, each once.
    pub(crate) fn take_redactions(&mut self) -> Vec<Redaction> {
        let mut redactions = std::mem::take(&mut self.redactions);
        redactions.sort_unstable();
        redactions.dedup();
        redactions
    }

    /// Redacts a text that is a field by itself; `before` is the same field of a record before.
    pub(crate) fn text(&mut self, field: &str, text: &mut String, before: Option<&str>) {
        if let Some(redacted) = self.redacted(text, before) {
            *text = redacted;
            self.note(field, "");
        }
    }

    /// What a shared text is to be replaced by, as for [`text`](Self::text).
    pub(crate) fn shared_text(&mut self, field: &str, text: &str, before: Option<&str>) -> Option<String> {
        let redacted = self.redacted(text, before);
        self.note(field, "");
        redacted
    }

    fn redacted(&mut self, text: &str, before: Option<&str>) -> Option<String> {
        if before == Some(text) {
            return None;
        }
        self.rules.redact(text, None, Context::default(), &mut self.fired)
    }

    /// Redacts a value that is a field by itself.
    pub(crate) fn field(&mut self, field: &str, value: &mut Value, before: Option<&Value>) {
        if !is_same_text(value, before) {
            self.value(value, None, Context::default());
            self.note(field, "");
        }
    }

    /// Redacts attributes; their fields are named by `place` and the key.
    pub(crate) fn attributes(
        &mut self,
        place: &str,
        attributes: &mut Attributes,
        before: Option<&Attributes>,
    ) {
        let mut before = before.map(Attributes::iter).unwrap_or_default();
        let mut keys_change = false;
        for (key, value) in attributes.values_mut() {
            let same = advance(&mut before, key);
            if is_same_text(value, same) {
                continue;
            }
            if self.identity.verdict(key) == Verdict::Drop || (same.is_none() && self.is_suspect(key)) {
                keys_change = true;
                continue;
            }
            if has_text(value) || self.identity.verdict(key) == Verdict::Hash {
                self.keyed_value(key, value);
                self.note(place, key);
            }
        }
        if keys_change {
            let mut entries = std::mem::take(attributes).into_entries();
            entries.retain_mut(|entry| {
                let stays = self.entry(entry);
                self.note(place, &entry.key);
                stays
            });
            *attributes = Attributes::new(entries);
        }
    }

    /// Whether a key needs a closer look itself.
    fn is_suspect(&self, key: &str) -> bool {
        !self.rules.prefilter.candidates(key).is_empty()
    }

    /// Redacts the key and value of an entry whose key may change; whether the entry stays.
    fn entry(&mut self, entry: &mut Attribute) -> bool {
        if self.identity.verdict(&entry.key) == Verdict::Drop {
            self.identities += 1;
            return false;
        }
        self.keyed_value(&entry.key, &mut entry.value);
        if let Some(key) = self.rules.redact(&entry.key, None, Context::default(), &mut self.fired) {
            entry.key = key;
        }
        true
    }

    /// Redacts the value of a key that stays.
    fn keyed_value(&mut self, key: &str, value: &mut Value) {
        match self.identity.verdict(key) {
            Verdict::Keep => self.value(value, None, Context::without(self.exempt_for_identity)),
            Verdict::Hash => self.identities += u64::from(self.identity.hash(value)),
            Verdict::Other | Verdict::Drop => {
                self.value(value, self.rules.announced_by(key), Context::default());
            }
        }
    }

    fn value(&mut self, value: &mut Value, announced: Option<Announced>, context: Context) {
        match value {
            Value::String(text) => {
                if let Some(redacted) = self.rules.redact(text, announced, context, &mut self.fired) {
                    *text = redacted;
                }
            }
            Value::Bytes(bytes) => {
                if let Ok(text) = std::str::from_utf8(bytes)
                    && let Some(redacted) = self.rules.redact(text, announced, context, &mut self.fired)
                {
                    *bytes = redacted.into_bytes();
                }
            }
            Value::Array(values) => {
                let mut list = List::new(announced);
                for value in values {
                    let announced = list.announced();
                    if let Value::String(text) = value {
                        list.pass(self.rules, text);
                    }
                    self.value(value, announced, context);
                }
            }
            Value::Map(entries) => entries.retain_mut(|entry| self.entry(entry)),
            Value::Empty | Value::Bool(_) | Value::Int(_) | Value::Double(_) => {}
        }
    }

    /// Notes for a field the rules that fired in it.
    fn note(&mut self, place: &str, key: &str) {
        for at in std::mem::take(&mut self.fired).iter() {
            let rule = std::sync::Arc::clone(&self.rules.list[at].name);
            self.redactions.push(Redaction { field: format!("{place}{key}").into(), rule });
        }
    }
}

fn has_text(value: &Value) -> bool {
    !matches!(value, Value::Empty | Value::Bool(_) | Value::Int(_) | Value::Double(_))
}

fn is_same_text(value: &Value, before: Option<&Value>) -> bool {
    matches!((value, before), (Value::String(text), Some(Value::String(before))) if text == before)
}

/// Goes on to a key in the sorted attributes of a record before.
fn advance<'b>(before: &mut std::slice::Iter<'b, Attribute>, key: &str) -> Option<&'b Value> {
    loop {
        let entry = before.as_slice().first()?;
        // Mostly the two records have the same keys, and equality is cheaper to tell than order.
        if entry.key == key {
            before.next();
            return Some(&entry.value);
        }
        if entry.key.as_str() > key {
            return None;
        }
        before.next();
    }
}

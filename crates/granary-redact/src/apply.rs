//! How do the rules reach every text of a record, and what is noted of what they did?
//!
//! Telemetry repeats itself: most attributes of a record are those of a record before, and the keys of all records
//! of one kind are the same. A text that equals the one that came out of redaction in the same place of such a
//! record is let pass at once. That keeps the law: such a text is out already.

use granary_model::{Attribute, Attributes, Value, ValueRef, is_equal};

use crate::compiled::Rules;
use crate::engine::Context;
use crate::identity::{IdentityPolicy, Verdict};
use crate::names::{Announced, List};
use crate::prefilter::BitSet;
use crate::redacted::Redaction;
use crate::shapes::Shapes;

/// One pass over records, with notes of what was changed.
#[derive(Debug)]
pub struct Pass<'a> {
    rules: &'a Rules,
    identity: &'a IdentityPolicy,
    pub(crate) shapes: Shapes,
    /// The positions of values that a closer look is to be taken at.
    suspects: Vec<usize>,
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
    pub(crate) fn new(rules: &'a Rules, identity: &'a IdentityPolicy, shapes: Shapes) -> Self {
        Self {
            rules,
            identity,
            shapes,
            suspects: Vec::new(),
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
        if text.is_empty() || before.is_some_and(|before| is_equal(before.as_bytes(), text.as_bytes())) {
            return None;
        }
        self.rules.redact(text, None, Context::default(), &mut self.fired)
    }

    /// Redacts a value that is a field by itself.
    pub(crate) fn field(&mut self, field: &str, value: &mut Value, before: Option<&Value>) {
        if !is_same_text((&*value).into(), before.map(Into::into)) {
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
        let Some(keys) = attributes.keys() else { return };
        let shape = self.shapes.of(keys, self.rules, self.identity);
        if shape.keys_may_change {
            let keys_changed = self.entries(place, attributes);
            if !keys_changed && let Some(keys) = attributes.keys() {
                // What stays once stays always.
                self.shapes.of(keys, self.rules, self.identity).keys_may_change = false;
            }
            return;
        }
        let suspects = attributes
            .differing(before)
            .filter(|(at, value)| !shape.is_clean(*at, *value, self.rules))
            .map(|(at, _)| at);
        self.suspects.clear();
        self.suspects.extend(suspects);
        if !self.suspects.is_empty() {
            self.suspects(place, attributes);
        }
    }

    /// Redacts the values that a closer look is to be taken at.
    fn suspects(&mut self, place: &str, attributes: &mut Attributes) {
        let suspects = std::mem::take(&mut self.suspects);
        let mut changed = Vec::new();
        for (at, attribute) in suspects.iter().filter_map(|at| Some((*at, attributes.iter().nth(*at)?))) {
            let mut value = attribute.value.to_value();
            self.keyed_value(attribute.key, &mut value);
            self.note(place, attribute.key);
            if attribute.value != value {
                changed.push((at, value));
            }
        }
        if !changed.is_empty() {
            attributes.replace_values(changed);
        }
        self.suspects = suspects;
    }

    /// Redacts pairs whose keys may change, too. Whether any did.
    fn entries(&mut self, place: &str, attributes: &mut Attributes) -> bool {
        let mut entries = attributes.clone().into_entries();
        entries.retain_mut(|entry| {
            let stays = self.entry(entry);
            self.note(place, &entry.key);
            stays
        });
        let keys_changed =
            !entries.iter().map(|entry| entry.key.as_str()).eq(attributes.iter().map(|a| a.key));
        if keys_changed {
            *attributes = Attributes::new(entries);
        } else {
            attributes.replace_values(entries.into_iter().map(|entry| entry.value).enumerate());
        }
        keys_changed
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

fn is_same_text(value: ValueRef<'_>, before: Option<ValueRef<'_>>) -> bool {
    match (value, before) {
        (ValueRef::String(text), Some(ValueRef::String(before))) => {
            is_equal(text.as_bytes(), before.as_bytes())
        }
        _ => false,
    }
}

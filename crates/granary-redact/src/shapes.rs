//! What do the keys of a record say of its values? Worked out once for all records that have the same keys.

use granary_model::{Keys, ValueRef};

use crate::compiled::Rules;
use crate::identity::{IdentityPolicy, Verdict};
use crate::names::Announced;
use crate::prefilter::BitSet;

/// How many sets of keys are remembered. They are numbered as they come, so the agents of one team do not displace one
/// another's.
const REMEMBERED: usize = 256;

/// Keys that came before, by their number.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    slots: Vec<Option<Shape>>,
}

/// What some keys say.
#[derive(Debug)]
pub(crate) struct Shape {
    id: u64,
    values: Box<[KeyedValue]>,
    /// Whether a key may have to be changed or left out itself.
    pub(crate) keys_may_change: bool,
}

/// What a key says of its value.
#[derive(Debug)]
struct KeyedValue {
    announced: Option<Announced>,
    /// Finders that are left out.
    exempt: BitSet,
    /// It is replaced whatever it is.
    is_replaced: bool,
}

impl Shapes {
    pub(crate) fn of(&mut self, keys: &Keys, rules: &Rules, identity: &IdentityPolicy) -> &mut Shape {
        if self.slots.is_empty() {
            self.slots.resize_with(REMEMBERED, || None);
        }
        let number = usize::try_from(keys.id() % REMEMBERED as u64).unwrap_or_default();
        let slot = &mut self.slots[number];
        if slot.as_ref().is_some_and(|shape| shape.id != keys.id()) {
            *slot = None;
        }
        slot.get_or_insert_with(|| Shape::new(keys, rules, identity))
    }
}

impl Shape {
    fn new(keys: &Keys, rules: &Rules, identity: &IdentityPolicy) -> Self {
        let keyed_value = |key: &str| {
            let verdict = identity.verdict(key);
            KeyedValue {
                announced: if verdict == Verdict::Other { rules.announced_by(key) } else { None },
                exempt: if verdict == Verdict::Keep { rules.email } else { BitSet::default() },
                is_replaced: matches!(verdict, Verdict::Hash | Verdict::Drop),
            }
        };
        let may_change =
            |key: &str| identity.verdict(key) == Verdict::Drop || !rules.prefilter.candidates(key).is_empty();
        Self {
            id: keys.id(),
            values: keys.names().iter().map(|key| keyed_value(key)).collect(),
            keys_may_change: keys.names().iter().any(|key| may_change(key)),
        }
    }

    /// Whether nothing can be found in the value at a position: then nothing needs to be looked for.
    pub(crate) fn is_clean(&self, at: usize, value: ValueRef<'_>, rules: &Rules) -> bool {
        let KeyedValue { announced, exempt, is_replaced } = &self.values[at];
        if *is_replaced {
            return false;
        }
        match value {
            ValueRef::Empty | ValueRef::Bool(_) | ValueRef::Int(_) | ValueRef::Double(_) => true,
            ValueRef::String(text) => {
                announced.is_none_or(|announced| !announced.is_value(text))
                    && rules.prefilter.candidates(text).without(*exempt).is_empty()
            }
            ValueRef::Bytes(_) | ValueRef::Array(_) | ValueRef::Map(_) => false,
        }
    }
}

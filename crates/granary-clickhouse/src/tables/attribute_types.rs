//! The `AttributeTypes` column: the types that the string maps lose.
//!
//! Groups of letters with `|` between them, one letter a value (see `Value::type_letter`) in the order of
//! the keys in the map. What the groups are is said where they are written, and in `ddl/README.md`.

use granary_model::{Attributes, Value};

/// Starts a text with the letters of values that stand alone: a body, or a data point's numbers.
pub(super) fn start(out: &mut Vec<u8>, letters: &[u8]) {
    out.clear();
    out.extend_from_slice(letters);
}

/// Adds a group for the values of a map.
pub(super) fn group(out: &mut Vec<u8>, attributes: &Attributes) {
    out.push(b'|');
    letters(out, attributes);
}

/// Adds a group for several maps, with commas between them; nothing of it where all values are strings.
pub(super) fn list<'a>(out: &mut Vec<u8>, maps: impl Iterator<Item = &'a Attributes> + Clone) {
    out.push(b'|');
    if maps.clone().flatten().all(|attribute| matches!(attribute.value, Value::String(_))) {
        return;
    }
    for (index, attributes) in maps.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        letters(out, attributes);
    }
}

fn letters(out: &mut Vec<u8>, attributes: &Attributes) {
    out.extend(attributes.iter().map(|attribute| attribute.value.type_letter()));
}

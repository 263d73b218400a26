//! The `AttributeTypes` column: the types that the string maps lose.
//!
//! Groups of letters with `|` between them, one letter a value (see `ValueRef::type_letter`) in the order of
//! the keys in the map. What the groups are is said where they are written, and in `ddl/README.md`.

use granary_model::{Attributes, ValueRef};

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
    let string = ValueRef::String("").type_letter();
    if maps.clone().flat_map(Attributes::type_letters).all(|letter| letter == string) {
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
    let at = out.len();
    out.resize(at + attributes.len(), 0);
    for (letter, place) in attributes.type_letters().zip(&mut out[at..]) {
        *place = letter;
    }
}

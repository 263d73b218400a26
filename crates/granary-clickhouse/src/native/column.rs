//! Columns of single values: numbers, text, text from a small set, and values that may be missing.

use std::hash::BuildHasher as _;
use std::ops::Range;

use granary_model::{ValueRef, is_equal};
use hashbrown::{DefaultHashBuilder, HashTable};

use super::{Out, write_numbers, write_text};

/// One column of a block being filled.
pub(crate) trait Column {
    /// The type's name as the server spells it.
    fn type_name(&self) -> &'static str;
    /// How many rows it has.
    fn rows(&self) -> usize;
    /// What comes before the data; most types have nothing there.
    fn write_state(&self, _out: &mut dyn Out) {}
    /// The values of all rows.
    fn write_data(&self, out: &mut dyn Out);
    /// About how many bytes it takes.
    fn size_bytes(&self) -> usize;
    /// Empties it and keeps its memory.
    fn clear(&mut self);
}

/// Values of `N` bytes, little-endian, one after another.
#[derive(Debug)]
pub(crate) struct Fixed<const N: usize> {
    type_name: &'static str,
    bytes: Vec<u8>,
}

impl<const N: usize> Fixed<N> {
    pub(crate) fn new(type_name: &'static str) -> Self {
        Self { type_name, bytes: Vec::new() }
    }

    #[inline]
    pub(crate) fn push(&mut self, value: [u8; N]) {
        self.bytes.extend_from_slice(&value);
    }
}

impl<const N: usize> Column for Fixed<N> {
    fn type_name(&self) -> &'static str {
        self.type_name
    }

    fn rows(&self) -> usize {
        self.bytes.len() / N
    }

    fn write_data(&self, out: &mut dyn Out) {
        out.put(&self.bytes);
    }

    fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    fn clear(&mut self) {
        self.bytes.clear();
    }
}

/// `String`: for each row its length and its bytes.
#[derive(Debug, Default)]
pub(crate) struct Text {
    rows: usize,
    bytes: Vec<u8>,
}

impl Text {
    #[inline]
    pub(crate) fn push(&mut self, text: &[u8]) {
        self.rows += 1;
        write_text(text, &mut self.bytes);
    }

    /// Adds the text of an attribute's value. `scratch` is emptied and used.
    #[inline]
    pub(crate) fn push_value(&mut self, value: ValueRef<'_>, scratch: &mut Vec<u8>) {
        if let ValueRef::String(text) = value {
            self.push(text.as_bytes());
        } else {
            scratch.clear();
            value.push_text(scratch);
            self.push(scratch);
        }
    }

    /// How many bytes there are, for [`repeat`](Self::repeat).
    pub(super) fn end(&self) -> usize {
        self.bytes.len()
    }

    /// Adds texts again that lie between two ends.
    pub(super) fn repeat(&mut self, texts: usize, bytes: Range<usize>) {
        self.rows += texts;
        self.bytes.extend_from_within(bytes);
    }
}

impl Column for Text {
    fn type_name(&self) -> &'static str {
        "String"
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn write_data(&self, out: &mut dyn Out) {
        out.put(&self.bytes);
    }

    fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    fn clear(&mut self) {
        self.rows = 0;
        self.bytes.clear();
    }
}

/// `LowCardinality(String)`: the distinct values once, and for each row the number of its value.
#[derive(Debug, Default)]
pub(crate) struct LowText {
    /// The numbers of the distinct values, by the values' hashes.
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// The distinct values as `String` data, in the order of their numbers.
    values: Vec<u8>,
    /// Where each of them stands there, without its length.
    places: Vec<Range<usize>>,
    rows: Vec<u32>,
}

/// "Shared dictionaries with additional keys", the only version of the serialization there is.
const LOW_CARDINALITY_VERSION: u64 = 1;
/// The block brings its own keys.
const HAS_ADDITIONAL_KEYS: u64 = 1 << 9;
/// The keys are new with each block.
const NEEDS_UPDATE: u64 = 1 << 10;

impl LowText {
    #[inline]
    pub(crate) fn push(&mut self, text: &[u8]) {
        // Most rows have what the row before has.
        let last = self.rows.last().copied();
        let number = match last {
            Some(last) if is_equal(&self.values[self.places[last as usize].clone()], text) => last,
            _ => self.number_of(text),
        };
        self.rows.push(number);
    }

    /// Adds the value of the last row again; there must be one.
    #[inline]
    pub(crate) fn push_last(&mut self) {
        self.rows.extend(self.rows.last().copied());
    }

    /// Adds rows by the numbers of their values.
    pub(super) fn push_numbers(&mut self, numbers: &[u32]) {
        self.rows.extend_from_slice(numbers);
    }

    /// Adds some rows again.
    pub(super) fn repeat(&mut self, rows: Range<usize>) {
        self.rows.extend_from_within(rows);
    }

    /// The number of a value, which is new if it is.
    pub(super) fn number_of(&mut self, text: &[u8]) -> u32 {
        let Self { numbers, hasher, values, places, .. } = self;
        let hash = hasher.hash_one(text);
        let place = |number: &u32| places[*number as usize].clone();
        if let Some(number) = numbers.find(hash, |number| is_equal(&values[place(number)], text)) {
            return *number;
        }
        // The number of a block's rows is far below u32, so is that of its distinct values.
        #[expect(clippy::cast_possible_truncation, reason = "fewer values than rows")]
        let number = places.len() as u32;
        numbers.insert_unique(hash, number, |number| hasher.hash_one(&values[place(number)]));
        write_text(text, values);
        places.push(values.len() - text.len()..values.len());
        number
    }

    /// The distinct values and how many rows have each, in the order they first came.
    pub(crate) fn counts(&self) -> Vec<(String, u64)> {
        let value = |place: &Range<usize>| String::from_utf8_lossy(&self.values[place.clone()]).into_owned();
        let mut counts: Vec<_> = self.places.iter().map(|place| (value(place), 0)).collect();
        for number in &self.rows {
            counts[*number as usize].1 += 1;
        }
        counts
    }

    pub(super) fn write_version(out: &mut dyn Out) {
        out.put(&LOW_CARDINALITY_VERSION.to_le_bytes());
    }
}

impl Column for LowText {
    fn type_name(&self) -> &'static str {
        "LowCardinality(String)"
    }

    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn write_state(&self, out: &mut dyn Out) {
        Self::write_version(out);
    }

    fn write_data(&self, out: &mut dyn Out) {
        // Within arrays and maps there may be rows without a single element.
        if self.rows.is_empty() {
            return;
        }
        let width: u64 = match self.places.len() {
            0..=0x100 => 0,
            0x101..=0x1_0000 => 1,
            _ => 2,
        };
        out.put(&(width | HAS_ADDITIONAL_KEYS | NEEDS_UPDATE).to_le_bytes());
        out.put(&(self.places.len() as u64).to_le_bytes());
        out.put(&self.values);
        out.put(&(self.rows.len() as u64).to_le_bytes());
        match width {
            0 => write_numbers(&self.rows, |number| [number.to_le_bytes()[0]], out),
            1 => write_numbers(&self.rows, |number| [number.to_le_bytes()[0], number.to_le_bytes()[1]], out),
            _ => write_numbers(&self.rows, u32::to_le_bytes, out),
        }
    }

    fn size_bytes(&self) -> usize {
        self.values.len() + self.rows.len() * 2
    }

    fn clear(&mut self) {
        self.numbers.clear();
        self.values.clear();
        self.places.clear();
        self.rows.clear();
    }
}

/// A value that may be missing: first a byte a row (1 is missing), then the values, missing ones as zero.
#[derive(Debug)]
pub(crate) struct Nullable<const N: usize> {
    type_name: &'static str,
    missing: Vec<u8>,
    values: Fixed<N>,
}

impl<const N: usize> Nullable<N> {
    /// `type_name` is the whole name, `Nullable(…)` included.
    pub(crate) fn new(type_name: &'static str) -> Self {
        Self { type_name, missing: Vec::new(), values: Fixed::new("") }
    }

    pub(crate) fn push(&mut self, value: Option<[u8; N]>) {
        self.missing.push(u8::from(value.is_none()));
        self.values.push(value.unwrap_or([0; N]));
    }
}

impl<const N: usize> Column for Nullable<N> {
    fn type_name(&self) -> &'static str {
        self.type_name
    }

    fn rows(&self) -> usize {
        self.missing.len()
    }

    fn write_data(&self, out: &mut dyn Out) {
        out.put(&self.missing);
        self.values.write_data(out);
    }

    fn size_bytes(&self) -> usize {
        self.missing.len() + self.values.size_bytes()
    }

    fn clear(&mut self) {
        self.missing.clear();
        self.values.clear();
    }
}

/// Where each row's elements end, for arrays and maps.
#[derive(Debug, Default)]
pub(super) struct Offsets(Vec<u64>);

impl Offsets {
    pub(super) fn push(&mut self, elements: usize) {
        self.0.push(self.0.last().copied().unwrap_or_default() + elements as u64);
    }

    pub(super) fn rows(&self) -> usize {
        self.0.len()
    }

    pub(super) fn write(&self, out: &mut dyn Out) {
        write_numbers(&self.0, u64::to_le_bytes, out);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_takes_seven_bits_a_byte() {
        let mut column = Text::default();
        column.push(&[b'x'; 300]);
        assert_eq!(column.bytes[..3], [0xAC, 0x02, b'x']);
    }

    #[test]
    fn repeated_text_is_written_once_and_numbered() {
        let mut column = LowText::default();
        for text in ["a", "b", "a"] {
            column.push(text.as_bytes());
        }
        let mut out = Vec::new();
        column.write_data(&mut out);
        assert_eq!(out[..8], 0x600_u64.to_le_bytes());
        assert_eq!(out[8..16], 2_u64.to_le_bytes());
        assert_eq!(&out[16..20], b"\x01a\x01b");
        assert_eq!(&out[28..], [0, 1, 0]);
    }

    #[test]
    fn every_value_has_the_number_of_its_first_row() {
        // With empty ones, neighbours that are equal, and more values than a byte numbers.
        let texts: Vec<String> = (0..2000_usize)
            .map(|n| if n % 5 == 0 { String::new() } else { (n * 31 % 700).to_string() })
            .collect();
        let mut column = LowText::default();
        for text in &texts {
            column.push(text.as_bytes());
            column.push(text.as_bytes());
            column.push_last();
        }
        let mut values: Vec<&str> = Vec::new();
        let mut numbers = Vec::new();
        for text in &texts {
            let known = values.iter().position(|value| value == text);
            let number = known.unwrap_or_else(|| {
                values.push(text);
                values.len() - 1
            });
            numbers.extend([u32::try_from(number).unwrap(); 3]);
        }
        assert_eq!(column.rows, numbers);
        let counted: Vec<_> = column.counts().into_iter().map(|(value, _)| value).collect();
        assert_eq!(counted, values);
        let mut out = Vec::new();
        column.write_data(&mut out);
        let low_bytes: Vec<u8> =
            numbers.iter().flat_map(|number| number.to_le_bytes()[..2].to_vec()).collect();
        assert!(out.ends_with(&low_bytes));
    }
}

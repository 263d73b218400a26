//! Columns of single values: numbers, text, text from a small set, and values that may be missing.

use hashbrown::HashMap;

use super::write_text;

/// One column of a block being filled.
pub(crate) trait Column {
    /// The type's name as the server spells it.
    fn type_name(&self) -> &'static str;
    /// How many rows it has.
    fn rows(&self) -> usize;
    /// What comes before the data; most types have nothing there.
    fn write_state(&self, _out: &mut Vec<u8>) {}
    /// The values of all rows.
    fn write_data(&self, out: &mut Vec<u8>);
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

    fn write_data(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes);
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
    pub(crate) fn push(&mut self, text: &[u8]) {
        self.rows += 1;
        write_text(text, &mut self.bytes);
    }
}

impl Column for Text {
    fn type_name(&self) -> &'static str {
        "String"
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn write_data(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes);
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
    numbers: HashMap<Box<[u8]>, u32>,
    /// The distinct values as `String` data, in the order of their numbers.
    values: Vec<u8>,
    rows: Vec<u32>,
}

/// "Shared dictionaries with additional keys", the only version of the serialization there is.
const LOW_CARDINALITY_VERSION: u64 = 1;
/// The block brings its own keys.
const HAS_ADDITIONAL_KEYS: u64 = 1 << 9;
/// The keys are new with each block.
const NEEDS_UPDATE: u64 = 1 << 10;

impl LowText {
    pub(crate) fn push(&mut self, text: &[u8]) {
        let number = if let Some(number) = self.numbers.get(text) {
            *number
        } else {
            // The number of a block's rows is far below u32, so is that of its distinct values.
            #[expect(clippy::cast_possible_truncation, reason = "fewer values than rows")]
            let number = self.numbers.len() as u32;
            self.numbers.insert(text.into(), number);
            write_text(text, &mut self.values);
            number
        };
        self.rows.push(number);
    }

    /// The distinct values and how many rows have each, in the order they first came.
    pub(crate) fn counts(&self) -> Vec<(String, u64)> {
        let mut counts = vec![(String::new(), 0); self.numbers.len()];
        for (value, number) in &self.numbers {
            counts[*number as usize].0 = String::from_utf8_lossy(value).into_owned();
        }
        for number in &self.rows {
            counts[*number as usize].1 += 1;
        }
        counts
    }

    pub(super) fn write_version(out: &mut Vec<u8>) {
        out.extend_from_slice(&LOW_CARDINALITY_VERSION.to_le_bytes());
    }
}

impl Column for LowText {
    fn type_name(&self) -> &'static str {
        "LowCardinality(String)"
    }

    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn write_state(&self, out: &mut Vec<u8>) {
        Self::write_version(out);
    }

    fn write_data(&self, out: &mut Vec<u8>) {
        // Within arrays and maps there may be rows without a single element.
        if self.rows.is_empty() {
            return;
        }
        let width: u64 = match self.numbers.len() {
            0..=0x100 => 0,
            0x101..=0x1_0000 => 1,
            _ => 2,
        };
        out.extend_from_slice(&(width | HAS_ADDITIONAL_KEYS | NEEDS_UPDATE).to_le_bytes());
        out.extend_from_slice(&(self.numbers.len() as u64).to_le_bytes());
        out.extend_from_slice(&self.values);
        out.extend_from_slice(&(self.rows.len() as u64).to_le_bytes());
        for number in &self.rows {
            out.extend_from_slice(&number.to_le_bytes()[..1 << width]);
        }
    }

    fn size_bytes(&self) -> usize {
        self.values.len() + self.rows.len() * 2
    }

    fn clear(&mut self) {
        self.numbers.clear();
        self.values.clear();
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

    fn write_data(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.missing);
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

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for offset in &self.0 {
            out.extend_from_slice(&offset.to_le_bytes());
        }
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
}

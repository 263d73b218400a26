//! Columns of many values a row: arrays, and the attribute maps.

use std::ops::Range;

use granary_model::{Attributes, Keys};

use super::Out;
use super::column::{Column, LowText, Offsets, Text};

/// `Map(LowCardinality(String), String)`: where each row ends, then all keys, then all values.
#[derive(Debug, Default)]
pub(crate) struct AttributeMap {
    offsets: Offsets,
    keys: LowText,
    values: Text,
    shapes: Shapes,
    /// Where the keys and values of the last row begin.
    last: (usize, usize),
    scratch: Vec<u8>,
}

impl AttributeMap {
    pub(crate) fn push(&mut self, attributes: &Attributes) {
        self.last = (self.keys.rows(), self.values.end());
        if let Some(keys) = attributes.keys() {
            self.shapes.push(keys, &mut self.keys);
        }
        for value in attributes.values() {
            self.values.push_value(value, &mut self.scratch);
        }
        self.offsets.push(attributes.len());
    }

    /// Adds the attributes of the last row again; there must be one.
    pub(crate) fn push_last(&mut self) {
        let (key, value) = self.last;
        self.last = (self.keys.rows(), self.values.end());
        let count = self.last.0 - key;
        self.keys.repeat(key..self.last.0);
        self.values.repeat(count, value..self.last.1);
        self.offsets.push(count);
    }
}

/// The numbers of the keys that rows before had.
#[derive(Debug, Default)]
struct Shapes {
    /// By the keys' own number.
    slots: Vec<Option<(u64, Range<usize>)>>,
    numbers: Vec<u32>,
}

impl Shapes {
    /// How many sets of keys are remembered.
    const REMEMBERED: usize = 256;

    fn push(&mut self, keys: &Keys, out: &mut LowText) {
        self.slots.resize(Self::REMEMBERED, None);
        let slot = &mut self.slots[usize::try_from(keys.id()).unwrap_or_default() % Self::REMEMBERED];
        let numbers = match slot {
            Some((id, numbers)) if *id == keys.id() => numbers.clone(),
            _ => {
                let begin = self.numbers.len();
                self.numbers.extend(keys.names().iter().map(|key| out.number_of(key.as_bytes())));
                let numbers = begin..self.numbers.len();
                *slot = Some((keys.id(), numbers.clone()));
                numbers
            }
        };
        out.push_numbers(&self.numbers[numbers]);
    }

    /// Forgets all: other values have these numbers now.
    fn clear(&mut self) {
        self.slots.clear();
        self.numbers.clear();
    }
}

impl Column for AttributeMap {
    fn type_name(&self) -> &'static str {
        "Map(LowCardinality(String), String)"
    }

    fn rows(&self) -> usize {
        self.offsets.rows()
    }

    fn write_state(&self, out: &mut dyn Out) {
        self.keys.write_state(out);
    }

    fn write_data(&self, out: &mut dyn Out) {
        self.offsets.write(out);
        self.keys.write_data(out);
        self.values.write_data(out);
    }

    fn size_bytes(&self) -> usize {
        self.offsets.rows() * 8 + self.keys.size_bytes() + self.values.size_bytes()
    }

    fn clear(&mut self) {
        self.offsets.clear();
        self.keys.clear();
        self.values.clear();
        self.shapes.clear();
    }
}

/// `Array(T)`: where each row ends, then all elements.
#[derive(Debug)]
pub(crate) struct List<C> {
    type_name: &'static str,
    offsets: Offsets,
    elements: C,
}

impl<C: Column> List<C> {
    /// `type_name` is the whole name, `Array(…)` included.
    pub(crate) fn new(type_name: &'static str, elements: C) -> Self {
        Self { type_name, offsets: Offsets::default(), elements }
    }

    /// Adds a row; `fill` pushes its elements.
    pub(crate) fn push(&mut self, fill: impl FnOnce(&mut C)) {
        let before = self.elements.rows();
        fill(&mut self.elements);
        self.offsets.push(self.elements.rows() - before);
    }
}

impl<C: Column> Column for List<C> {
    fn type_name(&self) -> &'static str {
        self.type_name
    }

    fn rows(&self) -> usize {
        self.offsets.rows()
    }

    fn write_state(&self, out: &mut dyn Out) {
        self.elements.write_state(out);
    }

    fn write_data(&self, out: &mut dyn Out) {
        self.offsets.write(out);
        self.elements.write_data(out);
    }

    fn size_bytes(&self) -> usize {
        self.offsets.rows() * 8 + self.elements.size_bytes()
    }

    fn clear(&mut self) {
        self.offsets.clear();
        self.elements.clear();
    }
}

#[cfg(test)]
mod tests {
    use granary_model::{Attribute, Value};

    use super::*;

    fn attributes(pairs: &[(&str, Value)]) -> Attributes {
        Attributes::new(pairs.iter().map(|(key, value)| Attribute::new(*key, value.clone())).collect())
    }

    fn data(column: &AttributeMap) -> Vec<u8> {
        let mut out = Vec::new();
        column.write_data(&mut out);
        out
    }

    /// The column's data, of keys and values one by one.
    fn data_one_by_one(rows: &[&Attributes]) -> Vec<u8> {
        let (mut offsets, mut keys, mut values) = (Offsets::default(), LowText::default(), Text::default());
        for row in rows {
            for pair in *row {
                keys.push(pair.key.as_bytes());
                values.push(pair.value.to_text().as_bytes());
            }
            offsets.push(row.len());
        }
        let mut out = Vec::new();
        offsets.write(&mut out);
        keys.write_data(&mut out);
        values.write_data(&mut out);
        out
    }

    #[test]
    fn keys_that_came_before_and_rows_that_come_again_are_written_like_any() {
        let one = attributes(&[("b", "x".into()), ("a", Value::Int(-7)), ("c", Value::Double(0.5))]);
        let other = attributes(&[("c", Value::Array(vec![1_i64.into()])), ("a", "".into())]);
        let none = Attributes::default();
        let mut column = AttributeMap::default();
        // The second time with the memory of the first.
        for _ in 0..2 {
            for row in [&one, &other, &one, &none] {
                column.push(row);
            }
            column.push_last();
            column.push(&other);
            column.push_last();
            column.push_last();
            let rows = [&one, &other, &one, &none, &none, &other, &other, &other];
            assert_eq!(data(&column), data_one_by_one(&rows));
            column.clear();
            column.push(&other);
            assert_eq!(data(&column), data_one_by_one(&[&other]));
            column.clear();
        }
    }

    #[test]
    fn more_sets_of_keys_than_are_remembered_are_written_like_any() {
        let rows: Vec<_> = (0..600).map(|n| attributes(&[(&format!("k{}", n % 300), n.into())])).collect();
        let mut column = AttributeMap::default();
        rows.iter().chain(&rows).for_each(|row| column.push(row));
        let rows: Vec<_> = rows.iter().chain(&rows).collect();
        assert_eq!(data(&column), data_one_by_one(&rows));
    }
}

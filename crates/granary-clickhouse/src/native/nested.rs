//! Columns of many values a row: arrays, and the attribute maps.

use granary_model::Attributes;

use super::column::{Column, LowText, Offsets, Text};

/// `Map(LowCardinality(String), String)`: where each row ends, then all keys, then all values.
#[derive(Debug, Default)]
pub(crate) struct AttributeMap {
    offsets: Offsets,
    keys: LowText,
    values: Text,
    scratch: Vec<u8>,
}

impl AttributeMap {
    pub(crate) fn push(&mut self, attributes: &Attributes) {
        for attribute in attributes {
            self.keys.push(attribute.key.as_bytes());
            if let granary_model::Value::String(text) = &attribute.value {
                self.values.push(text.as_bytes());
            } else {
                self.scratch.clear();
                attribute.value.push_text(&mut self.scratch);
                self.values.push(&self.scratch);
            }
        }
        self.offsets.push(attributes.len());
    }
}

impl Column for AttributeMap {
    fn type_name(&self) -> &'static str {
        "Map(LowCardinality(String), String)"
    }

    fn rows(&self) -> usize {
        self.offsets.rows()
    }

    fn write_state(&self, out: &mut Vec<u8>) {
        self.keys.write_state(out);
    }

    fn write_data(&self, out: &mut Vec<u8>) {
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

    fn write_state(&self, out: &mut Vec<u8>) {
        self.elements.write_state(out);
    }

    fn write_data(&self, out: &mut Vec<u8>) {
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

//! The first rows of an answer, as a table that a model reads and as values that a program does.

use serde_json::{Map, Value, json};

use crate::Column;

/// Characters of one text; a longer one is cut, with a mark.
const MAX_CELL_CHARS: usize = 2_000;

/// As many rows as there is room for.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<Column>,
    rows: Vec<Row>,
    max_rows: usize,
    room: usize,
    /// Whether these are all rows.
    pub(super) is_complete: bool,
}

/// A row by the names of its columns.
#[derive(Debug)]
pub(super) struct Row(Map<String, Value>);

impl Row {
    pub(super) fn of(mut row: Map<String, Value>) -> Self {
        for value in row.values_mut() {
            if let Value::String(text) = value
                && let Some((end, _)) = text.char_indices().nth(MAX_CELL_CHARS)
            {
                text.truncate(end);
                text.push('…');
            }
        }
        Self(row)
    }
}

impl Table {
    pub(super) fn new(columns: &[Column], max_rows: usize, max_chars: usize) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new(), max_rows, room: max_chars, is_complete: true }
    }

    /// Adds a row. Without room for it says so: it is the first that is not there.
    pub(super) fn push(&mut self, row: Row) -> bool {
        let size: usize = row.0.values().map(|value| cell(value).chars().count() + 3).sum();
        if self.rows.len() >= self.max_rows || (size > self.room && !self.rows.is_empty()) {
            self.is_complete = false;
            return false;
        }
        self.room = self.room.saturating_sub(size);
        self.rows.push(row);
        true
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The columns that this answer has: a switch may leave some out.
    fn present(&self) -> Vec<&Column> {
        let Some(Row(first)) = self.rows.first() else { return self.columns.iter().collect() };
        self.columns.iter().filter(|column| first.contains_key(&column.name)).collect()
    }

    pub(super) fn markdown(&self) -> String {
        if self.rows.is_empty() {
            return "There are no rows.\n".to_owned();
        }
        let columns = self.present();
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut text = line(columns.iter().map(|column| column.name.clone()).collect());
        text += &line(columns.iter().map(|_| "---".to_owned()).collect());
        for Row(row) in &self.rows {
            let cells = columns.iter().map(|column| row.get(&column.name).map_or_else(String::new, cell));
            text += &line(cells.collect());
        }
        text
    }

    pub(super) fn structured(&self) -> Value {
        let columns = self.present();
        let values = |Row(row): &Row| {
            let values = columns.iter().map(|column| row.get(&column.name).cloned().unwrap_or_default());
            Value::Array(values.collect())
        };
        json!({
            "columns": columns,
            "rows": self.rows.iter().map(values).collect::<Vec<_>>(),
            "is_complete": self.is_complete,
        })
    }
}

/// A value in a table of Markdown, which has a row a line.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.replace('|', "\\|").replace(['\n', '\r'], " "),
        other => other.to_string().replace('|', "\\|"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(max_rows: usize, max_chars: usize) -> Table {
        let column = |name: &str| Column { name: name.to_owned(), meaning: format!("the {name}") };
        Table::new(&[column("bucket"), column("b"), column("a")], max_rows, max_chars)
    }

    #[expect(clippy::needless_pass_by_value, reason = "a row is written where it is used")]
    fn row(value: Value) -> Row {
        Row::of(value.as_object().unwrap().clone())
    }

    #[test]
    fn a_table_has_its_columns_in_order_and_a_row_a_line() {
        let mut table = table(9, 1000);
        assert_eq!(table.markdown(), "There are no rows.\n");
        assert!(table.push(row(json!({ "a": 1, "b": "x|y\nz" }))));
        assert!(table.push(row(json!({ "a": null, "b": [true] }))));
        assert_eq!(table.markdown(), "| b | a |\n| --- | --- |\n| x\\|y z | 1 |\n| [true] |  |\n");
        assert_eq!(table.structured()["rows"], json!([["x|y\nz", 1], [[true], null]]));
        assert_eq!(table.structured()["is_complete"], true);
    }

    #[test]
    fn what_there_is_no_room_for_is_left_out_and_said() {
        let mut few = table(1, 1000);
        assert!(few.push(row(json!({ "a": 1 }))) && !few.push(row(json!({ "a": 2 }))));
        assert!(!few.is_complete);
        let mut small = table(9, 20);
        // The first comes whatever its size, cut where it is long.
        assert!(small.push(row(json!({ "a": "é".repeat(MAX_CELL_CHARS + 1) }))));
        assert!(!small.push(row(json!({ "a": 2 }))));
        let text = small.structured()["rows"][0][0].as_str().unwrap().to_owned();
        assert!(text.ends_with("é…") && text.chars().count() == MAX_CELL_CHARS + 1);
    }
}

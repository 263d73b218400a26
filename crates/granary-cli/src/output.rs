//! Tables for people.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use serde::Deserialize;
use serde_json::{Map, Value};

/// An answer in the shape of ClickHouse's `JSON`.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    pub(crate) meta: Vec<Column>,
    pub(crate) data: Vec<Map<String, Value>>,
}

/// One column of an answer.
#[derive(Debug, Deserialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

impl Column {
    fn is_number(&self) -> bool {
        let inner = self.kind.trim_start_matches("Nullable(").trim_start_matches("LowCardinality(");
        ["UInt", "Int", "Float", "Decimal"].iter().any(|number| inner.starts_with(number))
    }
}

/// An empty table in the house's look.
pub(crate) fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header);
    table
}

/// An answer as a table: numbers to the right, long values cut.
pub(crate) fn answer_table(answer: &Answer) -> Table {
    let mut table = table([]);
    table.set_header(answer.meta.iter().map(|column| column.name.as_str()));
    for row in &answer.data {
        table.add_row(answer.meta.iter().map(|column| cell(row.get(&column.name).unwrap_or(&Value::Null))));
    }
    for (index, column) in answer.meta.iter().enumerate() {
        if column.is_number()
            && let Some(column) = table.column_mut(index)
        {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// More than this many characters of one value help nobody in a table.
const LONGEST: usize = 60;

fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => return "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => {
                format!("{float:.4}").trim_end_matches('0').trim_end_matches('.').to_owned()
            }
            _ => number.to_string(),
        },
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    if text.chars().count() > LONGEST {
        text.chars().take(LONGEST - 1).chain(['…']).collect()
    } else {
        text
    }
}

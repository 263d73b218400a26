//! Tables for people.

use std::ffi::OsStr;
use std::io::{IsTerminal, Write};

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::arguments::AnswerFormat;

/// An answer in the shape of ClickHouse's `JSON`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) meta: Vec<Column>,
    pub(crate) data: Vec<Map<String, Value>>,
}

/// One column of an answer.
#[derive(Debug, Serialize, Deserialize)]
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

/// Whether what is printed may have colours: on a terminal that has them, unless `NO_COLOR` says no.
pub(crate) fn colours() -> bool {
    #[expect(clippy::disallowed_methods, reason = "a matter of the terminal, not of a setting")]
    let (no_color, term) = (std::env::var_os("NO_COLOR"), std::env::var_os("TERM"));
    wants_colours(std::io::stdout().is_terminal(), no_color.as_deref(), term.as_deref())
}

fn wants_colours(is_terminal: bool, no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    is_terminal && no_color.is_none_or(OsStr::is_empty) && term.is_none_or(|term| term != "dumb")
}

/// Prints what no query answers in the way that the answers of queries are printed.
pub(crate) fn print(answer: &Answer, format: Option<AnswerFormat>) -> anyhow::Result<()> {
    let usual = if std::io::stdout().is_terminal() { AnswerFormat::Table } else { AnswerFormat::Csv };
    let mut text = match format.unwrap_or(usual) {
        AnswerFormat::Table => answer_table(answer).to_string(),
        AnswerFormat::Json => serde_json::to_string_pretty(answer)?,
        AnswerFormat::Ndjson => {
            answer.data.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?.join("\n")
        }
        AnswerFormat::Csv => {
            let names = answer.meta.iter().map(|column| csv_cell(&Value::from(column.name.as_str())));
            let mut lines = vec![names.collect::<Vec<_>>().join(",")];
            lines.extend(answer.data.iter().map(|row| {
                let of = |column: &Column| csv_cell(row.get(&column.name).unwrap_or(&Value::Null));
                answer.meta.iter().map(of).collect::<Vec<_>>().join(",")
            }));
            lines.join("\n")
        }
    };
    if !text.is_empty() {
        text.push('\n');
    }
    match std::io::stdout().write_all(text.as_bytes()) {
        // The reader has seen enough, as `head` does.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Prints a line; who does not read it has seen enough.
pub(crate) fn line(text: std::fmt::Arguments<'_>) {
    drop(writeln!(std::io::stdout(), "{text}"));
}

/// As ClickHouse writes it.
fn csv_cell(value: &Value) -> String {
    match value {
        Value::Null => "\\N".to_owned(),
        Value::String(text) => format!("\"{}\"", text.replace('"', "\"\"")),
        other => other.to_string(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_that_have_them_and_people_who_want_them() {
        let word = OsStr::new;
        assert!(wants_colours(true, None, Some(word("xterm-256color"))));
        assert!(wants_colours(true, Some(word("")), None));
        assert!(!wants_colours(true, Some(word("1")), Some(word("xterm"))));
        assert!(!wants_colours(true, None, Some(word("dumb"))));
        assert!(!wants_colours(false, None, Some(word("xterm"))));
    }
}

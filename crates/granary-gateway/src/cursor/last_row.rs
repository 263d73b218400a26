//! The last row of an answer, in the formats in which it can be found.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Format;
use crate::write::Cell;

/// How many rows there are, and the last one's values as text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct LastRow {
    pub(super) rows: u64,
    pub(super) values: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
}

/// Formats in which pages can be read.
pub(crate) const PAGED: [Format; 4] = [Format::Json, Format::Ndjson, Format::Csv, Format::Tsv];

impl LastRow {
    /// Nothing where there is no row, or none can be found.
    pub(super) fn read(format: Format, answer: &[u8]) -> Option<Self> {
        match format {
            Format::Json => {
                let document: Document<'_> = serde_json::from_slice(answer).ok()?;
                let last = document.data.last()?.get();
                Some(Self { rows: document.data.len() as u64, values: object(last.as_bytes())? })
            }
            Format::Ndjson => {
                let rows = answer.split_inclusive(|byte| *byte == b'\n').count() as u64;
                let last =
                    answer.strip_suffix(b"\n").unwrap_or(answer).rsplit(|byte| *byte == b'\n').next()?;
                Some(Self { rows, values: object(last)? })
            }
            Format::Csv => separated(answer, b',', true),
            Format::Tsv => separated(answer, b'\t', false),
            _ => None,
        }
    }
}

fn object(text: &[u8]) -> Option<BTreeMap<String, String>> {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_slice(text).ok()?;
    Some(fields.into_iter().map(|(name, value)| (name, Cell::read(value).text().to_owned())).collect())
}

/// Lines of cells, the first one with their names. In quotes a line may go on, where there are quotes.
fn separated(answer: &[u8], separator: u8, has_quotes: bool) -> Option<LastRow> {
    let mut lines = 0;
    let (mut first, mut last): (Option<&[u8]>, &[u8]) = (None, &[]);
    let (mut start, mut in_quotes) = (0, false);
    for (at, byte) in answer.iter().enumerate() {
        match byte {
            b'"' if has_quotes => in_quotes = !in_quotes,
            b'\n' if !in_quotes => {
                last = answer.get(start..at)?;
                first.get_or_insert(last);
                (lines, start) = (lines + 1, at + 1);
            }
            _ => {}
        }
    }
    let cells =
        |line| if has_quotes { quoted_cells(line, separator) } else { escaped_cells(line, separator) };
    let names = cells(first?)?;
    let values = (lines > 1).then(|| cells(last))??;
    Some(LastRow { rows: lines - 1, values: names.into_iter().zip(values).collect() })
}

/// Cells of which those with quotes may hold separators and doubled quotes.
fn quoted_cells(line: &[u8], separator: u8) -> Option<Vec<String>> {
    let (mut cells, mut cell, mut in_quotes) = (Vec::new(), Vec::new(), false);
    let mut bytes = line.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if in_quotes && bytes.peek() == Some(&b'"') => {
                bytes.next();
                cell.push(byte);
            }
            b'"' => in_quotes = !in_quotes,
            _ if byte == separator && !in_quotes => cells.push(std::mem::take(&mut cell)),
            _ => cell.push(byte),
        }
    }
    cells.push(cell);
    cells.into_iter().map(|cell| String::from_utf8(cell).ok()).collect()
}

/// Cells in which a backslash stands before what would end them.
fn escaped_cells(line: &[u8], separator: u8) -> Option<Vec<String>> {
    let unescaped = |cell: &[u8]| {
        let mut text = Vec::with_capacity(cell.len());
        let mut bytes = cell.iter().copied();
        while let Some(byte) = bytes.next() {
            text.push(match byte {
                b'\\' => match bytes.next()? {
                    b'n' => b'\n',
                    b't' => b'\t',
                    b'r' => b'\r',
                    b'0' => 0,
                    b'b' => 8,
                    b'f' => 12,
                    other => other,
                },
                other => other,
            });
        }
        String::from_utf8(text).ok()
    };
    line.split(|byte| *byte == separator).map(unescaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(format: Format, answer: &str) -> Option<(u64, Vec<String>)> {
        LastRow::read(format, answer.as_bytes()).map(|last| (last.rows, last.values.into_values().collect()))
    }

    #[test]
    fn the_last_row_is_found_in_every_format_whatever_is_in_it() {
        let expected = Some((2, vec!["a\"\n\t,\\".to_owned(), "12".to_owned()]));
        let json = r#"{"a":"x","n":1}|{"a":"a\"\n\t,\\","n":12}"#;
        let document = format!("{{\"meta\":[],\n\"data\":[{}],\"rows\":2}}", json.replace('|', ","));
        assert_eq!(last(Format::Json, &document), expected);
        assert_eq!(last(Format::Ndjson, &json.replace('|', "\n")), expected);
        assert_eq!(last(Format::Ndjson, &format!("{}\n", json.replace('|', "\n"))), expected);
        assert_eq!(last(Format::Csv, "\"a\",\"n\"\n\"x\",1\n\"a\"\"\n\t,\\\",12\n"), expected);
        assert_eq!(last(Format::Tsv, "a\tn\nx\t1\na\"\\n\\t,\\\\\t12\n"), expected);
    }

    #[test]
    fn without_rows_there_is_no_last_one() {
        assert_eq!(last(Format::Json, "{\"data\":[]}"), None);
        assert_eq!(last(Format::Ndjson, ""), None);
        assert_eq!(last(Format::Csv, "\"a\"\n"), None);
        assert_eq!(last(Format::Tsv, "a\n"), None);
        assert_eq!(last(Format::Parquet, "PAR1"), None);
    }
}

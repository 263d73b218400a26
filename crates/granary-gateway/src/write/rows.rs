//! Rows, read from ClickHouse's `JSONCompactEachRowWithNamesAndTypes`: a line of names, one of types, one for each row.

use bytes::Bytes;
use memchr::memchr;
use serde_json::value::RawValue;

use super::cell::Cell;
use crate::RunError;

/// A row with more bytes of JSON than this ends the answer: it is held as a whole.
const MAX_ROW_BYTES: usize = 16 << 20;

/// The columns of an answer.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) names: Vec<String>,
    types: Vec<String>,
}

impl Names {
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|one| one == name)
    }

    /// Whether the column holds numbers, which stand to the right.
    pub(crate) fn is_number(&self, column: usize) -> bool {
        let kind = self.types.get(column).map_or("", String::as_str);
        let kind = kind.trim_start_matches("LowCardinality(").trim_start_matches("Nullable(");
        ["UInt", "Int", "Float", "Decimal"].iter().any(|number| kind.starts_with(number))
    }
}

/// Writes rows in a format.
pub(crate) trait RowWriter: Send {
    /// The columns, which come once and first.
    fn begin(&mut self, columns: &Names, out: &mut Vec<u8>);

    /// A row, as many cells as there are columns.
    fn row(&mut self, columns: &Names, cells: &[Cell<'_>], out: &mut Vec<u8>) -> Result<(), RunError>;

    /// Nothing more comes.
    fn finish(&mut self, columns: &Names, out: &mut Vec<u8>);
}

/// Splits what comes into rows and has them written.
pub(crate) struct Rows {
    writer: Box<dyn RowWriter>,
    /// The beginning of a line whose end has not come.
    cut: Vec<u8>,
    names: Option<Vec<String>>,
    columns: Option<Names>,
}

impl Rows {
    pub(crate) fn new(writer: Box<dyn RowWriter>) -> Self {
        Self { writer, cut: Vec::new(), names: None, columns: None }
    }

    pub(crate) fn push(&mut self, piece: &[u8]) -> Result<Bytes, RunError> {
        let mut out = Vec::new();
        let mut rest = piece;
        while let Some(end) = memchr(b'\n', rest) {
            let (line, behind) = rest.split_at(end);
            rest = behind.get(1..).unwrap_or_default();
            if self.cut.is_empty() {
                self.line(line, &mut out)?;
            } else {
                self.keep(line)?;
                let line = std::mem::take(&mut self.cut);
                self.line(&line, &mut out)?;
            }
        }
        self.keep(rest)?;
        Ok(out.into())
    }

    pub(crate) fn finish(&mut self) -> Result<Bytes, RunError> {
        let mut out = Vec::new();
        let line = std::mem::take(&mut self.cut);
        if !line.is_empty() {
            self.line(&line, &mut out)?;
        }
        let columns = self.columns.as_ref().ok_or(RunError::Unreadable)?;
        self.writer.finish(columns, &mut out);
        Ok(out.into())
    }

    fn keep(&mut self, part: &[u8]) -> Result<(), RunError> {
        if self.cut.len() + part.len() > MAX_ROW_BYTES {
            return Err(RunError::AnswerTooLarge { what: "bytes in one row" });
        }
        self.cut.extend_from_slice(part);
        Ok(())
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) -> Result<(), RunError> {
        if let Some(columns) = &self.columns {
            let cells: Vec<&RawValue> = serde_json::from_slice(line).map_err(|_| RunError::Unreadable)?;
            let cells: Vec<_> = cells.into_iter().map(Cell::read).collect();
            if cells.len() != columns.names.len() {
                return Err(RunError::Unreadable);
            }
            return self.writer.row(columns, &cells, out);
        }
        let texts: Vec<String> = serde_json::from_slice(line).map_err(|_| RunError::Unreadable)?;
        match self.names.take() {
            None => self.names = Some(texts),
            Some(names) => {
                let columns = Names { names, types: texts };
                self.writer.begin(&columns, out);
                self.columns = Some(columns);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What becomes of an answer, cut into pieces of that many bytes.
    pub(in crate::write) fn written(
        writer: impl RowWriter + 'static,
        lines: &[&str],
        piece: usize,
    ) -> Result<String, RunError> {
        let mut rows = Rows::new(Box::new(writer));
        let text = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        let mut out = Vec::new();
        for piece in text.as_bytes().chunks(piece) {
            out.extend_from_slice(&rows.push(piece)?);
        }
        out.extend_from_slice(&rows.finish()?);
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn a_row_beyond_the_bound_and_what_is_no_row_end_the_answer() {
        let mut rows = Rows::new(Box::new(super::super::Markdown));
        rows.push(b"[\"a\"]\n[\"String\"]\n").unwrap();
        rows.push(&vec![b'['; MAX_ROW_BYTES]).unwrap();
        assert!(matches!(rows.push(b"["), Err(RunError::AnswerTooLarge { .. })));
        let lines = ["[\"a\"]", "[\"String\"]", "[1, 2]"];
        let broken = written(super::super::Markdown, &lines, 100);
        assert!(matches!(broken, Err(RunError::Unreadable)));
        let nothing = written(super::super::Markdown, &[], 100);
        assert!(matches!(nothing, Err(RunError::Unreadable)), "not even names came");
    }
}

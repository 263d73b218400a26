//! A table for a terminal, drawn as its rows come.
//!
//! A table's widths follow from all of its rows, which are not there yet when the first is drawn. The first rows decide;
//! a later value that is wider is cut, and the mark at its end says so.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::cell::Cell;
use super::rows::{Names, RowWriter};
use crate::RunError;

/// How many rows are measured. They are held until then, cut to what is shown of them.
const MEASURED_ROWS: usize = 200;

/// Draws a table.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Rows that are not drawn yet.
    measured: Vec<Vec<String>>,
    /// Width of each column once it is decided.
    widths: Option<Vec<usize>>,
}

impl RowWriter for Table {
    fn begin(&mut self, _: &Names, _: &mut Vec<u8>) {}

    fn row(&mut self, columns: &Names, cells: &[Cell<'_>], out: &mut Vec<u8>) -> Result<(), RunError> {
        let row: Vec<_> = cells.iter().map(Cell::shown).collect();
        if let Some(widths) = &self.widths {
            draw(columns, widths, &row, out);
            return Ok(());
        }
        self.measured.push(row);
        if self.measured.len() == MEASURED_ROWS {
            self.draw_measured(columns, out);
        }
        Ok(())
    }

    fn finish(&mut self, columns: &Names, out: &mut Vec<u8>) {
        if self.widths.is_none() {
            self.draw_measured(columns, out);
        }
    }
}

impl Table {
    fn draw_measured(&mut self, columns: &Names, out: &mut Vec<u8>) {
        let rows = std::mem::take(&mut self.measured);
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column)).chain(columns.names.get(column));
            cells.map(|cell| cell.width()).max().unwrap_or_default()
        };
        let widths: Vec<_> = (0..columns.names.len()).map(width).collect();
        draw(columns, &widths, &columns.names, out);
        let lines: Vec<_> = widths.iter().map(|width| "─".repeat(*width)).collect();
        out.extend_from_slice(lines.join("──").as_bytes());
        out.push(b'\n');
        for row in &rows {
            draw(columns, &widths, row, out);
        }
        self.widths = Some(widths);
    }
}

fn draw(columns: &Names, widths: &[usize], row: &[String], out: &mut Vec<u8>) {
    let start = out.len();
    for (column, (text, width)) in row.iter().zip(widths).enumerate() {
        if column > 0 {
            out.extend_from_slice(b"  ");
        }
        let text = fitted(text, *width);
        let space = " ".repeat(width.saturating_sub(text.width()));
        let (first, second) = if columns.is_number(column) { (&space, &text) } else { (&text, &space) };
        out.extend_from_slice(first.as_bytes());
        out.extend_from_slice(second.as_bytes());
    }
    while out.len() > start && out.last() == Some(&b' ') {
        out.pop();
    }
    out.push(b'\n');
}

/// The text, cut where it is too wide.
fn fitted(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut fitted = String::new();
    let mut used = 1;
    for character in text.chars() {
        used += character.width().unwrap_or_default();
        if used > width {
            break;
        }
        fitted.push(character);
    }
    fitted.push('…');
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::rows::tests::written;

    #[test]
    fn columns_are_as_wide_as_they_need_and_numbers_stand_to_the_right() {
        let lines = [
            r#"["tool","calls"]"#,
            r#"["String","UInt64"]"#,
            r#"["Bash",7]"#,
            r#"["計算",1200]"#,
            r#"["a\nb",null]"#,
        ];
        insta::assert_snapshot!(written(Table::default(), &lines, 5).unwrap(), @r"
        tool  calls
        ───────────
        Bash      7
        計算   1200
        a b       –
        ");
    }

    #[test]
    fn after_the_first_rows_a_wider_value_is_cut() {
        let mut lines = vec![r#"["t"]"#, r#"["String"]"#];
        lines.extend([r#"["abc"]"#; MEASURED_ROWS]);
        lines.push(r#"["abcdef"]"#);
        assert!(written(Table::default(), &lines, 100).unwrap().ends_with("abc\nab…\n"));
        assert_eq!(fitted("計算機", 4), "計…");
    }

    #[test]
    fn a_table_without_rows_has_its_names() {
        let lines = [r#"["t","n"]"#, r#"["String","UInt8"]"#];
        assert_eq!(written(Table::default(), &lines, 9).unwrap(), "t  n\n────\n");
    }
}

//! A table as GitHub's Markdown writes it: a row a line, whatever is in it.

use super::cell::Cell;
use super::rows::{Names, RowWriter};
use crate::RunError;

/// Writes Markdown. What stands in a cell is shown and has no effect: neither tags nor links nor emphasis.
#[derive(Debug)]
pub(super) struct Markdown;

impl RowWriter for Markdown {
    fn begin(&mut self, columns: &Names, out: &mut Vec<u8>) {
        for name in &columns.names {
            write_cell(name, out);
        }
        out.extend_from_slice(b"|\n");
        for column in 0..columns.names.len() {
            out.extend_from_slice(if columns.is_number(column) { b"| ---: " } else { b"| --- " });
        }
        out.extend_from_slice(b"|\n");
    }

    fn row(&mut self, _: &Names, cells: &[Cell<'_>], out: &mut Vec<u8>) -> Result<(), RunError> {
        for cell in cells {
            write_cell(&cell.shown(), out);
        }
        out.extend_from_slice(b"|\n");
        Ok(())
    }

    fn finish(&mut self, _: &Names, _: &mut Vec<u8>) {}
}

fn write_cell(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"| ");
    let mut before = ' ';
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let is_marked = match character {
            '\\' | '`' | '*' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$' => true,
            // Within a word an underscore stands for itself.
            '_' => !before.is_alphanumeric() || !characters.peek().is_some_and(|next| next.is_alphanumeric()),
            _ => false,
        };
        if is_marked {
            out.push(b'\\');
        }
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        before = character;
    }
    out.push(b' ');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write::rows::tests::written;

    #[test]
    fn a_row_is_a_line_and_nothing_in_a_cell_is_markup() {
        let lines = [
            r#"["tool_name","calls"]"#,
            r#"["LowCardinality(String)","Nullable(UInt64)"]"#,
            r#"["a|b\nc <b>*x*</b> [l](u) _e_ \\",12]"#,
            "[null,null]",
        ];
        let whole = written(Markdown, &lines, 1_000).unwrap();
        for piece in [1, 7] {
            assert_eq!(written(Markdown, &lines, piece).unwrap(), whole);
        }
        insta::assert_snapshot!(whole, @r"
        | tool_name | calls |
        | --- | ---: |
        | a\|b c \<b\>\*x\*\</b\> \[l\](u) \_e\_ \\ | 12 |
        | – | – |
        ");
    }
}

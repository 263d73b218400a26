//! ClickHouse's Native format: the columns of a block, laid out as the server reads them.
//!
//! Over HTTP a block is the number of columns and of rows as variable-length integers, then for each column
//! its name, its type and its data. Blocks stand one after another in one request. What a column's data
//! look like is said at each kind of column; the server's own description is
//! <https://clickhouse.com/docs/interfaces/formats/Native>.

mod column;
mod frame;
mod leave_out;
mod nested;

pub(crate) use column::{Column, Fixed, LowText, Nullable, Text};
pub(crate) use frame::FrameWriter;
pub use leave_out::{Remains, SealedBlockError, leave_out};
pub(crate) use nested::{AttributeMap, List};

/// Where a block is written to.
pub(crate) trait Out {
    /// Adds bytes.
    fn put(&mut self, bytes: &[u8]);
}

impl Out for Vec<u8> {
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// Writes a block of the given columns, all of which must have `rows` rows.
pub(crate) fn write_block(rows: usize, columns: &[(&str, &dyn Column)], out: &mut dyn Out) {
    let mut head = Vec::new();
    write_varint(columns.len() as u64, &mut head);
    write_varint(rows as u64, &mut head);
    for (name, column) in columns {
        debug_assert_eq!(column.rows(), rows, "column {name}");
        write_text(name.as_bytes(), &mut head);
        write_text(column.type_name().as_bytes(), &mut head);
        out.put(&head);
        head.clear();
        column.write_state(out);
        column.write_data(out);
    }
}

/// Writes numbers, each made into bytes.
fn write_numbers<T: Copy, const N: usize>(numbers: &[T], bytes: impl Fn(T) -> [u8; N], out: &mut dyn Out) {
    /// So many at a time.
    const PIECE: usize = 512;
    let mut piece = [[0; N]; PIECE];
    for numbers in numbers.chunks(PIECE) {
        for (place, number) in piece.iter_mut().zip(numbers) {
            *place = bytes(*number);
        }
        out.put(piece[..numbers.len()].as_flattened());
    }
}

#[inline]
fn write_varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        #[expect(clippy::cast_possible_truncation, reason = "the low seven bits are what is meant")]
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    #[expect(clippy::cast_possible_truncation, reason = "less than 0x80")]
    out.push(number as u8);
}

#[inline]
fn write_text(text: &[u8], out: &mut Vec<u8>) {
    write_varint(text.len() as u64, out);
    out.extend_from_slice(text);
}

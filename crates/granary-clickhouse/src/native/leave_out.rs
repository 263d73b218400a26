//! Some rows out of a block that is sealed already.
//!
//! Only blocks as [`super::write_block`] makes them are read: the types of our own columns and nothing else. What a column's
//! data look like is said at the columns.

use std::collections::BTreeMap;

use bytes::Bytes;
use granary_model::EventId;

use super::frame::{FrameWriter, decompress};
use super::{write_text, write_varint};

/// A block without the rows that were left out of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remains {
    /// Frames of the block that is left; empty where no row is.
    pub frames: Bytes,
    /// How many rows are left.
    pub rows: u64,
    /// Whose they are, and how many each has.
    pub tenants: Vec<(String, u64)>,
    /// Whose rows were left out, and how many of each.
    pub left_out: Vec<(String, u64)>,
}

/// A sealed block cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealedBlockError {
    /// Its frames are not what was sealed.
    #[error("the block's frames are damaged")]
    Frame,
    /// It ends in the middle, or goes on behind its end.
    #[error("the block is cut short or goes on behind its end")]
    Length,
    /// A column of a type that this version does not write.
    #[error("column {column} has the type {of_type}, which this version does not know")]
    Type {
        /// The column.
        column: String,
        /// Its type.
        of_type: String,
    },
    /// There is no column to tell the rows by.
    #[error("the block has no column {0}")]
    Column(&'static str),
}

/// Leaves out the rows of these events. `None` if there are none of them in the block.
///
/// # Errors
///
/// The block is not one that this version sealed.
pub fn leave_out(
    frames: &[u8],
    is_left_out: impl Fn(EventId) -> bool,
) -> Result<Option<Remains>, SealedBlockError> {
    let block = decompress(frames).ok_or(SealedBlockError::Frame)?;
    let block = Block::read(&block)?;
    let keep = block.rows_without(is_left_out)?;
    let rows = keep.iter().filter(|keep| **keep).count();
    if rows == keep.len() {
        return Ok(None);
    }
    let tenants = block.tenants(&keep)?;
    let count = |kept: bool| {
        let of = tenants.iter().map(|(tenant, counts)| (tenant.clone(), counts[usize::from(kept)]));
        of.filter(|(_, rows)| *rows > 0).collect()
    };
    let mut out = Vec::new();
    if rows > 0 {
        let (mut scratch, mut written) = (Vec::new(), Vec::new());
        block.write(&keep, rows, &mut written)?;
        let mut writer = FrameWriter::new(&mut scratch);
        super::Out::put(&mut writer, &written);
        writer.finish(&mut out);
    }
    Ok(Some(Remains { frames: out.into(), rows: rows as u64, tenants: count(true), left_out: count(false) }))
}

/// A block's columns, where they lie.
struct Block<'a> {
    rows: usize,
    columns: Vec<Column<'a>>,
}

struct Column<'a> {
    name: &'a [u8],
    type_name: &'a [u8],
    of_type: Type,
    state: &'a [u8],
    data: &'a [u8],
}

impl<'a> Block<'a> {
    fn read(mut input: &'a [u8]) -> Result<Self, SealedBlockError> {
        let input = &mut input;
        let (columns, rows) = (varint(input)?, varint(input)?);
        // A row has a byte at least.
        if rows > input.len() {
            return Err(SealedBlockError::Length);
        }
        let none = vec![false; rows];
        let mut read = Vec::new();
        for _ in 0..columns {
            let (name, type_name) = (text(input)?, text(input)?);
            let of_type = Type::parse(type_name).ok_or_else(|| SealedBlockError::Type {
                column: String::from_utf8_lossy(name).into_owned(),
                of_type: String::from_utf8_lossy(type_name).into_owned(),
            })?;
            let state = take(input, of_type.state_bytes())?;
            let before = *input;
            of_type.copy(input, &none, &mut Vec::new())?;
            let data = &before[..before.len() - input.len()];
            read.push(Column { name, type_name, of_type, state, data });
        }
        if !input.is_empty() {
            return Err(SealedBlockError::Length);
        }
        Ok(Self { rows, columns: read })
    }

    fn column(&self, name: &'static str, of_type: &Type) -> Result<&Column<'a>, SealedBlockError> {
        let column = self.columns.iter().find(|column| column.name == name.as_bytes());
        column.filter(|column| column.of_type == *of_type).ok_or(SealedBlockError::Column(name))
    }

    /// For each row whether it stays.
    fn rows_without(&self, is_left_out: impl Fn(EventId) -> bool) -> Result<Vec<bool>, SealedBlockError> {
        let (ids, _) = self.column("EventId", &Type::Fixed(16))?.data.as_chunks();
        Ok(ids.iter().map(|id| !is_left_out(EventId(u128::from_le_bytes(*id)))).collect())
    }

    /// How many rows of each tenant go and how many stay.
    fn tenants(&self, keep: &[bool]) -> Result<BTreeMap<String, [u64; 2]>, SealedBlockError> {
        let mut input = self.column("TenantId", &Type::LowText)?.data;
        let LowText { values, indexes, width, .. } = LowText::read(&mut input, self.rows)?;
        let mut tenants: BTreeMap<String, [u64; 2]> = BTreeMap::new();
        for (index, keep) in indexes.chunks_exact(width).zip(keep) {
            let mut number = [0; 8];
            number[..width].copy_from_slice(index);
            let value = usize::try_from(u64::from_le_bytes(number)).ok().and_then(|at| values.get(at));
            let value = value.ok_or(SealedBlockError::Length)?;
            tenants.entry(String::from_utf8_lossy(value).into_owned()).or_default()[usize::from(*keep)] += 1;
        }
        Ok(tenants)
    }

    fn write(&self, keep: &[bool], rows: usize, out: &mut Vec<u8>) -> Result<(), SealedBlockError> {
        write_varint(self.columns.len() as u64, out);
        write_varint(rows as u64, out);
        for Column { name, type_name, of_type, state, data } in &self.columns {
            write_text(name, out);
            write_text(type_name, out);
            out.extend_from_slice(state);
            of_type.copy(&mut &**data, keep, out)?;
        }
        Ok(())
    }
}

/// How a column's data lie.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Type {
    /// So many bytes a row.
    Fixed(usize),
    Text,
    LowText,
    Nullable(Box<Type>),
    Array(Box<Type>),
    Map(Box<Type>, Box<Type>),
}

impl Type {
    fn parse(name: &[u8]) -> Option<Self> {
        Self::parse_text(std::str::from_utf8(name).ok()?)
    }

    fn parse_text(name: &str) -> Option<Self> {
        let within = |outer: &str| name.strip_prefix(outer)?.strip_suffix(')');
        Some(match name {
            "Bool" | "UInt8" => Self::Fixed(1),
            "UInt32" | "Int32" => Self::Fixed(4),
            "UInt64" | "Int64" | "Float64" | "DateTime64(3)" | "DateTime64(9)" | "Decimal(18, 9)" => {
                Self::Fixed(8)
            }
            "UInt128" | "UUID" => Self::Fixed(16),
            "String" => Self::Text,
            "LowCardinality(String)" => Self::LowText,
            _ => {
                let parse = |inner: &str| Some(Box::new(Self::parse_text(inner)?));
                if let Some(inner) = within("Nullable(") {
                    Self::Nullable(parse(inner)?)
                } else if let Some(inner) = within("Array(") {
                    Self::Array(parse(inner)?)
                } else {
                    // No type that we use for a key has a comma.
                    let (key, value) = within("Map(")?.split_once(", ")?;
                    Self::Map(parse(key)?, parse(value)?)
                }
            }
        })
    }

    /// What comes before the data: a version for each set of distinct values.
    fn state_bytes(&self) -> usize {
        match self {
            Self::Fixed(_) | Self::Text => 0,
            Self::LowText => size_of::<u64>(),
            Self::Nullable(inner) | Self::Array(inner) => inner.state_bytes(),
            Self::Map(key, value) => key.state_bytes() + value.state_bytes(),
        }
    }

    /// Reads the data of as many rows as there are in `keep`, and writes those that are kept.
    fn copy(&self, input: &mut &[u8], keep: &[bool], out: &mut Vec<u8>) -> Result<(), SealedBlockError> {
        match self {
            Self::Fixed(bytes) => copy_fixed(input, *bytes, keep, out)?,
            Self::Text => {
                for keep in keep {
                    let text = text(input)?;
                    if *keep {
                        write_text(text, out);
                    }
                }
            }
            Self::LowText => {
                // Without a row there is nothing at all.
                if keep.is_empty() {
                    return Ok(());
                }
                let LowText { head, indexes, width, .. } = LowText::read(input, keep.len())?;
                let rows = keep.iter().filter(|keep| **keep).count();
                if rows > 0 {
                    // Values that no row has any more do no harm.
                    out.extend_from_slice(head);
                    out.extend_from_slice(&(rows as u64).to_le_bytes());
                    copy_fixed(&mut &*indexes, width, keep, out)?;
                }
            }
            Self::Nullable(inner) => {
                copy_fixed(input, 1, keep, out)?;
                inner.copy(input, keep, out)?;
            }
            Self::Array(inner) => {
                let keep = copy_offsets(input, keep, out)?;
                inner.copy(input, &keep, out)?;
            }
            Self::Map(key, value) => {
                let keep = copy_offsets(input, keep, out)?;
                key.copy(input, &keep, out)?;
                value.copy(input, &keep, out)?;
            }
        }
        Ok(())
    }
}

/// The data of a `LowCardinality(String)`.
struct LowText<'a> {
    /// All of it up to the number of rows.
    head: &'a [u8],
    values: Vec<&'a [u8]>,
    /// Which value each row has, `width` bytes each.
    indexes: &'a [u8],
    width: usize,
}

impl<'a> LowText<'a> {
    fn read(input: &mut &'a [u8], rows: usize) -> Result<Self, SealedBlockError> {
        let before = *input;
        let flags = number(input)?;
        // The low byte says whether an index has 1, 2, 4 or 8 bytes.
        let width = match flags & 0xFF {
            power @ 0..=3 => 1 << power,
            _ => return Err(SealedBlockError::Length),
        };
        let count = number(input)?;
        let values = (0..count).map(|_| text(input)).collect::<Result<_, _>>()?;
        let head = &before[..before.len() - input.len()];
        if number(input)? != rows as u64 {
            return Err(SealedBlockError::Length);
        }
        let indexes = take(input, rows.checked_mul(width).ok_or(SealedBlockError::Length)?)?;
        Ok(Self { head, values, indexes, width })
    }
}

fn copy_fixed(
    input: &mut &[u8],
    bytes: usize,
    keep: &[bool],
    out: &mut Vec<u8>,
) -> Result<(), SealedBlockError> {
    let data = take(input, bytes.checked_mul(keep.len()).ok_or(SealedBlockError::Length)?)?;
    for (value, _) in data.chunks_exact(bytes).zip(keep).filter(|(_, keep)| **keep) {
        out.extend_from_slice(value);
    }
    Ok(())
}

/// Reads where each row's elements end, writes where they end now, and says which elements stay.
fn copy_offsets(input: &mut &[u8], keep: &[bool], out: &mut Vec<u8>) -> Result<Vec<bool>, SealedBlockError> {
    let ends = take(input, keep.len().checked_mul(8).ok_or(SealedBlockError::Length)?)?;
    let (mut begin, mut end_now, mut elements) = (0, 0_u64, Vec::new());
    for (end, keep) in ends.as_chunks::<8>().0.iter().zip(keep) {
        let end = u64::from_le_bytes(*end);
        // An element has a byte at least.
        let count = end.checked_sub(begin).filter(|count| *count <= input.len() as u64);
        let count = count.ok_or(SealedBlockError::Length)?;
        elements.resize(elements.len() + usize::try_from(count).unwrap_or(usize::MAX), *keep);
        if elements.len() > input.len() {
            return Err(SealedBlockError::Length);
        }
        if *keep {
            end_now += count;
            out.extend_from_slice(&end_now.to_le_bytes());
        }
        begin = end;
    }
    Ok(elements)
}

fn take<'a>(input: &mut &'a [u8], bytes: usize) -> Result<&'a [u8], SealedBlockError> {
    let (taken, rest) = input.split_at_checked(bytes).ok_or(SealedBlockError::Length)?;
    *input = rest;
    Ok(taken)
}

fn number(input: &mut &[u8]) -> Result<u64, SealedBlockError> {
    let bytes = take(input, 8)?;
    Ok(u64::from_le_bytes(*bytes.first_chunk().ok_or(SealedBlockError::Length)?))
}

fn text<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], SealedBlockError> {
    let length = varint(input)?;
    take(input, length)
}

fn varint(input: &mut &[u8]) -> Result<usize, SealedBlockError> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take(input, 1)?[0];
        number |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return usize::try_from(number).map_err(|_| SealedBlockError::Length);
        }
    }
    Err(SealedBlockError::Length)
}

#[cfg(test)]
mod tests {
    use granary_model::{Attribute, LogRecord, Records, Value};

    use super::*;
    use crate::tables::{Append, Envelope, GroupRef, Row, schema_of};
    use crate::{LogColumns, TABLES, TableColumns};

    fn logs(rows: impl IntoIterator<Item = u128>) -> LogColumns {
        let mut columns = LogColumns::default();
        for id in rows {
            // Every second one has attributes, and every third another tenant.
            let attributes =
                (0..id % 2 * 3).map(|n| Attribute::new(format!("key {n}"), Value::from("value")));
            let records: Records<LogRecord> = Records::default();
            let record = LogRecord {
                attributes: granary_model::Attributes::new(attributes.collect()),
                body: Value::from(format!("body of {id}")),
                ..LogRecord::default()
            };
            let facts = granary_model::Record::facts(&record, &records.resource);
            columns.append_row(Row {
                envelope: Envelope {
                    tenant: if id % 3 == 0 { "other" } else { "default" },
                    ingested_at_ms: 0,
                    batch: uuid::Uuid::nil(),
                },
                group: GroupRef::from(&records),
                record: &record,
                facts: &facts,
                event_id: EventId(id),
                time_out_of_range: false,
                redacted_fields: if id % 5 == 0 { &["Body", "LogAttributes"] } else { &[] },
            });
        }
        columns
    }

    fn sealed(columns: &LogColumns) -> Vec<u8> {
        let mut frames = Vec::new();
        columns.seal(&mut Vec::new(), &mut frames);
        frames
    }

    /// Values that no row has any more stay in a block; without them two blocks can be compared.
    fn rows(frames: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let block = decompress(frames).unwrap();
        let block = Block::read(&block).unwrap();
        let one = |at: usize| (0..block.rows).map(|row| row == at).collect::<Vec<_>>();
        let value = |column: &Column<'_>, keep: &[bool]| {
            let mut input = column.data;
            if let Type::LowText = column.of_type {
                let LowText { values, indexes, width, .. } = LowText::read(&mut input, block.rows).unwrap();
                let mut number = [0; 8];
                let at = keep.iter().position(|keep| *keep).unwrap();
                number[..width].copy_from_slice(&indexes[at * width..(at + 1) * width]);
                return values[usize::try_from(u64::from_le_bytes(number)).unwrap()].to_vec();
            }
            let mut out = Vec::new();
            column.of_type.copy(&mut input, keep, &mut out).unwrap();
            out
        };
        let row = |at| block.columns.iter().map(|column| value(column, &one(at))).collect();
        (0..block.rows).map(row).collect()
    }

    /// What cannot be compared by bytes: the keys of a map, numbered by what else is in the block.
    fn without_maps(rows: Vec<Vec<Vec<u8>>>, schema: &[(&str, &str)]) -> Vec<Vec<Vec<u8>>> {
        let plain = |row: Vec<Vec<u8>>| {
            let cells = row
                .into_iter()
                .zip(schema)
                .filter(|(_, (_, of))| !of.contains("Map(") && !of.contains("Array(LowCardinality"));
            cells.map(|(cell, _)| cell).collect()
        };
        rows.into_iter().map(plain).collect()
    }

    #[test]
    fn what_is_left_is_what_a_block_without_these_rows_is() {
        let schema = schema_of(LogColumns::TABLE);
        for left_out in [vec![0], vec![599], vec![1, 2, 3, 300], (0..599).collect()] {
            let remains = leave_out(&sealed(&logs(0..600)), |id| left_out.contains(&id.0)).unwrap().unwrap();
            let direct = logs((0..600).filter(|id| !left_out.contains(id)));
            assert_eq!(remains.rows, 600 - left_out.len() as u64);
            let mut tenants = direct.tenants();
            tenants.sort();
            assert_eq!(remains.tenants, tenants);
            assert_eq!(remains.left_out.iter().map(|(_, rows)| rows).sum::<u64>(), left_out.len() as u64);
            assert_eq!(
                without_maps(rows(&remains.frames), &schema),
                without_maps(rows(&sealed(&direct)), &schema)
            );
        }
    }

    #[test]
    fn without_any_of_its_rows_a_block_is_nothing_and_without_none_it_is_left_alone() {
        let first = |id: EventId| id.0 < 7;
        let remains = leave_out(&sealed(&logs(0..7)), first).unwrap().unwrap();
        assert_eq!((remains.rows, remains.frames.len()), (0, 0));
        assert_eq!(remains.left_out, [("default".to_owned(), 4), ("other".to_owned(), 3)]);
        assert_eq!(leave_out(&sealed(&logs(10..20)), first), Ok(None));
    }

    #[test]
    fn every_column_of_every_table_has_a_type_that_is_known() {
        for table in TABLES {
            for (name, of_type) in schema_of(table) {
                assert!(Type::parse_text(of_type).is_some(), "{table}.{name} is {of_type}");
            }
        }
    }

    #[test]
    fn a_damaged_block_is_an_error_and_no_panic() {
        let frames = sealed(&logs(0..9));
        let one = |id: EventId| id.0 == 1;
        for length in 0..frames.len() {
            assert!(leave_out(&frames[..length], one).is_err(), "{length}");
        }
        let block = decompress(&frames).unwrap();
        for length in 0..block.len() {
            assert!(Block::read(&block[..length]).is_err(), "{length}");
            let mut changed = block.clone();
            changed[length] ^= 0xFF;
            if let Ok(read) = Block::read(&changed) {
                drop(read.rows_without(one));
                drop(read.tenants(&vec![true; read.rows]));
            }
        }
    }
}

//! From what ClickHouse sends to what a client gets, piece by piece.
//!
//! Where ClickHouse writes a format well enough, its bytes go through. Where it does not ([`Format`] says why), it is
//! asked for rows, and they are written here: of what has come, no more is kept than one row, or what the format itself
//! needs together, and that has a bound.

mod cell;
mod markdown;
mod prometheus;
mod rows;
mod table;

use bytes::Bytes;

use crate::numbers::QuoteLargeIntegers;
use crate::{Format, PreparedQuery, RunError};

pub(crate) use cell::Cell;

use markdown::Markdown;
use prometheus::Exposition;
use rows::{RowWriter, Rows};
use table::Table;

/// Writes one answer.
pub(crate) enum Writer {
    /// What ClickHouse writes is what the client gets.
    AsIs,
    /// JSON, whose readers round large integers.
    Json(QuoteLargeIntegers),
    /// Rows, written here.
    Rows(Rows),
}

impl Writer {
    /// # Errors
    ///
    /// The query does not say how it is written in that format.
    pub(crate) fn new(query: &PreparedQuery, format: Format) -> Result<Self, RunError> {
        let rows = |writer: Box<dyn RowWriter>| Self::Rows(Rows::new(writer));
        Ok(match format {
            Format::Csv | Format::Tsv | Format::Parquet | Format::Arrow => Self::AsIs,
            Format::Json | Format::Ndjson => Self::Json(QuoteLargeIntegers::default()),
            Format::Markdown => rows(Box::new(Markdown)),
            Format::Table => rows(Box::<Table>::default()),
            Format::Prometheus => {
                let samples = query.samples().ok_or(RunError::NoSamples)?;
                rows(Box::new(Exposition::new(query.name(), samples)))
            }
        })
    }

    /// Takes a piece of what ClickHouse sends, and returns what is certain by now.
    pub(crate) fn push(&mut self, piece: Bytes) -> Result<Bytes, RunError> {
        match self {
            Self::AsIs => Ok(piece),
            Self::Json(numbers) => Ok(numbers.push(&piece)),
            Self::Rows(rows) => rows.push(&piece),
        }
    }

    /// What is left when no more comes.
    pub(crate) fn finish(&mut self) -> Result<Bytes, RunError> {
        match self {
            Self::AsIs => Ok(Bytes::new()),
            Self::Json(numbers) => Ok(numbers.finish()),
            Self::Rows(rows) => rows.finish(),
        }
    }
}

//! OTLP's JSON form: records to text, and as much of the way back as a replay needs.

mod metric;
mod read;
mod record;
mod value;
mod write;

pub(crate) use read::{attributes, field, value};
pub(crate) use write::{RecordLine, write_line};

//! OTLP bytes to records, and the answers OTLP wants. Pure: no I/O, nothing async.
//!
//! [`Compression::decompress`] undoes `Content-Encoding` under a cap, [`decode`] reads one request of any
//! signal in either encoding, and [`Answer`] is what goes back. A request that cannot be read at all is a
//! [`DecodeError`]; a record that cannot be taken is counted in [`Decoded::rejected`] while the rest go on,
//! as OTLP's partial success means it.

mod answer;
mod attributes;
mod body;
mod error;
mod json;
mod logs;
mod logs_wire;
mod metrics;
mod time;
mod traces;
mod weight;
mod wire;

pub use answer::{Answer, Failure};
pub use body::{Compression, Encoding};
pub use error::DecodeError;

use granary_model::{Attributes, LogRecord, MetricPoint, Record, Records, Rejected, Span};

/// What decoding is told besides the bytes.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// Nanoseconds since 1970 at the door; stands in for times the sender left out.
    pub received_unix_nano: u64,
    /// A record with more attributes than this, those of its events, links and exemplars included, is
    /// rejected.
    pub max_attributes: usize,
    /// Bytes of memory that the request may take, as messages and then as rows, each with a copy of its resource
    /// and scope; one that would take more is refused.
    pub max_expanded: usize,
}

/// One request's records and what was left out of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded<R> {
    /// The records, grouped as they came.
    pub records: Vec<Records<R>>,
    /// The records that cannot be taken, by reason.
    pub rejected: Rejected,
    /// About how many bytes the rows of the records take.
    pub expanded: usize,
}

impl<R> Decoded<R> {
    /// How many records can be taken.
    pub fn accepted(&self) -> u64 {
        self.records.iter().map(|group| group.records.len() as u64).sum()
    }
}

/// Reads one export request.
///
/// # Errors
///
/// The request as a whole is not OTLP; the sender must not send it again.
pub fn decode<R: Decode>(
    body: &[u8],
    encoding: Encoding,
    context: Context,
) -> Result<Decoded<R>, DecodeError> {
    let mut decoded = match encoding {
        Encoding::Protobuf => R::from_protobuf(body, context)?,
        Encoding::Json => {
            weight::must_fit_json(body, context.max_expanded)?;
            R::from_json(body, context)?
        }
    };
    decoded.expanded = weight::of_rows(&decoded.records);
    if decoded.expanded > context.max_expanded {
        return Err(DecodeError::Expands { limit: context.max_expanded });
    }
    Ok(decoded)
}

/// A signal's record that can be read from an export request.
pub trait Decode: Record {
    /// Reads the protobuf form of the signal's export request.
    fn from_protobuf(body: &[u8], context: Context) -> Result<Decoded<Self>, DecodeError>;

    /// Reads the JSON form of the signal's export request.
    fn from_json(body: &[u8], context: Context) -> Result<Decoded<Self>, DecodeError>;
}

impl Decode for LogRecord {
    fn from_protobuf(body: &[u8], context: Context) -> Result<Decoded<Self>, DecodeError> {
        logs::from_protobuf(body, context)
    }

    fn from_json(body: &[u8], context: Context) -> Result<Decoded<Self>, DecodeError> {
        logs::from_json(body, context)
    }
}

impl Decode for Span {
    fn from_protobuf(body: &[u8], context: Context) -> Result<Decoded<Self>, DecodeError> {
        traces::from_protobuf(body, context)
    }

    fn from_json(body: &[u8], context: Context) -> Result<Decoded<Self>, DecodeError> {
        traces::from_json(body, context)
    }
}

impl Decode for MetricPoint {
    fn from_protobuf(body: &[u8], context: Context) -> Result<Decoded<Self>, DecodeError> {
        metrics::from_protobuf(body, context)
    }

    fn from_json(body: &[u8], context: Context) -> Result<Decoded<Self>, DecodeError> {
        metrics::from_json(body, context)
    }
}

/// How many attributes a record may still have.
#[derive(Debug)]
struct AttributeBudget {
    left: usize,
    max: usize,
}

impl AttributeBudget {
    fn new(context: Context) -> Self {
        Self { left: context.max_attributes, max: context.max_attributes }
    }

    fn spend(&mut self, attributes: &Attributes) -> Result<(), error::Refusal> {
        match self.left.checked_sub(attributes.len()) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(error::Refusal::too_many_attributes(self.max)),
        }
    }
}

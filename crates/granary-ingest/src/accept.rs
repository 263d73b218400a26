//! One request's way from bytes to columns: the order of the stages.

use granary_clickhouse::{Append, Envelope, GroupRef};
use granary_model::Rejected;
use granary_otlp::{Context, Decode, Encoding, decode};
use granary_redact::{Redactable, Redacted, RedactedRecords, Redactor};

use crate::error::Refusal;
use crate::lane::Body;

/// What a request became.
pub(crate) struct Accepted {
    pub(crate) records: u64,
    pub(crate) rejected: Rejected,
}

/// Decompresses, decodes, redacts and appends.
///
/// # Errors
///
/// The request as a whole cannot be read; nothing of it was appended.
pub(crate) fn accept<R: Decode + Redactable>(
    body: Body,
    limits: Limits,
    redactor: &Redactor,
    envelope: Envelope<'_>,
    columns: &mut impl Append<R>,
) -> Result<Accepted, Refusal> {
    let Body { bytes, encoding, compression } = body;
    let bytes = compression.decompress(bytes, limits.max_decompressed)?;
    let decoded = decode::<R>(&bytes, encoding, limits.context)?;
    let records = decoded.accepted();
    let redacted = redactor.redact(decoded.records);
    append(&redacted, envelope, columns);
    Ok(Accepted { records, rejected: decoded.rejected })
}

/// What a body may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max_decompressed: usize,
    pub(crate) context: Context,
}

/// The only way into the columns is through redaction: the type of the records says so.
fn append<R: Redactable>(
    redacted: &Redacted<Vec<RedactedRecords<R>>>,
    envelope: Envelope<'_>,
    columns: &mut impl Append<R>,
) {
    for group in redacted.iter() {
        let of = GroupRef { resource: group.resource(), scope: group.scope() };
        for (index, record) in group.records().iter().enumerate() {
            columns.append(envelope, of, record, &group.redacted_fields(index));
        }
    }
}

/// Protobuf is what gRPC always carries.
pub(crate) const GRPC_ENCODING: Encoding = Encoding::Protobuf;

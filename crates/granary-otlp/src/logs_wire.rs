//! `ExportLogsServiceRequest` to log records without the messages in between.
//!
//! Logs are nearly all that agents send, and making a message of every pair of every record costs more than
//! everything that is done with the records afterwards. Says `None` where [`wire`](crate::wire) does; a test holds
//! both ways together.

use std::sync::Arc;

use granary_model::{Attributes, AttributesBuilder, LogRecord, Records, Rejected, Resource, Scope, Value};
use opentelemetry_proto::tonic::common::v1::AnyValue;
use prost::Message as _;

use crate::logs::{Parts, log_record};
use crate::weight::{GROUP_BYTES, LOG_BYTES, PAIR_BYTES, of_value};
use crate::wire::{Field, Reader, WireValue, once, short_bytes};
use crate::{Context, DecodeError, Decoded};

use WireValue::{Bytes, Fixed32, Fixed64, Varint};

pub(crate) fn read(
    body: &[u8],
    context: Context,
    builder: &mut AttributesBuilder,
) -> Result<Option<Decoded<LogRecord>>, DecodeError> {
    let room = context.max_expanded.checked_sub(body.len());
    let mut decode = Decode { context, builder, records: Vec::new(), rejected: Rejected::default(), room };
    let read = decode.request(body);
    // By way of messages it would take more.
    if decode.room.is_none() {
        return Err(DecodeError::Expands { limit: context.max_expanded });
    }
    Ok(read.map(|()| Decoded { records: decode.records, rejected: decode.rejected, expanded: 0 }))
}

/// What an agent's log record takes on the wire, rather less than more.
const USUAL_RECORD_BYTES: usize = 512;

struct Decode<'b> {
    context: Context,
    builder: &'b mut AttributesBuilder,
    records: Vec<Records<LogRecord>>,
    rejected: Rejected,
    /// Bytes of memory that are left; `None` once they were not enough.
    room: Option<usize>,
}

impl Decode<'_> {
    fn request(&mut self, body: &[u8]) -> Option<()> {
        let mut fields = Reader::new(body);
        while !fields.is_at_end() {
            match fields.field()? {
                Field { number: 1, value: Bytes(resource_logs) } => self.resource_logs(resource_logs)?,
                Field { number: 1, .. } => return None,
                _ => {}
            }
        }
        Some(())
    }

    /// Takes memory, if it is there.
    #[inline]
    fn take(&mut self, bytes: usize) -> Option<()> {
        self.room = self.room?.checked_sub(bytes);
        self.room.map(drop)
    }

    fn resource_logs(&mut self, message: &[u8]) -> Option<()> {
        self.take(GROUP_BYTES)?;
        let (mut resource, mut schema_url) = (None, "");
        let mut fields = Reader::new(message);
        while !fields.is_at_end() {
            match fields.field()? {
                Field { number: 1, value: Bytes(bytes) } => once(&mut resource, bytes)?,
                Field { number: 3, value: Bytes(bytes) } => schema_url = std::str::from_utf8(bytes).ok()?,
                Field { number: 1 | 3, .. } => return None,
                _ => {}
            }
        }
        let resource = Arc::new(Resource {
            attributes: self.resource(resource.unwrap_or_default())?,
            schema_url: schema_url.to_owned(),
        });
        // The resource may stand behind what it is the resource of.
        let mut fields = Reader::new(message);
        while !fields.is_at_end() {
            match fields.field()? {
                Field { number: 2, value: Bytes(scope_logs) } => self.scope_logs(&resource, scope_logs)?,
                Field { number: 2, .. } => return None,
                _ => {}
            }
        }
        Some(())
    }

    fn resource(&mut self, message: &[u8]) -> Option<Attributes> {
        let mut fields = Reader::new(message);
        while !fields.is_at_end() {
            match fields.field()? {
                Field { number: 1, value: Bytes(pair) } => self.pair(pair)?,
                Field { number: 2, value: Varint(_) } => {}
                // Entity references are rare enough to be left to `prost`, which checks them.
                Field { number: 1..=3, .. } => return None,
                _ => {}
            }
        }
        self.builder.finish().ok()
    }

    fn scope(&mut self, message: &[u8], schema_url: &str) -> Option<Scope> {
        let mut scope = Scope { schema_url: schema_url.to_owned(), ..Scope::default() };
        let mut fields = Reader::new(message);
        while !fields.is_at_end() {
            match fields.field()? {
                Field { number: 1, value: Bytes(name) } => {
                    std::str::from_utf8(name).ok()?.clone_into(&mut scope.name);
                }
                Field { number: 2, value: Bytes(version) } => {
                    std::str::from_utf8(version).ok()?.clone_into(&mut scope.version);
                }
                Field { number: 3, value: Bytes(pair) } => self.pair(pair)?,
                Field { number: 4, value: Varint(dropped) } => scope.dropped_attributes = low_half(dropped),
                Field { number: 1..=4, .. } => return None,
                _ => {}
            }
        }
        scope.attributes = self.builder.finish().ok()?;
        Some(scope)
    }

    fn scope_logs(&mut self, resource: &Arc<Resource>, message: &[u8]) -> Option<()> {
        self.take(GROUP_BYTES)?;
        let (mut scope, mut schema_url) = (None, "");
        let mut records = Vec::with_capacity(message.len() / USUAL_RECORD_BYTES + 1);
        let mut fields = Reader::new(message);
        while !fields.is_at_end() {
            match fields.field()? {
                Field { number: 2, value: Bytes(record) } => {
                    match log_record(self.record(record)?, self.context) {
                        Ok(record) => records.push(record),
                        Err(refusal) => self.rejected.add(refusal.reason, refusal.detail),
                    }
                }
                Field { number: 1, value: Bytes(bytes) } => once(&mut scope, bytes)?,
                Field { number: 3, value: Bytes(bytes) } => schema_url = std::str::from_utf8(bytes).ok()?,
                Field { number: 1..=3, .. } => return None,
                _ => {}
            }
        }
        let scope = self.scope(scope.unwrap_or_default(), schema_url)?;
        self.records.push(Records { resource: Arc::clone(resource), scope, records });
        Some(())
    }

    fn record<'a>(&mut self, message: &'a [u8]) -> Option<Parts<'a>> {
        self.take(LOG_BYTES)?;
        let mut parts = Parts::default();
        let mut body = None;
        let mut fields = Reader::new(message);
        while !fields.is_at_end() {
            if let Some(pair) = fields.short_bytes(6) {
                self.pair(pair)?;
                continue;
            }
            let Field { number, value } = fields.field()?;
            match (number, value) {
                (6, Bytes(pair)) => self.pair(pair)?,
                (1, Fixed64(time)) => parts.time_unix_nano = u64::from_le_bytes(time),
                (11, Fixed64(time)) => parts.observed_time_unix_nano = u64::from_le_bytes(time),
                // An enumeration is 32 bits with a sign, of which the writer makes 64.
                (2, Varint(severity)) => parts.severity_number = low_half(severity).cast_signed(),
                (3, Bytes(text)) => std::str::from_utf8(text).ok()?.clone_into(&mut parts.severity_text),
                (5, Bytes(value)) => once(&mut body, value)?,
                (7, Varint(dropped)) => parts.dropped_attributes = low_half(dropped),
                (8, Fixed32(flags)) => parts.flags = u32::from_le_bytes(flags),
                (9, Bytes(id)) => parts.trace_id = id,
                (10, Bytes(id)) => parts.span_id = id,
                (12, Bytes(name)) => std::str::from_utf8(name).ok()?.clone_into(&mut parts.event_name),
                (1..=3 | 5..=12, _) => return None,
                _ => {}
            }
        }
        parts.body = match body.map(any_value) {
            None => Value::Empty,
            Some(value) => match value? {
                Any::Text(text) => std::str::from_utf8(text).ok()?.into(),
                Any::Other(value) => value,
                Any::Nested(message) => self.nested(message)?,
            },
        };
        parts.attributes = self.builder.finish().ok()?;
        Some(parts)
    }

    /// Adds a `KeyValue` to the attributes that are being built.
    fn pair(&mut self, message: &[u8]) -> Option<()> {
        self.take(PAIR_BYTES)?;
        if let Some((key, rest)) = short_bytes(message, 1)
            && let Some((value, [])) = short_bytes(rest, 2)
        {
            return self.push(key, any_value(value)?);
        }
        self.long_pair(message)
    }

    fn long_pair(&mut self, message: &[u8]) -> Option<()> {
        let (mut key, mut value) = (None, None);
        let mut fields = Reader::new(message);
        while !fields.is_at_end() {
            match fields.field()? {
                Field { number: 1, value: Bytes(bytes) } => once(&mut key, bytes)?,
                Field { number: 2, value: Bytes(bytes) } => once(&mut value, bytes)?,
                Field { number: 1..=3, .. } => return None,
                _ => {}
            }
        }
        let key = key.unwrap_or_default();
        self.push(key, value.map_or(Some(Any::Other(Value::Empty)), any_value)?)
    }

    #[inline]
    fn push(&mut self, key: &[u8], value: Any<'_>) -> Option<()> {
        match value {
            Any::Text(text) => self.builder.push_text(key, text),
            Any::Other(value) => self.builder.push(key, value),
            Any::Nested(message) => {
                let value = self.nested(message)?;
                self.builder.push(key, value);
            }
        }
        Some(())
    }

    /// Lists nest, and `prost` knows how deep.
    fn nested(&mut self, message: &[u8]) -> Option<Value> {
        self.take(of_value(message))?;
        Some(crate::attributes::value(AnyValue::decode(message).ok()?))
    }
}

enum Any<'a> {
    /// A string that is not checked yet.
    Text(&'a [u8]),
    Other(Value),
    /// A value that holds others.
    Nested(&'a [u8]),
}

/// Reads an `AnyValue` that is a count of usual size.
#[inline]
fn short_int(message: &[u8]) -> Option<i64> {
    let [0x18, digits @ ..] = message else { return None };
    let (last, more) = digits.split_last()?;
    if *last >= 0x80 || more.len() > 4 || more.iter().any(|digit| *digit < 0x80) {
        return None;
    }
    Some(digits.iter().rev().fold(0, |number, digit| number << 7 | i64::from(digit & 0x7F)))
}

/// Reads an `AnyValue`.
fn any_value(message: &[u8]) -> Option<Any<'_>> {
    if let Some((text, [])) = short_bytes(message, 1) {
        return Some(Any::Text(text));
    }
    if let Some(number) = short_int(message) {
        return Some(Any::Other(Value::Int(number)));
    }
    let mut fields = Reader::new(message);
    if fields.is_at_end() {
        return Some(Any::Other(Value::Empty));
    }
    let Field { number, value } = fields.field()?;
    // One that has more is one that no sender writes.
    if !fields.is_at_end() {
        return None;
    }
    Some(match (number, value) {
        (1, Bytes(text)) => Any::Text(text),
        (2, Varint(truth)) => Any::Other(Value::Bool(truth != 0)),
        (3, Varint(number)) => Any::Other(Value::Int(number.cast_signed())),
        (4, Fixed64(number)) => Any::Other(Value::Double(f64::from_le_bytes(number))),
        (5 | 6, Bytes(_)) => Any::Nested(message),
        (7, Bytes(bytes)) => Any::Other(Value::Bytes(bytes.to_vec())),
        _ => return None,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "as protobuf reads a number of 32 bits that is written with more"
)]
fn low_half(number: u64) -> u32 {
    number as u32
}

#[cfg(test)]
mod tests;

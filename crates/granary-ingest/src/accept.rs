//! One request's way from bytes to columns: the order of the stages.

use granary_clickhouse::{Append, Envelope, GroupRef, Row};
use granary_model::{AttributesBuilder, EventId, Record, Rejected};
use granary_otlp::{Context, Decode, Encoding, decode};
use granary_redact::{Redactable, Redacted, RedactedRecords, Redactor};

use crate::blocks::Blocks;
use crate::error::Refusal;
use crate::lane::Body;
use crate::partition::Believable;
use crate::team;
use crate::window::{Ticket, Window};

/// What a request became.
#[derive(Debug, Default)]
pub(crate) struct Accepted {
    /// Records that are in the columns.
    pub(crate) kept: u64,
    /// Records that came before.
    pub(crate) duplicates: u64,
    /// The groups they came with, where that is not this one.
    pub(crate) also: Vec<Ticket>,
    pub(crate) rejected: Rejected,
    /// The body's size once decompressed.
    pub(crate) bytes: u64,
    /// About what its rows take.
    pub(crate) expanded: u64,
}

/// What a lane has for every request.
pub(crate) struct Stage<'a> {
    pub(crate) limits: Limits,
    pub(crate) redactor: &'a Redactor,
    /// What the sender's key says.
    pub(crate) team: Option<&'a str>,
    /// For putting that into resources.
    pub(crate) builder: &'a mut AttributesBuilder,
    pub(crate) window: &'a Window,
    pub(crate) ticket: Ticket,
    pub(crate) times: Believable,
    pub(crate) envelope: Envelope<'a>,
    /// The ids of the group's events.
    pub(crate) events: &'a mut Vec<EventId>,
    pub(crate) scratch: &'a mut Vec<u8>,
}

/// Decompresses, decodes, redacts, leaves out what came before, and appends.
///
/// # Errors
///
/// The request as a whole cannot be read; nothing of it was appended.
pub(crate) fn accept<R, C>(body: Body, stage: Stage<'_>, columns: &mut Blocks<C>) -> Result<Accepted, Refusal>
where
    R: Decode + Redactable + Record,
    C: Append<R> + Default,
{
    let Body { bytes, encoding, compression } = body;
    let bytes = compression.decompress(bytes, stage.limits.max_decompressed)?;
    let mut decoded = decode::<R>(&bytes, encoding, stage.limits.context)?;
    let mut accepted = Accepted {
        rejected: decoded.rejected,
        bytes: bytes.len() as u64,
        expanded: decoded.expanded as u64,
        ..Accepted::default()
    };
    if let Some(team) = stage.team {
        team::assign(&mut decoded.records, team, stage.builder);
    }
    let redacted = stage.redactor.redact(decoded.records);
    append(&redacted, stage, columns, &mut accepted);
    Ok(accepted)
}

/// What a body may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max_decompressed: usize,
    pub(crate) context: Context,
}

/// The only way into the columns is through redaction: the type of the records says so.
fn append<R, C>(
    redacted: &Redacted<Vec<RedactedRecords<R>>>,
    stage: Stage<'_>,
    columns: &mut Blocks<C>,
    accepted: &mut Accepted,
) where
    R: Redactable + Record,
    C: Append<R> + Default,
{
    let Stage { team, window, ticket, times, envelope, events, scratch, .. } = stage;
    for group in redacted.iter() {
        let resource = group.resource();
        let of = GroupRef { resource, scope: group.scope() };
        for (index, record) in group.records().iter().enumerate() {
            let mut facts = record.facts(resource);
            if team.is_some() {
                facts = team::overrule(facts, resource);
            }
            let event_id = record.event_id(envelope.tenant, resource, &facts, scratch);
            if let Some(first) = window.insert(event_id, ticket) {
                accepted.duplicates += 1;
                if first != ticket && !accepted.also.contains(&first) {
                    accepted.also.push(first);
                }
                continue;
            }
            events.push(event_id);
            accepted.kept += 1;
            let place = times.place(record.time_unix_nano());
            columns.of(place.partition).append_row(Row {
                envelope,
                group: of,
                record,
                facts: &facts,
                event_id,
                time_out_of_range: place.time_out_of_range,
                redacted_fields: &group.redacted_fields(index),
            });
        }
    }
}

/// Protobuf is what gRPC always carries.
pub(crate) const GRPC_ENCODING: Encoding = Encoding::Protobuf;

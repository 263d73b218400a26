//! `otel_logs`.

use granary_model::LogRecord;

use super::{Append, Row, attribute_types, nanos, table};
use crate::native::{AttributeMap, Fixed, LowText, Nullable, Text};

table! {
    /// A block of `otel_logs`.
    LogColumns, "otel_logs",
    timestamp: Fixed<8> = "Timestamp", Fixed::new("DateTime64(9)");
    trace_id: Text = "TraceId", Text::default();
    span_id: Text = "SpanId", Text::default();
    trace_flags: Fixed<1> = "TraceFlags", Fixed::new("UInt8");
    severity_text: LowText = "SeverityText", LowText::default();
    severity_number: Fixed<1> = "SeverityNumber", Fixed::new("UInt8");
    body: Text = "Body", Text::default();
    attributes: AttributeMap = "LogAttributes", AttributeMap::default();
    event_name: Text = "EventName", Text::default();
    prompt: Text = "PromptId", Text::default();
    agent_event: LowText = "AgentEvent", LowText::default();
    sequence: Fixed<8> = "Sequence", Fixed::new("UInt64");
    model: LowText = "Model", LowText::default();
    tool: LowText = "ToolName", LowText::default();
    success: Nullable<1> = "Success", Nullable::new("Nullable(Bool)");
    duration_ms: Fixed<8> = "DurationMs", Fixed::new("UInt64");
    input_tokens: Fixed<8> = "InputTokens", Fixed::new("UInt64");
    output_tokens: Fixed<8> = "OutputTokens", Fixed::new("UInt64");
    cache_read_tokens: Fixed<8> = "CacheReadTokens", Fixed::new("UInt64");
    cache_creation_tokens: Fixed<8> = "CacheCreationTokens", Fixed::new("UInt64");
    cost: Fixed<8> = "Cost", Fixed::new("Decimal(18, 9)");
    observed_delay: Fixed<8> = "ObservedDelay", Fixed::new("Int64");
    flags: Fixed<4> = "Flags", Fixed::new("UInt32");
    dropped_attributes: Fixed<4> = "DroppedAttributes", Fixed::new("UInt32");
}

impl Append<LogRecord> for LogColumns {
    fn append_row(&mut self, row: Row<'_, LogRecord>) {
        let Row { group, record, facts, .. } = row;
        let mut scratch = std::mem::take(&mut self.scratch);
        attribute_types::start(&mut scratch, &[record.body.type_letter()]);
        attribute_types::group(&mut scratch, &group.resource.attributes);
        attribute_types::group(&mut scratch, &group.scope.attributes);
        attribute_types::group(&mut scratch, &record.attributes);
        self.shared.push(row, &scratch);

        let LogRecord {
            time_unix_nano,
            observed_time_unix_nano,
            severity_number,
            severity_text,
            body,
            attributes,
            dropped_attributes,
            flags,
            trace_id,
            span_id,
            event_name,
        } = record;
        self.timestamp.push(nanos(*time_unix_nano));
        scratch.clear();
        trace_id.push_hex(&mut scratch);
        self.trace_id.push(&scratch);
        scratch.clear();
        span_id.push_hex(&mut scratch);
        self.span_id.push(&scratch);
        self.trace_flags.push([flags.to_le_bytes()[0]]);
        self.severity_text.push(severity_text.as_bytes());
        self.severity_number.push([*severity_number]);
        self.body.push_value(body.into(), &mut scratch);
        self.attributes.push(attributes);
        self.event_name.push(event_name.as_bytes());
        self.prompt.push(facts.prompt.as_bytes());
        self.agent_event.push(facts.event.as_bytes());
        self.sequence.push(facts.sequence.to_le_bytes());
        self.model.push(facts.model.as_bytes());
        self.tool.push(facts.tool.as_bytes());
        self.success.push(facts.success.map(|success| [u8::from(success)]));
        self.duration_ms.push(facts.duration_ms.to_le_bytes());
        self.input_tokens.push(facts.input_tokens.to_le_bytes());
        self.output_tokens.push(facts.output_tokens.to_le_bytes());
        self.cache_read_tokens.push(facts.cache_read_tokens.to_le_bytes());
        self.cache_creation_tokens.push(facts.cache_creation_tokens.to_le_bytes());
        self.cost.push(facts.cost_nano_usd.to_le_bytes());
        self.observed_delay.push(observed_time_unix_nano.wrapping_sub(*time_unix_nano).to_le_bytes());
        self.flags.push(flags.to_le_bytes());
        self.dropped_attributes.push(dropped_attributes.to_le_bytes());
        self.scratch = scratch;
    }
}

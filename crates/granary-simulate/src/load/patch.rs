//! What of a record has to change for it to be another?

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::Sent;
use crate::calendar::write_timestamp;
use crate::dice::{mix, write_base58, write_uuid};
use crate::prices::{Model, Tokens};

/// What is to be written over in one record.
#[derive(Debug)]
pub(super) struct Patches {
    ids: Vec<(usize, Id)>,
    numbers: Vec<(usize, Number)>,
    timestamp: usize,
    spending: Option<Spending>,
    trace: u64,
    span: u64,
    /// Whether the record is a tool's result, and if so a failure.
    result: Option<bool>,
}

/// An id, and a number made of the old one: the same old id becomes the same new one.
#[derive(Debug)]
enum Id {
    Uuid(u64),
    /// So many characters that stay, and then the API's alphabet.
    Base58(usize, u64),
}

/// A number that varies around the old one.
#[derive(Debug)]
enum Number {
    Int(u64),
    Spelled(u64),
}

/// Where a request's tokens and cost stand.
#[derive(Debug)]
struct Spending {
    model: Model,
    tokens: Tokens,
    /// Input, output, read from the cache, written to it, and the last again by how long the cache remembers.
    places: [usize; 5],
    usd: usize,
    micros: usize,
}

/// Writes over records.
#[derive(Debug)]
pub(super) struct Patcher {
    pub(super) next_unix_nano: u64,
    pub(super) spacing_nano: u64,
    pub(super) sent: Sent,
    seed: u64,
    salt: u64,
    state: u64,
}

impl Patches {
    pub(super) fn of(record: &LogRecord) -> Self {
        let attributes = &record.attributes;
        let place = |key: &str| attributes.iter().position(|attribute| attribute.key == key);
        let mut ids = Vec::new();
        let mut numbers = Vec::new();
        for (at, attribute) in attributes.iter().enumerate() {
            match (attribute.key.as_str(), value(attribute)) {
                ("session.id" | "prompt.id" | "message.uuid", Some(Value::StringValue(old))) => {
                    ids.push((at, Id::Uuid(hash(old.as_bytes()))));
                }
                ("request_id" | "tool_use_id", Some(Value::StringValue(old))) => {
                    // What stays is the kind and the version: `req_011C`, `toolu_01`.
                    ids.push((at, Id::Base58(8, hash(old.as_bytes()))));
                }
                ("duration_ms" | "ttft_ms" | "response_length", Some(Value::IntValue(old))) => {
                    numbers.push((at, Number::Int(old.unsigned_abs())));
                }
                (
                    "duration_ms" | "tool_result_size_bytes" | "prompt_length",
                    Some(Value::StringValue(old)),
                ) => {
                    numbers.push((at, Number::Spelled(old.parse().unwrap_or(1))));
                }
                _ => {}
            }
        }
        let name = place("event.name").and_then(|at| text(&attributes[at]));
        let failed = place("success").and_then(|at| text(&attributes[at])) == Some("false");
        Self {
            ids,
            numbers,
            timestamp: place("event.timestamp").unwrap_or(attributes.len()),
            spending: Spending::of(record),
            trace: hash(&record.trace_id),
            span: hash(&record.span_id),
            result: (name == Some("tool_result")).then_some(failed),
        }
    }
}

impl Spending {
    fn of(record: &LogRecord) -> Option<Self> {
        let place = |key: &str| record.attributes.iter().position(|attribute| attribute.key == key);
        let usd = place("cost_usd")?;
        let places = [
            place("input_tokens")?,
            place("output_tokens")?,
            place("cache_read_tokens")?,
            place("cache_creation_tokens")?,
            place("cache_creation_5m_tokens")?,
        ];
        let count = |at: usize| match value(&record.attributes[at]) {
            Some(Value::IntValue(count)) => count.unsigned_abs(),
            _ => 0,
        };
        let tokens = Tokens {
            input: count(places[0]),
            output: count(places[1]),
            cache_read: count(places[2]),
            cache_creation: count(places[3]),
        };
        let model = Model::named(text(&record.attributes[place("model")?])?)?;
        Some(Self { model, tokens, places, usd, micros: place("cost_usd_micros")? })
    }
}

impl Patcher {
    pub(super) fn new(seed: u64, next_unix_nano: u64, spacing_nano: u64) -> Self {
        Self { next_unix_nano, spacing_nano, sent: Sent::default(), seed, salt: 0, state: seed | 1 }
    }

    /// Begins with records of the client that has this salt, in this round.
    pub(super) fn enter(&mut self, salt: u64, round: u64) {
        self.salt = mix(self.seed ^ salt).wrapping_add(mix(round));
    }

    /// Makes another record of this one.
    pub(super) fn patch(&mut self, record: &mut LogRecord, patches: &Patches) {
        record.time_unix_nano = self.next_unix_nano;
        record.observed_time_unix_nano = self.next_unix_nano;
        let mut timestamp = [0; 24];
        write_timestamp(&mut timestamp, self.next_unix_nano);
        overwrite(record.attributes.get_mut(patches.timestamp), &timestamp);
        self.next_unix_nano += self.spacing_nano;
        self.patch_ids(record, patches);
        for (at, number) in &patches.numbers {
            self.vary_number(&mut record.attributes[*at], number);
        }
        if let Some(spending) = &patches.spending {
            self.spend(record, spending);
        }
        self.sent.records += 1;
        self.sent.tool_results += u64::from(patches.result.is_some());
        self.sent.tool_failures += u64::from(patches.result == Some(true));
    }

    fn patch_ids(&self, record: &mut LogRecord, patches: &Patches) {
        for (at, id) in &patches.ids {
            match id {
                Id::Uuid(old) => {
                    let mut text = [0; 36];
                    let (high, low) = self.new_id(*old);
                    write_uuid(&mut text, high, low);
                    overwrite(record.attributes.get_mut(*at), &text);
                }
                Id::Base58(kept, old) => {
                    let (high, low) = self.new_id(*old);
                    overwrite_end(record.attributes.get_mut(*at), *kept, high, low);
                }
            }
        }
        if let Ok(trace) = <&mut [u8; 16]>::try_from(record.trace_id.as_mut_slice()) {
            let (high, low) = self.new_id(patches.trace);
            *trace = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
        }
        if let Ok(span) = <&mut [u8; 8]>::try_from(record.span_id.as_mut_slice()) {
            *span = self.new_id(patches.span).0.to_be_bytes();
        }
    }

    fn new_id(&self, old: u64) -> (u64, u64) {
        let high = mix(old ^ self.salt);
        (high, mix(high ^ old.rotate_left(32)))
    }

    fn vary_number(&mut self, attribute: &mut KeyValue, number: &Number) {
        match (number, value_mut(attribute)) {
            (Number::Int(old), Some(Value::IntValue(count))) => *count = self.vary(*old).cast_signed(),
            (Number::Spelled(old), Some(Value::StringValue(text))) => write_number(text, self.vary(*old)),
            _ => {}
        }
    }

    fn spend(&mut self, record: &mut LogRecord, spending: &Spending) {
        let old = spending.tokens;
        let tokens = Tokens {
            input: self.vary(old.input),
            output: self.vary(old.output),
            cache_read: self.vary(old.cache_read),
            cache_creation: self.vary(old.cache_creation),
        };
        let price = spending.model.price();
        let cost = price.cost_nano_usd(tokens);
        let counts =
            [tokens.input, tokens.output, tokens.cache_read, tokens.cache_creation, tokens.cache_creation];
        for (at, count) in spending.places.into_iter().zip(counts) {
            set(&mut record.attributes[at], Value::IntValue(count.cast_signed()));
        }
        set(&mut record.attributes[spending.usd], Value::DoubleValue(price.reported_usd(tokens)));
        set(&mut record.attributes[spending.micros], Value::IntValue(((cost + 500) / 1_000).cast_signed()));
        self.sent.api_requests += 1;
        self.sent.cost_nano_usd += cost;
    }

    /// Returns something between half and one and a half times the number.
    fn vary(&mut self, number: u64) -> u64 {
        // Xorshift: nothing here needs a better generator, and none is cheaper.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        number * (128 + (self.state >> 56)) / 256
    }
}

fn value(attribute: &KeyValue) -> Option<&Value> {
    attribute.value.as_ref()?.value.as_ref()
}

fn value_mut(attribute: &mut KeyValue) -> Option<&mut Value> {
    attribute.value.as_mut()?.value.as_mut()
}

fn text(attribute: &KeyValue) -> Option<&str> {
    match value(attribute)? {
        Value::StringValue(text) => Some(text),
        _ => None,
    }
}

fn set(attribute: &mut KeyValue, value: Value) {
    attribute.value = Some(AnyValue { value: Some(value) });
}

fn overwrite(attribute: Option<&mut KeyValue>, with: &[u8]) {
    if let (Some(Value::StringValue(text)), Ok(with)) = (attribute.and_then(value_mut), str::from_utf8(with))
    {
        text.clear();
        text.push_str(with);
    }
}

/// Writes over all but the first so many characters.
fn overwrite_end(attribute: Option<&mut KeyValue>, kept: usize, high: u64, low: u64) {
    let Some(Value::StringValue(text)) = attribute.and_then(value_mut) else { return };
    let mut end = [0; 32];
    let length = text.len().saturating_sub(kept).min(end.len());
    write_base58(&mut end[..length], high, low);
    text.truncate(kept);
    text.push_str(str::from_utf8(&end[..length]).unwrap_or_default());
}

fn write_number(text: &mut String, mut number: u64) {
    let mut digits = [0; 20];
    let mut first = digits.len();
    loop {
        first -= 1;
        digits[first] = b"0123456789"[(number % 10) as usize];
        number /= 10;
        if number == 0 {
            break;
        }
    }
    text.clear();
    text.push_str(str::from_utf8(&digits[first..]).unwrap_or_default());
}

/// FNV-1a, finished so that ids that differ little do not stay near one another.
fn hash(bytes: &[u8]) -> u64 {
    let folded = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mix(folded)
}

//! Any body as any signal, encoding and compression: an answer, no panic, and no more memory than the limit.
//!
//! The first byte says which; the rest is the body.

#![no_main]

use granary_model::{LogRecord, MetricPoint, Record, Span};
use granary_otlp::{Compression, Context, Decode, Encoding, decode};
use granary_redact::{RedactConfig, Redactable, Redactor};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

const MAX_DECOMPRESSED: usize = 1 << 20;

static REDACTOR: LazyLock<Redactor> =
    LazyLock::new(|| Redactor::new(&RedactConfig::default()).expect("the built-in rules are sound"));

fuzz_target!(|input: &[u8]| {
    let Some((choice, body)) = input.split_first() else { return };
    let encoding = if choice & 1 == 0 { Encoding::Protobuf } else { Encoding::Json };
    let compression = ["", "gzip", "zstd", "deflate"][usize::from(choice >> 1 & 3)];
    let compression = Compression::from_content_encoding(compression).expect("a known name");
    let Ok(body) = compression.decompress(body.to_vec().into(), MAX_DECOMPRESSED) else { return };
    assert!(body.len() <= MAX_DECOMPRESSED);
    match choice >> 3 & 3 {
        0 => take::<LogRecord>(&body, encoding),
        1 => take::<Span>(&body, encoding),
        _ => take::<MetricPoint>(&body, encoding),
    }
});

fn take<R: Decode + Record + Redactable>(body: &[u8], encoding: Encoding) {
    let context = Context { received_unix_nano: 1_790_000_000_000_000_000, max_attributes: 64, max_expanded: 1 << 28 };
    let Ok(decoded) = decode::<R>(body, encoding, context) else { return };
    let accepted = decoded.accepted();
    let redacted = REDACTOR.redact(decoded.records);
    let mut scratch = Vec::new();
    let mut seen = 0;
    for group in redacted.iter() {
        for record in group.records() {
            let facts = record.facts(group.resource());
            record.event_id("fuzz", group.resource(), &facts, &mut scratch);
            assert!(record.attributes().len() <= context.max_attributes);
            seen += 1;
        }
    }
    assert_eq!(seen, accepted);
}

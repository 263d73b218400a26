//! Any text through every built-in rule: no panic, and what was redacted once stays as it is.

#![no_main]

use granary_redact::{RedactConfig, Redactor};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static REDACTOR: LazyLock<Redactor> =
    LazyLock::new(|| Redactor::new(&RedactConfig::default()).expect("the built-in rules are sound"));

fuzz_target!(|text: &str| {
    let once = REDACTOR.redact_text(text).into_owned();
    let twice = REDACTOR.redact_text(&once);
    assert_eq!(once, twice, "redacting is idempotent");
});

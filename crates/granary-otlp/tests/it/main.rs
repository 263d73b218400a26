//! What each OTLP field becomes, and what is refused and how.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod hostile;
mod json;
mod protobuf;

use granary_otlp::Context;

/// 2026-11-20T00:00:00Z, the time at the door in these tests.
const RECEIVED: u64 = 1_795_132_800_000_000_000;

const CONTEXT: Context =
    Context { received_unix_nano: RECEIVED, max_attributes: 1024, max_expanded: 1 << 30 };

//! Recovery of a log whose files were changed in any way: no panic, and nothing invented.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|script: &[u8]| granary_wal::testing::survive(script));

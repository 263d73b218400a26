//! Times that the tables can hold.

use crate::error::Refusal;

/// The last nanosecond of a `DateTime64(9)`: 2262-04-11T23:47:16.854775807Z.
const MAX_UNIX_NANO: u64 = i64::MAX as u64;

/// The first of the given times that is not zero; OTLP writes an unknown time as zero.
pub(crate) fn first_known(what: &str, times: &[u64]) -> Result<u64, Refusal> {
    within_range(what, times.iter().copied().find(|time| *time != 0).unwrap_or_default())
}

/// A time as it is, unless the tables cannot hold it.
pub(crate) fn within_range(what: &str, nanos: u64) -> Result<u64, Refusal> {
    if nanos > MAX_UNIX_NANO { Err(Refusal::time_out_of_range(what, nanos)) } else { Ok(nanos) }
}

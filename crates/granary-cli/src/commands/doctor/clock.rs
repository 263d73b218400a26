//! Whether this machine's clock and another's are the same.

use std::time::Duration;

use super::Check;

/// Beyond it, what is asked for by time is off in a way that people see.
const NOTED: Duration = Duration::from_secs(2);

/// Beyond it, leases of archivers end too soon or too late.
const TOO_MUCH: Duration = Duration::from_secs(60);

/// Judges a clock that said `theirs` while ours went from `before` to `after`, in milliseconds.
pub(super) fn judge(name: &'static str, before: i64, theirs: i64, after: i64) -> Check {
    let ours = before + (after - before) / 2;
    let (skew, answer_took) = (theirs - ours, after - before);
    let found = format!("{skew:+} ms from this machine's, asked within {answer_took} ms");
    // What the answer took is not the clock's fault.
    let excess = Duration::from_millis(skew.unsigned_abs().saturating_sub(answer_took.unsigned_abs()));
    let advice = "have both machines set their clocks by NTP";
    if excess > TOO_MUCH {
        Check::fail(name, found, advice)
    } else if excess > NOTED {
        Check::warn(name, found, advice)
    } else {
        Check::ok(name, found)
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_clock_is_judged_by_how_far_it_is_off_beyond_what_the_answer_took() {
        for (theirs, after, state) in [
            (1_000_010, 1_000_020, State::Ok),
            (1_001_900, 1_000_020, State::Ok),
            (1_003_000, 1_000_020, State::Warn),
            (997_000, 1_000_020, State::Warn),
            (1_003_000, 1_005_000, State::Ok),
            (1_090_000, 1_000_020, State::Fail),
            (900_000, 1_000_020, State::Fail),
        ] {
            assert_eq!(judge("clock", 1_000_000, theirs, after).state, state, "{theirs} {after}");
        }
    }
}

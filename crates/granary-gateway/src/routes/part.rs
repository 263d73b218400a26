//! Which part of a session is asked for, and how it is to be played.

use std::time::Duration;

use granary_archive::{ReplayOptions, Speed};
use granary_model::Signal;
use jiff::Timestamp;

use crate::problem::Problem;
use crate::{ParamError, RawParams, time};

/// Parameters of everything that reads a session.
const PART: [&str; 3] = ["from", "to", "signals"];

/// And of what plays it.
const PLAY: [&str; 2] = ["speed", "max_gap"];

pub(super) const SPEED_EXPECTED: &str = "a factor from 0.1 to 1000, or max";
const SIGNALS_EXPECTED: &str = "one or more of logs, traces and metrics, with commas between them";

/// Reads which events are asked for; they come as fast as they can be read.
pub(super) fn read_part(given: Option<&str>) -> Result<ReplayOptions, Problem> {
    read(given, &PART, ReplayOptions::at_once(), Duration::ZERO)
}

/// Reads which events are to be played, and how. No gap is longer than `max_gap`.
pub(super) fn read_play(given: Option<&str>, max_gap: Duration) -> Result<ReplayOptions, Problem> {
    let known: Vec<_> = PLAY.into_iter().chain(PART).collect();
    let options = ReplayOptions { max_gap: Some(max_gap), ..ReplayOptions::default() };
    read(given, &known, options, max_gap)
}

fn read(
    given: Option<&str>,
    known: &[&str],
    mut options: ReplayOptions,
    max_gap: Duration,
) -> Result<ReplayOptions, Problem> {
    let params = RawParams::from_query_string(given.unwrap_or_default())?;
    let now = Timestamp::now();
    let mut seen = Vec::new();
    for (name, value) in params.iter() {
        if !known.contains(&name) {
            let known = known.iter().map(|name| (*name).to_owned()).collect();
            return Err(ParamError::Unknown { parameter: name.to_owned(), known }.into());
        }
        if seen.contains(&name) {
            return Err(ParamError::Repeated { parameter: name.to_owned(), times: 2 }.into());
        }
        seen.push(name);
        let invalid = |expected: &str| ParamError::invalid(name, value, expected);
        match name {
            "from" => options.from = Some(moment(value, now).ok_or_else(|| invalid(time::EXPECTED))?),
            "to" => options.to = Some(moment(value, now).ok_or_else(|| invalid(time::EXPECTED))?),
            "signals" => options.signals = signals(value).ok_or_else(|| invalid(SIGNALS_EXPECTED))?,
            "speed" => options.speed = value.parse::<Speed>().map_err(|_| invalid(SPEED_EXPECTED))?,
            _ => {
                let gap = humantime::parse_duration(value).ok().filter(|gap| *gap <= max_gap);
                options.max_gap = Some(gap.ok_or_else(|| {
                    let most = humantime::format_duration(max_gap);
                    invalid(&format!("a duration such as 10s or 500ms, {most} at most"))
                })?);
            }
        }
    }
    if let (Some(from), Some(to)) = (options.from, options.to)
        && from >= to
    {
        let time = |nanos: u64| Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or_default();
        return Err(ParamError::EmptyRange { from: time(from), to: time(to) }.into());
    }
    Ok(options)
}

/// A moment in nanoseconds since 1970.
pub(super) fn moment(text: &str, now: Timestamp) -> Option<u64> {
    u64::try_from(time::parse(text, now)?.as_nanosecond()).ok()
}

fn signals(text: &str) -> Option<Vec<Signal>> {
    let named = |name: &str| Signal::ALL.into_iter().find(|signal| signal.name() == name);
    text.split(',').map(|name| named(name.trim())).collect()
}

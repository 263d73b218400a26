//! What is said over a replay's `WebSocket`: JSON texts, each with a `type`.
//!
//! | a client says | and it means |
//! |---|---|
//! | `{"type":"pause"}`, `{"type":"resume"}` | hold the replay, go on |
//! | `{"type":"speed","speed":10}` | play faster or slower: 0.1 to 1000, or `"max"` |
//! | `{"type":"seek","to":"2026-11-20T09:10:00Z"}` | go on at another time, earlier or later |
//!
//! | the gateway says | when |
//! |---|---|
//! | `{"type":"state","paused":false,"speed":10}` | at the beginning, and as the answer to each command |
//! | `{"type":"event","id":"…","signal":"logs","event":{…}}` | an event is due; the object is that of a server-sent event |
//! | `{"type":"end"}` | there are no more; a `seek` may still come |
//! | `{"type":"error","detail":"…"}` | a command cannot be taken, and changes nothing; or the replay cannot go on, and the connection is closed |
//! | `{"type":"over","reason":"key_revoked","detail":"…"}` | the key that the client came with is not taken any more; the last message |
//!
//! Closed with 1000: the client took or said nothing for too long; with 1001: the gateway stops; with 1008: the key
//! is not taken any more; with 1011: the replay cannot go on.

use granary_archive::{Replay, ReplayEvent, Speed};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::routes::part::{SPEED_EXPECTED, moment};
use crate::time;

/// What a client wants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Command {
    Pause,
    Resume,
    Speed(Speed),
    /// In nanoseconds since 1970.
    Seek(u64),
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
enum Written {
    // With braces, or serde passes over further fields.
    Pause {},
    Resume {},
    Speed { speed: Value },
    Seek { to: String },
}

impl Command {
    /// Reads a client's message.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for the client.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let written = serde_json::from_str(text).map_err(|error| {
            format!(
                "no command: {error}; there are pause, resume, speed and seek, as in {{\"type\":\"pause\"}}"
            )
        })?;
        Ok(match written {
            Written::Pause {} => Self::Pause,
            Written::Resume {} => Self::Resume,
            Written::Speed { speed } => {
                let text = speed.as_str().map_or_else(|| speed.to_string(), str::to_owned);
                let speed =
                    text.parse().map_err(|_| format!("speed is {speed}; expected {SPEED_EXPECTED}"))?;
                Self::Speed(speed)
            }
            Written::Seek { to } => {
                let moment = moment(&to, Timestamp::now());
                Self::Seek(moment.ok_or_else(|| format!("to is {to:?}; expected {}", time::EXPECTED))?)
            }
        })
    }
}

pub(super) fn state(replay: &Replay) -> String {
    let speed = replay.speed().as_factor().map_or_else(|| json!("max"), |factor| json!(factor));
    json!({ "type": "state", "paused": replay.is_paused(), "speed": speed }).to_string()
}

pub(super) fn event(event: &ReplayEvent) -> String {
    // The object is JSON already.
    let ReplayEvent { id, signal, json, .. } = event;
    format!(r#"{{"type":"event","id":"{id}","signal":"{signal}","event":{json}}}"#)
}

pub(super) fn end() -> String {
    json!({ "type": "end" }).to_string()
}

pub(super) fn error(detail: &str) -> String {
    json!({ "type": "error", "detail": detail }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read() {
        for (text, command) in [
            (r#"{"type":"pause"}"#, Command::Pause),
            (r#"{"type":"resume"}"#, Command::Resume),
            (r#"{"type":"speed","speed":2.5}"#, Command::Speed("2.5".parse().unwrap())),
            (r#"{"type":"speed","speed":"max"}"#, Command::Speed(Speed::MAX)),
            (r#"{"type":"seek","to":"1970-01-01T00:00:01.5Z"}"#, Command::Seek(1_500_000_000)),
        ] {
            assert_eq!(Command::read(text), Ok(command), "{text}");
        }
    }

    #[test]
    fn what_is_no_command_is_told_with_what_would_be() {
        let said = [
            "pause",
            r#"{"type":"rewind"}"#,
            r#"{"type":"speed","speed":0}"#,
            r#"{"type":"speed"}"#,
            r#"{"type":"seek","to":"noon"}"#,
            r#"{"type":"pause","for":3}"#,
        ]
        .map(|text| Command::read(text).unwrap_err());
        insta::assert_snapshot!(said.join("\n"), @r#"
        no command: expected value at line 1 column 1; there are pause, resume, speed and seek, as in {"type":"pause"}
        no command: unknown variant `rewind`, expected one of `pause`, `resume`, `speed`, `seek` at line 1 column 16; there are pause, resume, speed and seek, as in {"type":"pause"}
        speed is 0; expected a factor from 0.1 to 1000, or max
        no command: missing field `speed`; there are pause, resume, speed and seek, as in {"type":"pause"}
        to is "noon"; expected a time such as 2026-11-20T09:00:00Z (RFC 3339, a + in it written as %2B), now, or a number of s, m, h, d or w before now such as -24h
        no command: unknown field `for`, there are no fields; there are pause, resume, speed and seek, as in {"type":"pause"}
        "#);
    }
}

//! What is said over a live feed's `WebSocket`: JSON texts, each with a `type`.
//!
//! | a client says | and it means |
//! |---|---|
//! | `{"type":"pause"}`, `{"type":"resume"}` | send nothing, go on; what comes meanwhile waits as long as there is room |
//! | `{"type":"filter","filter":{"tool":["Bash"],"session":["…"]}}` | from now on these, also of what waits; `{}` is everything |
//!
//! | the gateway says | when |
//! |---|---|
//! | `{"type":"state","paused":false,"filter":{}}` | at the beginning, and as the answer to each command |
//! | `{"type":"event","id":"…","signal":"logs","event":{…}}` | an event was stored |
//! | `{"type":"missed","missed":12,"since":"…","why":"slow"}` | events were left out at this place |
//! | `{"type":"error","detail":"…"}` | a command cannot be taken, and changes nothing; or the feed cannot go on, and the connection is closed |
//! | `{"type":"over","reason":"key_revoked","detail":"…"}` | the key that the client came with is not taken any more; the last message |
//!
//! Closed with 1000: the client took nothing, or kept the feed paused, for too long; with 1001: the gateway stops; with
//! 1008: the key is not taken any more; with 1011: the feed cannot go on.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{LiveEvent, LiveFilter, Missed};

/// What a client wants.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Command {
    // With braces, or serde passes over further fields.
    Pause {},
    Resume {},
    Filter { filter: LiveFilter },
}

impl Command {
    /// Reads a client's message.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for the client.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut command = serde_json::from_str(text).map_err(|error| {
            format!("no command: {error}; there are pause, resume and filter, as in {{\"type\":\"pause\"}}")
        })?;
        match &mut command {
            Self::Filter { filter } => filter.excess().map_or(Ok(command), Err),
            Self::Pause {} | Self::Resume {} => Ok(command),
        }
    }
}

pub(super) fn state(is_paused: bool, filter: &LiveFilter) -> String {
    json!({ "type": "state", "paused": is_paused, "filter": filter }).to_string()
}

pub(super) fn filter(filter: &LiveFilter) -> String {
    json!({ "filter": filter }).to_string()
}

pub(super) fn event(event: &LiveEvent) -> String {
    // The object is JSON already.
    let (id, signal, json) = (event.id, event.event.signal, &event.event.json);
    format!(r#"{{"type":"event","id":"{id}","signal":"{signal}","event":{json}}}"#)
}

pub(super) fn error(detail: &str) -> String {
    json!({ "type": "error", "detail": detail }).to_string()
}

/// How many were missed, since when, and why.
pub(super) fn missed(missed: &Missed) -> Value {
    let since = Timestamp::from_millisecond(missed.since_ms).unwrap_or_default();
    json!({ "missed": missed.events, "since": format!("{since:.3}"), "why": missed.why.name() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read() {
        let filter = |tools: &[&str]| {
            let tool = tools.iter().map(ToString::to_string).collect();
            Command::Filter { filter: LiveFilter { tool, ..LiveFilter::default() } }
        };
        for (text, command) in [
            (r#"{"type":"pause"}"#, Command::Pause {}),
            (r#"{"type":"resume"}"#, Command::Resume {}),
            (r#"{"type":"filter","filter":{}}"#, filter(&[])),
            (r#"{"type":"filter","filter":{"tool":["Bash","Read"]}}"#, filter(&["Bash", "Read"])),
        ] {
            assert_eq!(Command::read(text), Ok(command), "{text}");
        }
    }

    #[test]
    fn what_is_no_command_is_told_with_what_would_be() {
        for (text, part) in [
            ("pause", "there are pause, resume and filter"),
            (r#"{"type":"seek"}"#, "unknown variant `seek`"),
            (r#"{"type":"filter"}"#, "missing field `filter`"),
            (r#"{"type":"filter","filter":{"tenant":["other"]}}"#, "unknown field `tenant`"),
            (r#"{"type":"pause","for":3}"#, "unknown field `for`"),
        ] {
            let said = Command::read(text).unwrap_err();
            assert!(said.contains(part), "{said}");
        }
        let many = json!({ "type": "filter", "filter": { "user": vec!["u"; 101] } }).to_string();
        assert_eq!(
            Command::read(&many).unwrap_err(),
            "user is too much; expected 100 values at most, each of 1024 bytes at most"
        );
    }
}

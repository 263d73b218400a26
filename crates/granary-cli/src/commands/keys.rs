//! `granary keys`

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use granary_access::{Fixed, Key, KeyFile, KeyLimits, KeyState, Network, NewKey};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::arguments::{AnswerFormat, CreateKey, Keys};
use crate::output::{self, Answer, Column};
use crate::settings::Settings;

pub(crate) fn run(settings: &Settings, command: Keys) -> anyhow::Result<()> {
    let file = settings.ingest().keys_file;
    match command {
        Keys::Create(new) => create(&file, new),
        Keys::List { format } => list(&file, format),
        Keys::Revoke { id } => revoke(&file, &id),
        Keys::Rotate { id, grace } => rotate(&file, &id, grace),
    }
}

fn create(file: &Path, new: CreateKey) -> anyhow::Result<()> {
    let now = Timestamp::now();
    let CreateKey {
        role,
        tenant,
        team,
        user,
        groups,
        fixed,
        networks,
        name,
        expires,
        requests_per_second,
        bytes_per_second,
        burst,
    } = new;
    let expires = expires.map(|after| later(now, after)).transpose()?;
    let limits = KeyLimits { requests_per_second, bytes_per_second, burst };
    let is_first = KeyFile::load(file)?.is_none();
    let mut parameters = Fixed::default();
    for (name, value) in fixed {
        parameters.add(name, value);
    }
    let new = NewKey {
        role,
        tenant,
        user,
        groups: (!groups.is_empty()).then(|| groups.into_iter().collect()),
        networks: (!networks.is_empty()).then_some(networks),
        parameters,
        team,
        name,
        expires,
        limits,
    };
    let (key, token) = Key::generate(new, now);
    let id = key.id.clone();
    KeyFile::change(file, |file| {
        file.keys.push(key);
        anyhow::Ok(())
    })?;
    // The token alone goes to standard output, so that it can be piped to where it is kept.
    say!("{}", token.reveal());
    if role.may_send() {
        eprintln!("\nThis is key {id}; its token is shown this once. Senders say\n");
        eprintln!("  export OTEL_EXPORTER_OTLP_HEADERS=\"Authorization=Bearer <token>\"\n");
    } else {
        eprintln!(
            "\nThis is key {id} with the role {role}; its token is shown this once. Whoever asks says\n"
        );
        eprintln!("  curl -H \"Authorization: Bearer <token>\" …/v1/queries\n");
    }
    if is_first {
        eprintln!(
            "It is the first key in {}: from now on everybody who sends or asks needs one, also on\n\
             this machine (unless ingest.loopback_without_key or gateway.loopback_without_key is set).",
            file.display()
        );
    }
    Ok(())
}

fn list(file: &Path, format: Option<AnswerFormat>) -> anyhow::Result<()> {
    let keys = KeyFile::load(file)?.unwrap_or_default().keys;
    let now = Timestamp::now();
    let column = |(name, kind): (&str, &str)| Column { name: name.to_owned(), kind: kind.to_owned() };
    let row = |key: &Key| {
        let Key { id, role, tenant, team, user, name, created, expires, limits, .. } = key;
        let state = key.state(now);
        let ended = match state {
            KeyState::Revoked => key.revoked,
            KeyState::Valid | KeyState::Expired => *expires,
        };
        let values = [
            json!(id),
            json!(role),
            json!(tenant),
            json!(team),
            json!(user),
            json!(name),
            json!(state.name()),
            json!(seconds(*created)),
            json!(ended.map(seconds)),
            json!(limits.requests_per_second),
            json!(limits.bytes_per_second.map(|bytes| bytes.as_u64())),
            json!(key.groups.as_ref().map(|groups| groups.iter().cloned().collect::<Vec<_>>().join(" "))),
            json!(parameters(key)),
            json!(key.networks.as_deref().map(networks)),
        ];
        COLUMNS.iter().map(|(name, _)| (*name).to_owned()).zip(values).collect()
    };
    let answer =
        Answer { meta: COLUMNS.into_iter().map(column).collect(), data: keys.iter().map(row).collect() };
    output::print(&answer, format)
}

/// As `granary keys create --fix` takes them.
fn parameters(key: &Key) -> Option<String> {
    let one = |name: &str, values: &[String]| {
        values.iter().map(|value| format!("{name}={value}")).collect::<Vec<_>>()
    };
    let all: Vec<_> = key.parameters.iter().flat_map(|(name, values)| one(name, values)).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

fn networks(networks: &[Network]) -> String {
    networks.iter().map(Network::to_string).collect::<Vec<_>>().join(" ")
}

const COLUMNS: [(&str, &str); 14] = [
    ("id", "String"),
    ("role", "String"),
    ("tenant", "String"),
    ("team", "Nullable(String)"),
    ("user", "Nullable(String)"),
    ("name", "Nullable(String)"),
    ("state", "String"),
    ("created", "DateTime"),
    ("until", "Nullable(DateTime)"),
    ("requests_per_second", "Nullable(UInt32)"),
    ("bytes_per_second", "Nullable(UInt64)"),
    ("groups", "Nullable(String)"),
    ("fixed", "Nullable(String)"),
    ("networks", "Nullable(String)"),
];

fn seconds(time: Timestamp) -> String {
    format!("{time:.0}")
}

fn revoke(file: &Path, id: &str) -> anyhow::Result<()> {
    change(file, id, |key| {
        key.revoked.get_or_insert_with(Timestamp::now);
        Ok(())
    })?;
    say!("key {id} is revoked; a running granary refuses it within a second");
    Ok(())
}

fn rotate(file: &Path, id: &str, grace: Duration) -> anyhow::Result<()> {
    let until = later(Timestamp::now(), grace)?;
    let token = change(file, id, |key| {
        if key.revoked.is_some() {
            bail!("key {id} is revoked; `granary keys create` makes another");
        }
        Ok(key.rotate(until))
    })?;
    say!("{}", token.reveal());
    eprintln!(
        "\nThis is the new token of key {id}, shown this once; the old one is taken until {}.",
        seconds(until)
    );
    Ok(())
}

/// Changes one key of the file.
fn change<T>(file: &Path, id: &str, change: impl FnOnce(&mut Key) -> anyhow::Result<T>) -> anyhow::Result<T> {
    // A file is not made for a key that is not in it.
    let missing = || format!("there is no key {id:?} in {}; `granary keys list` lists them", file.display());
    KeyFile::load(file)?.with_context(missing)?;
    KeyFile::change(file, |file| {
        change(file.keys.iter_mut().find(|key| key.id.as_str() == id).with_context(missing)?)
    })
}

fn later(now: Timestamp, after: Duration) -> anyhow::Result<Timestamp> {
    let after = SignedDuration::try_from(after).ok().and_then(|after| now.checked_add(after).ok());
    let until = after.context("that is too far in the future")?;
    // Whole seconds are what people read.
    Ok(Timestamp::from_second(until.as_second())?)
}

//! `granary doctor`: whether everything is there that the roles need, and as it should be.
//!
//! Every check is a line with what was found and, where that is not as it should be, what to do. `fail` is what keeps a role
//! from its work or breaks a law; `warn` is what may well be meant so.

mod clock;
mod cluster;
mod doors;
mod files;
mod store;
mod warehouse;

use anyhow::bail;
use granary_access::with_cause;
use granary_gateway::Catalogue;
use granary_ingest::Ingest;
use granary_redact::Redactor;
use serde::Serialize;
use serde_json::json;

use crate::access::Access;
use crate::output;
use crate::settings::Settings;

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warn,
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Check {
    name: &'static str,
    state: State,
    /// What was found.
    found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Ok, found: found.into(), advice: None }
    }

    fn warn(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, state: State::Warn, found: found.into(), advice: Some(advice.into()) }
    }

    fn fail(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { state: State::Fail, ..Self::warn(name, found, advice) }
    }
}

pub(crate) async fn run(settings: &Settings, json: bool) -> anyhow::Result<()> {
    let mut checks = configuration(settings);
    match Access::open(settings).await {
        Err(error) => {
            let advice = "set --clickhouse-url to a server that answers, or stop what keeps the embedded one";
            checks.push(Check::fail("clickhouse", with_cause(error.as_ref()), advice));
        }
        Ok(access) => {
            checks.extend(warehouse::checks(&access).await);
            checks.extend(store::checks(settings, &access).await);
            access.close().await;
        }
    }
    let of_files = settings.clone();
    checks.extend(tokio::task::spawn_blocking(move || files::checks(&of_files)).await?);
    checks.extend(doors::checks(settings).await);
    print(&checks, json)?;
    let failed = checks.iter().filter(|check| check.state == State::Fail).count();
    if failed > 0 {
        bail!("{failed} of {} checks failed", checks.len());
    }
    Ok(())
}

/// What the roles would refuse when they start.
fn configuration(settings: &Settings) -> Vec<Check> {
    let parts: [(&'static str, &str, Result<(), String>); 3] = [
        ("redaction", "rules can be used", Redactor::new(&settings.redact).map(drop).map_err(text)),
        (
            "catalogue",
            "queries can be used",
            Catalogue::load(settings.gateway.query_dir.as_deref()).map_err(text).and_then(|catalogue| {
                match catalogue.problems() {
                    [] => Ok(()),
                    [problem, ..] => Err(format!("{}: {}", problem.file, problem.reason)),
                }
            }),
        ),
        ("senders", "keys and certificates can be used", Ingest::check(&settings.ingest()).map_err(text)),
    ];
    let advice = "mend the setting that is named; `granary config` says where each comes from";
    parts
        .into_iter()
        .map(|(name, well, result)| match result {
            Ok(()) => Check::ok(name, well),
            Err(problem) => Check::fail(name, problem, advice),
        })
        .collect()
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn print(checks: &[Check], json: bool) -> anyhow::Result<()> {
    if json {
        let worst = checks.iter().map(|check| check.state).max().unwrap_or(State::Ok);
        let document = json!({ "state": worst, "checks": checks });
        say!("{}", serde_json::to_string_pretty(&document)?);
        return Ok(());
    }
    let colours = output::colours();
    for Check { name, state, found, advice } in checks {
        let (word, colour) = match state {
            State::Ok => ("ok  ", "\x1b[32m"),
            State::Warn => ("warn", "\x1b[33m"),
            State::Fail => ("fail", "\x1b[1;31m"),
        };
        let word = if colours { format!("{colour}{word}\x1b[0m") } else { word.to_owned() };
        say!("{word}  {name:<22} {found}");
        if let Some(advice) = advice {
            say!("{:>28} → {advice}", "");
        }
    }
    Ok(())
}

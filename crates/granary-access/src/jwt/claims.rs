//! From claims to what they allow.

use std::collections::BTreeSet;

use granary_model::TenantId;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::JwtProblem;
use super::config::ClaimNames;
use crate::fixed::Fixed;
use crate::grant::{Grant, Holder};
use crate::role::Role;

/// Tenants, teams and users stand in every row; a subject in every line of the audit.
const MAX_TEXT_BYTES: usize = 256;

pub(super) fn grant(claims: &Map<String, Value>, names: &ClaimNames) -> Result<Grant, JwtProblem> {
    let subject = text(claims, "sub")?;
    let tenant = text(claims, &names.tenant)?;
    let role: Role = text(claims, &names.role)?
        .parse()
        .map_err(|_| wrong(&names.role, "one of viewer, team, analyst and admin"))?;
    if !role.may_ask() {
        return Err(JwtProblem::Role { role });
    }
    let groups = claims.get(&names.groups).map(|value| groups(value, &names.groups)).transpose()?;
    let mut fixed = match claims.get(&names.parameters) {
        None => Fixed::default(),
        Some(value) => parameters(value, &names.parameters)?,
    };
    let own = match role {
        Role::Viewer => Some(("user", text(claims, &names.user)?)),
        Role::Team => Some(("team", text(claims, &names.team)?)),
        _ => None,
    };
    if let Some((parameter, value)) = own {
        if fixed.values(parameter).is_some() {
            let expected = format!("without {parameter}, which the role {role} says");
            return Err(wrong(&names.parameters, &expected));
        }
        fixed.add(parameter, value);
    }
    let holder = Holder::Subject(subject.to_owned());
    Ok(Grant { holder, tenant: TenantId::new(tenant), role, groups, fixed })
}

/// When the token's time is over. That it says so in seconds was checked with its signature.
pub(super) fn expires(claims: &Map<String, Value>) -> Timestamp {
    let seconds = claims.get("exp").and_then(Value::as_f64);
    let since_1970 = seconds.and_then(|seconds| SignedDuration::try_from_secs_f64(seconds).ok());
    since_1970.and_then(|since| Timestamp::from_duration(since).ok()).unwrap_or(Timestamp::MAX)
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Result<&'a str, JwtProblem> {
    let value = claims.get(name).ok_or_else(|| JwtProblem::Missing { claim: name.to_owned() })?;
    value
        .as_str()
        .filter(|text| !text.trim().is_empty() && text.len() <= MAX_TEXT_BYTES)
        .filter(|text| !text.chars().any(char::is_control))
        .ok_or_else(|| wrong(name, &format!("a text of 1 to {MAX_TEXT_BYTES} bytes")))
}

fn groups(value: &Value, name: &str) -> Result<BTreeSet<String>, JwtProblem> {
    let texts = value.as_array().and_then(|groups| {
        groups.iter().map(|group| group.as_str().map(str::to_owned)).collect::<Option<_>>()
    });
    texts.ok_or_else(|| wrong(name, "a list of texts"))
}

fn parameters(value: &Value, name: &str) -> Result<Fixed, JwtProblem> {
    let expected = "an object of parameters, each a text or a list of texts";
    let fixed: Fixed = serde_json::from_value(value.clone()).map_err(|_| wrong(name, expected))?;
    if fixed.problem().is_some() { Err(wrong(name, expected)) } else { Ok(fixed) }
}

fn wrong(claim: &str, expected: &str) -> JwtProblem {
    JwtProblem::Claim { claim: claim.to_owned(), expected: expected.to_owned() }
}

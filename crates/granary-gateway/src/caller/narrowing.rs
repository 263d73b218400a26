//! What a caller sees where no named query is asked: of the live feed, and by SQL of its own.

use granary_clickhouse::Scope;

use super::{Caller, Forbidden};
use crate::LiveFilter;

/// The group of queries that the live feed counts to, as the query `live_feed` does.
const LIVE_GROUP: &str = "operations";

impl Caller {
    /// What is wanted of the live feed, narrowed to what the caller may see. Of several values that are fixed for it, it
    /// may choose some.
    ///
    /// # Errors
    ///
    /// It wants what it may not see, or the feed cannot be narrowed to what it may.
    pub(crate) fn narrow(&self, mut wanted: LiveFilter) -> Result<LiveFilter, Forbidden> {
        if !self.may(LIVE_GROUP) {
            return Err(Forbidden::Group { group: LIVE_GROUP.to_owned() });
        }
        for (name, fixed) in self.access_filters() {
            let Some(chosen) = wanted.values_mut(name) else {
                return Err(Forbidden::Filter { query: "live".to_owned(), filter: name });
            };
            if chosen.is_empty() {
                *chosen = fixed.to_vec();
            } else if !chosen.iter().all(|value| fixed.contains(value)) {
                return Err(Forbidden::Fixed { parameter: name.to_owned() });
            }
        }
        Ok(wanted)
    }

    /// Whose rows SQL of the caller's own sees.
    ///
    /// # Errors
    ///
    /// The caller is held to something that SQL cannot be held to: groups of queries, or parameters beside one user and
    /// one team.
    pub(crate) fn scope(&self) -> Result<Scope, Forbidden> {
        let mut scope = Scope { tenant: self.tenant().clone(), user: None, team: None };
        let Some(grant) = self.grant() else { return Ok(scope) };
        if grant.groups.is_some() {
            return Err(Forbidden::Sql { held_to: "groups of queries".to_owned() });
        }
        for (name, values) in grant.fixed.iter() {
            let part = match name {
                "user" => &mut scope.user,
                "team" => &mut scope.team,
                _ => return Err(Forbidden::Sql { held_to: format!("the parameter {name}") }),
            };
            let [value] = values else {
                return Err(Forbidden::Sql { held_to: format!("several values of {name}") });
            };
            *part = Some(value.clone());
        }
        Ok(scope)
    }
}

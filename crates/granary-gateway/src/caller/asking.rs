//! What a caller may ask, and with which values.
//!
//! Every door that runs a named query goes through [`Caller::prepare`]: there the tenant is bound, and so is what the
//! caller's key or token fixes.

use std::collections::BTreeSet;

use granary_access::{ACCESS_FILTERS, Role};
use jiff::Timestamp;

use super::{Caller, Owners};
use crate::{MinimumRole, NamedQuery, ParamError, PreparedQuery, RawParams};

/// A question that somebody may not ask, though they may ask others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// The query's group is none of the caller's.
    #[error("queries of the group {group} are not among those that this key may ask")]
    Group {
        /// The query's group.
        group: String,
    },
    /// The query would answer with what a filter is to leave out.
    #[error(
        "the query {query} does not honour the filter {filter}, which this key has; it answers about everybody, so it \
         cannot be asked with this key"
    )]
    Filter {
        /// The query.
        query: String,
        /// The filter that it lacks.
        filter: &'static str,
    },
    /// The parameter has another value for this caller.
    #[error("the parameter {parameter} is fixed for this key and cannot be given another value")]
    Fixed {
        /// Which one.
        parameter: String,
    },
    /// SQL of one's own cannot be narrowed to that.
    #[error("SQL of one's own cannot be held to {held_to}, as this key is; the named queries can")]
    Sql {
        /// To what.
        held_to: String,
    },
    /// What is wanted is for a higher role.
    #[error("this is for the role {needed}; this key has the role {role}")]
    Role {
        /// The caller's role.
        role: Role,
        /// The one it would need.
        needed: Role,
    },
}

/// Why a query is not prepared for a caller.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The caller may not.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// A parameter cannot be taken.
    #[error(transparent)]
    Param(#[from] ParamError),
}

impl Caller {
    /// Whether the caller may ask a query at all; what it may ask is what it is shown.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn may_ask(&self, query: &NamedQuery) -> Result<(), Forbidden> {
        if !self.may(query.group()) {
            return Err(Forbidden::Group { group: query.group().to_owned() });
        }
        if let Some(least) = query.role() {
            self.needs(match least {
                MinimumRole::Team => Role::Team,
                MinimumRole::Analyst => Role::Analyst,
                MinimumRole::Admin => Role::Admin,
            })?;
        }
        if query.is_about_a_session() {
            // Whose the session is, is asked before the query runs.
            return Ok(());
        }
        let honoured: BTreeSet<_> = query.filters().iter().map(|filter| filter.name()).collect();
        match self.access_filters().find(|(filter, _)| !honoured.contains(filter)) {
            Some((filter, _)) => Err(Forbidden::Filter { query: query.name().to_owned(), filter }),
            None => Ok(()),
        }
    }

    /// Prepares a query for the caller: its tenant, what is fixed for it, and what it gives besides. Of a session it runs
    /// only if that is the caller's.
    ///
    /// # Errors
    ///
    /// The caller may not ask that, or gives what cannot be taken.
    pub fn prepare(
        &self,
        query: &NamedQuery,
        given: &RawParams,
        now: Timestamp,
    ) -> Result<PreparedQuery, AskError> {
        self.may_ask(query)?;
        let params = self.impose(query, given)?;
        let mut prepared = query.prepare(self.tenant(), &params, now)?;
        if query.is_about_a_session()
            && let Some(owners) = Owners::seen_by(self)
        {
            prepared.only_of(owners);
        }
        Ok(prepared)
    }

    /// Whether the caller has a role, or a higher one.
    ///
    /// # Errors
    ///
    /// It has not.
    pub fn needs(&self, needed: Role) -> Result<(), Forbidden> {
        let role = self.role();
        if role >= needed { Ok(()) } else { Err(Forbidden::Role { role, needed }) }
    }

    /// What is given, with what is fixed in its place. Of several fixed values the caller may choose some.
    fn impose(&self, query: &NamedQuery, given: &RawParams) -> Result<RawParams, Forbidden> {
        let Some(grant) = self.grant() else { return Ok(given.clone()) };
        let mut params = given.clone();
        for (name, values) in grant.fixed.iter() {
            let is_own = query.has_parameter(name);
            if !is_own && !ACCESS_FILTERS.contains(&name) {
                continue;
            }
            let mut chosen =
                given.iter().filter(|(given, _)| *given == name).map(|(_, value)| value).peekable();
            if chosen.peek().is_none() {
                // A query about a session is about one: of several the caller is to choose.
                let is_bound =
                    is_own && !(query.is_about_a_session() && name == "session" && values.len() > 1);
                for value in values.iter().filter(|_| is_bound) {
                    params.push(name, value);
                }
            } else if !chosen.all(|value| values.iter().any(|fixed| fixed == value)) {
                return Err(Forbidden::Fixed { parameter: name.to_owned() });
            }
        }
        Ok(params)
    }
}

#[cfg(test)]
mod tests;

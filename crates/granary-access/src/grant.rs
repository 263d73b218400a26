//! What somebody who was recognized may do.

use std::collections::BTreeSet;
use std::fmt;

use granary_model::TenantId;

use crate::fixed::Fixed;
use crate::key::{Key, KeyId};
use crate::role::Role;

/// Whose a grant is, by which allowances are kept and what was asked is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Holder {
    /// A key of the key file.
    Key(KeyId),
    /// Whoever the identity provider says it is (the token's `sub`).
    Subject(String),
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(id) => write!(f, "key {id}"),
            Self::Subject(subject) => write!(f, "subject {subject}"),
        }
    }
}

/// What a key or token allows. Neither it nor anything made from it holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whose it is.
    pub holder: Holder,
    /// Whose data it reads.
    pub tenant: TenantId,
    /// What it is for.
    pub role: Role,
    /// The groups of queries that it may ask; none is all.
    pub groups: Option<BTreeSet<String>>,
    /// Parameters with the values they have, whatever is asked: also the user of a viewer, and the team of a team.
    pub fixed: Fixed,
}

impl Grant {
    /// What a key allows; the key was found to be in order when its file was read.
    pub(crate) fn of_key(key: &Key) -> Self {
        let mut fixed = key.parameters.clone();
        match (key.role, &key.user, &key.team) {
            (Role::Viewer, Some(user), _) => fixed.add("user", user),
            (Role::Team, _, Some(team)) => fixed.add("team", team),
            _ => {}
        }
        Self {
            holder: Holder::Key(key.id.clone()),
            tenant: TenantId::new(key.tenant.as_str()),
            role: key.role,
            groups: key.groups.clone(),
            fixed,
        }
    }

    /// Whether queries of a group may be asked.
    #[must_use]
    pub fn may(&self, group: &str) -> bool {
        self.role.may_ask() && self.groups.as_ref().is_none_or(|groups| groups.contains(group))
    }
}

//! The team that a key stands for, put in the place of what the sender says.
//!
//! It becomes the resource's `team.id`, before redaction, so that what is stored, archived and restored says the
//! same. An event's id does not depend on it: of a resource only the service's name is part of that. So a
//! repetition that comes with another key of the same tenant is known, and stays where the first one was counted.

use std::sync::Arc;

use granary_model::{Attribute, Attributes, Facts, Records, Resource, TEAM_KEY};

/// Puts a team into the resources of a request.
pub(crate) fn assign<R>(groups: &mut [Records<R>], team: &str) {
    // The scopes of one resource share it, and go on sharing it.
    let mut latest: Option<(Arc<Resource>, Arc<Resource>)> = None;
    for group in groups {
        let assigned = match &latest {
            Some((sent, assigned)) if Arc::ptr_eq(sent, &group.resource) => Arc::clone(assigned),
            _ => Arc::new(with_team(&group.resource, team)),
        };
        let sent = std::mem::replace(&mut group.resource, Arc::clone(&assigned));
        latest = Some((sent, assigned));
    }
}

fn with_team(resource: &Resource, team: &str) -> Resource {
    let mut entries = resource.attributes.clone().into_entries();
    entries.retain(|attribute| attribute.key != TEAM_KEY);
    entries.push(Attribute::new(TEAM_KEY, team));
    Resource { attributes: Attributes::new(entries), schema_url: resource.schema_url.clone() }
}

/// The facts of a record whose resource has been assigned a team, which counts more than the record's own word.
pub(crate) fn overrule<'a>(facts: Facts<'a>, resource: &'a Resource) -> Facts<'a> {
    Facts { team: resource.attributes.text(TEAM_KEY).unwrap_or_default(), ..facts }
}

#[cfg(test)]
mod tests {
    use granary_model::{LogRecord, Record};

    use super::*;

    #[test]
    fn a_key_s_team_beats_what_resource_and_record_say_and_the_event_stays_the_same() {
        let sent = Resource {
            attributes: Attributes::new(vec![Attribute::new("team.id", "theirs"), Attribute::new("a", "b")]),
            ..Resource::default()
        };
        let sent = Arc::new(sent);
        let record = LogRecord {
            attributes: Attributes::new(vec![Attribute::new("team", "their own")]),
            ..LogRecord::default()
        };
        let id =
            |resource: &Resource| record.event_id("t", resource, &record.facts(resource), &mut Vec::new());
        let group =
            || Records { resource: Arc::clone(&sent), records: vec![record.clone()], ..Records::default() };
        let mut groups = [group(), group()];
        assign(&mut groups, "ours");
        let [one, other] = &groups;
        assert!(Arc::ptr_eq(&one.resource, &other.resource), "still shared");
        assert_eq!(one.resource.attributes.iter().filter(|attribute| attribute.key == TEAM_KEY).count(), 1);
        assert_eq!(one.resource.attributes.text("a"), Some("b"));
        assert_eq!(overrule(record.facts(&one.resource), &one.resource).team, "ours");
        assert_eq!(id(&one.resource), id(&sent));
    }
}

//! The team that a key stands for, put in the place of what the sender says.
//!
//! It becomes the resource's `team.id`, before redaction, so that what is stored, archived and restored says the
//! same. An event's id does not depend on it: of a resource only the service's name is part of that. So a
//! repetition that comes with another key of the same tenant is known, and stays where the first one was counted.

use std::sync::Arc;

use granary_model::{AttributesBuilder, Facts, Records, Resource, TEAM_KEY, ValueRef};

/// Puts a team into the resources of a request. The builder is kept from one request to the next: keys that it
/// has seen before are then known as the same ones further on.
pub(crate) fn assign<R>(groups: &mut [Records<R>], team: &str, builder: &mut AttributesBuilder) {
    // The scopes of one resource share it, and go on sharing it.
    let mut latest: Option<(Arc<Resource>, Arc<Resource>)> = None;
    for group in groups {
        let assigned = match &latest {
            Some((sent, assigned)) if Arc::ptr_eq(sent, &group.resource) => Arc::clone(assigned),
            _ => Arc::new(with_team(&group.resource, team, builder)),
        };
        let sent = std::mem::replace(&mut group.resource, Arc::clone(&assigned));
        latest = Some((sent, assigned));
    }
}

fn with_team(resource: &Resource, team: &str, builder: &mut AttributesBuilder) -> Resource {
    for attribute in resource.attributes.iter().filter(|attribute| attribute.key != TEAM_KEY) {
        let key = attribute.key.as_bytes();
        match attribute.value {
            ValueRef::String(text) => builder.push_text(key, text.as_bytes()),
            other => builder.push(key, other.to_value()),
        }
    }
    builder.push_text(TEAM_KEY.as_bytes(), team.as_bytes());
    // What was text is text.
    let attributes = builder.finish().unwrap_or_default();
    Resource { attributes, schema_url: resource.schema_url.clone() }
}

/// The facts of a record whose resource has been assigned a team, which counts more than the record's own word.
pub(crate) fn overrule<'a>(facts: Facts<'a>, resource: &'a Resource) -> Facts<'a> {
    Facts { team: resource.attributes.text(TEAM_KEY).unwrap_or_default(), ..facts }
}

#[cfg(test)]
mod tests {
    use granary_model::{Attribute, Attributes, LogRecord, Record};

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
        let mut builder = AttributesBuilder::default();
        assign(&mut groups, "ours", &mut builder);
        let [one, other] = &groups;
        assert!(Arc::ptr_eq(&one.resource, &other.resource), "still shared");
        assert_eq!(one.resource.attributes.iter().filter(|attribute| attribute.key == TEAM_KEY).count(), 1);
        assert_eq!(one.resource.attributes.text("a"), Some("b"));
        assert_eq!(overrule(record.facts(&one.resource), &one.resource).team, "ours");
        assert_eq!(id(&one.resource), id(&sent));
        let mut again = [group()];
        assign(&mut again, "ours", &mut builder);
        assert!(
            again[0].resource.attributes.is_same(&one.resource.attributes),
            "known as the same further on"
        );
    }
}

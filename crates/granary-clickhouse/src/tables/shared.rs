//! The columns that every telemetry table has.

use granary_model::{Resource, Scope, is_equal};
use uuid::Uuid;

use super::{GroupRef, Row};
use crate::native::{AttributeMap, Column, Fixed, List, LowText, Text};

/// Resource, scope, tenant, session, identity and batch.
#[derive(Debug)]
pub(super) struct SharedColumns {
    service_name: LowText,
    resource_attributes: AttributeMap,
    resource_schema_url: LowText,
    scope_name: LowText,
    scope_version: LowText,
    scope_attributes: AttributeMap,
    scope_schema_url: LowText,
    tenant: LowText,
    session: Text,
    user: LowText,
    team: LowText,
    project: LowText,
    event_id: Fixed<16>,
    batch: Fixed<16>,
    ingested_at: Fixed<8>,
    time_out_of_range: Fixed<1>,
    attribute_types: LowText,
    redacted_fields: List<LowText>,
    /// The resource and scope of the last row.
    last_group: Option<(Resource, Scope)>,
}

impl Default for SharedColumns {
    fn default() -> Self {
        Self {
            service_name: LowText::default(),
            resource_attributes: AttributeMap::default(),
            resource_schema_url: LowText::default(),
            scope_name: LowText::default(),
            scope_version: LowText::default(),
            scope_attributes: AttributeMap::default(),
            scope_schema_url: LowText::default(),
            tenant: LowText::default(),
            session: Text::default(),
            user: LowText::default(),
            team: LowText::default(),
            project: LowText::default(),
            event_id: Fixed::new("UInt128"),
            batch: Fixed::new("UUID"),
            ingested_at: Fixed::new("DateTime64(3)"),
            time_out_of_range: Fixed::new("Bool"),
            attribute_types: LowText::default(),
            redacted_fields: List::new("Array(LowCardinality(String))", LowText::default()),
            last_group: None,
        }
    }
}

impl SharedColumns {
    pub(super) fn push<R>(&mut self, row: Row<'_, R>, attribute_types: &[u8]) {
        self.push_group(row.group);
        self.tenant.push(row.envelope.tenant.as_bytes());
        self.session.push(row.facts.session.as_bytes());
        self.user.push(row.facts.user.as_bytes());
        self.team.push(row.facts.team.as_bytes());
        self.project.push(row.facts.project.as_bytes());
        self.event_id.push(row.event_id.0.to_le_bytes());
        self.batch.push(uuid(row.envelope.batch));
        self.ingested_at.push(row.envelope.ingested_at_ms.to_le_bytes());
        self.time_out_of_range.push([u8::from(row.time_out_of_range)]);
        self.attribute_types.push(attribute_types);
        self.redacted_fields
            .push(|fields| row.redacted_fields.iter().for_each(|field| fields.push(field.as_bytes())));
    }

    /// Mostly the group is that of the row before, and nothing has to be looked up or written anew.
    fn push_group(&mut self, GroupRef { resource, scope }: GroupRef<'_>) {
        let last = &self.last_group;
        if last
            .as_ref()
            .is_some_and(|(of, within)| is_same_resource(of, resource) && is_same_scope(within, scope))
        {
            self.service_name.push_last();
            self.resource_attributes.push_last();
            self.resource_schema_url.push_last();
            self.scope_name.push_last();
            self.scope_version.push_last();
            self.scope_attributes.push_last();
            self.scope_schema_url.push_last();
            return;
        }
        self.last_group = Some((resource.clone(), scope.clone()));
        let Resource { attributes, schema_url } = resource;
        self.service_name.push(resource.service_name().as_bytes());
        self.resource_attributes.push(attributes);
        self.resource_schema_url.push(schema_url.as_bytes());
        // What was dropped is no column here.
        let Scope { name, version, attributes, schema_url, dropped_attributes: _ } = scope;
        self.scope_name.push(name.as_bytes());
        self.scope_version.push(version.as_bytes());
        self.scope_attributes.push(attributes);
        self.scope_schema_url.push(schema_url.as_bytes());
    }

    pub(super) fn columns(&self) -> Vec<(&'static str, &dyn Column)> {
        vec![
            ("ServiceName", &self.service_name),
            ("ResourceAttributes", &self.resource_attributes),
            ("ResourceSchemaUrl", &self.resource_schema_url),
            ("ScopeName", &self.scope_name),
            ("ScopeVersion", &self.scope_version),
            ("ScopeAttributes", &self.scope_attributes),
            ("ScopeSchemaUrl", &self.scope_schema_url),
            ("TenantId", &self.tenant),
            ("SessionId", &self.session),
            ("UserId", &self.user),
            ("TeamId", &self.team),
            ("Project", &self.project),
            ("EventId", &self.event_id),
            ("BatchId", &self.batch),
            ("IngestedAt", &self.ingested_at),
            ("TimeOutOfRange", &self.time_out_of_range),
            ("AttributeTypes", &self.attribute_types),
            ("RedactedFields", &self.redacted_fields),
        ]
    }

    pub(super) fn clear(&mut self) {
        let Self {
            service_name,
            resource_attributes,
            resource_schema_url,
            scope_name,
            scope_version,
            scope_attributes,
            scope_schema_url,
            tenant,
            session,
            user,
            team,
            project,
            event_id,
            batch,
            ingested_at,
            time_out_of_range,
            attribute_types,
            redacted_fields,
            last_group,
        } = self;
        *last_group = None;
        let columns: [&mut dyn Column; 18] = [
            service_name,
            resource_attributes,
            resource_schema_url,
            scope_name,
            scope_version,
            scope_attributes,
            scope_schema_url,
            tenant,
            session,
            user,
            team,
            project,
            event_id,
            batch,
            ingested_at,
            time_out_of_range,
            attribute_types,
            redacted_fields,
        ];
        columns.into_iter().for_each(Column::clear);
    }

    pub(super) fn tenants(&self) -> Vec<(String, u64)> {
        self.tenant.counts()
    }

    pub(super) fn rows(&self) -> usize {
        self.event_id.rows()
    }
}

fn is_same_resource(one: &Resource, other: &Resource) -> bool {
    let Resource { attributes, schema_url } = one;
    attributes.is_same(&other.attributes) && is_equal(schema_url.as_bytes(), other.schema_url.as_bytes())
}

fn is_same_scope(one: &Scope, other: &Scope) -> bool {
    let Scope { name, version, attributes, schema_url, dropped_attributes: _ } = one;
    attributes.is_same(&other.attributes)
        && is_equal(name.as_bytes(), other.name.as_bytes())
        && is_equal(version.as_bytes(), other.version.as_bytes())
        && is_equal(schema_url.as_bytes(), other.schema_url.as_bytes())
}

/// A UUID as ClickHouse lays it out: two 64-bit halves, high half first, each little-endian.
fn uuid(uuid: Uuid) -> [u8; 16] {
    let (high, low) = uuid.as_u64_pair();
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&high.to_le_bytes());
    bytes[8..].copy_from_slice(&low.to_le_bytes());
    bytes
}

//! What stands on every record of a session?

use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;

use crate::attributes::{boolean, text};
use crate::people::User;
use crate::project::Project;

/// The department all teams belong to.
const DEPARTMENT: &str = "engineering";

/// The resource, the scopes and the attributes that are the same all through a session.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) resource: Resource,
    version: String,
    standard: Vec<KeyValue>,
}

impl Identity {
    pub(crate) fn new(user: &User, project: &Project, session_id: &str) -> Self {
        let custom = [
            text("team.id", user.group.as_str()),
            text("department", DEPARTMENT),
            text("project", project.name),
        ];
        let mut resource = custom.to_vec();
        resource.push(text("host.arch", user.machine.arch));
        resource.push(text("os.type", user.machine.os_type));
        resource.push(text("os.version", user.machine.os_version));
        resource.push(text("service.name", "claude-code"));
        resource.push(text("service.version", user.version.as_str()));
        resource.extend(user.machine.wsl.map(|version| text("wsl.version", version)));
        let mut standard = custom.to_vec();
        standard.push(text("user.id", user.id.as_str()));
        standard.push(text("session.id", session_id));
        if user.signed_in {
            standard.push(text("organization.id", user.organization_id.as_str()));
            standard.push(text("user.email", user.email.as_str()));
            standard.push(text("user.account_uuid", user.account_uuid.as_str()));
            standard.push(text("user.account_id", user.account_id.as_str()));
        }
        standard.push(text("anthropic.provider", "firstParty"));
        standard.push(boolean("anthropic.custom_base_url", false));
        standard.push(text("terminal.type", user.terminal.as_str()));
        Self {
            resource: Resource { attributes: resource, ..Resource::default() },
            version: user.version.clone(),
            standard,
        }
    }

    /// Returns the standard attributes, with room for this many more.
    pub(crate) fn standard(&self, more: usize) -> Vec<KeyValue> {
        let mut attributes = Vec::with_capacity(self.standard.len() + more);
        attributes.extend_from_slice(&self.standard);
        attributes
    }

    /// Returns the scope of log records.
    pub(crate) fn events_scope(&self) -> InstrumentationScope {
        scope("com.anthropic.claude_code.events", &self.version)
    }

    /// Returns the scope of metrics.
    pub(crate) fn metrics_scope(&self) -> InstrumentationScope {
        scope("com.anthropic.claude_code", &self.version)
    }

    /// Returns the scope of spans, whose version is its own.
    #[expect(clippy::unused_self, reason = "stands beside the two others")]
    pub(crate) fn spans_scope(&self) -> InstrumentationScope {
        scope("com.anthropic.claude_code.tracing", "1.0.0")
    }
}

fn scope(name: &str, version: &str) -> InstrumentationScope {
    InstrumentationScope { name: name.to_owned(), version: version.to_owned(), ..Default::default() }
}

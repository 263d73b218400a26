//! Who asks: whose data is read, in which role, and on whose account.
//!
//! The only place where a request gets its tenant, and where what a key or token fixes is put into a query. Nothing that
//! the caller writes has a part in it. A layer around every route identifies the caller once ([`identified`]);
//! handlers and the layers within find it among the request's extensions.

mod account;
mod asking;
mod narrowing;
mod sessions;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use granary_access::{Admitted, Credential, Gate, Grant, Holder, Pass, Refused, Role, host_of};
use granary_model::TenantId;
use http::header;
use http::request::Parts;
use jiff::Timestamp;

use crate::Limits;
use crate::door::Refusal;
use crate::problem::Problem;
use crate::router::GatewayState;

pub use account::Account;
pub use asking::{AskError, Forbidden};
pub(crate) use sessions::{Owners, may_see_session};

/// An identified caller. Clones are cheap.
#[derive(Debug, Clone)]
pub struct Caller {
    tenant: TenantId,
    account: Account,
    /// None is somebody on this machine, where no key is asked for.
    pass: Option<Arc<Pass>>,
    address: Option<IpAddr>,
    limits: Limits,
}

impl Caller {
    /// The process itself, asking for the default tenant.
    #[must_use]
    pub fn local() -> Self {
        let (tenant, account) = (TenantId::default(), Account::Local);
        Self { tenant, account, pass: None, address: None, limits: Limits::default() }
    }

    /// Somebody who was let in; `peer` is where from, `None` this process itself.
    #[must_use]
    pub fn of(admitted: Admitted, peer: Option<SocketAddr>) -> Self {
        let address = peer.map(|peer| peer.ip().to_canonical());
        match admitted {
            Admitted::Granted(pass) => {
                let grant = pass.grant();
                let account = match &grant.holder {
                    Holder::Key(id) => Account::Key(id.clone()),
                    Holder::Subject(subject) => Account::Subject(subject.clone()),
                };
                let tenant = grant.tenant.clone();
                Self { tenant, account, pass: Some(Arc::new(pass)), address, ..Self::local() }
            }
            Admitted::Local => {
                let account = address.map_or(Account::Local, |address| Account::Host(host_of(address)));
                Self { account, address, ..Self::local() }
            }
        }
    }

    /// The same with limits of its own in place of the gateway's.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Whoever asks from that address, without a key.
    #[cfg(test)]
    pub(crate) fn from_host(address: IpAddr) -> Self {
        Self::of(Admitted::Local, Some(SocketAddr::new(address, 1)))
    }

    #[cfg(test)]
    pub(crate) fn of_tenant(self, tenant: &str) -> Self {
        Self { tenant: TenantId::new(tenant), ..self }
    }

    /// Whose data the caller reads.
    #[must_use]
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// What its allowances are kept under.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// What it may do. Who needs no key may do everything.
    #[must_use]
    pub fn role(&self) -> Role {
        self.grant().map_or(Role::Admin, |grant| grant.role)
    }

    /// What its key or token allows; none where no key was asked for.
    #[must_use]
    pub fn grant(&self) -> Option<&Grant> {
        self.pass.as_deref().map(Pass::grant)
    }

    /// What it was let in by; none where no key was asked for.
    pub(crate) fn pass(&self) -> Option<&Pass> {
        self.pass.as_deref()
    }

    /// Whether queries of a group may be asked.
    #[must_use]
    pub fn may(&self, group: &str) -> bool {
        self.grant().is_none_or(|grant| grant.may(group))
    }

    /// Whether all of the tenant is seen: no filter says that only some users' data are, or teams', projects' or
    /// sessions'. What knows nothing of such filters is for those who see all.
    #[must_use]
    pub fn sees_all(&self) -> bool {
        self.access_filters().next().is_none()
    }

    /// The filters that say whose data are seen, each with the values that are.
    pub fn access_filters(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        self.grant().into_iter().flat_map(|grant| grant.fixed.access_filters())
    }

    /// Where the request came from; nothing for the process itself.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// The account's own limits.
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }
}

/// As logs and the audit have it: `key Ab3dEf7h`, `subject …`, an address, or `local`.
impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.account.fmt(f)
    }
}

/// Says who it is that asks, to everything within; whoever may not ask gets no further.
pub(crate) async fn identified(State(state): State<GatewayState>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    match identify(&state.gate, &parts).await {
        Ok(caller) => {
            parts.extensions.insert(caller);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(refused) => Problem::from(refused).into_response(),
    }
}

/// The same for ClickHouse's HTTP interface, which has more places for a key and another form of saying no.
pub(crate) async fn identified_for_sql(
    State(state): State<GatewayState>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    match identify_clickhouse(&state.gate, &parts).await {
        Ok(caller) => {
            parts.extensions.insert(caller);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(refused) => Refusal::unidentified(refused).into_response(),
    }
}

/// Identifies who sent an ordinary request, by what it shows and the connection it came over.
///
/// # Errors
///
/// Nobody who may ask.
pub async fn identify(gate: &Gate, request: &Parts) -> Result<Caller, Refused> {
    let shown = Credential::of_request(&request.headers);
    admit(gate, request, shown).await
}

/// The same for a request that speaks ClickHouse's HTTP interface, which has more places for a key.
///
/// # Errors
///
/// Nobody who may ask.
pub async fn identify_clickhouse(gate: &Gate, request: &Parts) -> Result<Caller, Refused> {
    let shown = Credential::of_clickhouse(&request.headers, request.uri.query());
    admit(gate, request, shown).await
}

async fn admit(
    gate: &Gate,
    request: &Parts,
    shown: Result<Option<Credential>, granary_access::CredentialError>,
) -> Result<Caller, Refused> {
    let peer = request.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| *peer);
    // Over HTTP/2 the name stands in the address.
    let authority = request.uri.authority().map(http::uri::Authority::as_str);
    let host = match (authority, request.headers.get(header::HOST)) {
        (Some(authority), _) => Some(authority),
        // What is not text is no name of ours.
        (None, host) => host.map(|host| host.to_str().unwrap_or_default()),
    };
    let admitted = gate.identify(peer.map(|peer| peer.ip()), host, shown, Timestamp::now()).await?;
    Ok(Caller::of(admitted, peer))
}

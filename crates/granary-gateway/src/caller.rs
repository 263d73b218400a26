//! Who asks: whose data is read, and on whose account.
//!
//! The only place where a request gets its tenant. Nothing that the caller writes has a part in it. A layer
//! around every route identifies the caller once ([`identified`]); handlers and the layers within find it among the
//! request's extensions.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use axum::middleware::Next;
use axum::response::Response;
use granary_model::TenantId;
use http::request::Parts;

use crate::Limits;

/// An identified caller.
#[derive(Debug, Clone)]
pub struct Caller {
    tenant: TenantId,
    account: Account,
    address: Option<IpAddr>,
    limits: Limits,
}

/// What a caller's allowance is kept under.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Account {
    /// A host: an IPv4 address, or the network of an IPv6 one, since a host has a whole network of those.
    Host(IpAddr),
    /// The process itself.
    Local,
}

impl Caller {
    /// The process itself, asking for the default tenant.
    #[must_use]
    pub fn local() -> Self {
        Self {
            tenant: TenantId::default(),
            account: Account::Local,
            address: None,
            limits: Limits::default(),
        }
    }

    /// Identifies who sent a request, by the connection it came over.
    fn identify(request: &Parts) -> Self {
        match request.extensions.get::<ConnectInfo<SocketAddr>>() {
            Some(ConnectInfo(peer)) => Self::from_host(peer.ip()),
            None => Self::local(),
        }
    }

    /// Whoever asks from that address.
    pub(crate) fn from_host(address: IpAddr) -> Self {
        Self { account: Account::Host(host(address)), address: Some(address.to_canonical()), ..Self::local() }
    }

    /// The same with limits of its own in place of the gateway's.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
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

    pub(crate) fn account(&self) -> &Account {
        &self.account
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

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.account {
            Account::Host(address) => address.fmt(f),
            Account::Local => f.write_str("local"),
        }
    }
}

/// Says who it is that asks, to everything within.
pub(crate) async fn identified(request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = Caller::identify(&parts);
    parts.extensions.insert(caller);
    next.run(Request::from_parts(parts, body)).await
}

fn host(address: IpAddr) -> IpAddr {
    const NETWORK: u128 = !0 << 64;
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => Ipv6Addr::from(u128::from(address) & NETWORK).into(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(peer: &str) -> Account {
        let mut parts = http::Request::new(()).into_parts().0;
        parts.extensions.insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        Caller::identify(&parts).account().clone()
    }

    #[test]
    fn a_host_has_one_account_whichever_of_its_addresses_and_ports_it_uses() {
        assert_eq!(account("192.0.2.1:1"), account("192.0.2.1:2"));
        assert_eq!(account("192.0.2.1:1"), account("[::ffff:192.0.2.1]:1"));
        assert_eq!(account("[2001:db8::1]:1"), account("[2001:db8::ffff:1]:1"));
        assert_ne!(account("192.0.2.1:1"), account("192.0.2.2:1"));
        assert_ne!(account("[2001:db8::1]:1"), account("[2001:db8:0:1::1]:1"));
    }
}

//! Whether somebody listens where the settings say.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Check;
use crate::settings::Settings;

/// How long a connection on this machine or its network may take.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) async fn checks(settings: &Settings) -> Vec<Check> {
    let doors = [
        ("OTLP over gRPC", settings.ingest.grpc, "granary ingest"),
        ("OTLP over HTTP", settings.ingest.http, "granary ingest"),
        ("gateway", settings.gateway.listen, "granary gateway"),
    ];
    let mut checks = Vec::new();
    for (name, address, role) in doors {
        checks.push(door(name, address, role).await);
    }
    for (name, answer) in granary_ingest::reach_peers(&settings.ingest).await {
        checks.push(match answer {
            Ok(()) => Check::ok(PEERS, format!("{name} answers")),
            Err(error) => Check::fail(PEERS, format!("{name}: {error}"), ADVICE),
        });
    }
    checks
}

const PEERS: &str = "other receivers";
const ADVICE: &str = "start the receiver there, and give all of them the same ingest.peer_secret: events that are sent to two \
                      that do not reach each other are stored twice";

async fn door(name: &'static str, address: SocketAddr, role: &str) -> Check {
    if address.port() == 0 {
        return Check::ok(name, format!("{address}: a free port each time, which cannot be looked at"));
    }
    let advice = format!("start `granary up` or `{role}` here, or leave it where it runs elsewhere");
    match timeout(PATIENCE, TcpStream::connect(reachable(address))).await {
        Ok(Ok(_)) => Check::ok(name, format!("{address} is open")),
        Ok(Err(error)) => Check::warn(name, format!("{address}: {error}"), advice),
        Err(_) => Check::warn(name, format!("{address}: no answer within {PATIENCE:?}"), advice),
    }
}

/// Every address is reached at the loopback's.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

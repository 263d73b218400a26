//! Hosts: whose address an address is, and which name a request came by.

use std::net::{IpAddr, Ipv6Addr};

/// What a host's allowances are kept under: an IPv4 address, or the network of an IPv6 one, since a host has a whole
/// network of those.
#[must_use]
pub fn host_of(address: IpAddr) -> IpAddr {
    const NETWORK: u128 = !0 << 64;
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => Ipv6Addr::from(u128::from(address) & NETWORK).into(),
        other => other,
    }
}

/// Whether a request's `Host` is one of this machine's own names, or one of those given.
///
/// A page in a browser can have a name of its own point to the loopback, and then reads there what it likes as
/// if it were from there (DNS rebinding). Its requests say that name.
pub(crate) fn is_own(host: &str, names: &[String]) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    match name.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => {
            name == "localhost"
                || name.ends_with(".localhost")
                || names.iter().any(|own| own.eq_ignore_ascii_case(&name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_its_own() {
        let names = ["granary.example".to_owned()];
        for own in [
            "localhost",
            "LOCALHOST:8080",
            "localhost.",
            "app.localhost:1",
            "127.0.0.1",
            "127.8.8.8:1",
            "[::1]",
            "[::1]:8080",
            "[::ffff:127.0.0.1]:1",
            "Granary.Example:8080",
        ] {
            assert!(is_own(own, &names), "{own}");
        }
        for foreign in [
            "",
            "attacker.example",
            "attacker.example:8080",
            "localhost.attacker.example",
            "notlocalhost",
            "192.0.2.1",
            "[2001:db8::1]:1",
            "127.0.0.1.attacker.example",
            "granary.example.attacker.example",
            "0.0.0.0",
        ] {
            assert!(!is_own(foreign, &names), "{foreign}");
        }
    }

    #[test]
    fn a_host_is_one_whichever_of_its_addresses_it_uses() {
        let host = |address: &str| host_of(address.parse().unwrap());
        assert_eq!(host("192.0.2.1"), host("::ffff:192.0.2.1"));
        assert_eq!(host("2001:db8::1"), host("2001:db8::ffff:1"));
        assert_ne!(host("192.0.2.1"), host("192.0.2.2"));
        assert_ne!(host("2001:db8::1"), host("2001:db8:0:1::1"));
    }
}

//! `granary cache`

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::arguments::Cache;
use crate::settings::Settings;

/// How long the gateway may take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) async fn run(
    settings: &Settings,
    command: Cache,
    at: Option<&str>,
    token: Option<&str>,
) -> anyhow::Result<()> {
    let Cache::Flush = command;
    let address =
        at.map_or_else(|| address(settings.gateway.listen), |at| Ok(at.trim_end_matches('/').to_owned()))?;
    if address.starts_with("https:") {
        bail!(
            "this command does not speak TLS; ask the gateway behind it, or run curl -X DELETE {address}/v1/cache"
        );
    }
    let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
    let mut request = client.delete(format!("{address}/v1/cache"));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request
        .send()
        .await
        .with_context(|| format!("there is no gateway at {address}; say where it is with --at"))?;
    let status = answer.status();
    let text = answer.text().await.unwrap_or_default();
    if !status.is_success() {
        bail!("the gateway at {address} says {status}: {text}");
    }
    let flushed: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("what is at {address} is no gateway"))?;
    say!("the gateway at {address} has forgotten {} answers", flushed["flushed"]);
    Ok(())
}

/// Where the gateway that listens there can be reached from here.
fn address(listen: SocketAddr) -> anyhow::Result<String> {
    if listen.port() == 0 {
        bail!("gateway.listen has port 0, so the gateway's address is not known; say it with --at");
    }
    let mut address = listen;
    if address.ip().is_unspecified() {
        address.set_ip(if listen.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        });
    }
    Ok(format!("http://{address}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_that_listens_everywhere_is_reached_on_this_machine() {
        let of = |text: &str| address(text.parse().unwrap()).ok();
        assert_eq!(of("0.0.0.0:8080").unwrap(), "http://127.0.0.1:8080");
        assert_eq!(of("[::]:8080").unwrap(), "http://[::1]:8080");
        assert_eq!(of("192.0.2.1:8080").unwrap(), "http://192.0.2.1:8080");
        assert_eq!(of("127.0.0.1:0"), None);
    }
}

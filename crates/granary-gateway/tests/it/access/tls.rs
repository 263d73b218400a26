//! The gateway over TLS, and addresses that need keys.

use std::net::SocketAddr;
use std::sync::Arc;

use granary_access::Role;
use granary_gateway::{Gateway, GatewayConfig};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::keys::Keys;
use crate::server::serve;

/// An authority, with a certificate and a key for `localhost` in files.
struct Authority {
    pem: String,
    cert: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let cert =
            CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        Self { pem: issuer.pem(), cert: cert.pem(), key: key.serialize_pem() }
    }

    /// The first line of an answer, over a connection that trusts this authority.
    async fn ask(&self, address: SocketAddr, key: &str, with_certificate: bool) -> std::io::Result<String> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = if with_certificate {
            let chain = vec![CertificateDer::from_pem_slice(self.cert.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).unwrap();
            builder.with_client_auth_cert(chain, key).unwrap()
        } else {
            builder.with_no_client_auth()
        };
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        let request =
            format!("GET /v1/queries HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = vec![0; 15];
        stream.read_exact(&mut answer).await?;
        Ok(String::from_utf8(answer).unwrap())
    }
}

#[tokio::test]
async fn the_gateway_speaks_tls_and_asks_for_certificates_where_that_is_set() {
    let keys = Keys::none();
    let key = keys.of(Role::Analyst);
    let authority = Authority::new();
    for (name, text) in [("cert", &authority.cert), ("key", &authority.key), ("ca", &authority.pem)] {
        std::fs::write(keys.path(name), text).unwrap();
    }
    for asks_for_certificate in [false, true] {
        let running = serve(&[], |config| {
            config.keys_file = keys.file();
            config.tls_cert = Some(keys.path("cert"));
            config.tls_key = Some(keys.path("key"));
            config.tls_client_ca = asks_for_certificate.then(|| keys.path("ca"));
        })
        .await;
        let with = authority.ask(running.address, &key, true).await.unwrap();
        assert_eq!(with, "HTTP/1.1 200 OK");
        let without = authority.ask(running.address, &key, false).await;
        assert_eq!(without.is_ok(), !asks_for_certificate, "{without:?}");
        let without_key = authority.ask(running.address, "", true).await.unwrap();
        assert!(
            without_key.contains("401"),
            "a certificate is beside the key and not in its place: {without_key}"
        );
        running.stop.cancel();
        running.served.await.unwrap();
    }
}

#[test]
fn settings_that_would_let_in_others_or_do_not_go_together_are_refused_before_anything_starts() {
    let keys = Keys::none();
    let wide = || GatewayConfig { listen: ([0, 0, 0, 0], 0).into(), ..GatewayConfig::default() };
    let refused = |config: GatewayConfig| Gateway::check(&config).unwrap_err().to_string();
    let missing = refused(GatewayConfig { keys_file: keys.file(), ..wide() });
    for part in ["0.0.0.0:0", "granary keys create --role analyst", "--gateway 127.0.0.1", "keys.toml"] {
        assert!(missing.contains(part), "{part} is not in {missing}");
    }
    let star = GatewayConfig { cors_origins: vec!["*".to_owned()], ..GatewayConfig::default() };
    assert!(refused(star).contains("gateway.cors_origins"));
    let half = GatewayConfig { tls_cert: Some(keys.path("cert")), ..GatewayConfig::default() };
    assert!(refused(half).contains("gateway.tls_key"));
    let mut jwt = GatewayConfig::default();
    jwt.jwt.issuer = "https://issuer.example".to_owned();
    assert!(refused(jwt).contains("gateway.jwt"));
    keys.of(Role::Analyst);
    Gateway::check(&GatewayConfig { keys_file: keys.file(), ..wide() }).unwrap();
}

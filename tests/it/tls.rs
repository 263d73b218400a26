//! TLS at both doors, with certificates of our own making.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use granary_ingest::{BindError, Ingest, IngestConfig};
use granary_redact::{RedactConfig, Redactor};
use granary_service::metrics::Registry;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Endpoint, Uri};

use crate::events::{body_of, log, logs_of};
use crate::receiver::{Receiver, config, eventually};

/// An authority that issues certificates, in PEM.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

struct Issued {
    cert: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer }
    }

    fn pem(&self) -> String {
        self.issuer.pem()
    }

    fn issue(&self, usage: ExtendedKeyUsagePurpose) -> Issued {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        Issued { cert: cert.pem(), key: key.serialize_pem() }
    }

    fn for_server(&self) -> Issued {
        self.issue(ExtendedKeyUsagePurpose::ServerAuth)
    }

    fn for_client(&self) -> Issued {
        self.issue(ExtendedKeyUsagePurpose::ClientAuth)
    }
}

/// The receiver's files.
struct Files {
    dir: tempfile::TempDir,
}

impl Files {
    fn with(server: &Issued) -> Self {
        let files = Self { dir: tempfile::tempdir().unwrap() };
        files.write(server);
        files
    }

    fn write(&self, server: &Issued) {
        for (name, text) in [("tls.crt", &server.cert), ("tls.key", &server.key)] {
            std::fs::write(self.path(name), text).unwrap();
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn config(&self) -> IngestConfig {
        IngestConfig { tls_cert: Some(self.path("tls.crt")), tls_key: Some(self.path("tls.key")), ..config() }
    }

    fn asking_for_certificates_of(&self, authority: &Authority) -> IngestConfig {
        std::fs::write(self.path("ca.crt"), authority.pem()).unwrap();
        IngestConfig { tls_client_ca: Some(self.path("ca.crt")), ..self.config() }
    }
}

/// A sender that trusts an authority and may have a certificate.
#[derive(Clone)]
struct Client {
    config: ClientConfig,
}

impl Client {
    fn trusting(authority: &Authority, own: Option<&Issued>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match own {
            None => builder.with_no_client_auth(),
            Some(Issued { cert, key }) => {
                let cert = CertificateDer::from_pem_slice(cert.as_bytes()).unwrap();
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                builder.with_client_auth_cert(vec![cert], key).unwrap()
            }
        };
        Self { config }
    }

    async fn connect(mut self, address: SocketAddr, protocol: &str) -> io::Result<TlsStream<TcpStream>> {
        self.config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(self.config)).connect(name, stream).await?;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol.as_bytes()));
        Ok(stream)
    }

    /// Sends a log record over HTTP; the answer's status line.
    async fn post(&self, receiver: &Receiver, name: &str) -> io::Result<String> {
        let mut stream = self.clone().connect(receiver.http, "http/1.1").await?;
        let body = body_of(&[log(name)]);
        let request = format!(
            "POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(String::from_utf8(answer).unwrap().lines().next().unwrap_or_default().to_owned())
    }

    /// Sends an empty request over gRPC.
    async fn export(&self, receiver: &Receiver) -> Result<(), tonic::Status> {
        let (client, address) = (self.clone(), receiver.grpc);
        let connect = tower::service_fn(move |_: Uri| {
            let client = client.clone();
            async move { client.connect(address, "h2").await.map(TokioIo::new) }
        });
        let channel = Endpoint::from_static("http://localhost").connect_with_connector_lazy(connect);
        LogsServiceClient::new(channel).export(ExportLogsServiceRequest::default()).await.map(drop)
    }
}

const OK: &str = "HTTP/1.1 200 OK";

#[tokio::test]
async fn both_doors_speak_tls_and_nothing_else() {
    let authority = Authority::new();
    let files = Files::with(&authority.for_server());
    let receiver = Receiver::start_with("tls", files.config()).await;
    let client = Client::trusting(&authority, None);
    assert_eq!(client.post(&receiver, "a").await.unwrap(), OK);
    client.export(&receiver).await.unwrap();
    let plain = receiver.post("logs").header("Content-Type", "application/json").body(body_of(&[log("b")]));
    assert!(plain.send().await.is_err(), "without TLS there is no answer");
    assert!(Client::trusting(&Authority::new(), None).post(&receiver, "c").await.is_err());
    eventually("failed handshakes", async || {
        receiver.metrics().contains(r#"granary_ingest_handshake_failures_total{door="http"} 2"#)
    })
    .await;
    assert_eq!(logs_of(&receiver.finish().await).await, ["a"]);
}

#[tokio::test]
async fn a_sender_without_the_certificate_that_is_asked_for_is_refused() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let files = Files::with(&authority.for_server());
    let receiver = Receiver::start_with("mtls", files.asking_for_certificates_of(&clients)).await;
    let with = |own: Option<&Issued>| Client::trusting(&authority, own);
    for wrong in [None, Some(Authority::new().for_client())] {
        assert!(with(wrong.as_ref()).post(&receiver, "wrong").await.is_err());
        with(wrong.as_ref()).export(&receiver).await.unwrap_err();
    }
    let right = clients.for_client();
    assert_eq!(with(Some(&right)).post(&receiver, "right").await.unwrap(), OK);
    with(Some(&right)).export(&receiver).await.unwrap();
    assert_eq!(logs_of(&receiver.finish().await).await, ["right"]);
}

#[tokio::test]
async fn certificates_that_change_are_shown_to_the_next_connection_and_broken_ones_are_not() {
    let (old, new) = (Authority::new(), Authority::new());
    let files = Files::with(&old.for_server());
    let receiver = Receiver::start_with("tls_rotation", files.config()).await;
    let (of_old, of_new) = (Client::trusting(&old, None), Client::trusting(&new, None));
    assert_eq!(of_old.post(&receiver, "a").await.unwrap(), OK);
    // Half of a change: the certificate without its key.
    let issued = new.for_server();
    std::fs::write(files.path("tls.crt"), &issued.cert).unwrap();
    let failed = r#"granary_ingest_reload_failures_total{what="tls"} 1"#;
    eventually("a failed reload", async || receiver.metrics().contains(failed)).await;
    assert_eq!(of_old.post(&receiver, "b").await.unwrap(), OK);
    files.write(&issued);
    eventually("the new certificate", async || of_new.post(&receiver, "c").await.is_ok()).await;
    assert!(of_old.post(&receiver, "d").await.is_err());
    of_new.export(&receiver).await.unwrap();
    assert_eq!(logs_of(&receiver.finish().await).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_handshake_that_does_not_come_is_given_up_and_does_not_hold_the_ordered_stop() {
    let files = Files::with(&Authority::new().for_server());
    let config = IngestConfig { header_timeout: Duration::from_millis(300), ..files.config() };
    let receiver = Receiver::start_with("tls_silent", config).await;
    let mut silent = TcpStream::connect(receiver.grpc).await.unwrap();
    let read = tokio::time::timeout(Duration::from_mins(1), silent.read(&mut [0])).await;
    assert_eq!(read.expect("the connection is still open").unwrap_or_default(), 0);
    receiver.finish().await;

    let config = IngestConfig { header_timeout: Duration::from_mins(10), ..files.config() };
    let receiver = Receiver::start_with("tls_silent_stop", config).await;
    let silent = TcpStream::connect(receiver.grpc).await.unwrap();
    tokio::time::timeout(Duration::from_mins(1), receiver.finish()).await.expect("the stop is held");
    drop(silent);
}

#[tokio::test]
async fn settings_and_files_that_make_no_tls_are_refused_at_the_start_with_the_reason() {
    let authority = Authority::new();
    let files = Files::with(&authority.for_server());
    let warehouse = granary_testkit::warehouse("tls_wrong").await;
    let none = files.path("none.crt");
    std::fs::write(&none, "no certificate").unwrap();
    let other = files.path("other.key");
    std::fs::write(&other, authority.for_server().key).unwrap();
    for (wrong, says) in [
        (IngestConfig { tls_key: None, ..files.config() }, "ingest.tls_key is not"),
        (IngestConfig { tls_cert: None, ..files.config() }, "ingest.tls_cert is not"),
        (IngestConfig { tls_client_ca: Some(none.clone()), ..config() }, "ingest.tls_cert is not"),
        (IngestConfig { tls_cert: Some(none.clone()), ..files.config() }, "none.crt"),
        (IngestConfig { tls_cert: Some(files.path("gone.crt")), ..files.config() }, "gone.crt"),
        (IngestConfig { tls_key: Some(other), ..files.config() }, "other.key"),
        (IngestConfig { tls_client_ca: Some(none.clone()), ..files.config() }, "ingest.tls_client_ca"),
    ] {
        let redactor = Redactor::new(&RedactConfig::default()).unwrap();
        let (registry, ready) = (Registry::default(), CancellationToken::new());
        let bound = Ingest::bind(&wrong, warehouse.owner.clone(), redactor, &registry, ready).await;
        let error = bound.unwrap_err();
        assert!(matches!(error, BindError::Tls(_)), "{error:?}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

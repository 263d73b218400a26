//! An S3 server within the test's process, with a bucket.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use s3s::auth::SimpleAuth;
use s3s::host::SingleDomain;
use s3s::service::{S3Service, S3ServiceBuilder};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A server with one bucket; it ends when this is dropped.
#[derive(Debug)]
pub struct TestS3 {
    /// As in `http://127.0.0.1:49152`.
    pub endpoint: String,
    /// The bucket.
    pub bucket: String,
    /// The id of the only key that is let in.
    pub access_key_id: String,
    /// The key's secret.
    pub secret_access_key: String,
    root: TempDir,
    server: JoinHandle<()>,
    state: Arc<Mutex<State>>,
}

/// What goes wrong with requests: of a hundred as many as each field says, in an order that is always the same.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// Answered `503 SlowDown`, and not done.
    pub busy_percent: u64,
    /// Cut off in the middle of the request's body, and not done.
    pub cut_percent: u64,
    /// Done, and cut off before the answer.
    pub lost_answer_percent: u64,
    /// How long each request waits before anything is done about it.
    pub delay: Duration,
}

#[derive(Debug, Default)]
struct State {
    faults: Faults,
    requests: u64,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Busy,
    Cut,
    LostAnswer,
    Sound,
}

impl State {
    fn fate(&mut self) -> (Fate, Duration) {
        self.requests += 1;
        let Faults { busy_percent, cut_percent, lost_answer_percent, delay } = self.faults;
        // The mixing step of SplitMix64: no two neighbours have anything to do with one another.
        let mut mixed = self.requests.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let place = (mixed ^ (mixed >> 31)) % 100;
        let fate = if place < busy_percent {
            Fate::Busy
        } else if place < busy_percent + cut_percent {
            Fate::Cut
        } else if place < busy_percent + cut_percent + lost_answer_percent {
            Fate::LostAnswer
        } else {
            Fate::Sound
        };
        (fate, delay)
    }
}

impl TestS3 {
    /// The file that holds an object's bytes; for tests that damage them.
    #[must_use]
    pub fn object_path(&self, key: &str) -> std::path::PathBuf {
        self.root.path().join(&self.bucket).join(key)
    }

    /// From now on this goes wrong.
    pub fn fail(&self, faults: Faults) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).faults = faults;
    }

    /// How many requests have come.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).requests
    }
}

impl Drop for TestS3 {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Under this name the server takes a bucket's name in front of its own, as in `bucket.s3.test`. No such name can be
/// looked up: who uses it sends requests to the server as to a proxy.
pub const S3_DOMAIN: &str = "s3.test";

/// Starts a server with an empty bucket on a free port.
pub async fn s3(bucket: &str) -> TestS3 {
    listen(bucket, None).await
}

/// Starts one that speaks TLS. Its certificate is of an authority that nobody knows; that one's own, in PEM, comes with it.
pub async fn s3_with_tls(bucket: &str) -> (TestS3, String) {
    let mut authority = CertificateParams::new(Vec::new()).expect("no names to be wrong");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let authority = CertifiedIssuer::self_signed(authority, key).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("an address is a name");
    let certificate = params.signed_by(&key, &authority).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider knows them")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("the key is the certificate's");
    let server = listen(bucket, Some(TlsAcceptor::from(Arc::new(config)))).await;
    (server, authority.pem())
}

async fn listen(bucket: &str, tls: Option<TlsAcceptor>) -> TestS3 {
    const KEY: (&str, &str) = ("test-key", "test-secret");
    let root = tempfile::tempdir().expect("a folder for the buckets");
    std::fs::create_dir(root.path().join(bucket)).expect("a folder for the bucket");
    let files = s3s_fs::FileSystem::new(root.path()).expect("the folder is there");
    let mut service = S3ServiceBuilder::new(files);
    service.set_host(SingleDomain::new(S3_DOMAIN).expect("it is a domain"));
    service.set_auth(SimpleAuth::from_single(KEY.0, KEY.1));
    let service = service.build();
    let state = Arc::new(Mutex::new(State::default()));

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("the port is bound");
    let scheme = if tls.is_some() { "https" } else { "http" };
    let server = tokio::spawn({
        let state = Arc::clone(&state);
        async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (service, state, tls) = (service.clone(), Arc::clone(&state), tls.clone());
                let answer = service_fn(move |request| {
                    let (service, state) = (service.clone(), Arc::clone(&state));
                    async move {
                        let (fate, delay) = state.lock().unwrap_or_else(PoisonError::into_inner).fate();
                        tokio::time::sleep(delay).await;
                        serve(&service, request, fate).await
                    }
                });
                tokio::spawn(async move {
                    let server = Builder::new(TokioExecutor::new());
                    // A client that goes away is no fault of the test's.
                    match tls {
                        None => drop(server.serve_connection(TokioIo::new(socket), answer).await),
                        Some(tls) => {
                            let Ok(socket) = tls.accept(socket).await else { return };
                            drop(server.serve_connection(TokioIo::new(socket), answer).await);
                        }
                    }
                });
            }
        }
    });
    TestS3 {
        endpoint: format!("{scheme}://{address}"),
        bucket: bucket.to_owned(),
        access_key_id: KEY.0.to_owned(),
        secret_access_key: KEY.1.to_owned(),
        root,
        server,
        state,
    }
}

const SLOW_DOWN: &str = "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>later</Message></Error>";

/// An error ends the connection, without an answer.
async fn serve(
    service: &S3Service,
    mut request: Request<Incoming>,
    fate: Fate,
) -> Result<Response<s3s::Body>, String> {
    match fate {
        Fate::Busy => {
            let mut answer = Response::new(s3s::Body::from(SLOW_DOWN.to_owned()));
            *answer.status_mut() = hyper::StatusCode::SERVICE_UNAVAILABLE;
            Ok(answer)
        }
        Fate::Cut => {
            // The beginning of the body was on its way.
            request.body_mut().frame().await;
            Err("cut off".to_owned())
        }
        Fate::LostAnswer => {
            service.call(request.map(s3s::Body::from)).await.map_err(|error| format!("{error:?}"))?;
            Err("the answer is lost".to_owned())
        }
        Fate::Sound => service.call(request.map(s3s::Body::from)).await.map_err(|error| format!("{error:?}")),
    }
}

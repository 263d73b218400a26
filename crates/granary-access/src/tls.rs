//! TLS for a door, and certificates that are asked of whoever comes.
//!
//! With a `tls_client_ca` somebody without a certificate of that authority does not get past the handshake.
//! That is in addition to keys: whose data it is about, the key says. The authority's certificates can be
//! several in one file, so that an old and a new one are both taken while clients change over.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};

/// The doors cannot speak TLS with what is configured.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// One setting needs another.
    #[error("{given} is set and {missing} is not; TLS needs both")]
    Incomplete {
        /// The setting that is there.
        given: String,
        /// The setting that it needs.
        missing: String,
    },
    /// A file is not there, or has not in it what it should.
    #[error("{setting}: no {what} can be read from {}: {source}", path.display())]
    Pem {
        /// The setting that names the file.
        setting: String,
        /// What was looked for.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: pem::Error,
    },
    /// The certificate and its key cannot be used, or not together.
    #[error("the certificate in {} and the key in {} cannot be used: {source}", cert.display(), key.display())]
    Certificate {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        source: rustls::Error,
    },
    /// The authority of clients' certificates cannot be used.
    #[error("the certificates in {} cannot be used for asking clients for theirs: {reason}", path.display())]
    ClientCa {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// Where a door's certificates are.
#[derive(Debug, Clone, Default)]
pub struct TlsFiles {
    /// The section of the settings that they are in, for messages: `ingest` or `gateway`.
    pub section: &'static str,
    /// The certificate with its chain.
    pub cert: Option<PathBuf>,
    /// Its private key.
    pub key: Option<PathBuf>,
    /// The authority whose certificate is asked for, if one is.
    pub client_ca: Option<PathBuf>,
}

impl TlsFiles {
    /// The files there are.
    pub fn paths(&self) -> impl Iterator<Item = PathBuf> + use<> {
        let Self { cert, key, client_ca, .. } = self.clone();
        [cert, key, client_ca].into_iter().flatten()
    }

    fn setting(&self, name: &str) -> String {
        format!("{}.{name}", self.section)
    }
}

/// The files and what was last read from them.
#[derive(Debug)]
pub struct Tls {
    files: Files,
    current: RwLock<Arc<ServerConfig>>,
}

#[derive(Debug)]
struct Files {
    cert: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
    names: TlsFiles,
}

impl Tls {
    /// Reads the configured files; nothing where none are configured.
    ///
    /// # Errors
    ///
    /// A setting or file is missing or wrong.
    pub fn open(names: TlsFiles) -> Result<Option<Self>, TlsError> {
        let incomplete = |given, missing| {
            let (given, missing) = (names.setting(given), names.setting(missing));
            Err(TlsError::Incomplete { given, missing })
        };
        let files = match (&names.cert, &names.key, &names.client_ca) {
            (None, None, None) => return Ok(None),
            (Some(cert), Some(key), client_ca) => {
                let (cert, key, client_ca) = (cert.clone(), key.clone(), client_ca.clone());
                Files { cert, key, client_ca, names }
            }
            (Some(_), None, _) => return incomplete("tls_cert", "tls_key"),
            (None, Some(_), _) => return incomplete("tls_key", "tls_cert"),
            (None, None, Some(_)) => return incomplete("tls_client_ca", "tls_cert"),
        };
        let current = RwLock::new(Arc::new(files.read()?));
        Ok(Some(Self { files, current }))
    }

    /// Reads the files again; connections that are open stay as they are.
    ///
    /// # Errors
    ///
    /// They cannot be used, as while only one of two has been replaced; what was read before stays in force.
    pub fn reload(&self) -> Result<(), TlsError> {
        let config = Arc::new(self.files.read()?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
        Ok(())
    }

    /// For the next connection.
    #[must_use]
    pub fn acceptor(&self) -> TlsAcceptor {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Files {
    fn read(&self) -> Result<ServerConfig, TlsError> {
        let Self { cert, key, client_ca, names } = self;
        let chain = certificates(&names.setting("tls_cert"), cert)?;
        let private = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::Pem {
            setting: names.setting("tls_key"),
            what: "private key",
            path: key.clone(),
            source,
        })?;
        let unusable = |source| TlsError::Certificate { cert: cert.clone(), key: key.clone(), source };
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?;
        let builder = match client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let wrong = |reason: String| TlsError::ClientCa { path: path.clone(), reason };
                let mut roots = RootCertStore::empty();
                for certificate in certificates(&names.setting("tls_client_ca"), path)? {
                    roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                    .build()
                    .map_err(|error: VerifierBuilderError| wrong(error.to_string()))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_single_cert(chain, private).map_err(unusable)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// All certificates of a file; a file without one is an error.
fn certificates(setting: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |source| TlsError::Pem {
        setting: setting.to_owned(),
        what: "certificate",
        path: path.to_owned(),
        source,
    };
    let all: Vec<_> =
        CertificateDer::pem_file_iter(path).map_err(wrong)?.collect::<Result<_, _>>().map_err(wrong)?;
    if all.is_empty() { Err(wrong(pem::Error::NoItemsFound)) } else { Ok(all) }
}

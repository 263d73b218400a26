//! Settings to a client.

use std::path::Path;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{
    Credentials, RequestChecksumCalculation, ResponseChecksumValidation, SharedHttpClient,
};
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};

use crate::{S3Checksum, S3Config};

/// The region of stores that have none, and the one that AWS is asked in where none is named.
const NO_REGION: &str = "us-east-1";

/// Before the second attempt; the pauses double from there, up to 20 seconds.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// A client, and where it speaks to.
pub(super) struct Connected {
    pub(super) client: Client,
    pub(super) region: String,
    /// Nobody named the region, so the bucket may be in another.
    pub(super) region_is_guessed: bool,
}

/// Makes the client; nothing is sent yet, except to where credentials come from. `http` is what requests go through,
/// where it is not what the settings say.
///
/// # Errors
///
/// What is wrong with the configuration.
pub(super) async fn connect(
    config: &S3Config,
    region: Option<&str>,
    http: Option<SharedHttpClient>,
) -> Result<Connected, String> {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(config.max_attempts.max(1))
                .with_initial_backoff(FIRST_PAUSE),
        )
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(config.connect_timeout)
                .operation_attempt_timeout(config.request_timeout)
                .build(),
        );
    match (&config.access_key_id, &config.secret_access_key) {
        (Some(id), Some(secret)) => {
            let keys = Credentials::new(id, secret, config.session_token.clone(), None, "granary");
            loader = loader.credentials_provider(keys);
        }
        (None, None) => {}
        _ => {
            return Err("s3.access_key_id and s3.secret_access_key go together; one is missing".to_owned());
        }
    }
    // A store that is not AWS has no region that AWS's tools could know of.
    let elsewhere = config.endpoint.is_some().then_some(NO_REGION);
    if let Some(region) = region.or(config.region.as_deref()).or(elsewhere) {
        loader = loader.region(Region::new(region.to_owned()));
    }
    if let Some(endpoint) = &config.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(http) = http {
        loader = loader.http_client(http);
    } else if let Some(file) = &config.ca_file {
        loader = loader.http_client(trusting(file)?);
    }
    let shared = loader.load().await;
    let found = shared.region().map(ToString::to_string);
    let region_is_guessed = found.is_none();
    let region = found.unwrap_or_else(|| NO_REGION.to_owned());
    let client = aws_sdk_s3::config::Builder::from(&shared)
        .region(Region::new(region.clone()))
        .force_path_style(config.path_style)
        // What is sent has the checksum of the settings, which the client leaves out where it is not required; what is
        // read has one of its own in it.
        .request_checksum_calculation(match config.checksum {
            S3Checksum::None => RequestChecksumCalculation::WhenRequired,
            S3Checksum::Crc32c | S3Checksum::Sha256 => RequestChecksumCalculation::WhenSupported,
        })
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .build();
    Ok(Connected { client: Client::from_conf(client), region, region_is_guessed })
}

/// A client that trusts the authorities of a file as it does the system's.
fn trusting(file: &Path) -> Result<SharedHttpClient, String> {
    let problem = |problem: String| format!("s3.ca_file {}: {problem}", file.display());
    let pem = std::fs::read(file).map_err(|error| problem(error.to_string()))?;
    if !pem.windows(BEGIN.len()).any(|window| window == BEGIN) {
        return Err(problem("it has no certificate in PEM form".to_owned()));
    }
    let trusted = TrustStore::empty().with_native_roots(true).with_pem_certificate(pem);
    let context = TlsContext::builder().with_trust_store(trusted).build();
    let context = context.map_err(|error| problem(error.to_string()))?;
    Ok(aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(context)
        .build_https())
}

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

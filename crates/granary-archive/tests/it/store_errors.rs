//! What a store refuses is said in words that tell what to change.

use granary_archive::{ArchiveConfig, ArchiveError, S3Config, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::s3::s3_config;

async fn refusal(config: &ArchiveConfig) -> ArchiveError {
    Store::open(config).await.unwrap_err()
}

/// A server that gives each connection the next of the answers, and the last one ever after.
async fn answering(answers: &'static [&'static str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let mut answers = answers.iter();
        let mut answer = answers.next().unwrap();
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            if socket.read(&mut request).await.unwrap_or_default() > 0 {
                let (head, body) = answer.split_once("\r\nx-with-body: ").unwrap_or((answer, ""));
                let body = if request.starts_with(b"HEAD") { "" } else { body };
                let length = body.len();
                let text =
                    format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
                socket.write_all(text.as_bytes()).await.ok();
                answer = answers.next().unwrap_or(answer);
            }
        }
    });
    endpoint
}

pub(crate) fn config_of(endpoint: String) -> ArchiveConfig {
    ArchiveConfig {
        url: "s3://telemetry".to_owned(),
        s3: S3Config {
            endpoint: Some(endpoint),
            region: Some("us-east-1".to_owned()),
            path_style: true,
            access_key_id: Some("key".to_owned()),
            secret_access_key: Some("hush".to_owned()),
            ..S3Config::default()
        },
        ..ArchiveConfig::default()
    }
}

#[tokio::test]
async fn a_missing_bucket_is_named() {
    let server = granary_testkit::s3("there").await;
    let config = ArchiveConfig { url: "s3://not-there/x".to_owned(), ..s3_config(&server, "") };
    let error = refusal(&config).await;
    assert_eq!(error.to_string(), format!("the bucket not-there does not exist at {}", server.endpoint));
    assert!(!error.is_transient());
}

#[tokio::test]
async fn wrong_keys_are_told_from_a_missing_bucket() {
    let server = granary_testkit::s3("guarded").await;
    let mut config = s3_config(&server, "");
    config.s3.secret_access_key = Some("wrong".to_owned());
    let error = refusal(&config).await.to_string();
    assert!(error.starts_with("access to the bucket guarded is denied (HeadBucket: "), "{error}");
    assert!(error.contains("s3:PutObject"), "{error}");
}

#[tokio::test]
async fn a_bucket_of_another_region_is_told_with_its_region() {
    for answer in [
        "301 Moved Permanently\r\nx-amz-bucket-region: eu-central-1",
        "400 Bad Request\r\nx-amz-bucket-region: eu-central-1",
    ] {
        let endpoint = answering(Box::leak(Box::new([answer]))).await;
        let error = refusal(&config_of(endpoint)).await;
        assert_eq!(
            error.to_string(),
            "the bucket telemetry is in eu-central-1, not in us-east-1; set s3.region",
            "{answer}"
        );
    }
}

/// An answer with the body that S3 gives with it.
fn refusing(status: &str, code: &str) -> &'static [&'static str] {
    let body = format!("<Error><Code>{code}</Code><Message>because</Message></Error>");
    let answer = format!("{status}\r\nx-with-body: {body}");
    Box::leak(Box::new([&*answer.leak()]))
}

#[tokio::test]
async fn a_wrong_clock_and_keys_that_are_over_are_told_from_wrong_keys() {
    for (code, told) in [
        ("RequestTimeTooSkewed", "this machine's clock is wrong"),
        ("ExpiredToken", "the temporary keys for the bucket telemetry have expired"),
        (
            "SignatureDoesNotMatch",
            "access to the bucket telemetry is denied (HeadBucket: SignatureDoesNotMatch)",
        ),
    ] {
        let endpoint = answering(refusing("403 Forbidden", code)).await;
        let error = refusal(&config_of(endpoint)).await;
        assert!(error.to_string().contains(told), "{error}");
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn a_store_that_does_not_know_conditions_is_told_with_what_to_set() {
    let endpoint = answering(refusing("501 Not Implemented", "NotImplemented")).await;
    let error = refusal(&config_of(endpoint)).await.to_string();
    assert!(error.contains("s3.conditional_writes = false"), "{error}");
}

#[tokio::test]
async fn a_busy_store_is_asked_again() {
    let endpoint = answering(&["503 Slow Down", "500 Internal Server Error", "200 OK"]).await;
    Store::open(&config_of(endpoint)).await.unwrap();
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_told_with_its_address() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = refusal(&config_of(endpoint.clone())).await;
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("the bucket telemetry at {endpoint} cannot be reached (HeadBucket): ")),
        "{text}"
    );
    assert!(error.is_transient());
    assert!(!text.contains("hush"));
}

#[tokio::test]
async fn a_store_that_is_away_can_be_opened_for_later_and_one_that_says_no_cannot() {
    let mut away = config_of("http://127.0.0.1:9".to_owned());
    away.s3.max_attempts = 1;
    let store = Store::open_also_away(&away).await.unwrap();
    assert!(store.probe().await.unwrap_err().to_string().contains("cannot be reached"));

    let endpoint = answering(refusing("403 Forbidden", "InvalidAccessKeyId")).await;
    assert!(!Store::open_also_away(&config_of(endpoint)).await.unwrap_err().is_transient());
}

#[tokio::test]
async fn a_configuration_that_names_no_place_is_refused() {
    for (url, problem) in [
        ("", "url is empty; it names a folder or s3://bucket/prefix"),
        ("s3://", "url \"s3://\" names no bucket"),
        ("gs://b", "url begins with gs://, and is a folder's path or s3://bucket/prefix"),
    ] {
        let error = refusal(&ArchiveConfig { url: url.to_owned(), ..ArchiveConfig::default() }).await;
        assert_eq!(error.to_string(), format!("the archive's configuration is wrong: {problem}"));
    }
    let mut half = config_of("http://127.0.0.1:9".to_owned());
    half.s3.secret_access_key = None;
    assert!(refusal(&half).await.to_string().contains("go together"));
}

#[tokio::test]
async fn a_folder_that_cannot_be_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let url = format!("{}/below", file.path().display());
    let error = refusal(&ArchiveConfig { url: url.clone(), ..ArchiveConfig::default() }).await;
    assert!(error.to_string().starts_with(&format!("{url}: ")), "{error}");
}

#[tokio::test]
async fn a_store_with_an_authority_of_its_own_is_trusted_once_that_is_named() {
    let (server, authority) = granary_testkit::s3_with_tls("own-authority").await;
    let mut config = s3_config(&server, "");
    config.s3.max_attempts = 1;
    let error = refusal(&config).await;
    assert!(error.is_transient() && error.to_string().contains("cannot be reached"), "{error}");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("authority.pem");
    config.s3.ca_file = Some(file.clone());
    let error = refusal(&config).await.to_string();
    assert!(error.contains("s3.ca_file") && error.contains("authority.pem"), "{error}");
    std::fs::write(&file, "no certificate").unwrap();
    let error = refusal(&config).await.to_string();
    assert!(error.contains("it has no certificate in PEM form"), "{error}");
    std::fs::write(&file, authority).unwrap();
    Store::open(&config).await.unwrap();
}

/// The text of the first request of a store that is being opened.
async fn first_request(config: impl FnOnce(String) -> ArchiveConfig) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = config(format!("http://{}", listener.local_addr().unwrap()));
    let opened = tokio::spawn(async move { Store::open(&config).await.map(drop) });
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        assert!(socket.read_buf(&mut request).await.unwrap() > 0);
    }
    opened.abort();
    String::from_utf8(request).unwrap()
}

#[tokio::test]
async fn a_session_token_goes_with_each_request_and_the_bucket_into_the_path() {
    let request = first_request(|endpoint| {
        let mut config = config_of(endpoint);
        config.s3.session_token = Some("the-token".to_owned());
        config.s3.region = Some("eu-north-1".to_owned());
        config
    })
    .await;
    assert!(request.starts_with("HEAD /telemetry"), "{request}");
    assert!(request.contains("x-amz-security-token: the-token\r\n"), "{request}");
    assert!(request.contains("/eu-north-1/s3/aws4_request"), "{request}");
}

#[tokio::test]
async fn a_store_without_regions_needs_none() {
    let request = first_request(|endpoint| {
        let mut config = config_of(endpoint);
        config.s3.region = None;
        config
    })
    .await;
    assert!(request.contains("/us-east-1/s3/aws4_request"), "{request}");
}

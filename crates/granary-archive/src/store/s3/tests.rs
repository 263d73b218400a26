//! How a bucket is addressed, and how its region is found.

use std::sync::{Arc, Mutex};

use aws_sdk_s3::config::http::{HttpRequest, HttpResponse};
use aws_sdk_s3::primitives::SdkBody;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use granary_model::TenantId;

use super::*;

fn keys(config: S3Config) -> S3Config {
    S3Config {
        access_key_id: Some("test-key".to_owned()),
        secret_access_key: Some("test-secret".to_owned()),
        ..config
    }
}

async fn open(config: &S3Config, bucket: &str, http: SharedHttpClient) -> Result<S3Store, StoreError> {
    S3Store::open_through(config, bucket, "granary", Away::Refused, Some(http)).await.map_err(|error| {
        match error {
            OpenError::Config(problem) => panic!("{problem}"),
            OpenError::Store(error) => error,
        }
    })
}

async fn written_and_read(store: &S3Store, key: &ObjectKey, bytes: &[u8]) -> Vec<u8> {
    let mut upload = store.create(key, Over::Nothing);
    upload.write(bytes).await.unwrap();
    upload.finish().await.unwrap();
    let mut reader = store.read(key).await.unwrap().unwrap();
    let mut read = Vec::new();
    while let Some(chunk) = reader.next_chunk().await.unwrap() {
        read.extend_from_slice(&chunk);
    }
    read
}

/// The name of the bucket's host leads nowhere here, so requests take the way of a proxy, which the server itself is.
#[tokio::test]
async fn a_bucket_in_the_name_of_the_host_serves_whole_objects_and_those_in_parts() {
    let server = granary_testkit::s3("virtual-hosted").await;
    let config = keys(S3Config {
        endpoint: Some(format!("http://{}", granary_testkit::S3_DOMAIN)),
        ..S3Config::default()
    });
    let proxy = ProxyConfig::http(server.endpoint.as_str()).unwrap();
    let http = aws_smithy_http_client::Builder::new().build_with_connector_fn(move |_, _| {
        aws_smithy_http_client::Connector::builder()
            .proxy_config(proxy.clone())
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .build()
    });
    let store = open(&config, &server.bucket, http).await.unwrap();
    for (name, length) in [("whole", 100), ("in parts", 9 << 20)] {
        let key = ObjectKey::new(&TenantId::default(), name, 0);
        let bytes = vec![7; length];
        assert!(written_and_read(&store, &key, &bytes).await == bytes, "{name}");
        assert!(server.object_path(&format!("granary/{key}")).is_file(), "{name}");
        store.delete(&key).await.unwrap();
        assert_eq!(store.version(&key).await.unwrap(), None);
    }
}

/// AWS, as far as it tells which region a bucket is in: another one's address redirects, and a signature for another one is
/// refused. No other server has regions.
#[derive(Debug, Clone)]
struct Aws {
    bucket_is_in: &'static str,
    asked: Arc<Mutex<Vec<String>>>,
}

impl HttpConnector for Aws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let scope = request.headers().get("authorization").unwrap_or_default().to_owned();
        self.asked.lock().unwrap().push(format!("{} {}", request.method(), request.uri()));
        let is_there = scope.contains(&format!("/{}/s3/aws4_request", self.bucket_is_in));
        let status: u16 = if is_there { 200 } else { 301 };
        let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::empty());
        response.headers_mut().insert("x-amz-bucket-region", self.bucket_is_in);
        HttpConnectorFuture::ready(Ok(response))
    }
}

fn aws(bucket_is_in: &'static str) -> (SharedHttpClient, Arc<Mutex<Vec<String>>>) {
    let aws = Aws { bucket_is_in, asked: Arc::default() };
    let asked = Arc::clone(&aws.asked);
    (http_client_fn(move |_, _| SharedHttpConnector::new(aws.clone())), asked)
}

#[tokio::test]
async fn the_region_of_a_bucket_is_found_where_nobody_named_one() {
    let (http, asked) = aws("eu-central-1");
    let store = open(&keys(S3Config::default()), "telemetry", http).await.unwrap();
    assert_eq!(store.place.region, "eu-central-1");
    let asked = asked.lock().unwrap();
    // Before it asks the bucket, the client asks the machine's own metadata service where it is.
    let hosts: Vec<_> = asked
        .iter()
        .filter_map(|request| request.split('/').nth(2).filter(|host| host.ends_with(".amazonaws.com")))
        .collect();
    assert_eq!(hosts, ["telemetry.s3.us-east-1.amazonaws.com", "telemetry.s3.eu-central-1.amazonaws.com"]);
}

#[tokio::test]
async fn a_region_that_was_named_wrongly_is_told_with_the_right_one() {
    let (http, _) = aws("eu-central-1");
    let config = keys(S3Config { region: Some("us-west-2".to_owned()), ..S3Config::default() });
    let error = open(&config, "telemetry", http).await.unwrap_err();
    let StoreError::WrongRegion { actual, .. } = &error else { panic!("{error}") };
    assert_eq!(actual.as_deref(), Some("eu-central-1"));
    assert!(error.to_string().contains("us-west-2"), "{error}");
}

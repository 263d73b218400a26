//! An S3 server within the test's process, with a bucket.

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

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
}

impl TestS3 {
    /// The file that holds an object's bytes; for tests that damage them.
    #[must_use]
    pub fn object_path(&self, key: &str) -> std::path::PathBuf {
        self.root.path().join(&self.bucket).join(key)
    }
}

impl Drop for TestS3 {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Starts a server with an empty bucket on a free port.
pub async fn s3(bucket: &str) -> TestS3 {
    const KEY: (&str, &str) = ("test-key", "test-secret");
    let root = tempfile::tempdir().expect("a folder for the buckets");
    std::fs::create_dir(root.path().join(bucket)).expect("a folder for the bucket");
    let files = s3s_fs::FileSystem::new(root.path()).expect("the folder is there");
    let mut service = S3ServiceBuilder::new(files);
    service.set_auth(SimpleAuth::from_single(KEY.0, KEY.1));
    let service = service.build();

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("the port is bound");
    let server = tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                // A client that goes away is no fault of the test's.
                Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await.ok();
            });
        }
    });
    TestS3 {
        endpoint: format!("http://{address}"),
        bucket: bucket.to_owned(),
        access_key_id: KEY.0.to_owned(),
        secret_access_key: KEY.1.to_owned(),
        root,
        server,
    }
}

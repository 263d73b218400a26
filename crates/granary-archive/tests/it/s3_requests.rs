//! What is asked of a store goes over the wire as S3 has it.

use std::sync::{Arc, Mutex};

use granary_archive::{ArchiveConfig, ObjectKey, Over, S3Checksum, S3Encryption, Store};
use granary_model::TenantId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::store_errors::config_of;

/// A server that says yes to everything, and remembers the heads of the requests.
async fn agreeing() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let heads = Arc::new(Mutex::new(Vec::new()));
    tokio::spawn({
        let heads = Arc::clone(&heads);
        async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut request = Vec::new();
                let end = loop {
                    if socket.read_buf(&mut request).await.unwrap_or_default() == 0 {
                        break None;
                    }
                    if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
                        break Some(end + 4);
                    }
                };
                let Some(end) = end else { continue };
                let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.map_or(0, |length| length.parse().unwrap());
                let mut missing = length.saturating_sub(request.len() - end);
                while missing > 0 {
                    let read = socket.read(&mut vec![0; missing]).await.unwrap_or_default();
                    missing = if read == 0 { 0 } else { missing - read };
                }
                let body =
                    "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>";
                let body = if head.starts_with("post") && head.contains("uploads") { body } else { "" };
                let answer = format!(
                    "HTTP/1.1 200 OK\r\netag: \"e\"\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
                heads.lock().unwrap().push(head);
                socket.write_all(answer.as_bytes()).await.ok();
            }
        }
    });
    (endpoint, heads)
}

/// The heads of the requests that write an object of so many bytes.
async fn written(config: impl FnOnce(&mut ArchiveConfig), bytes: usize, over: Over) -> Vec<String> {
    let (endpoint, heads) = agreeing().await;
    let mut settings = config_of(endpoint);
    config(&mut settings);
    let store = Store::open(&settings).await.unwrap();
    heads.lock().unwrap().clear();
    let mut upload = store.create(&ObjectKey::new(&TenantId::default(), "s", 0), over).await.unwrap();
    upload.write(&vec![7; bytes]).await.unwrap();
    // The last answer to an upload in parts has no body, which is no matter here.
    upload.finish().await.ok();
    let heads = heads.lock().unwrap();
    heads.clone()
}

fn all_settings(config: &mut ArchiveConfig) {
    config.s3.encryption = S3Encryption::Kms;
    config.s3.kms_key_id = Some("alias/archive".to_owned());
    config.s3.storage_class = Some("STANDARD_IA".to_owned());
    config.s3.tags = vec!["team=platform".to_owned()];
}

const SETTINGS: [&str; 5] = [
    "x-amz-server-side-encryption: aws:kms\r\n",
    "x-amz-server-side-encryption-aws-kms-key-id: alias/archive\r\n",
    "x-amz-storage-class: standard_ia\r\n",
    "x-amz-tagging: team=platform\r\n",
    "content-type: application/gzip\r\n",
];

#[tokio::test]
async fn a_whole_object_goes_with_its_checksum_its_condition_and_every_setting() {
    let heads = written(all_settings, 100, Over::Nothing).await;
    let [put] = &heads[..] else { panic!("{heads:?}") };
    assert!(put.starts_with("put /telemetry/sessions/1970/01/01/s.jsonl.gz"), "{put}");
    for header in SETTINGS {
        assert!(put.contains(header), "{header:?} is not in {put}");
    }
    let format = format!("x-amz-meta-granary-format: {}\r\n", granary_archive::format::FORMAT_VERSION);
    assert!(put.contains(&format), "{put}");
    assert!(put.contains("x-amz-checksum-crc32c: ") && put.contains("if-none-match: *\r\n"), "{put}");

    let sha256 = written(|config| config.s3.checksum = S3Checksum::Sha256, 100, Over::Anything).await;
    assert!(sha256[0].contains("x-amz-checksum-sha256: ") && !sha256[0].contains("if-"), "{sha256:?}");
    for absent in ["x-amz-server-side", "x-amz-storage-class", "x-amz-tagging"] {
        assert!(!sha256[0].contains(absent), "{absent} was not asked for: {sha256:?}");
    }
}

#[tokio::test]
async fn an_object_in_parts_has_the_settings_from_its_beginning_and_the_condition_at_its_end() {
    let heads = written(all_settings, 9 << 20, Over::Nothing).await;
    let [create, first, second, complete, ..] = &heads[..] else { panic!("{heads:?}") };
    for header in SETTINGS {
        assert!(create.contains(header), "{header:?} is not in {create}");
    }
    assert!(create.contains("x-amz-checksum-algorithm: crc32c\r\n"), "{create}");
    for part in [first, second] {
        assert!(part.contains("uploadid=u1") && part.contains("x-amz-checksum-crc32c: "), "{part}");
    }
    assert!(complete.contains("if-none-match: *\r\n"), "{complete}");
}

#[tokio::test]
async fn a_store_that_knows_nothing_of_all_this_is_asked_for_none_of_it() {
    let plain = |config: &mut ArchiveConfig| {
        config.s3.checksum = S3Checksum::None;
        config.s3.conditional_writes = false;
    };
    let heads = written(plain, 100, Over::Nothing).await;
    assert!(!heads[0].contains("x-amz-checksum") && !heads[0].contains("if-none-match"), "{heads:?}");
}

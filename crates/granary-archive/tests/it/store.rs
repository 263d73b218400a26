//! Folder and S3 keep the same promises.
//!
//! The S3 tests run against a server in this process; against another one too where
//! `GRANARY_TEST_S3_ENDPOINT`, `GRANARY_TEST_S3_BUCKET`, `GRANARY_TEST_S3_KEY` and `GRANARY_TEST_S3_SECRET` say where.

use granary_archive::{ArchiveConfig, ObjectKey, S3Config, Store};
use granary_model::TenantId;
use granary_testkit::TestS3;

use crate::support::{TIME, folder_config};

fn key(name: &str) -> ObjectKey {
    ObjectKey::new(&TenantId::new("conformance/ tests"), name, TIME)
}

/// Bytes of which any two places differ.
fn noise(length: usize) -> Vec<u8> {
    (0..=length as u64 / 8)
        .flat_map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes())
        .take(length)
        .collect()
}

async fn put(store: &Store, key: &ObjectKey, bytes: &[u8]) {
    let mut upload = store.create(key).await.unwrap();
    for chunk in bytes.chunks(60_000) {
        upload.write(chunk).await.unwrap();
    }
    upload.finish().await.unwrap();
}

async fn get(store: &Store, key: &ObjectKey) -> Option<Vec<u8>> {
    let mut reader = store.read(key).await.unwrap()?;
    let mut bytes = Vec::new();
    while let Some(chunk) = reader.next_chunk().await.unwrap() {
        bytes.extend_from_slice(&chunk);
    }
    assert_eq!(reader.size_bytes(), bytes.len() as u64);
    Some(bytes)
}

/// What every store promises.
async fn conforms(store: &Store) {
    let small = key("small");
    assert_eq!(get(store, &small).await, None, "what was never written is not there");
    store.delete(&small).await.unwrap();

    put(store, &small, b"first").await;
    assert_eq!(get(store, &small).await.as_deref(), Some(&b"first"[..]));
    put(store, &small, b"second, and longer").await;
    assert_eq!(
        get(store, &small).await.as_deref(),
        Some(&b"second, and longer"[..]),
        "writing again replaces"
    );

    for length in [1 << 20, 8 << 20, 17_000_001] {
        let large = key(&format!("large-{length}"));
        let bytes = noise(length);
        put(store, &large, &bytes).await;
        assert!(get(store, &large).await.as_ref() == Some(&bytes), "{length} bytes come back");
        store.delete(&large).await.unwrap();
    }

    for length in [10, 9 << 20] {
        let mut given_up = store.create(&small).await.unwrap();
        given_up.write(&noise(length)).await.unwrap();
        given_up.abort().await;
        let mut dropped = store.create(&small).await.unwrap();
        dropped.write(&noise(length)).await.unwrap();
        drop(dropped);
    }
    assert_eq!(
        get(store, &small).await.as_deref(),
        Some(&b"second, and longer"[..]),
        "an upload that is not finished changes nothing"
    );

    let (one, other) = (noise(3 << 20), vec![7; 3 << 20]);
    put(store, &small, &one).await;
    let mut reader = store.read(&small).await.unwrap().unwrap();
    let mut read = reader.next_chunk().await.unwrap().unwrap().to_vec();
    put(store, &small, &other).await;
    loop {
        match reader.next_chunk().await {
            Ok(Some(chunk)) => read.extend_from_slice(&chunk),
            Ok(None) => break assert!(read == one, "a reader never sees two versions"),
            Err(error) => break assert!(error.is_transient(), "{error}"),
        }
    }

    store.delete(&small).await.unwrap();
    assert_eq!(get(store, &small).await, None);
    for hostile in ["..", ".", "", "a/b", "%", "漢"] {
        put(store, &key(hostile), hostile.as_bytes()).await;
    }
    for hostile in ["..", ".", "", "a/b", "%", "漢"] {
        assert_eq!(get(store, &key(hostile)).await.as_deref(), Some(hostile.as_bytes()));
        store.delete(&key(hostile)).await.unwrap();
    }
}

pub(crate) fn s3_config(server: &TestS3, prefix: &str) -> ArchiveConfig {
    ArchiveConfig {
        url: format!("s3://{}/{prefix}", server.bucket),
        s3: S3Config {
            endpoint: Some(server.endpoint.clone()),
            path_style: true,
            access_key_id: Some(server.access_key_id.clone()),
            secret_access_key: Some(server.secret_access_key.clone()),
            ..S3Config::default()
        },
        ..ArchiveConfig::default()
    }
}

#[tokio::test]
async fn a_folder_conforms() {
    let folder = tempfile::tempdir().unwrap();
    conforms(&Store::open(&folder_config(&folder)).await.unwrap()).await;
}

#[tokio::test]
async fn s3_conforms() {
    let server = granary_testkit::s3("conformance").await;
    conforms(&Store::open(&s3_config(&server, "")).await.unwrap()).await;
    conforms(&Store::open(&s3_config(&server, "a prefix/of/two/")).await.unwrap()).await;
}

#[tokio::test]
async fn another_s3_conforms_where_one_is_given() {
    #[expect(clippy::disallowed_methods, reason = "how a test is told of a server outside")]
    let variable = |name: &str| std::env::var(format!("GRANARY_TEST_S3_{name}")).ok();
    let (Some(endpoint), Some(bucket)) = (variable("ENDPOINT"), variable("BUCKET")) else { return };
    let config = ArchiveConfig {
        url: format!("s3://{bucket}/granary-conformance"),
        s3: S3Config {
            endpoint: Some(endpoint),
            path_style: true,
            access_key_id: variable("KEY"),
            secret_access_key: variable("SECRET"),
            ..S3Config::default()
        },
        ..ArchiveConfig::default()
    };
    conforms(&Store::open(&config).await.unwrap()).await;
}

#[tokio::test]
async fn a_session_is_archived_in_s3_and_read_back() {
    let server = granary_testkit::s3("sessions").await;
    let warehouse = granary_testkit::warehouse("in_s3").await;
    let archive = granary_archive::Archive::open(&s3_config(&server, "granary"), warehouse.owner.clone())
        .await
        .unwrap();
    let events = (0..50).map(|second| crate::support::event("s", second, 0)).collect();
    crate::support::store(&warehouse.owner, &crate::support::records(events)).await;
    let tenant = TenantId::default();
    let archived = archive.archive_session(&tenant, "s").await.unwrap();
    assert!(server.object_path(&format!("granary/{}", archived.key)).is_file());
    assert_eq!(archive.verify_session(&tenant, "s").await.unwrap(), archived);
    warehouse.owner.execute("TRUNCATE TABLE otel_logs").await.unwrap();
    let lines = futures::StreamExt::count(archive.read(&tenant, "s").await.unwrap()).await;
    assert_eq!(lines, 52);
}

/// The keys that a store lists, in order, and the names that are none.
async fn listed(store: &Store, prefix: &str) -> Vec<String> {
    let listed: Vec<_> = futures::TryStreamExt::try_collect(store.list(prefix)).await.unwrap();
    let name = |listed: granary_archive::ListedKey| {
        listed.map_or_else(|name| format!("not a key: {name}"), |key| key.to_string())
    };
    let mut names: Vec<String> = listed.into_iter().map(name).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_store_lists_what_it_has_and_tells_what_is_no_object() {
    let folder = tempfile::tempdir().unwrap();
    let server = granary_testkit::s3("listed").await;
    for config in [folder_config(&folder), s3_config(&server, ""), s3_config(&server, "below/this")] {
        let store = Store::open(&config).await.unwrap();
        assert!(listed(&store, "").await.is_empty());
        let tenants = ["default", "acme"];
        for tenant in tenants {
            for session in ["one", "two/../three"] {
                put(&store, &ObjectKey::new(&TenantId::new(tenant), session, TIME), b"x").await;
            }
        }
        let ours = ["sessions/2026/11/20/one.jsonl.gz", "sessions/2026/11/20/two%2F..%2Fthree.jsonl.gz"];
        let theirs = ours.map(|key| format!("tenants/acme/{key}"));
        assert_eq!(listed(&store, &ObjectKey::prefix_of(&TenantId::default())).await, ours);
        assert_eq!(listed(&store, &ObjectKey::prefix_of(&TenantId::new("acme"))).await, theirs);
        assert_eq!(listed(&store, "").await.len(), 4);
        for tenant in tenants {
            for session in ["one", "two/../three"] {
                store.delete(&ObjectKey::new(&TenantId::new(tenant), session, TIME)).await.unwrap();
            }
        }
    }
    std::fs::write(folder.path().join("sessions/README.txt"), "").unwrap();
    let store = Store::open(&folder_config(&folder)).await.unwrap();
    assert_eq!(listed(&store, "").await, ["not a key: sessions/README.txt"]);
}

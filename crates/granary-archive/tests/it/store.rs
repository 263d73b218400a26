//! What every store promises; `s3.rs` holds buckets to it.

use granary_archive::{ObjectKey, Over, Probed, Store, StoreError};
use granary_model::TenantId;

use crate::s3::s3_config;
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
    let mut upload = store.create(key, Over::Anything).await.unwrap();
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
pub(crate) async fn conforms(store: &Store) {
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
        let mut given_up = store.create(&small, Over::Anything).await.unwrap();
        given_up.write(&noise(length)).await.unwrap();
        given_up.abort().await;
        let mut dropped = store.create(&small, Over::Anything).await.unwrap();
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

    Box::pin(of_two_writers_one_writes(store, &small)).await;

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

/// A writer replaces what it has seen, and nothing else.
async fn of_two_writers_one_writes(store: &Store, key: &ObjectKey) {
    // Each way an upload goes: whole, and in parts.
    for length in [100, 9 << 20] {
        store.delete(key).await.unwrap();
        let write = async |over: Over, byte: u8| {
            let mut upload = store.create(key, over).await.unwrap();
            upload.write(&vec![byte; length]).await.unwrap();
            upload.finish().await
        };
        let refused = |result: Result<(), StoreError>| {
            assert!(matches!(result, Err(StoreError::Replaced { .. })), "{length}: {result:?}");
        };
        assert_eq!(store.version(key).await.unwrap(), None);
        write(Over::Nothing, 0).await.unwrap();
        let first = store.version(key).await.unwrap().unwrap();
        refused(write(Over::Nothing, 1).await);
        write(Over::This(first.clone()), 2).await.unwrap();
        refused(write(Over::This(first.clone()), 3).await);
        assert_eq!(get(store, key).await.unwrap()[0], 2);
        let (one, other) =
            tokio::join!(async { write(store.version(key).await.unwrap().into(), 4).await }, async {
                write(store.version(key).await.unwrap().into(), 5).await
            },);
        assert!(one.is_ok() || other.is_ok());
        store.delete(key).await.unwrap();
        refused(write(Over::This(first), 6).await);
        assert_eq!(get(store, key).await, None);
    }
}

#[tokio::test]
async fn a_folder_conforms() {
    let folder = tempfile::tempdir().unwrap();
    Box::pin(conforms(&Store::open(&folder_config(&folder)).await.unwrap())).await;
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

#[tokio::test]
async fn a_store_that_is_tried_out_says_what_it_does_and_keeps_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = granary_testkit::s3("probed").await;
    let mut careless = s3_config(&server, "");
    careless.s3.conditional_writes = false;
    for (config, refuses_second_writer) in
        [(folder_config(&folder), true), (s3_config(&server, ""), true), (careless, false)]
    {
        let store = Store::open(&config).await.unwrap();
        assert_eq!(store.probe().await.unwrap(), Probed { refuses_second_writer });
        assert!(listed(&store, "").await.is_empty());
    }
}

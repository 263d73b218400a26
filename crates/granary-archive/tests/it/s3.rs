//! Archives in a bucket.
//!
//! These tests run against a server in this process, and also against another one where `GRANARY_TEST_S3_ENDPOINT`,
//! `GRANARY_TEST_S3_BUCKET`, `GRANARY_TEST_S3_KEY` and `GRANARY_TEST_S3_SECRET` say where: MinIO, for one.

use futures::{StreamExt, TryStreamExt};
use granary_archive::{
    Archive, ArchiveConfig, ArchivedSession, AuditOptions, Over, S3Checksum, S3Config, S3Encryption, Store,
};
use granary_model::TenantId;
use granary_testkit::{TestS3, TestWarehouse};

use crate::store::conforms;
use crate::support::{SESSION, event, records, store, store_at, tenant};

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

/// The bucket in this process, and the one outside where there is one, each under a prefix of this test's own.
async fn buckets(test: &str) -> Vec<(ArchiveConfig, Option<TestS3>)> {
    let server = granary_testkit::s3(&test.replace('_', "-")).await;
    let mut buckets = vec![(s3_config(&server, "granary"), Some(server))];
    #[expect(clippy::disallowed_methods, reason = "how a test is told of a server outside")]
    let variable = |name: &str| std::env::var(format!("GRANARY_TEST_S3_{name}")).ok();
    if let (Some(endpoint), Some(bucket)) = (variable("ENDPOINT"), variable("BUCKET")) {
        let outside = ArchiveConfig {
            url: format!("s3://{bucket}/granary-tests/{test}-{}", uuid::Uuid::new_v4()),
            s3: S3Config {
                endpoint: Some(endpoint),
                path_style: true,
                access_key_id: variable("KEY"),
                secret_access_key: variable("SECRET"),
                ..S3Config::default()
            },
            ..ArchiveConfig::default()
        };
        buckets.push((outside, None));
    }
    buckets
}

async fn archive_of(config: &ArchiveConfig, warehouse: &TestWarehouse) -> Archive {
    Archive::open(config, warehouse.owner.clone()).await.unwrap()
}

async fn states(archive: &Archive) -> Vec<(String, &'static str)> {
    let audited = archive.audit(AuditOptions { sample: 1.0 });
    audited.map_ok(|audited| (audited.key, audited.state.name())).try_collect().await.unwrap()
}

async fn overwrite(store: &Store, archived: &ArchivedSession, bytes: &[u8]) {
    let mut upload = store.create(&archived.key, Over::Anything).await.unwrap();
    upload.write(bytes).await.unwrap();
    upload.finish().await.unwrap();
}

#[tokio::test]
async fn a_bucket_conforms() {
    for (config, _server) in buckets("conformance").await {
        Box::pin(conforms(&Store::open(&config).await.unwrap())).await;
        let whole = ArchiveConfig { url: format!("{}/of two/", config.url), ..config };
        Box::pin(conforms(&Store::open(&whole).await.unwrap())).await;
    }
}

#[tokio::test]
async fn a_session_is_archived_in_a_bucket_and_read_back() {
    for (config, server) in buckets("sessions").await {
        let warehouse = granary_testkit::warehouse("in_s3").await;
        let archive = archive_of(&config, &warehouse).await;
        let events = (0..50).map(|second| event("s", second, 0)).collect();
        store(&warehouse.owner, &records(events)).await;
        let archived = archive.archive_session(&tenant(), "s").await.unwrap();
        if let Some(server) = server.as_ref() {
            assert!(server.object_path(&format!("granary/{}", archived.key)).is_file());
        }
        assert_eq!(archive.verify_session(&tenant(), "s").await.unwrap(), archived);
        warehouse.owner.execute("TRUNCATE TABLE otel_logs").await.unwrap();
        let lines = archive.read(&tenant(), "s").await.unwrap().count().await;
        assert_eq!(lines, 52);
    }
}

#[tokio::test]
async fn every_setting_of_an_upload_is_taken() {
    for (mut config, server) in buckets("settings").await {
        config.s3.checksum = S3Checksum::Sha256;
        config.s3.tags = vec!["team=plat form".to_owned(), "kind=archive".to_owned()];
        // Servers other than AWS know one class, and no keys of the management service.
        config.s3.storage_class = Some("STANDARD".to_owned());
        if server.is_some() {
            config.s3.encryption = S3Encryption::S3;
        }
        let opened = Store::open(&config).await.unwrap();
        for (name, length) in [("whole", 100), ("in parts", 9 << 20)] {
            let key = granary_archive::ObjectKey::new(&TenantId::default(), name, 0);
            let mut upload = opened.create(&key, Over::Nothing).await.unwrap();
            upload.write(&vec![7; length]).await.unwrap();
            upload.finish().await.unwrap();
            assert_eq!(opened.read(&key).await.unwrap().unwrap().size_bytes(), length as u64);
            opened.delete(&key).await.unwrap();
        }
    }
}

#[tokio::test]
async fn what_is_missing_extra_or_damaged_in_a_bucket_is_found() {
    for (config, _server) in buckets("audit").await {
        let warehouse = granary_testkit::warehouse("audit_s3").await;
        let archive = archive_of(&config, &warehouse).await;
        let names = ["cut", "gone", "moved", "sound", "swapped"];
        store(&warehouse.owner, &records(names.map(|name| event(name, 0, 0)).to_vec())).await;
        let mut archived = Vec::new();
        for name in names {
            archived.push(archive.archive_session(&tenant(), name).await.unwrap());
        }
        let objects = Store::open(&config).await.unwrap();
        assert!(states(&archive).await.iter().all(|(_, state)| *state == "sound"));

        let mut sound = objects.read(&archived[3].key).await.unwrap().unwrap();
        let sound = sound.next_chunk().await.unwrap().unwrap();
        overwrite(&objects, &archived[0], &sound[..sound.len() - 1]).await;
        objects.delete(&archived[1].key).await.unwrap();
        warehouse
            .owner
            .execute(
                "ALTER TABLE session_archives DELETE WHERE SessionId = 'moved' SETTINGS mutations_sync = 1",
            )
            .await
            .unwrap();
        // The length is right, and a byte in the middle is not.
        let mut swapped = objects.read(&archived[4].key).await.unwrap().unwrap();
        let mut swapped = swapped.next_chunk().await.unwrap().unwrap().to_vec();
        let middle = swapped.len() / 2;
        swapped[middle] ^= 0x10;
        overwrite(&objects, &archived[4], &swapped).await;

        let expected = ["damaged", "missing", "extra", "sound", "damaged"];
        let keys = archived.iter().map(|one| one.key.to_string());
        let expected: Vec<_> = keys.zip(expected).collect();
        assert_eq!(states(&archive).await, expected);
    }
}

#[tokio::test]
async fn a_late_event_replaces_the_object_in_a_bucket() {
    for (config, _server) in buckets("late").await {
        let warehouse = granary_testkit::warehouse("late_s3").await;
        let archive = archive_of(&config, &warehouse).await;
        store(&warehouse.owner, &records(vec![event(SESSION, 0, 0)])).await;
        let first = archive.archive_session(&tenant(), SESSION).await.unwrap();
        let late = crate::support::INGESTED_MS + 1;
        store_at(&warehouse.owner, "default", late, &records(vec![event(SESSION, 1, 1)])).await;
        let second = archive.archive_session(&tenant(), SESSION).await.unwrap();
        assert_eq!((first.contents.logs, second.contents.logs), (1, 2));
        assert_eq!(first.key, second.key);
        assert_eq!(archive.verify_session(&tenant(), SESSION).await.unwrap(), second);
    }
}

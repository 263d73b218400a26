//! What an operator sees of the archiving role.

use std::time::Duration;

use granary_archive::{Archive, ArchiveConfig};
use granary_service::metrics::Registry;
use granary_testkit::{metrics_documented, metrics_told};
use tokio_util::sync::CancellationToken;

use crate::support::{Fixture, INGESTED_MS, event, folder_config, records, store};

/// The value of a metric.
fn value(text: &str, metric: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(metric)?.strip_prefix(' ')?.parse().ok())
}

/// Waits until the metrics are so, and gives them back.
async fn until(registry: &Registry, holds: impl Fn(&dyn Fn(&str) -> u64) -> bool) -> String {
    let come_about = async {
        loop {
            let text = registry.encode();
            // Before the role has begun there are none.
            if holds(&|metric| value(&text, metric).unwrap_or_default()) {
                return text;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), come_about).await.expect("it comes about")
}

#[tokio::test]
async fn sessions_are_counted_by_what_became_of_them_and_one_that_waits_says_since_when() {
    let fixture = Fixture::new("metrics").await;
    let owner = &fixture.warehouse.owner;
    store(owner, &records(vec![event("good", 0, 0), event("good", 1, 1), event("stuck", 0, 0)])).await;
    // Where its object should be, a folder is.
    let in_the_way = fixture.folder.path().join("sessions/2026/11/20/stuck.jsonl.gz/folder");
    std::fs::create_dir_all(&in_the_way).unwrap();

    let config = ArchiveConfig { interval: Duration::from_millis(20), ..folder_config(&fixture.folder) };
    let archive = Archive::open(&config, owner.clone()).await.unwrap();
    let (registry, stop) = (Registry::default(), CancellationToken::new());
    let role = tokio::spawn({
        let (registry, stop) = (registry.clone(), stop.clone());
        async move { archive.run(&registry, stop).await }
    });
    let (archived, failed) = (
        "granary_archive_sessions_total{outcome=\"archived\"}",
        "granary_archive_sessions_total{outcome=\"failed\"}",
    );
    let text =
        until(&registry, |value| value(failed) >= 2 && value("granary_archive_passes_total") >= 3).await;
    let of = |metric: &str| value(&text, metric).unwrap();
    assert_eq!((of(archived), of("granary_archive_records_total")), (1, 2));
    let [object] = fixture.objects().try_into().unwrap();
    assert_eq!(of("granary_archive_compressed_bytes_total"), object.metadata().unwrap().len());
    assert!(of("granary_archive_uncompressed_bytes_total") > of("granary_archive_compressed_bytes_total"));
    assert_eq!(of("granary_archive_due_sessions"), 1);
    let quiet_since = INGESTED_MS.unsigned_abs() / 1_000 + config.quiet.as_secs();
    assert_eq!(of("granary_archive_due_since_timestamp_seconds"), quiet_since);
    assert_eq!(of("granary_archive_failures_total{step=\"find\"}"), 0);

    std::fs::remove_dir_all(in_the_way.parent().unwrap()).unwrap();
    let none_due = ["granary_archive_due_sessions", "granary_archive_due_since_timestamp_seconds"];
    until(&registry, |value| value(archived) == 2 && none_due.iter().all(|metric| value(metric) == 0)).await;
    stop.cancel();
    role.await.unwrap();
}

#[tokio::test]
async fn the_documentation_names_what_is_told() {
    let fixture = Fixture::new("metrics_documented").await;
    let (registry, stop) = (Registry::default(), CancellationToken::new());
    stop.cancel();
    fixture.archive.run(&registry, stop).await;
    assert_eq!(metrics_told(&registry.encode()), metrics_documented(include_str!("../../src/metrics.rs")));
}
